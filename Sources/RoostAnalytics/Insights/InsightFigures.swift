/// What a rule looks at, one after another.
public enum InsightScope: String, Sendable, CaseIterable {
    case fleet, agent, workflow, model, tool

    public var subjectKind: FindingSubject.Kind? {
        switch self {
        case .fleet: nil
        case .agent: .agent
        case .workflow: .workflow
        case .model: .model
        case .tool: .tool
        }
    }
}

/// What the figures are that rules may ask for: `agent.error_share` is the figure `error_share` of
/// the agent that is looked at. Figures of the fleet can be asked for in every scope. All are of
/// the last hour, by arrival, unless their meaning says otherwise.
public struct InsightFigure: Sendable {
    public enum Unit: String, Sendable {
        case count, share, seconds, usd, tokens, number
    }

    public let scope: InsightScope
    public let name: String
    public let unit: Unit
    public let meaning: String

    public var fullName: String { scope.rawValue + "." + name }

    /// Every figure there is.
    public static let all: [InsightFigure] =
        InsightScope.allCases.flatMap { scope in
            figures(of: scope).map {
                InsightFigure(scope: scope, name: $0.0, unit: $0.1, meaning: $0.2)
            }
        }

    private static let byName: [String: InsightFigure] =
        Dictionary(all.map { ($0.fullName, $0) }) { first, _ in first }

    public static func named(_ name: String) -> InsightFigure? { byName[name] }

    private static func figures(of scope: InsightScope) -> [(String, Unit, String)] {
        switch scope {
        case .fleet: fleet
        case .agent: operation("runs") + use("run") + agent
        case .workflow: operation("runs") + workflow
        case .model: operation("calls") + use("call") + model
        case .tool: operation("calls")
        }
    }

    private static func operation(_ attempts: String) -> [(String, Unit, String)] {
        [
            (attempts, .count, "finished \(attempts)"),
            ("failures", .count, "\(attempts) that failed"),
            ("error_share", .share, "failed \(attempts) of all \(attempts)"),
            ("retries", .count, "\(attempts) that repeat one that had just failed"),
            ("retry_share", .share, "retries of all \(attempts)"),
            ("avg_seconds", .seconds, "mean duration, waiting for people left out"),
            ("p50_seconds", .seconds, "median duration, likewise"),
            ("p95_seconds", .seconds, "95th percentile of the duration, likewise"),
            ("total_seconds", .seconds, "all durations added up"),
        ]
    }

    private static func use(_ one: String) -> [(String, Unit, String)] {
        [
            ("tokens", .tokens, "tokens read and written"),
            ("tokens_per_\(one)", .tokens, "tokens by \(one)"),
            ("cost_usd", .usd, "USD, as far as prices are known; unknown when none is"),
            ("cost_usd_per_\(one)", .usd, "USD by \(one)"),
            ("cost_share", .share, "of the fleet's known cost"),
            ("cache_read_share", .share, "input tokens that came from a cache, of all input"),
            ("unpriced_calls", .count, "calls to models whose price is unknown"),
        ]
    }

    private static let agent: [(String, Unit, String)] = [
        ("llm_calls", .count, "calls to models"),
        ("llm_calls_per_run", .number, "calls to models by run"),
        ("tool_calls", .count, "calls of tools"),
        ("tool_calls_per_run", .number, "calls of tools by run"),
    ]

    private static let workflow: [(String, Unit, String)] = [
        ("tokens", .tokens, "tokens read and written"),
        ("tokens_per_run", .tokens, "tokens by run"),
        ("cost_usd", .usd, "USD, as far as prices are known; unknown when none is"),
        ("cost_usd_per_run", .usd, "USD by run"),
        ("cost_share", .share, "of the fleet's known cost"),
    ]

    private static let model: [(String, Unit, String)] = [
        ("input_tokens", .tokens, "tokens read, cached ones included"),
        ("output_tokens", .tokens, "tokens written, reasoning included"),
        ("ttft_p95_seconds", .seconds, "95th percentile of the time to the first token"),
    ]

    private static let fleet: [(String, Unit, String)] = [
        ("workflow_runs", .count, "workflow runs that ended"),
        ("agent_runs", .count, "agent runs that ended"),
        ("llm_calls", .count, "calls to models"),
        ("tool_calls", .count, "calls of tools"),
        ("errors", .count, "activities that ended in error"),
        ("error_share", .share, "of all activities that ended"),
        ("workflow_error_share", .share, "workflow runs that failed, of all"),
        ("p95_workflow_seconds", .seconds, "95th percentile of workflows' duration"),
        ("tokens", .tokens, "tokens read and written"),
        ("cost_usd", .usd, "USD, as far as prices are known"),
        ("cost_month_usd", .usd, "USD that the calendar month is projected to cost"),
        (
            "cost_trend_share", .share,
            "change of the last 24 hours' cost against the 24 before"
        ),
        ("budget_used_share", .share, "of the budget that is nearest to its end"),
        ("budget_hours_left", .number, "hours until that budget is used up at the present rate"),
        ("unpriced_calls", .count, "calls to models whose price is unknown"),
        ("unpriced_share", .share, "of all calls to models"),
        ("active_workflows", .count, "workflows in progress now"),
        ("active_agents", .count, "agents in progress now"),
        ("stuck_workflows", .count, "workflows in progress of which too long nothing was heard"),
        ("waiting_workflows", .count, "workflows that wait for a human now"),
        ("abandoned_workflows", .count, "workflows given up"),
        (
            "recovery_share", .share,
            "failures recovered from, of those whose outcome is known, since the start"
        ),
        ("open_failures", .count, "failures that were not recovered from, since the start"),
        ("failure_clusters", .count, "bursts of failures in the last 24 hours"),
        ("dropped_facts", .count, "facts that analysis could not take, since the start"),
    ]
}

/// The figures of one subject, and spans that go with them.
public struct FigureSet: Sendable {
    public var scope: InsightScope
    /// Of an agent, workflow, model or tool; empty for the fleet.
    public var name: String
    /// By name, without the scope. What is not known is left out.
    public var values: [String: Double]
    /// The latest that the figures are of, and the latest of those that failed.
    public var evidence: FindingEvidence
    public var failureEvidence = FindingEvidence()
    /// By name, of the figures that are estimates.
    var samples: [String: FigureSample] = [:]

    public init(
        _ scope: InsightScope, _ name: String = "", _ values: [String: Double] = [:],
        evidence: FindingEvidence = FindingEvidence()
    ) {
        self.scope = scope
        self.name = name
        self.values = values
        self.evidence = evidence
    }
}
