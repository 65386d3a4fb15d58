/// Which cumulative streams have left their total in a series and are not remembered any more.
///
/// One that comes back tells that total again. It began when it did before, so a stream that began
/// after all of these is none of them.
struct Forgotten {
    /// Unix nanoseconds.
    private var latestStart: UInt64 = 0
    private var hasUnknownStart = false

    mutating func add(start: UInt64) {
        if start == 0 { hasUnknownStart = true }
        latestStart = max(latestStart, start)
    }

    /// Whether a stream that began at `start`, 0 for unknown, may be one of them.
    func mayHold(start: UInt64) -> Bool { start == 0 ? hasUnknownStart : start <= latestStart }
}
