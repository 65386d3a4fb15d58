/// How the store is, for `/status` and metrics.
public struct StoreStatus: Sendable, Equatable {
    public var isOpen = false
    /// Bytes that wait to be read by the writer, of `queueCapacityBytes`.
    public var queueBytes = 0
    public var queueCapacityBytes = 0
    /// Of traces that are still open, in memory.
    public var openBytes = 0
    public var openTraces = 0
    /// Of the database, its log of changes included.
    public var fileBytes = 0
    /// Of it in use.
    public var usedBytes = 0
    public var traces = 0
    public var spansStored: UInt64 = 0
    public var logRecordsStored: UInt64 = 0
    /// Spans that came again and were not kept a second time.
    public var duplicateSpans: UInt64 = 0
    /// Traces that were deleted for their age or for room.
    public var expiredTraces: UInt64 = 0
    /// Unix nanoseconds of the arrival of the oldest trace; 0 without any.
    public var oldestUnixNano: UInt64 = 0
    /// Steps of posted events, and of them those that could not be kept.
    public var offeredSteps: UInt64 = 0
    public var droppedSteps: [StoreDropReason: UInt64] = [:]
    /// Steps of posted events whose trace has spans: those are kept instead.
    public var supersededSteps: UInt64 = 0
    /// Steps of posted events of which only the sums of their trace are kept: it has too many.
    public var summedSteps: UInt64 = 0
    public var failedWrites: UInt64 = 0
    public var lastError: String?
    public var lastErrorUnixNano: UInt64?

    public init() {}
}

/// Why the store could not be opened.
public enum StoreError: Error, Equatable, Sendable {
    /// The folder or the file cannot be used.
    case cannotOpen(path: String, reason: String)
    /// It was written by a later version of Roost.
    case tooNew(path: String, version: Int)
    case noThread
}
