import RoostCore
import Synchronization

/// What the threads of a queue share.
final class LogShared: Sendable {
    private let current: Mutex<SegmentLogSettings>
    let quarantine: Quarantine
    let state: Mutex<LogState>
    let wake = WakeUp()
    let onCommit: @Sendable () -> Void
    let onEvict: @Sendable (QueueEviction) -> Void

    init(
        _ settings: SegmentLogSettings, quarantine: Quarantine, state: LogState,
        onCommit: @escaping @Sendable () -> Void,
        onEvict: @escaping @Sendable (QueueEviction) -> Void
    ) {
        self.onEvict = onEvict
        current = Mutex(settings)
        self.quarantine = quarantine
        self.state = Mutex(state)
        self.onCommit = onCommit
    }

    var settings: SegmentLogSettings { current.withLock { $0 } }

    func use(_ settings: SegmentLogSettings) { current.withLock { $0 = settings } }

    func note(_ fault: QueueFault) { state.withLock { $0.lastFailure = fault.description } }
}

/// A durable queue: payloads appended to segment files, read by several cursors each at its own
/// pace, deleted when all have released them. docs/queue.md.
///
/// One thread writes; whatever waits while it waits for the disk becomes durable together. Any
/// thread may call anything. The folder must be nobody else's: a lock on it is the caller's.
public final class SegmentLog: Sendable {
    public var settings: SegmentLogSettings { shared.settings }
    /// What `open` found.
    public let recovery: QueueRecovery
    let shared: LogShared
    private let thread: NamedThread?

    /// Opens the queue in `settings.path`, or makes one, and starts its thread.
    ///
    /// `onCommit` is called on that thread when there is something new to read, `onEvict` when
    /// records that make room have put out others, before they are kept.
    public static func open(
        _ settings: SegmentLogSettings, onCommit: @escaping @Sendable () -> Void = {},
        onEvict: @escaping @Sendable (QueueEviction) -> Void = { _ in }
    ) throws(QueueOpenError) -> SegmentLog {
        let opened = try LogOpening.open(settings)
        let shared = LogShared(
            settings, quarantine: opened.quarantine, state: opened.state, onCommit: onCommit,
            onEvict: onEvict)
        let log = SegmentLog(shared, opened)
        guard log.thread != nil else {
            throw .failed("the queue in \(settings.path) got no thread from the system")
        }
        return log
    }

    /// Makes the folder of a queue, and those above it.
    public static func makeFolder(_ path: String) throws(QueueFault) {
        try QueueFolder.make(path)
    }

    /// The longest payload that the empty queue takes.
    public var longestPayload: Int {
        LogState.longestPayload(limitBytes: settings.limitBytes)
    }

    private init(_ shared: LogShared, _ opened: LogOpening) {
        recovery = opened.recovery
        self.shared = shared
        let nextSequence = opened.nextSequence
        let cursorFile = opened.cursorFile
        let before = opened.before
        thread = NamedThread("queue") {
            Committer(
                shared, cursorFile: cursorFile, nextSequence: nextSequence, after: before
            ).run()
        }
    }

    /// Takes over another size, way of syncing and bound on what waits. A queue that holds more than
    /// its new size is full.
    public func use(
        limitBytes: Int, sync: QueueSync, gather: Duration, waitingBytes: Int
    ) {
        var settings = shared.settings
        settings.limitBytes = limitBytes
        settings.sync = sync
        settings.gather = gather
        settings.waitingBytes = waitingBytes
        shared.use(settings)
        shared.state.withLock { $0.limitBytes = limitBytes }
        shared.wake.signal()
    }

    /// Commits what waits, makes everything durable and ends the thread. Whatever is appended from
    /// now on is refused. The first call returns when all is done; not from a callback. Without it
    /// the thread stays.
    public func close() {
        let isFirst = shared.state.withLock { state in
            defer { state.isClosing = true }
            return !state.isClosing
        }
        guard isFirst else { return }
        shared.wake.signal()
        thread?.join()
    }

    // MARK: appending

    /// Sets room for a payload of `bytes` aside, until `append` with it as `reserved` or `giveBack`.
    /// Nil when there is room. While the disk takes nothing, there is none: the queue tries it once
    /// a second.
    public func reserve(_ bytes: Int) -> AppendRefusal? {
        let waitingLimit = settings.waitingBytes
        let refusal = shared.state.withLock { state -> AppendRefusal? in
            if let failure = state.appendFailure { return failure }
            if let refusal = state.refusal(
                bytes, reserved: 0, waitingLimit: waitingLimit)
            {
                return refusal
            }
            state.reservedBytes += bytes + RecordHead.bytes
            return nil
        }
        if refusal == .full { shared.wake.signal() }
        return refusal
    }

    /// Gives back what `reserve` set aside for a payload of `bytes`.
    public func giveBack(_ bytes: Int) {
        shared.state.withLock { $0.reservedBytes -= bytes + RecordHead.bytes }
    }

    /// Takes a record, and calls `then` on the queue's thread when it is kept as `settings.sync`
    /// says, or is not; `then` must be short. A refusal is answered at once, without `then`.
    ///
    /// `reserved` is what was given to `reserve` for it, at least its length; then it is not
    /// refused for want of room in the queue. With `makesRoom` the oldest segments are given up when
    /// there is none, as by `evict`.
    ///
    /// What `isHeld` is read by nobody before `confirm`, nor is anything that comes after it.
    public func append(
        _ record: QueueRecord, reserved: Int? = nil, isHeld: Bool = false,
        makesRoom: Bool = false,
        then: @escaping @Sendable (Result<UInt64, AppendRefusal>) -> Void
    ) -> AppendRefusal? {
        let pending = PendingRecord(
            record: record, timeUnixNano: unixNanoseconds(), isHeld: isHeld,
            makesRoom: makesRoom, startedAt: monotonicNanoseconds(), done: then)
        let held = reserved.map { $0 + RecordHead.bytes } ?? 0
        let waitingLimit = settings.waitingBytes
        let (refusal, isFirst) = shared.state.withLock { state -> (AppendRefusal?, Bool) in
            let refusal = state.refusal(
                record.bytes, reserved: held, waitingLimit: waitingLimit,
                makesRoom: makesRoom)
            state.reservedBytes -= held
            if let refusal { return (refusal, false) }
            state.pending.append(pending)
            state.waitingBytes += pending.totalBytes
            state.waitingRecords += 1
            return (nil, state.pending.count == 1)
        }
        if isFirst || refusal == .full { shared.wake.signal() }
        return refusal
    }

    /// Lets readers have records that were held.
    public func confirm(_ sequences: some Sequence<UInt64>) {
        shared.state.withLock { state in for sequence in sequences { state.holds.end(sequence) } }
    }

    /// Takes records that were held back: nobody gets them, unless the process is killed before
    /// their segment is done with.
    public func withdraw(_ sequences: some Sequence<UInt64>) {
        shared.state.withLock { $0.withdraw(sequences) }
        shared.wake.signal()
    }

    /// Gives up the oldest records, by whole segments, until the files take at most `bytes`; answers
    /// what each cursor lost of what was not handed out to it. What was handed out stays with it
    /// until it is released, and is lost if the process ends before.
    ///
    /// The segment that is written to is never given up: it is ended, so that a later call can.
    public func evict(untilBytes bytes: Int) -> [(cursor: String, lost: QueueCounts)] {
        let lost = shared.state.withLock { state in
            zip(state.cursors.map(\.handle.name), state.evict(untilBytes: bytes)).map {
                (cursor: $0.0, lost: $0.1)
            }
        }
        shared.wake.signal()
        return lost
    }

    // MARK: cursors

    /// The cursor of that name, if there is one.
    public func cursor(_ name: String) -> QueueCursor? {
        shared.state.withLock { $0.cursors.first { $0.handle.name == name }?.handle }
    }

    /// The cursor of that name. One that is new reads what comes from now on; one that the folder
    /// knows goes on where it was. Nil when there are too many, or the name is too long.
    public func addCursor(_ name: String) -> QueueCursor? {
        let cursor = shared.state.withLock { state -> QueueCursor? in
            if let index = state.cursors.firstIndex(where: { $0.handle.name == name }) {
                state.cursors[index].isConfigured = true
                return state.cursors[index].handle
            }
            guard state.cursors.count < CursorFile.mostCursors,
                !name.isEmpty, name.utf8.count <= CursorFile.mostNameBytes
            else { return nil }
            let cursor = QueueCursor(name: name)
            // What is being written now is not yet known here, and will be read: more rather
            // than less.
            let last = state.segments.last
            cursor.reader.withLock {
                $0.segment = last?.id ?? 0
                $0.offset = last?.end ?? SegmentFormat.start
            }
            state.cursors.append(
                CursorState(
                    handle: cursor, isConfigured: true, readNext: state.lastSequence + 1))
            for index in state.segments.indices { state.segments[index].waiting.append(.init()) }
            state.cursorsChanged = true
            return cursor
        }
        shared.wake.signal()
        return cursor
    }

    /// Ends a cursor and everything that only it still waited for; answers how much that was.
    public func removeCursor(_ name: String) -> QueueCounts {
        let lost = shared.state.withLock { state -> QueueCounts in
            guard let index = state.cursors.firstIndex(where: { $0.handle.name == name }) else {
                return QueueCounts()
            }
            let lost = state.cursors.remove(at: index).waiting
            for segment in state.segments.indices {
                state.segments[segment].waiting.remove(at: index)
            }
            state.collectDrained()
            state.cursorsChanged = true
            return lost
        }
        shared.wake.signal()
        return lost
    }

    // MARK: reading

    /// Done with these records; they are not handed out again, and their space can come back when
    /// all cursors have done so. Answers what they were; those released before do not count.
    @discardableResult
    public func release(_ cursor: QueueCursor, _ sequences: some Sequence<UInt64>) -> QueueCounts {
        release { state in
            state.index(of: cursor).map { state.release($0, sequences) } ?? QueueCounts()
        }
    }

    /// Done with everything that was handed out up to `sequence`.
    @discardableResult
    public func release(_ cursor: QueueCursor, through sequence: UInt64) -> QueueCounts {
        release { state in
            guard let index = state.index(of: cursor) else { return QueueCounts() }
            return state.release(index, state.cursors[index].sequences(through: sequence))
        }
    }

    private func release(_ change: (inout sending LogState) -> QueueCounts) -> QueueCounts {
        let (released, needsWaking) = shared.state.withLock { state in
            (change(&state), state.isResting || state.hasDrained)
        }
        if needsWaking { shared.wake.signal() }
        return released
    }

    /// Everything in one moment.
    public func statistics() -> QueueStatistics { shared.state.withLock { $0.statistics } }
}

extension LogState {
    mutating func release(_ index: Int, _ sequences: some Sequence<UInt64>) -> QueueCounts {
        var released = QueueCounts()
        for sequence in sequences {
            guard let entry = cursors[index].release(sequence) else { continue }
            released += entry.counts
            if let segment = self.index(ofSegment: entry.segment) {
                segments[segment].waiting[index] -= entry.counts
            }
        }
        cursors[index].waiting -= released
        if released.records > 0 {
            cursorsChanged = true
            collectDrained()
        }
        return released
    }

    var statistics: QueueStatistics {
        var statistics = QueueStatistics()
        statistics.limitBytes = limitBytes
        statistics.bytes = takenBytes
        statistics.segments = segments.count
        statistics.waitingBytes = waitingBytes
        statistics.waitingRecords = waitingRecords
        statistics.reservedBytes = reservedBytes
        statistics.evictedBytes = cursors.indices.map(evictedBytes).max() ?? 0
        statistics.appended = appended
        statistics.commits = commits
        statistics.commitTimes = commitTimes
        statistics.syncs = syncs
        statistics.syncFailures = syncFailures
        statistics.writeFailures = writeFailures
        statistics.lastFailure = lastFailure
        statistics.appendFailure = appendFailure
        statistics.damagedPlaces = damagedPlaces
        statistics.damagedBytes = damagedBytes
        statistics.readFailures = readFailures
        statistics.cursors = cursors.indices.map { index in
            let cursor = cursors[index]
            return QueueStatistics.Cursor(
                name: cursor.handle.name, waiting: cursor.waiting, position: cursor.position,
                oldestUnixNano: cursor.waiting.records > 0 ? oldestTime(index) : nil,
                isConfigured: cursor.isConfigured)
        }
        return statistics
    }

    /// What is not released and in no segment.
    private func evictedBytes(_ index: Int) -> Int {
        max(0, segments.reduce(cursors[index].waiting.bytes) { $0 - $1.waiting[index].bytes })
    }

    private func oldestTime(_ index: Int) -> UInt64? {
        cursors[index].oldestHandedOut?.timeUnixNano
            ?? segments.first { $0.waiting[index].records > 0 }?.timeUnixNano
    }
}
