import RoostCore

/// Figures that rules ask for, as far as they can be told from here.
extension Findings {
    /// Figures of each agent, tool, model and workflow of the last hour and of the fleet, with
    /// what shows them.
    public func figures(
        _ symbols: Symbols, now: UInt64, _ inputs: InsightInputs = InsightInputs()
    ) -> [FigureSet] {
        var sets = patterns.figures(symbols)
        if let windows = inputs.windows { Findings.add(windows, to: &sets) }
        var fleet = FigureSet(.fleet, "", inputs.fleetFigures(now: now))
        fleet.samples = inputs.fleetSamples()
        (fleet.evidence, fleet.failureEvidence) = patterns.latestRuns()
        return [fleet] + sets
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
            return FigureSet(
                operations.keys[place].subject(symbols), sums, since: slots.hourSince)
        }
    }

    /// The latest runs of all workflows, and the latest of them that failed, of the last hour.
    func latestRuns() -> (all: FindingEvidence, failed: FindingEvidence) {
        let held = slots.holding(.hour)
        var (all, failed) = (FindingEvidence(), FindingEvidence())
        for (place, key) in operations.keys.enumerated() where key.kind == .workflow {
            let sums = operations.sums(at: place, held)
            guard sums.attempts > 0 else { continue }
            let rings = sums.examples
            all.add(rings.latest.evidence(count: sums.attempts, since: slots.hourSince))
            guard sums.failures > 0 else { continue }
            failed.add(rings.failures.evidence(count: sums.failures, since: slots.hourSince))
        }
        return (all, failed)
    }
}

extension FindingEvidence {
    /// The latest of both stay.
    fileprivate mutating func add(_ other: FindingEvidence) {
        count += other.count
        if other.first != 0 { first = first == 0 ? other.first : min(first, other.first) }
        last = max(last, other.last)
        examples = Array(
            (examples + other.examples).sorted { $0.time > $1.time }.prefix(5))
    }
}

extension FigureSet {
    fileprivate init(_ subject: FindingSubject, _ sums: OperationSums, since: UInt64) {
        let isCalled = subject.kind == .model || subject.kind == .tool
        let attempts = Double(sums.attempts)
        let (failures, retries) = (Double(sums.failures), Double(sums.retries))
        var values: [String: Double] = [
            isCalled ? "calls" : "runs": attempts, "failures": failures,
            "error_share": sums.failureShare, "retries": retries, "retry_share": sums.retryShare,
        ]
        var samples: [String: FigureSample] = [
            "error_share": .share(hits: failures, of: attempts),
            "retry_share": .share(hits: retries, of: attempts),
        ]
        if sums.slot.timed > 0 {
            values["avg_seconds"] = sums.mean
            values["total_seconds"] = sums.slot.sum
            samples["avg_seconds"] = .mean(sums.meanSample)
        }
        if let durations = sums.durations {
            values["p50_seconds"] = durations.p50
            values["p95_seconds"] = durations.p95
            samples["p50_seconds"] = .quantile(0.5, of: durations)
            samples["p95_seconds"] = .quantile(0.95, of: durations)
        }
        let scope: InsightScope =
            switch subject.kind {
            case .agent: .agent
            case .tool: .tool
            case .model: .model
            case .workflow: .workflow
            }
        self.init(
            scope, subject.name, values,
            evidence: sums.examples.latest.evidence(count: sums.attempts, since: since))
        self.samples = samples
        failureEvidence = sums.examples.failures.evidence(count: sums.failures, since: since)
    }
}
