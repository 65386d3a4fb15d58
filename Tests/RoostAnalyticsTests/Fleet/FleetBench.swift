import RoostCore
import RoostIngest

@testable import RoostAnalytics

/// A fleet, and facts written as a person would tell them: times in seconds after `origin`.
struct FleetBench {
    var fleet: Fleet
    var symbols = Symbols()
    var events: [FleetEvent] = []
    /// Seconds of arrival.
    var clock = 0.0
    private var numbers: [String: Int32] = ["": 0]

    static let origin: UInt64 = 1_800_000_000_000_000_000

    init(_ settings: FleetSettings = FleetSettings()) { fleet = Fleet(settings) }

    static func time(_ seconds: Double) -> UInt64 {
        origin &+ UInt64(max(seconds, 0) * 1e9)
    }

    var now: UInt64 { Self.time(clock) }

    mutating func number(_ text: String) -> Int32 {
        if let known = numbers[text] { return known }
        var batch = AgentFactBatch()
        batch.newTexts = [Array(text.utf8)]
        symbols.take(batch)
        let number = Int32(symbols.count - 1)
        numbers[text] = number
        return number
    }

    mutating func session(_ text: String) -> UInt64 {
        var batch = AgentFactBatch()
        let hash = AgentIdentity.hash(Array(text.utf8)[...])
        batch.identities = [AgentIdentity(hash: hash, text: Array(text.utf8))]
        symbols.take(batch)
        return hash
    }

    /// A fact of an activity of trace `trace` from one time to another.
    mutating func fact(
        _ kind: AgentFact.Kind, _ activity: ActivityKind = .other, trace: UInt64 = 1,
        span: UInt64 = 0, parent: UInt64 = 0, agent: String = "", subject: String = "",
        from start: Double = 0, to end: Double = 0, tokens: UInt64 = 0, cost: Double = .nan,
        error: String? = nil, session: String = "", workflow: String = "research"
    ) -> AgentFact {
        var fact = AgentFact(kind)
        fact.activity = activity
        fact.traceIDLow = trace
        fact.spanID = span
        fact.parentSpanID = parent
        fact.agent = number(agent)
        fact.workflow = number(workflow)
        fact.service = number("service")
        if activity == .tool { fact.tool = number(subject) }
        if activity == .llm || activity == .embedding { fact.model = number(subject) }
        fact.name = number("span " + subject)
        fact.start = Self.time(start)
        fact.end = Self.time(end)
        fact.tokens.input = tokens
        fact.cost = cost
        if let error {
            fact.status = .error
            fact.errorType = number(error)
        }
        if !session.isEmpty { fact.session = self.session(session) }
        if kind == .traceClosed { fact.calls = 0 }
        return fact
    }

    mutating func take(_ facts: AgentFact...) {
        for fact in facts { fleet.take(fact, symbols, now: now, events: &events) }
    }

    mutating func tick() { fleet.tick(now: now, events: &events) }

    func detail(_ trace: UInt64 = 1) -> WorkflowDetail? {
        fleet.workflow(0, trace, symbols, now: now)
    }

    func list(_ change: (inout WorkflowFilter) -> Void = { _ in }) -> WorkflowList {
        var filter = WorkflowFilter()
        change(&filter)
        return fleet.list(filter, symbols, now: now)
    }

    var statistics: FleetStatistics { fleet.statistics(symbols, now: now) }

    var told: [String] { events.map(\.kind.text) }
}
