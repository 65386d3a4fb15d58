public import RoostIngest

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
    /// Every service in it, in the order of its first span; at most `mostServices`.
    public var services: [String] = []
    /// The root span's name, else that of the earliest span.
    public var name = ""
    public var workflow = ""
    public var status = Status.ok
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

    static let mostServices = 16
    static let mostAgents = 32
    static let mostModels = 16

    public var duration: UInt64 { end > start ? end &- start : 0 }
}

extension TraceSummary {
    /// What a trace comes to. Of `isClosed` nothing more is expected: then one whose root never
    /// came is not running.
    public init(of document: TraceDocument, isClosed: Bool = false) {
        if let whole = document.whole {
            self = whole
            guard isClosed, status == .running, let first = document.steps.first else { return }
            let top = document.root.map { document.steps[$0] } ?? first
            status = TraceSummary.status(of: document, top, isClosed: true)
            return
        }
        traceIDHigh = document.traceIDHigh
        traceIDLow = document.traceIDLow
        workflow = document.workflow
        spans = document.steps.count + document.omitted
        guard let first = document.steps.first else { return }
        let top = document.root.map { document.steps[$0] } ?? first
        service = top.service
        name = top.name
        start = first.start
        // By index, since a loop over steps would copy each.
        for place in document.steps.indices { add(document.steps[place]) }
        if TraceSummary.needsTimes(document, start: start, end: end) { use(TraceTimes(document)) }
        session = top.session.isEmpty ? session : top.session
        user = top.user.isEmpty ? user : top.user
        status = TraceSummary.status(of: document, top, isClosed: isClosed)
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
        guard !text.isEmpty, !list.contains(text), list.count < most else { return }
        list.append(text)
    }

    private static func status(
        of document: TraceDocument, _ top: TraceStep, isClosed: Bool
    ) -> Status {
        status(
            hasRoot: document.root != nil, isPending: top.isPending, source: top.source,
            top: top.status, isClosed: isClosed
        ) { document.steps.contains { $0.parent == nil && $0.status == .error } }
    }

    /// `hasFailedBranch` says whether anything without a parent failed.
    static func status(
        hasRoot: Bool, isPending: Bool, source: ActivitySource, top: ActivityStatus,
        isClosed: Bool, hasFailedBranch: () -> Bool
    ) -> Status {
        if hasRoot {
            if isPending { return .running }
            return top == .error ? .error : .ok
        }
        // Of events alone none is the root.
        if source == .log { return top == .error ? .error : .ok }
        if !isClosed { return .running }
        return hasFailedBranch() ? .error : .ok
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
