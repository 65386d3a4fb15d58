import Glibc
public import RoostAnalytics
public import RoostCore
public import RoostIngest
public import RoostWire
import Synchronization

/// What becomes of what the store has taken. Any thread.
public enum StoreOutcome: Sendable, Equatable {
    case stored
    case dropped(StoreDropReason)
}

/// Why what the store had taken, or was offered, is not kept.
public enum StoreDropReason: Sendable, Equatable, CaseIterable {
    /// The writer had not caught up.
    case queueFull
    /// The disk or the database refused.
    case disk
    /// Still waiting at the end.
    case shutdown
}

/// The embedded store: traces and log records in one SQLite database.
///
/// `reserve`, `put` and `offer` are for loop threads and never wait; questions read from the disk on
/// the thread that asks, which may be any but a loop's.
public final class TraceStore: Sendable {
    private let shared: StoreShared
    private let readers: ReaderPool
    private let thread = Mutex<NamedThread?>(nil)
    /// Monotonic nanoseconds; 0 while not closing.
    private let deadline = Atomic<UInt64>(0)

    /// Nanoseconds that a question waits for what has come and is not stored, which takes the writer
    /// one or two milliseconds unless it is behind. Then the answer is what is stored.
    private static let patienceForTrace: UInt64 = 250_000_000
    private static let patienceForLogs: UInt64 = 50_000_000

    /// `count` is told, on any thread, what became of items that were put. `memory` pays for traces
    /// that are still open.
    public init(
        settings: StoreSettings, names: NameTable, understanding: any TraceUnderstanding,
        memory: MemoryBudget.Share? = nil, log: Log,
        count: @escaping @Sendable (Signal, Int, StoreOutcome) -> Void
    ) {
        shared = StoreShared(
            settings: settings, names: names, understanding: understanding, memory: memory,
            log: log, count: count)
        readers = ReaderPool(shared)
    }

    /// Opens the database, or makes it, and starts the thread `store`. What was put before waits.
    public func open() throws(StoreError) {
        guard shared.files.makeFolder() else {
            throw .cannotOpen(path: shared.settings.path, reason: "the folder cannot be made")
        }
        // Opened here, so that the start can fail; from then on the thread's.
        let writer = Handed(StoreWriter(shared))
        try writer.value.open()
        let started = NamedThread("store") { [self] in
            giveWay()
            writer.value.run { [self] in
                let deadline = deadline.load(ordering: .acquiring)
                return deadline == 0 ? nil : deadline
            }
        }
        guard let started else { throw .noThread }
        thread.withLock { $0 = started }
    }

    /// Which attributes tell of sessions and agents, from the next request on.
    public func use(names: NameTable) { shared.names.withLock { $0 = names } }

    /// How much is kept, from the writer's next turn on: nanoseconds from arrival, bytes on disk.
    public func use(keep: UInt64, size: Int) { shared.bounds.use(keep: keep, size: size) }

    /// When a trace whose root does not come is over: nanoseconds, from the next question on.
    public func use(hold: UInt64) { shared.bounds.use(hold: hold) }

    /// Bytes that may wait for the writer, and of traces and log records that it holds before it
    /// stores them, from the next request on.
    public func use(queueBytes: Int, openBytes: Int) {
        shared.inbox.use(capacity: queueBytes)
        shared.bounds.use(openBytes: openBytes)
    }

    // MARK: on loop threads

    /// Takes room in the queue for a request of `bytes`; what is reserved is `put` or given back.
    public func reserve(bytes: Int) -> Bool { shared.inbox.reserve(bytes) }
    public func giveBack(bytes: Int) { shared.inbox.giveBack(bytes) }

    /// Queues a valid request for which room was reserved.
    public func put(_ signal: Signal, items: Int, body: ByteBlock) {
        let item = StoreInbox.Item(signal: signal, items: items, body: body)
        if !shared.inbox.put(item) { shared.count(signal, items, .dropped(.shutdown)) }
    }

    /// Both in one; false, and nothing is counted, when there is no room.
    public func offer(_ signal: Signal, items: Int, body: ByteBlock) -> Bool {
        guard reserve(bytes: body.count) else { return false }
        put(signal, items: items, body: body)
        return true
    }

    /// Takes steps that were told without spans and log records, announced ones and those that are
    /// over; false when there is no room. They are no request: the status counts them, no ledger does.
    @discardableResult
    public func offer(_ activities: ActivityBatch) -> Bool {
        let steps = activities.activities.count
        shared.toldSteps.offer(steps)
        let item = StoreInbox.Item(
            signal: .logs, items: 0, body: ByteBlock([]), activities: activities)
        guard reserve(bytes: item.byteCount) else {
            shared.toldSteps.drop(steps, .queueFull)
            return false
        }
        guard shared.inbox.put(item) else {
            shared.toldSteps.drop(steps, .shutdown)
            return false
        }
        return true
    }

    // MARK: life

    /// Stores everything that has been put, and returns when it can be read.
    public func flush() { shared.inbox.wish(.all).wait(untilMonotonic: .max) }

    /// Lets everything that has been put be stored, beside whoever calls.
    public func flushSoon() { _ = shared.inbox.wish(.all) }

    /// Stores what is waiting until `deadline` (monotonic nanoseconds) and ends the thread.
    public func close(deadline: UInt64) {
        self.deadline.store(max(deadline, 1), ordering: .releasing)
        let thread = thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        shared.inbox.signal()
        thread?.join()
        readers.close()
    }

    public var isOpen: Bool { shared.isOpen.load(ordering: .acquiring) }

    public var status: StoreStatus {
        var status = shared.status.withLock { $0 }
        status.isOpen = isOpen
        shared.toldSteps.fill(&status)
        status.queueBytes = shared.inbox.byteCount
        status.queueCapacityBytes = shared.inbox.capacity
        return status
    }

    // MARK: questions

    /// Traces by their start, newest first. Where spans have to be looked at, `admits` is told the
    /// bytes of each part of a trace before it is read, and may refuse them; there is one at a time.
    public func traces(
        _ query: TraceQuery, admits: @escaping (Int) -> Bool = { _ in true }
    ) throws(StoreQueryError) -> TracePage {
        try readers.read { reader throws(QueryFailure) in
            var search = try TraceSearch(query, reader, hold: shared.bounds.hold, admits: admits)
            return try search.run()
        }
    }

    /// Everything about one trace; nil when it is not known. What has come of it and is not stored
    /// yet is stored first, unless the asker wants only what `isStored`. Of its spans those that came
    /// first are read, as far as they have `mostSpanBytes`, or the first part where that has more, and
    /// no more than 64 MiB; `admits` is told how many bytes these are before that, and may refuse them.
    public func trace(
        high: UInt64, low: UInt64, isStored: Bool = false, withLogs: Bool = true,
        mostSpanBytes: Int = .max, admits: (Int) -> Bool = { _ in true }
    ) throws(StoreQueryError) -> StoredTrace? {
        let key = TraceKey(high: high, low: low)
        if !isStored, shared.hasOpen { settle(.trace(key), Self.patienceForTrace) }
        var trace = try readers.read { reader throws(QueryFailure) in
            try reader.trace(
                key, withLogs: withLogs, mostSpanBytes: mostSpanBytes, admits: admits)
        }
        trace?.summary.settle(now: unixNanoseconds(), hold: shared.bounds.hold)
        return trace
    }

    /// The line about one trace, without its bytes.
    public func summary(high: UInt64, low: UInt64) throws(StoreQueryError) -> TraceSummary? {
        var summary = try readers.read { reader throws(QueryFailure) in
            try reading { () throws(SQLiteError) in
                try reader.find(TraceKey(high: high, low: low))?.summary
            }
        }
        summary?.settle(now: unixNanoseconds(), hold: shared.bounds.hold)
        return summary
    }

    /// Services that have spans, in order of their names; `unknown_service` is that of spans without
    /// one.
    public func services() throws(StoreQueryError) -> [String] {
        try readers.read { reader throws(QueryFailure) in
            try reading { () throws(SQLiteError) in
                var names: [String] = []
                while try reader.services.step() { names.append(reader.services.text(0)) }
                return names
            }
        }
    }

    /// What a service is called in lists and questions; longer names are cut at 512 bytes, and spans
    /// without one belong to `unknown_service`.
    public static func listedName(ofService name: String) -> String { ListedName.service(name) }

    /// What spans of a service are called, in order of the names, which are cut at 512 bytes.
    public func operations(service: String) throws(StoreQueryError) -> [StoredOperation] {
        try readers.read { reader throws(QueryFailure) in
            try reading { () throws(SQLiteError) in
                reader.operations.bind(1, text: ListedName.cut(service))
                var found: [StoredOperation] = []
                while try reader.operations.step() {
                    found.append(
                        StoredOperation(
                            name: reader.operations.text(0),
                            spanKind: Int32(truncatingIfNeeded: reader.operations.int(1))))
                }
                return found
            }
        }
    }

    /// Log records by trace, session, both or neither. What has come of them and is not stored yet
    /// is stored first.
    public func logs(_ query: LogQuery) throws(StoreQueryError) -> LogPage {
        if query.cursor == nil, shared.hasOpenLogs {
            var key: TraceKey?
            if let high = query.traceIDHigh, let low = query.traceIDLow {
                key = TraceKey(high: high, low: low)
            }
            settle(
                .logs(key, session: query.session.map { Term(.session, $0).hash }),
                Self.patienceForLogs)
        }
        return try readers.read { reader throws(QueryFailure) in try reader.logs(query) }
    }

    private func settle(_ wish: StoreInbox.Wish, _ patience: UInt64) {
        guard isOpen else { return }
        shared.inbox.wish(wish).wait(untilMonotonic: monotonicNanoseconds() &+ patience)
    }
}

/// Lets the threads that take requests go first where there are too few processors. On Linux the
/// call is about this thread alone.
private func giveWay() { _ = setpriority(CInt(PRIO_PROCESS.rawValue), 0, 10) }

/// Something that goes from the thread that made it to another one, which has it alone from then.
private struct Handed<Value>: @unchecked Sendable {
    // Sendable: whoever makes it does not touch the value after it was handed over.
    let value: Value
    init(_ value: Value) { self.value = value }
}

extension TraceKey {
    /// From 32 hexadecimal digits.
    init?(hex text: String) {
        guard text.utf8.count == 32, text.utf8.allSatisfy(\.isHexDigit),
            let high = UInt64(text.prefix(16), radix: 16),
            let low = UInt64(text.suffix(16), radix: 16)
        else { return nil }
        self.init(high: high, low: low)
    }
}

extension UInt8 {
    fileprivate var isHexDigit: Bool {
        self >= 0x30 && self <= 0x39 || self | 0x20 >= 0x61 && self | 0x20 <= 0x66
    }
}
