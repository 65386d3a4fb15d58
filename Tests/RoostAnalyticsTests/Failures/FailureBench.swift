import RoostIngest

@testable import RoostAnalytics

/// A fleet and the failures in it; times as in `FleetBench`.
struct FailureBench {
    var bench = FleetBench()
    var failures: Failures

    init(_ settings: FailureSettings = FailureSettings()) { failures = Failures(settings) }

    mutating func take(_ facts: AgentFact...) {
        for fact in facts {
            bench.take(fact)
            failures.take(fact, bench.symbols, now: bench.now, fleet: bench.fleet)
        }
    }

    mutating func tick() { failures.tick(now: bench.now, fleet: bench.fleet) }

    mutating func fact(
        _ kind: AgentFact.Kind, _ activity: ActivityKind = .other, trace: UInt64 = 1,
        span: UInt64 = 0, parent: UInt64 = 0, agent: String = "", subject: String = "",
        from start: Double = 0, to end: Double = 0, cost: Double = .nan, error: String? = nil,
        session: String = ""
    ) -> AgentFact {
        bench.fact(
            kind, activity, trace: trace, span: span, parent: parent, agent: agent,
            subject: subject, from: start, to: end, cost: cost, error: error, session: session)
    }

    func report(_ change: (inout FailureFilter) -> Void = { _ in }) -> FailureReport {
        var filter = FailureFilter()
        change(&filter)
        return failures.report(filter, bench.symbols, now: bench.now)
    }

    /// The latest first: `tool search timeout recovered retry 5.0`.
    var lines: [String] {
        report().rows.map { row in
            let time = row.outcome == .recovered ? " \(Double(row.recoveryTime) / 1e9)" : ""
            let way = row.strategy == .none ? "" : " " + row.strategy.text
            return "\(row.component) \(row.operation) \(row.errorType) \(row.outcome)\(way)\(time)"
        }
    }
}
