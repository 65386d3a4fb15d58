public import RoostCore
public import RoostWire

/// All destinations: takes accepted requests in, and gets them out.
///
/// `reserve`, `commit` and `cancel` are called on loop threads and hold one short lock for each
/// destination; everything else happens on the export thread. A destination that is slow or down
/// delays nobody else.
public final class ExportService: Sendable {
    /// Room taken in the queues for one request. It ends with `commit` or `cancel`, exactly one.
    public struct Reservation: Sendable {
        let signal: Signal
        let bytes: Int
    }

    /// `budget` pays for what is made here beside the payloads: pieces of split batches and
    /// compressed bodies.
    public init(
        destinations: [ExportSettings], ledger: Ledger, budget: MemoryBudget, log: Log
    ) {
    }

    /// Starts the export thread. Throws when the system has no thread or curl no handle to give.
    public func start() throws(ExportStartError) {}

    /// Takes room for a request of `bytes` in every queue that may refuse; nil when one of them is
    /// full, and then nothing is held.
    public func reserve(signal: Signal, bytes: Int) -> Reservation? {
        Reservation(signal: signal, bytes: bytes)
    }

    /// Gives the room back; the request leaves no trace here.
    public func cancel(_ reservation: Reservation) {}

    /// Counts the request as accepted in the ledger and puts it into the queues, in this order, so
    /// that no snapshot sees it sent before it was accepted. `payload` may be smaller than what
    /// was reserved. Without destinations it only counts.
    public func commit(_ reservation: Reservation, _ payload: Payload, transport: Transport) {}

    /// Sends what is queued until all of it is out or `deadline` (monotonic nanoseconds) has come;
    /// the rest is dropped with the reason `shutdown`. Blocks; ends the export thread.
    public func drain(deadline: UInt64) {}

    /// The state of every destination, in the order of the configuration.
    public func statuses() -> [ExportStatus] { [] }

    /// Whether a request would be refused now because a queue with the policy `refuse` is full.
    public var isRefusing: Bool { false }
}

/// Why forwarding could not start.
public enum ExportStartError: Error, Equatable {
    case noThread
    case noCurl(String)
}

/// One destination as `/status` and `/metrics` show it.
public struct ExportStatus: Sendable, Equatable {
    public var name: String
    /// `scheme://host:port`.
    public var endpoint: String
    public var `protocol`: ExportProtocol
    public var signals: [Signal]
    /// Items waiting or in flight.
    public var queueItems: Int
    /// Bytes waiting or in flight.
    public var queueBytes: Int
    public var queueCapacityBytes: Int
    public var requestsInFlight: Int
    /// Failures since the last answer that was none.
    public var consecutiveFailures: Int
    public var lastError: String?
    public var lastErrorUnixNano: UInt64?
    /// Nothing is sent before it; nil when not waiting.
    public var nextRetryUnixNano: UInt64?
    /// The queue has no room for a request of 1 MiB, or of its whole capacity where that is less.
    public var isFull: Bool
}
