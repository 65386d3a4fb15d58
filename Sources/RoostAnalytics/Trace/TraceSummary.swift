import RoostCore
public import RoostIngest

/// One line about a trace: what lists show and queries filter by.
public struct TraceSummary: Sendable, Equatable {
    public enum Status: String, Sendable, CaseIterable {
        /// Its root has not ended, and may still do so.
        case running
        case ok
        case error
        /// Its root never ended: what was announced or stands above it did not come.
        case abandoned
    }

    public var traceIDHigh: UInt64 = 0
    public var traceIDLow: UInt64 = 0
    /// Of the root, else of the earliest span.
    public var service = ""
    /// Every service in it, in the order of its first span; at most `mostServices`.
    public var services: [String] = []
    /// The root span's name, else that of the earliest span.
    public var name = ""
    public var workflow = ""
    public var status = Status.ok
    /// Of one that is running, what it is when nothing more comes; see `settle`.
    public var outcome = Status.abandoned
    /// The end of something in it was announced.
    public var hasAnnounced = false
    /// Unix nanoseconds by this machine: when something came of it last.
    public var heard: UInt64 = 0
    /// Every agent in it; at most `mostAgents`.
    public var agents: [String] = []
    /// Every model in it; at most `mostModels`.
    public var models: [String] = []
    public var session = ""
    public var user = ""
    /// Unix nanoseconds: the earliest start and the latest end, clocks that disagree brought
    /// together.
    public var start: UInt64 = 0
    public var end: UInt64 = 0
    /// Nanoseconds that the clock of a service was found to differ from its caller's, the most of
    /// them; 0 when none does.
    public var clockSkew: UInt64 = 0
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

    package static let mostServices = 16
    package static let mostAgents = 32
    static let mostModels = 16

    public var duration: UInt64 { end > start ? end &- start : 0 }
}

extension TraceSummary {
    /// What a trace comes to.
    public init(of document: TraceDocument) {
        if let whole = document.whole {
            self = whole
        } else {
            self.init(ofSteps: document)
        }
        if document.isOver, status == .running { status = outcome }
    }

    /// Calls a trace over that runs, and of which nothing has come for long: `hold` nanoseconds, or
    /// an hour where an end was announced. Runs of workflows are given up by the same rule.
    public mutating func settle(now: UInt64, hold: UInt64) {
        guard status == .running else { return }
        let patience = hasAnnounced ? max(hold, AgentTracker.longestPending) : hold
        if now > heard, now - heard >= patience { status = outcome }
    }

    private init(ofSteps document: TraceDocument) {
        traceIDHigh = document.traceIDHigh
        traceIDLow = document.traceIDLow
        workflow = document.workflow
        spans = document.steps.count + document.omitted
        guard let first = document.steps.first else { return }
        let top = document.root.map { document.steps[$0] } ?? first
        service = top.service
        name = top.name
        start = first.start
        var verdict = TraceVerdict()
        // By index, since a loop over steps would copy each.
        for place in document.steps.indices {
            add(document.steps[place])
            verdict.note(
                document.steps[place].activity, document.steps[place].status,
                isPending: document.steps[place].isPending,
                isTop: document.steps[place].parent == nil,
                tellsEnd: document.steps[place].tellsEnd)
        }
        if TraceSummary.needsTimes(document, start: start, end: end) { use(TraceTimes(document)) }
        session = top.session.isEmpty ? session : top.session
        user = top.user.isEmpty ? user : top.user
        verdict.judge(
            hasRoot: document.root != nil, isPending: top.isPending, source: top.source,
            isDerived: top.isDerived, top: top.status, &self)
    }

    private mutating func add(_ step: TraceStep) {
        end = max(end, step.end)
        TraceSummary.note(step.service, in: &services, most: Self.mostServices)
        // What belongs to none has its service for one.
        if step.activity != .other {
            TraceSummary.note(step.agent, in: &agents, most: Self.mostAgents)
        }
        TraceSummary.note(step.model, in: &models, most: Self.mostModels)
        if session.isEmpty { session = step.session }
        if user.isEmpty { user = step.user }
        if step.status == .error { errors += 1 }
        guard step.isCounted else { return }
        if step.isModelCall { calls += 1 }
        if step.activity == .tool { toolCalls += 1 }
        tokens &+= step.tokens.total
        if let cost = step.cost { self.cost = (self.cost ?? 0) + cost }
    }

    private static func note(_ text: String, in list: inout [String], most: Int) {
        // Mostly the one before, or one of a few.
        guard !text.isEmpty, !list.holds(text), list.count < most else { return }
        list.append(text)
    }
}

extension TraceStep {
    /// Whether it is a call to a model.
    public var isModelCall: Bool { activity == .llm || activity == .embedding }
}

extension ActivityTokens {
    /// All sorts together.
    public var total: UInt64 { input &+ cacheRead &+ cacheWrite &+ output &+ reasoning }
}
