/// What other parts of the analysis know, as far as whoever asks has it: what is left out is
/// unknown, and rules that need it say nothing.
public struct InsightInputs: Sendable {
    /// Of 3,600 seconds, with groups.
    public var windows: WindowStatistics?
    /// Of 24 hours.
    public var costs: CostReport?
    public var budgets: [BudgetState] = []
    public var failures: FailureReport?
    public var fleet: FleetStatistics?
    /// Facts that analysis could not take, since the start.
    public var droppedFacts: UInt64?

    public init() {}

    /// Figures of the fleet, by name.
    func fleetFigures(now: UInt64) -> [String: Double] {
        var values = windows.map { InsightInputs.figures(of: $0.overall) } ?? [:]
        if let costs {
            values["cost_month_usd"] = costs.forecast?.projected
            values["cost_trend_share"] = costs.dayTrend?.change
        }
        if let tightest = budgets.max(by: { $0.share < $1.share }) {
            values["budget_used_share"] = tightest.share
            values["budget_hours_left"] = tightest.exhaustedAt.map {
                $0 > now ? Double($0 - now) / 3.6e12 : 0
            }
        }
        if let failures {
            values["recovery_share"] = failures.recoveryRate
            values["open_failures"] = Double(failures.unrecovered)
            values["failure_clusters"] = Double(failures.clusters.count)
        }
        if let fleet {
            values["active_workflows"] = Double(fleet.activeWorkflows)
            values["active_agents"] = Double(fleet.activeAgents)
            values["stuck_workflows"] = Double(fleet.stuckWorkflows)
            let waiting = fleet.states.first { $0.state == .waiting }?.count ?? 0
            values["waiting_workflows"] = Double(waiting)
            values["abandoned_workflows"] = Double(fleet.lastHour.abandoned)
        }
        values["dropped_facts"] = droppedFacts.map { Double($0) }
        return values
    }

    /// Of the shares among them.
    func fleetSamples() -> [String: FigureSample] {
        var samples: [String: FigureSample] = [:]
        if let all = windows?.overall {
            samples["workflow_error_share"] = .share(
                hits: Double(all.workflowRuns.errors), of: Double(all.workflowRuns.count))
            samples["error_share"] = .share(hits: Double(all.errors), of: Double(all.ended))
            samples["unpriced_share"] = .share(
                hits: Double(all.unpricedCalls), of: Double(all.llmCalls.count))
        }
        if let failures {
            samples["recovery_share"] = .share(
                hits: Double(failures.recovered),
                of: Double(failures.recovered &+ failures.unrecovered))
        }
        return samples
    }

    private static func figures(of figures: WindowFigures) -> [String: Double] {
        var values: [String: Double] = [
            "workflow_runs": Double(figures.workflowRuns.count),
            "agent_runs": Double(figures.agentRuns.count),
            "llm_calls": Double(figures.llmCalls.count),
            "tool_calls": Double(figures.toolCalls.count),
            "errors": Double(figures.errors), "tokens": Double(figures.tokens.total),
            "unpriced_calls": Double(figures.unpricedCalls),
        ]
        values["error_share"] = figures.errorShare
        values["cost_usd"] = figures.cost
        values["workflow_error_share"] = shareOf(
            Double(figures.workflowRuns.errors), Double(figures.workflowRuns.count))
        values["unpriced_share"] = shareOf(
            Double(figures.unpricedCalls), Double(figures.llmCalls.count))
        values["p95_workflow_seconds"] = figures.workflowDuration.map { $0.p95 * 1e-9 }
        return values
    }

    /// What advice on costs, budgets and bursts of failures say, each on its own.
    func insights() -> [Insight] {
        (costs?.advice ?? []).map { Insight($0) } + budgets.compactMap { Insight($0) }
            + (failures?.clusters ?? []).prefix(3).map { Insight($0) }
    }
}

/// Nil of nothing.
func shareOf(_ part: Double, _ whole: Double) -> Double? { whole > 0 ? part / whole : nil }

extension InsightBook {
    /// Works out what holds now, from all that is known.
    public mutating func update(
        now: UInt64, _ symbols: Symbols, _ findings: Findings, _ inputs: InsightInputs
    ) {
        update(
            now: now, figures: findings.figures(symbols, now: now, inputs),
            patterns: findings.patterns.findings(symbols, now: now),
            regressions: findings.regressions.findings(symbols), others: inputs.insights())
    }
}
