import RoostCore
import RoostIngest

/// What is compared of a trace: little, so that its analysis need not be kept for it.
public struct ComparedTrace: Sendable {
    typealias Figures = TraceComparison.Figures

    struct Key: Hashable {
        /// Nil for agents and models.
        let activity: ActivityKind?
        let name: ExactText
    }

    let summary: TraceSummary
    /// Nil where it is unknown. The same names in the same order for every trace.
    let totals: [(name: String, value: Double?)]
    let operations: [Key: Figures]
    let agents: [Key: Figures]
    let models: [Key: Figures]
    /// Entries of a list; what is beyond is counted.
    let longestList: Int

    public init(of analysis: TraceAnalysis) {
        summary = TraceSummary(of: analysis.document)
        totals = Self.totals(analysis, summary)
        longestList = analysis.settings.longestList
        operations = analysis.operations.reduce(into: [:]) { rows, operation in
            rows[Key(activity: operation.activity, name: ExactText(operation.name))] = Figures(
                count: operation.count, errors: operation.errors, total: operation.total,
                tokens: operation.tokens, cost: operation.cost)
        }
        agents = analysis.agents.reduce(into: [:]) { rows, agent in
            rows[Key(activity: nil, name: ExactText(agent.agent))] = Figures(
                count: max(agent.runs, 1), errors: agent.errors, total: agent.busy,
                tokens: agent.tokens, cost: agent.cost)
        }
        models = Self.models(analysis)
    }

    /// That it takes.
    public var byteCount: Int {
        [operations, agents, models].reduce(0) { sum, rows in
            rows.keys.reduce(sum) { $0 + Self.bytesOfRow + $1.name.text.utf8.count }
        }
    }

    private static let bytesOfRow = 192

    private static func models(_ analysis: TraceAnalysis) -> [Key: Figures] {
        var rows: [Key: Figures] = [:]
        for place in analysis.document.steps.indices {
            let step = analysis.document.steps[place]
            guard step.isModelCall, step.isCounted, !step.model.isEmpty else { continue }
            var figures = rows[Key(activity: nil, name: ExactText(step.model))] ?? Figures()
            figures.count += 1
            if step.status == .error { figures.errors += 1 }
            figures.total = figures.total &+ analysis.duration(place)
            figures.tokens &+= step.tokens.total
            if let cost = step.cost { figures.cost = (figures.cost ?? 0) + cost }
            rows[Key(activity: nil, name: ExactText(step.model))] = figures
        }
        return rows
    }

    private static func totals(
        _ analysis: TraceAnalysis, _ summary: TraceSummary
    ) -> [(name: String, value: Double?)] {
        func seconds(_ nanoseconds: Int) -> Double { Double(nanoseconds) / 1e9 }
        return [
            ("duration", seconds(analysis.wallClock)),
            ("working_seconds", seconds(analysis.concurrency.working)),
            ("total_work_seconds", seconds(analysis.concurrency.work)),
            ("human_wait_seconds", seconds(analysis.concurrency.waiting)),
            ("parallelization_factor", analysis.concurrency.factor),
            ("performance_score", analysis.score?.total),
            ("spans", Double(summary.spans)),
            ("errors", Double(summary.errors)),
            ("llm_calls", Double(summary.calls)),
            ("tool_calls", Double(summary.toolCalls)),
            ("tokens", Double(summary.tokens)),
            ("cost_usd", summary.cost),
        ]
    }
}
