/// When a point was measured.
struct PointTime {
    /// Unix nanoseconds; 0 for unknown, which a start at or after the point counts as.
    let start: UInt64
    /// Unix nanoseconds; 0 for unknown.
    let time: UInt64
    /// When it came, as in `Stream.heardAt`.
    let heardAt: UInt32
    /// The point says that there is no value any more.
    let hasNoValue: Bool

    init(start: UInt64, time: UInt64, heardAt: UInt32, hasNoValue: Bool) {
        self.start = time != 0 && start >= time ? 0 : start
        self.time = time
        self.heardAt = heardAt
        self.hasNoValue = hasNoValue
    }
}

/// The earlier of two starts in Unix nanoseconds. Of an unknown one, 0, nothing can be said.
func earlierStart(_ left: UInt64, _ right: UInt64) -> UInt64 {
    left == 0 || right == 0 ? max(left, right) : min(left, right)
}

/// Tenths of a second of any clock, wrapping around after 13 years.
func tenths(_ nanoseconds: UInt64) -> UInt32 {
    UInt32(truncatingIfNeeded: nanoseconds / 100_000_000)
}

/// What a delta's place in time says about the stream.
struct DeltaGaps {
    /// Stretches of time that no delta has covered yet; a late one may.
    private var open: [(start: UInt64, end: UInt64)] = []
    private static let capacity = 64

    mutating func add(_ start: UInt64, _ end: UInt64) {
        guard start < end else { return }
        if open.count == Self.capacity { open.removeFirst() }
        open.append((start, end))
    }

    /// Whether a late delta lies in a stretch that was open; it is then covered.
    mutating func cover(_ start: UInt64, _ end: UInt64) -> Bool {
        for index in open.indices where open[index].start <= start && end <= open[index].end {
            let gap = open.remove(at: index)
            add(gap.start, start)
            add(end, gap.end)
            return true
        }
        return false
    }
}
