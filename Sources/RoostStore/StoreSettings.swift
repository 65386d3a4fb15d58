/// Where the store keeps its database and how much of it.
public struct StoreSettings: Sendable, Equatable {
    /// The folder; made when it is missing.
    public var path = "roost-data"
    /// Nanoseconds from arrival.
    public var keep: UInt64 = 7 * 86_400 * 1_000_000_000
    /// Bytes on disk.
    public var size = 2 << 30

    /// Nanoseconds without a new span after which a trace whose root has not come is over.
    public var hold: UInt64 = 30_000_000_000

    /// Bytes that may wait for the writer.
    public var queueBytes = 32 << 20
    /// Bytes of traces and log records that are held before they are stored.
    public var mostOpenBytes = 32 << 20
    public var mostOpenTraces = 50_000
    /// Bytes of the database's pages that the writer, and each of some readers, keeps.
    public var writerCacheBytes = 4 << 20
    public var readerCacheBytes = 1 << 20
    /// A trace that has become so large is stored as far as it is here.
    public var mostTraceBytes = 2 << 20
    /// Nanoseconds without a new span after which a trace whose root has ended is stored.
    public var quietAfterRoot: UInt64 = 3_000_000_000
    /// The same for any trace.
    public var quiet: UInt64 = 30_000_000_000
    /// Nanoseconds after which what is here of a trace that goes on is stored.
    public var mostAge: UInt64 = 60_000_000_000
    /// Nanoseconds that log records wait for more to be stored with them.
    public var logAge: UInt64 = 2_000_000_000

    /// As if the disk were so small, for tests.
    var mostPages: Int?
    /// Nanoseconds for deleting what is too much before anything is written. Longer only where there
    /// would be no page for it.
    var deletesAtMost: UInt64 = 1_000_000_000

    public init() {}
}
