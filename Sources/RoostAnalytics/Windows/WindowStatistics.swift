public import RoostCore
public import RoostIngest

/// What was counted since the start.
public struct WindowTotals: Sendable, Equatable {
    public var events: UInt64 = 0
    public var errors: UInt64 = 0
    public var workflowRuns: UInt64 = 0
    public var agentRuns: UInt64 = 0
    public var llmCalls: UInt64 = 0
    public var toolCalls: UInt64 = 0
    public var unpricedCalls: UInt64 = 0
    public var tokens = ActivityTokens()
    /// USD that are known.
    public var cost = 0.0

    public init() {}

    @inline(__always)
    mutating func note(_ fact: AgentFact) {
        switch (fact.kind, fact.activity) {
        case (.workflowEnded, _):
            events &+= 1
            workflowRuns &+= 1
            return
        case (.usage, .tool):
            toolCalls &+= UInt64(fact.calls)
        case (.usage, _):
            llmCalls &+= UInt64(fact.calls)
        case (_, .agent):
            events &+= 1
            agentRuns &+= 1
            if fact.status == .error { errors &+= 1 }
            return
        case (_, .llm), (_, .embedding):
            events &+= 1
            llmCalls &+= 1
            if fact.status == .error { errors &+= 1 }
        case (_, .tool):
            events &+= 1
            toolCalls &+= 1
            if fact.status == .error { errors &+= 1 }
            return
        default:
            events &+= 1
            if fact.status == .error { errors &+= 1 }
            return
        }
        tokens.add(fact.tokens)
        if fact.cost.isFinite {
            cost += fact.cost
        } else if fact.isUnpriced {
            unpricedCalls &+= UInt64(max(1, fact.calls))
        }
    }

    public func write(into json: inout JSONWriter) {
        json.beginObject()
        json.field("total_events", events)
        json.field("total_errors", errors)
        json.field("total_workflow_runs", workflowRuns)
        json.field("total_agent_runs", agentRuns)
        json.field("total_llm_calls", llmCalls)
        json.field("total_tool_calls", toolCalls)
        json.field("total_tokens", tokens.total)
        json.key("tokens")
        tokens.write(into: &json)
        json.field("total_cost", cost)
        json.field("unpriced_calls", unpricedCalls)
        json.endObject()
    }
}

/// How long something took.
public struct WindowDuration: Sendable, Equatable {
    public var count: UInt64 = 0
    /// Nanoseconds. Quantiles are within 1 % of a value that was seen; the others are exact, the
    /// extremes to seven digits.
    public var average = 0.0
    public var shortest = 0.0
    public var longest = 0.0
    public var p50 = 0.0
    public var p95 = 0.0
    public var p99 = 0.0

    public init() {}
}

/// The figures of all, or of one agent, workflow, model, provider or tool.
public struct WindowFigures: Sendable {
    public var events: UInt64 = 0
    /// Activities that ended, and how many of them in error.
    public var ended: UInt64 = 0
    public var errors: UInt64 = 0
    public var workflowRuns = WindowCount()
    public var agentRuns = WindowCount()
    public var llmCalls = WindowCount()
    public var toolCalls = WindowCount()
    /// Nil where none was seen, or where they are not held for this dimension.
    public var workflowDuration: WindowDuration?
    public var agentDuration: WindowDuration?
    public var llmDuration: WindowDuration?
    public var toolDuration: WindowDuration?
    public var timeToFirstToken: WindowDuration?
    public var tokens = ActivityTokens()
    /// USD; nil when no cost is known.
    public var cost: Double?
    /// Calls that used tokens whose price is unknown.
    public var unpricedCalls: UInt64 = 0

    public init() {}

    /// Nil where nothing ended.
    public var errorShare: Double? { ended > 0 ? Double(errors) / Double(ended) : nil }

    /// To models and tools.
    public var calls: UInt64 { llmCalls.count &+ toolCalls.count }
}

public struct WindowCount: Sendable, Equatable {
    public var count: UInt64 = 0
    public var errors: UInt64 = 0

    public init() {}
}

/// The answer to a query of one window.
public struct WindowStatistics: Sendable {
    /// Seconds asked for.
    public let window: Int
    /// Unix nanoseconds.
    public let time: UInt64
    /// Seconds that the figures are of: less than the window after a start, and up to half a slot
    /// more or less than it later. Rates are over these.
    public let covered: Double
    public var overall = WindowFigures()
    /// The busiest first.
    public var groups: [WindowDimension: [(name: String, figures: WindowFigures)]] = [:]
    /// In progress now; nil when the asker did not say.
    public var activeWorkflows: Int?
    public var activeAgents: Int?
    /// Distinct names that something was heard of.
    public var workflowsSeen = 0
    public var agentsSeen = 0
    public var cumulative = WindowTotals()
}
