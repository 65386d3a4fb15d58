public import RoostWire

/// One destination as `/status` and `/metrics` show it.
public struct ExportStatus: Sendable, Equatable {
    public var name: String
    /// `scheme://host:port`.
    public var endpoint: String
    public var `protocol`: ExportProtocol
    public var signals: [Signal]
    /// Items waiting or in flight.
    public var queueItems: Int
    /// Bytes waiting, in flight, or reserved for requests that are being taken in.
    public var queueBytes: Int
    public var queueCapacityBytes: Int
    public var requestsInFlight: Int
    /// Failures since the last answer that was none.
    public var consecutiveFailures: Int
    /// What the peer or the connection said last when it was not a plain yes; no secrets.
    public var lastError: String?
    public var lastErrorUnixNano: UInt64?
    /// Nothing is sent before it; nil when not waiting.
    public var nextRetryUnixNano: UInt64?
    /// There is no room for a request of 64 KiB, or of a quarter of the capacity if that is less.
    public var isFull: Bool
    /// `working`; `waiting` for the time of the next attempt; `probing` a peer that failed with one
    /// request at a time; `recovering`, with more requests after each answer.
    public var state = "working"
    /// Requests that may be in flight at once now.
    public var requestsAllowed = 0
    /// Nil when they are switched off.
    public var deadLetters: DeadLetterStatus?
    /// Nil for a queue in memory.
    public var disk: DurableQueueStatus?
}
