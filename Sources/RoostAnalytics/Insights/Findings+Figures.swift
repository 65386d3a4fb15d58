import RoostCore

/// Figures that rules ask for, as far as they can be told from here.
extension Findings {
    /// Figures of each agent, tool, model and workflow of the last hour, with what shows their
    /// failures, and of the fleet.
    public func figures(
        _ symbols: Symbols, now: UInt64, _ inputs: InsightInputs = InsightInputs()
    ) -> [FigureSet] {
        var sets = patterns.figures(symbols)
        if let windows = inputs.windows { Findings.add(windows, to: &sets) }
        return [FigureSet(.fleet, "", inputs.fleetFigures(now: now))] + sets
    }

    private static func add(_ windows: WindowStatistics, to sets: inout [FigureSet]) {
        let cost = windows.overall.cost ?? 0
        for (dimension, scope) in [
            (.agent, .agent), (.workflow, .workflow), (.model, .model),
        ] as [(WindowDimension, InsightScope)] {
            var places: [ExactText: Int] = [:]
            for (at, set) in sets.enumerated() where set.scope == scope {
                places[ExactText(set.name)] = at
            }
            for group in windows.groups[dimension] ?? [] {
                guard let at = places[ExactText(group.name)] else { continue }
                add(group.figures, fleetCost: cost, to: &sets[at])
            }
        }
    }

    private static func add(
        _ figures: WindowFigures, fleetCost: Double, to set: inout FigureSet
    ) {
        let one = set.scope == .model ? "call" : "run"
        let attempts =
            set.scope == .model
            ? figures.llmCalls.count
            : set.scope == .agent ? figures.agentRuns.count : figures.workflowRuns.count
        let tokens = figures.tokens
        set.values["tokens"] = Double(tokens.total)
        set.values["tokens_per_\(one)"] = shareOf(Double(tokens.total), Double(attempts))
        set.values["cost_usd"] = figures.cost
        if let cost = figures.cost {
            set.values["cost_usd_per_\(one)"] = shareOf(cost, Double(attempts))
            set.values["cost_share"] = shareOf(cost, fleetCost)
        }
        guard set.scope != .workflow else { return }
        let input = tokens.input &+ tokens.cacheRead &+ tokens.cacheWrite
        set.values["cache_read_share"] = shareOf(Double(tokens.cacheRead), Double(input))
        set.values["unpriced_calls"] = Double(figures.unpricedCalls)
        if set.scope == .model {
            set.values["input_tokens"] = Double(input)
            set.values["output_tokens"] = Double(tokens.output &+ tokens.reasoning)
            set.values["ttft_p95_seconds"] = figures.timeToFirstToken.map { $0.p95 * 1e-9 }
        } else {
            set.values["llm_calls"] = Double(figures.llmCalls.count)
            set.values["tool_calls"] = Double(figures.toolCalls.count)
            set.values["llm_calls_per_run"] = shareOf(
                Double(figures.llmCalls.count), Double(attempts))
            set.values["tool_calls_per_run"] = shareOf(
                Double(figures.toolCalls.count), Double(attempts))
        }
    }

    /// What a report tells of how much was seen.
    public func coverage(_ inputs: InsightInputs) -> InsightCoverage {
        var coverage = InsightCoverage()
        coverage.missed =
            patterns.missed + regressions.unwatched + Int(clamping: inputs.droppedFacts ?? 0)
        let baselines =
            regressions.assessments.map(\.isLearned)
            + regressions.adopted.baselines.values.map(\.isLearned)
        coverage.learned = baselines.count { $0 }
        coverage.learning = baselines.count - coverage.learned
        guard let windows = inputs.windows else { return coverage }
        let all = windows.overall
        coverage.seconds = windows.window
        coverage.workflowRuns = Int(clamping: all.workflowRuns.count)
        coverage.agentRuns = Int(clamping: all.agentRuns.count)
        coverage.llmCalls = Int(clamping: all.llmCalls.count)
        coverage.toolCalls = Int(clamping: all.toolCalls.count)
        coverage.errors = Int(clamping: all.errors)
        coverage.tokens = Double(all.tokens.total)
        coverage.cost = all.cost
        coverage.unpricedCalls = Int(clamping: all.unpricedCalls)
        coverage.unpricedModels = (windows.groups[.model] ?? [])
            .filter { $0.figures.unpricedCalls > 0 }.map(\.name)
        return coverage
    }
}

extension Patterns {
    /// Figures of the last hour of every operation that was tried in it.
    func figures(_ symbols: Symbols) -> [FigureSet] {
        let held = slots.holding(.hour)
        var histogram = WindowHistogram()
        return operations.keys.indices.compactMap { place -> FigureSet? in
            let sums = operations.sums(at: place, held, open: slots.open, &histogram)
            guard sums.attempts > 0 else { return nil }
            let subject = operations.keys[place].subject(symbols)
            let isCalled = subject.kind == .model || subject.kind == .tool
            let attempts = Double(sums.attempts)
            var values: [String: Double] = [
                isCalled ? "calls" : "runs": attempts, "failures": Double(sums.failures),
                "error_share": sums.failureShare, "retries": Double(sums.slot.retries),
                "retry_share": min(1, Double(sums.slot.retries) / attempts),
            ]
            if sums.slot.timed > 0 {
                values["avg_seconds"] = sums.mean
                values["p50_seconds"] = sums.durations?.p50
                values["p95_seconds"] = sums.durations?.p95
                values["total_seconds"] = sums.slot.sum
            }
            let scope: InsightScope =
                switch subject.kind {
                case .agent: .agent
                case .tool: .tool
                case .model: .model
                case .workflow: .workflow
                }
            let evidence = sums.examples.failures.evidence(
                count: sums.failures, since: slots.hourSince)
            return FigureSet(scope, subject.name, values, evidence: evidence)
        }
    }
}
