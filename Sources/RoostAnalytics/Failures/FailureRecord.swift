import RoostIngest

/// What failed.
public enum FailureComponent: UInt8, Sendable, CaseIterable {
    case agent, tool, model, workflow, retrieval, guardrail, evaluation

    public var text: String { "\(self)" }

    public init?(text: some StringProtocol) {
        guard let known = FailureComponent.allCases.first(where: { $0.text == text }) else {
            return nil
        }
        self = known
    }

    init?(_ activity: ActivityKind) {
        switch activity {
        case .agent: self = .agent
        case .llm, .embedding: self = .model
        // What is not called as a tool is none: so it is counted everywhere.
        case .tool: self = .tool
        case .retrieval: self = .retrieval
        case .guardrail: self = .guardrail
        case .evaluation: self = .evaluation
        case .workflow, .other, .humanWait: return nil
        }
    }
}

/// How a failure was got over.
public enum FailureStrategy: UInt8, Sendable, CaseIterable {
    /// Not, or not yet.
    case none
    /// The same agent did the same again, or what had refused its arguments with others, and it
    /// worked.
    case retry
    /// Another model answered.
    case fallbackModel
    /// Another agent did it, or took its place in something that came to a good end.
    case otherAgent
    /// The run came to a good end without it.
    case workflowCompleted
    /// The next run of the workflow in the same session came to a good end.
    case rerun
    /// Somebody said so.
    case reported

    /// As it is written in JSON: `fallback_model`.
    public var text: String { jsonName("\(self)") }
}

/// Whether a failure was got over.
public enum FailureOutcome: UInt8, Sendable, CaseIterable {
    /// It may still be.
    case open
    case recovered
    case unrecovered

    public var text: String { "\(self)" }
}

/// One failure, as it is held.
struct FailureRecord: Sendable {
    /// Counts up from 1; 0 is none.
    var id: UInt64 = 0
    /// The failure of the same trace before; 0 is none.
    var previous: UInt64 = 0
    /// The failure that this one comes from; 0 is none.
    var cause: UInt64 = 0
    /// Unix nanoseconds of arrival.
    var heard: UInt64 = 0
    /// Unix nanoseconds by the sender's clock.
    var start: UInt64 = 0
    var end: UInt64 = 0
    var traceHigh: UInt64 = 0
    var traceLow: UInt64 = 0
    var span: UInt64 = 0
    var parent: UInt64 = 0
    var session: UInt64 = 0
    /// USD; not a number when unknown.
    var cost = Double.nan
    /// Nanoseconds from the failure until it was got over.
    var recoveryTime: UInt64 = 0
    /// What got over it; 0 is none.
    var recoverySpan: UInt64 = 0
    var operation: Int32 = 0
    var errorType: Int32 = 0
    var agent: Int32 = 0
    var workflow: Int32 = 0
    var service: Int32 = 0
    /// Row of its type.
    var type: Int32 = 0
    /// A hash of what it was given; 0 is unknown.
    var arguments: UInt32 = 0
    var activity = ActivityKind.other
    var component = FailureComponent.tool
    var outcome = FailureOutcome.open
    var strategy = FailureStrategy.none
    /// It was the arguments that were wrong: other ones are the same thing tried again.
    var refusesArguments = false
    /// It turned out to be none.
    var isWithdrawn = false

    init() {}

    init(_ fact: AgentFact, _ component: FailureComponent, now: UInt64) {
        self.component = component
        heard = now
        start = fact.start
        end = max(fact.start, fact.end)
        traceHigh = fact.traceIDHigh
        traceLow = fact.traceIDLow
        span = fact.spanID
        parent = fact.parentSpanID
        session = fact.session
        cost = fact.cost
        arguments = fact.arguments
        activity = fact.activity
        operation =
            switch component {
            case .tool, .retrieval, .guardrail, .evaluation:
                fact.tool != 0 ? fact.tool : fact.name
            case .model: fact.model != 0 ? fact.model : fact.name
            case .agent: fact.agent
            case .workflow: fact.workflow
            }
        errorType = fact.errorType
        agent = component == .workflow ? 0 : fact.agent
        workflow = fact.workflow
        service = fact.service
    }

    /// Whether it failed as a part of what failed as a whole.
    func isWithin(_ outer: FailureRecord) -> Bool {
        guard outer.component == .agent || outer.component == .workflow, start >= outer.start,
            end <= outer.end
        else { return false }
        if outer.component == .workflow { return component != .workflow }
        if component == .agent { return parent == outer.span && span != outer.span }
        return component != .workflow && agent == outer.agent
    }
}
