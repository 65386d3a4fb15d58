import RoostCore

/// A record that waits for the disk.
struct PendingRecord: Sendable {
    let record: QueueRecord
    let timeUnixNano: UInt64
    /// Readers wait for `confirm` or `withdraw`.
    let isHeld: Bool
    /// The oldest segments go when there is no room for it.
    let makesRoom: Bool
    /// When it was appended, by `monotonicNanoseconds()`.
    let startedAt: UInt64
    let done: @Sendable (Result<UInt64, AppendRefusal>) -> Void

    var totalBytes: Int { RecordHead.bytes + record.bytes }
}

/// A record that is in a segment file.
struct WrittenRecord: Sendable {
    let pending: PendingRecord
    let sequence: UInt64
    let segment: UInt64
    let salt: UInt64
    let offset: Int

    var end: Int { offset + pending.totalBytes }

    var counts: QueueCounts {
        QueueCounts(
            signal: pending.record.signal, items: pending.record.items, bytes: pending.totalBytes)
    }
}

/// What is known of a segment file.
struct SegmentInfo: Sendable {
    let id: UInt64
    let salt: UInt64
    /// Where readable records end.
    var end: Int
    /// Behind that, what the disk did not give when the queue was opened.
    var unreadBytes = 0
    /// Of its first record.
    var timeUnixNano: UInt64
    /// By cursor, in the order of `LogState.cursors`: what was not released.
    var waiting: [QueueCounts]
    /// Where damaged records begin that `waiting` leaves out.
    var damaged: Set<Int> = []
    /// From here on it leaves out every damaged record that was met when the queue was opened.
    var damagedFrom = Int.max
    /// The disk does not give all of it: its file goes to quarantine when everybody is done with it.
    var isUnreadable = false

    var fileBytes: Int { end + unreadBytes }

    var isDrained: Bool { waiting.allSatisfy { $0.records <= 0 } }
}

/// What is to become of files that nobody needs.
struct DrainedSegments: Sendable {
    var removals: [UInt64] = []
    /// To be removed, or to be segments again: nobody reads them any more.
    var reusable: [UInt64] = []
    /// To be cut behind the header.
    var emptied: [UInt64] = []
    /// To be moved to quarantine.
    var unreadable: [UnreadableFile] = []
    /// To be saved before.
    var positions: [CursorFile.Position]?

    var isEmpty: Bool {
        removals.isEmpty && reusable.isEmpty && emptied.isEmpty && unreadable.isEmpty
    }
}

/// The file of a segment that the disk does not give all of, and nobody waits for.
struct UnreadableFile: Sendable {
    let id: UInt64
    let bytes: Int
    /// A file with its header is to be there in its place.
    var leavesStub: Bool
}

/// Everything about a queue that its threads share.
///
///     segments   [ 1 ][ 812 ][ 1630 ……
///     cursor a             ^ position      ^ reader
///                          released | handed out | not read
struct LogState: Sendable {
    var limitBytes: Int
    let hotBytes: Int
    /// By `id`.
    var segments: [SegmentInfo] = []
    /// The one that is written to; 0 when there is none.
    var activeID: UInt64 = 0
    var cursors: [CursorState] = []
    var fileBytes = 0
    /// Of files that could not be moved to quarantine: nobody waits for them, and they are there.
    var strandedBytes = 0
    /// Of the last record that can be read, or could once.
    var lastSequence: UInt64 = 0

    var pending: [PendingRecord] = []
    /// Of `pending`, and of what the commit thread has taken and not published.
    var waitingBytes = 0
    var waitingRecords = 0
    var reservedBytes = 0
    var isClosing = false

    /// Segments that nobody needs, for the commit thread to delete, or to cut down to stubs.
    private var drained = DrainedSegments()
    /// Files of which only the header is left: nobody needs what was in it and in those up to the
    /// next segment. They are there so that opening does not miss these.
    var stubs: Set<UInt64> = []
    var wantsRoll = false
    var cursorsChanged = false
    /// The commit thread looks after nothing unless it is woken.
    var isResting = false

    /// The newest records, ascending.
    var hot = RecentRecords()
    /// What readers must not see yet, or not at all.
    var holds = HeldRecords()

    var appended = QueueCounts()
    var commits = 0
    var commitTimes = QueueTimes()
    var syncs = 0
    var syncFailures = 0
    var writeFailures = 0
    var lastFailure: String?
    /// Why nothing can be appended; nil while that is possible.
    var appendFailure: AppendRefusal?
    var damagedPlaces = 0
    var damagedBytes = 0
    var readFailures = 0

    init(limitBytes: Int, hotBytes: Int) {
        self.limitBytes = limitBytes
        self.hotBytes = hotBytes
    }

    func index(ofSegment id: UInt64) -> Int? {
        let index = firstSegment(notBefore: id)
        return index < segments.count && segments[index].id == id ? index : nil
    }

    /// The index of the first segment whose id is at least `id`.
    func firstSegment(notBefore id: UInt64) -> Int {
        var (low, high) = (0, segments.count)
        while low < high {
            let middle = (low + high) / 2
            if segments[middle].id < id { low = middle + 1 } else { high = middle }
        }
        return low
    }

    func index(of cursor: QueueCursor) -> Int? { cursors.firstIndex { $0.handle === cursor } }

    // MARK: appending

    static func longestPayload(limitBytes: Int) -> Int {
        max(0, min(limitBytes - SegmentFormat.start - RecordHead.bytes, Int(UInt32.max)))
    }

    /// Whether `bytes` of payload can be taken, of which `reserved` were promised already.
    mutating func refusal(
        _ bytes: Int, reserved: Int, waitingLimit: Int, makesRoom: Bool = false
    ) -> AppendRefusal? {
        if isClosing { return .closed }
        let most = Self.longestPayload(limitBytes: limitBytes)
        guard bytes <= most else { return .tooLarge(limit: most) }
        let total = bytes + RecordHead.bytes
        guard pending.isEmpty || waitingBytes + total <= waitingLimit else { return .busy }
        if makesRoom { return nil }
        let used = takenBytes + waitingBytes + reservedBytes - reserved
        let excess = used + total + SegmentFormat.start - limitBytes
        if excess <= 0 { return nil }
        // What is left of the segment in use may be all that is in the way: it goes first.
        guard let active = segments.last, active.id == activeID, active.isDrained,
            waitingRecords == 0, excess <= active.end
        else { return .full }
        wantsRoll = true
        return nil
    }

    /// What the commit thread is to write next.
    mutating func takePending() -> [PendingRecord] {
        // Not before the segment in use is ended, when room was promised on that condition.
        guard !wantsRoll else { return [] }
        let taken = pending
        pending = []
        return taken
    }

    /// Makes records readable that are where they should be.
    mutating func publish(_ written: [WrittenRecord]) {
        for record in written {
            let counts = record.counts
            if segments.last?.id != record.segment {
                // Numbers before the first segment were never acknowledged.
                if segments.isEmpty { cursorsChanged = true }
                segments.append(
                    SegmentInfo(
                        id: record.segment, salt: record.salt, end: SegmentFormat.start,
                        timeUnixNano: record.pending.timeUnixNano,
                        waiting: Array(repeating: QueueCounts(), count: cursors.count)))
                fileBytes += SegmentFormat.start
            }
            let index = segments.count - 1
            fileBytes += record.end - segments[index].end
            segments[index].end = record.end
            for cursor in cursors.indices {
                segments[index].waiting[cursor] += counts
                cursors[cursor].waiting += counts
            }
            appended += counts
            lastSequence = record.sequence
            if record.pending.isHeld { holds.add(record) }
            if hotBytes > 0 { hot.add(record, limitBytes: hotBytes) }
        }
        forget(written.map(\.pending))
        forgetReadRecords()
    }

    /// Takes out of the account what waited for the disk.
    mutating func forget(_ records: [PendingRecord]) {
        for record in records { waitingBytes -= record.totalBytes }
        waitingRecords -= records.count
    }

    // MARK: space

    /// Of the files that the queue's size is for.
    var takenBytes: Int { fileBytes + strandedBytes }

    /// Takes out segments that every cursor has done with. The first of those behind one that is
    /// still needed leaves a stub.
    mutating func collectDrained() {
        guard segments.contains(where: { $0.isDrained && $0.id != activeID }) else { return }
        var kept: [SegmentInfo] = []
        var hasStub = false
        for segment in segments {
            if let last = kept.last, !hasStub {
                hasStub = stubs.contains { $0 > last.id && $0 < segment.id }
            }
            guard segment.isDrained, segment.id != activeID else {
                kept.append(segment)
                hasStub = false
                continue
            }
            fileBytes -= segment.fileBytes
            let leavesStub = !kept.isEmpty && !hasStub
            if leavesStub {
                stubs.insert(segment.id)
                hasStub = true
            }
            if segment.isUnreadable {
                giveAway(segment, leavesStub: leavesStub)
            } else if leavesStub {
                drained.emptied.append(segment.id)
            } else {
                drained.reusable.append(segment.id)
            }
        }
        segments = kept
        cursorsChanged = true
        dropStubs()
    }

    private mutating func giveAway(_ segment: SegmentInfo, leavesStub: Bool) {
        drained.unreadable.append(
            UnreadableFile(id: segment.id, bytes: segment.fileBytes, leavesStub: leavesStub))
    }

    /// Those with no segment before them: cursors do not point there.
    private mutating func dropStubs() {
        guard !stubs.isEmpty else { return }
        let first = segments.first?.id ?? .max
        drained.removals += stubs.filter { $0 < first }
        stubs = stubs.filter { $0 > first }
    }

    /// Whether there are files to give back.
    var hasDrained: Bool { !drained.isEmpty }

    /// What the commit thread is to do; with where the cursors are then, when it is to delete.
    mutating func takeDrained() -> DrainedSegments {
        defer { drained = DrainedSegments() }
        guard
            !drained.removals.isEmpty || !drained.reusable.isEmpty || !drained.unreadable.isEmpty
        else { return drained }
        drained.positions = positions
        cursorsChanged = false
        return drained
    }

    /// Gives up the oldest segments; see `SegmentLog.evict`.
    mutating func evict(untilBytes target: Int) -> [QueueCounts] {
        var lost = cursors.map { _ in QueueCounts() }
        collectDrained()
        while takenBytes > target, let oldest = segments.first, oldest.id != activeID {
            // What nobody has decided about stays.
            let next = segments.count > 1 ? segments[1].id : lastSequence + 1
            guard next <= holds.limit else { break }
            for index in cursors.indices {
                var counts = oldest.waiting[index]
                counts -= cursors[index].handedOut(of: oldest.id)
                cursors[index].waiting -= counts
                cursors[index].give(up: oldest.id)
                lost[index] += counts
            }
            hot.remove(segment: oldest.id)
            fileBytes -= oldest.fileBytes
            if oldest.isUnreadable {
                giveAway(oldest, leavesStub: false)
            } else {
                drained.removals.append(oldest.id)
            }
            segments.removeFirst()
        }
        dropStubs()
        if takenBytes > target, !segments.isEmpty { wantsRoll = true }
        cursorsChanged = true
        return lost
    }

    /// Nobody will read these from memory.
    mutating func forgetReadRecords() {
        guard let slowest = cursors.lazy.filter(\.isConfigured).map(\.readNext).min() else {
            hot = RecentRecords()
            return
        }
        hot.remove(before: slowest)
        holds.forgetWithdrawn(before: slowest)
    }

    // MARK: held records

    /// Takes records that nobody is to get off every account.
    mutating func withdraw(_ sequences: some Sequence<UInt64>) {
        for sequence in sequences {
            guard let record = holds.withdraw(sequence),
                let segment = index(ofSegment: record.segment)
            else { continue }
            for cursor in cursors.indices where cursors[cursor].readNext <= sequence {
                segments[segment].waiting[cursor] -= record.counts
                cursors[cursor].waiting -= record.counts
            }
        }
        collectDrained()
        forgetReadRecords()
    }

    /// Not before the first segment: what was there is done with, or given up.
    var positions: [CursorFile.Position] {
        let first = segments.first?.id ?? 0
        return cursors.map {
            CursorFile.Position(name: $0.handle.name, sequence: max($0.position, first))
        }
    }
}
