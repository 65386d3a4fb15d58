import Synchronization

/// One who reads a queue at its own pace. Made by the queue, known by name.
public final class QueueCursor: Sendable {
    public let name: String
    /// Held while it reads: one call of `next` at a time.
    let reader = Mutex(ReaderPlace())

    init(name: String) { self.name = name }
}

/// Where a cursor reads on.
struct ReaderPlace: Sendable {
    /// 0 before the first one.
    var segment: UInt64 = 0
    var offset = SegmentFormat.start
    /// Of the record before it in this segment: heads with lower numbers are not believed.
    var last: UInt64 = 0
    var file: QueueFile?
    var failures = ReadFailures()
    /// Why the rest of the segment is in no quarantine, once it has been given up.
    var unsaved: String?
}

/// What the queue knows of a cursor.
struct CursorState: Sendable {
    /// A record that was handed out, until it and most of those around it are released.
    struct HandedOut: Sendable {
        enum Status {
            case out
            /// Forgotten by a reader that was rewound, and to be handed out again.
            case again
            case released
        }

        let sequence: UInt64
        let segment: UInt64
        let offset: Int
        let timeUnixNano: UInt64
        let counts: QueueCounts
        var status = Status.out
    }

    let handle: QueueCursor
    var isConfigured: Bool
    /// Handed out or not read.
    var waiting = QueueCounts()
    /// The first sequence number that was not handed out.
    var readNext: UInt64
    /// Ascending; those before `firstOut` are done with.
    private var out: [HandedOut] = []
    /// Until everything that was handed out before a `rewind` has been read again.
    var isRewound = false
    private var firstOut = 0
    /// Of those in `out`, how many are not released.
    private var heldCount = 0

    init(handle: QueueCursor, isConfigured: Bool, readNext: UInt64) {
        self.handle = handle
        self.isConfigured = isConfigured
        self.readNext = readNext
    }

    /// The first record that was not released.
    var position: UInt64 { firstOut < out.count ? out[firstOut].sequence : readNext }

    var oldestHandedOut: HandedOut? { firstOut < out.count ? out[firstOut] : nil }

    /// More at once would be memory without bound.
    var hasRoom: Bool { heldCount < 65_536 }

    /// Oldest first.
    var allHandedOut: ArraySlice<HandedOut> { out[firstOut...] }

    /// Handed out of segment `id`, and not released.
    func handedOut(of id: UInt64) -> QueueCounts {
        var counts = QueueCounts()
        for entry in out[firstOut...] where entry.segment == id && entry.status == .out {
            counts += entry.counts
        }
        return counts
    }

    /// Notes `entry`; false when it was released before a `rewind`, so that nobody wants it.
    mutating func handOut(_ entry: HandedOut) -> Bool {
        if entry.sequence < readNext {
            guard let index = index(of: entry.sequence) else { return false }
            guard out[index].status == .again else { return false }
            out[index].status = .out
            return true
        }
        readNext = entry.sequence + 1
        isRewound = false
        out.append(entry)
        heldCount += 1
        return true
    }

    /// Goes on behind a record that is not handed out.
    mutating func skip(_ sequence: UInt64) { readNext = max(readNext, sequence + 1) }

    /// Answers what was released; nil when it was before, or never handed out.
    mutating func release(_ sequence: UInt64) -> HandedOut? {
        guard let index = index(of: sequence), out[index].status != .released
        else { return nil }
        out[index].status = .released
        heldCount -= 1
        let entry = out[index]
        forgetReleased()
        return entry
    }

    private mutating func forgetReleased() {
        while firstOut < out.count, out[firstOut].status == .released { firstOut += 1 }
        if firstOut == out.count {
            out.removeAll(keepingCapacity: true)
            firstOut = 0
        } else if firstOut >= 64, firstOut * 2 >= out.count {
            out.removeFirst(firstOut)
            firstOut = 0
        }
        // Behind one that is never released, the others must not pile up.
        guard out.count - firstOut >= 2 * heldCount + 64 else { return }
        out = out[firstOut...].filter { $0.status != .released }
        firstOut = 0
    }

    /// Everything that is out is to be handed out again.
    mutating func rewind() {
        for index in out.indices[firstOut...] where out[index].status == .out {
            out[index].status = .again
        }
        isRewound = true
    }

    /// Nothing more will be read from segment `id`: what was to be handed out again of it is gone.
    mutating func give(up id: UInt64) {
        guard isRewound else { return }
        for index in out.indices[firstOut...]
        where out[index].segment == id && out[index].status == .again {
            out[index].status = .released
            heldCount -= 1
        }
        forgetReleased()
    }

    /// Those that were handed out and not released, up to `sequence`.
    func sequences(through sequence: UInt64) -> [UInt64] {
        out[firstOut...].prefix { $0.sequence <= sequence }
            .filter { $0.status == .out }
            .map(\.sequence)
    }

    private func index(of sequence: UInt64) -> Int? {
        var (low, high) = (firstOut, out.count)
        while low < high {
            let middle = (low + high) / 2
            if out[middle].sequence < sequence { low = middle + 1 } else { high = middle }
        }
        return low < out.count && out[low].sequence == sequence ? low : nil
    }
}
