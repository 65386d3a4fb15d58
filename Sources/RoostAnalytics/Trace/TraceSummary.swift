/// One line about a trace: what lists show and queries filter by.
public struct TraceSummary: Sendable, Equatable {
    public enum Status: String, Sendable, CaseIterable {
        /// Its root has not ended.
        case running
        case ok
        case error
    }

    public var traceIDHigh: UInt64 = 0
    public var traceIDLow: UInt64 = 0
    /// Of the root, else of the earliest span.
    public var service = ""
    /// Every service in it, in the order of its first span; at most 16.
    public var services: [String] = []
    /// The root span's name, else that of the earliest span.
    public var name = ""
    public var workflow = ""
    public var status = Status.ok
    /// Every agent in it; at most 32.
    public var agents: [String] = []
    /// Every model in it; at most 16.
    public var models: [String] = []
    public var session = ""
    public var user = ""
    /// Unix nanoseconds: the earliest start and the latest end.
    public var start: UInt64 = 0
    public var end: UInt64 = 0
    public var spans = 0
    public var errors = 0
    /// Calls to models and to tools.
    public var calls = 0
    public var toolCalls = 0
    /// All five sorts together.
    public var tokens: UInt64 = 0
    /// USD; nil when nothing in it has a known cost.
    public var cost: Double?

    public init() {}

    public var duration: UInt64 { end > start ? end &- start : 0 }
}
