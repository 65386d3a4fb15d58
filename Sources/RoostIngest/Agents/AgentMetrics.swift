/// Everything that is counted of agents' work. A value: a copy is a consistent picture.
struct AgentMetrics: Sendable {
    var texts: TextTable

    var agentRuns: AgentCounter
    var agentRunDuration: AgentHistogram
    var workflowRuns: AgentCounter
    var workflowDuration: AgentHistogram
    var llmCalls: AgentCounter
    var llmCallDuration: AgentHistogram
    var llmTimeToFirstToken: AgentHistogram
    var llmTokens: AgentCounter
    var llmCost: AgentCounter
    var llmUnpricedCalls: AgentCounter
    var toolCalls: AgentCounter
    var toolDuration: AgentHistogram

    /// By number of text; those that ever were in progress.
    var activeWorkflows: [Int32: Int] = [:]
    var activeAgents: [Int32: Int] = [:]

    /// Series of users are there, or will be.
    var showsUsers = false

    var events = AgentEvents()

    let tokenTypes: [Int32]
    let ok: Int32
    let error: Int32
    let reported: Int32
    let computed: Int32

    /// Nil when they are switched off.
    var client: ClientMetrics?
    /// Who sent its own before they were switched off.
    var formerSenders: Set<Int32> = []
    /// What client metrics that were let go of had put into shared series.
    var formerOverflow: UInt64 = 0

    init(bounds: DurationBounds, room: AgentSeriesRoom, conventions: ClientConventions) {
        client = conventions == .off ? nil : ClientMetrics(conventions, room)
        func counter() -> AgentCounter { AgentCounter(room) }
        func histogram() -> AgentHistogram { AgentHistogram(bounds: bounds, room) }
        agentRuns = counter()
        agentRunDuration = histogram()
        workflowRuns = counter()
        workflowDuration = histogram()
        llmCalls = counter()
        llmCallDuration = histogram()
        llmTimeToFirstToken = histogram()
        llmTokens = counter()
        llmCost = counter()
        llmUnpricedCalls = counter()
        toolCalls = counter()
        toolDuration = histogram()
        var words = TextTable(limitBytes: room.memory?.limitBytes ?? .max)
        tokenTypes = ["input", "cache_read", "cache_write", "output", "reasoning"].map {
            words.number($0)
        }
        ok = words.number("ok")
        error = words.number("error")
        reported = words.number("reported")
        computed = words.number("computed")
        texts = words
    }
}

extension AgentMetrics {
    /// Counts and measurements that went into shared series, since start.
    var overflowed: UInt64 {
        let counters = [
            agentRuns, workflowRuns, llmCalls, llmTokens, llmCost, llmUnpricedCalls, toolCalls,
        ]
        let histograms = [
            agentRunDuration, workflowDuration, llmCallDuration, llmTimeToFirstToken, toolDuration,
        ]
        return formerOverflow &+ (client?.overflowed ?? 0)
            &+ counters.reduce(0) { $0 &+ $1.index.overflowed }
            &+ histograms.reduce(0) { $0 &+ $1.index.overflowed }
    }
}

/// How often something about agents was not as it should be.
public struct AgentEvents: Sendable, Equatable {
    /// Activities in progress that were given up for room, or after an hour without a word.
    public var abandoned: UInt64 = 0
    /// Calls below an agent whose own account had been believed already.
    public var lateChildren: UInt64 = 0
    /// Token counts and costs that cannot be.
    public var rejectedValues: UInt64 = 0
    /// Spans that came again.
    public var repeatedSpans: UInt64 = 0
    /// Calls that a second instrumentation told as well.
    public var duplicateCalls: UInt64 = 0
    /// Spans that ended before they began or more than a year after.
    public var mendedTimes: UInt64 = 0
    /// Activities told by a signal that is not the believed one of its service.
    public var disbelieved: UInt64 = 0

    public init() {}
}
