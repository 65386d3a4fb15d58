public import RoostAnalytics
public import RoostCore
public import RoostWire

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
    /// `count` is told, on any thread, what became of items that were put.
    public init(
        settings: StoreSettings, understanding: any TraceUnderstanding,
        memory: MemoryBudget.Share? = nil, log: Log,
        count: @escaping @Sendable (Signal, Int, StoreOutcome) -> Void
    ) {}

    /// Opens the database, or makes it, and starts the thread `store`.
    public func open() throws(StoreError) {}

    /// Takes room in the queue for a request of `bytes`; what is reserved is `put` or given back.
    public func reserve(bytes: Int) -> Bool { false }
    public func giveBack(bytes: Int) {}

    /// Queues a valid request for which room was reserved.
    public func put(_ signal: Signal, items: Int, body: ByteBlock) {}

    /// Both in one; false, and nothing is counted, when there is no room.
    public func offer(_ signal: Signal, items: Int, body: ByteBlock) -> Bool {
        guard reserve(bytes: body.count) else { return false }
        put(signal, items: items, body: body)
        return true
    }

    /// Stores everything that has been put, and returns when it can be read.
    public func flush() {}

    /// Stores what is waiting until `deadline` (monotonic nanoseconds) and ends the thread.
    public func close(deadline: UInt64) {}

    public var isOpen: Bool { false }
    public var status: StoreStatus { StoreStatus() }

    // MARK: questions

    /// Traces by their start, newest first.
    public func traces(_ query: TraceQuery) throws(StoreQueryError) -> TracePage { TracePage() }

    /// Everything about one trace; nil when it is not known. What has come of it and is not stored
    /// yet is stored first.
    public func trace(
        high: UInt64, low: UInt64
    ) throws(StoreQueryError) -> StoredTrace? { nil }

    /// The line about one trace, without its bytes.
    public func summary(
        high: UInt64, low: UInt64
    ) throws(StoreQueryError) -> TraceSummary? { nil }

    /// Services that have spans, in order of their names.
    public func services() throws(StoreQueryError) -> [String] { [] }

    /// What spans of a service are called, in order of the names.
    public func operations(
        service: String
    ) throws(StoreQueryError) -> [StoredOperation] { [] }

    public func logs(_ query: LogQuery) throws(StoreQueryError) -> LogPage { LogPage() }
}
