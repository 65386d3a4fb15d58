public import RoostCore
public import RoostIngest

/// Two traces side by side: what one did that the other did not, and what took longer.
public struct TraceComparison: Sendable {
    /// One figure in both.
    public struct Total: Sendable {
        public let name: String
        /// Nil where it is unknown.
        public let a: Double?
        public let b: Double?
    }

    /// What an operation, an agent or a model comes to in one trace.
    public struct Figures: Sendable, Equatable {
        public var count = 0
        public var errors = 0
        /// Nanoseconds of all together.
        public var total = 0
        public var tokens: UInt64 = 0
        /// USD; nil when unknown.
        public var cost: Double?

        /// Nanoseconds.
        public var mean: Double { count > 0 ? Double(total) / Double(count) : 0 }
    }

    public enum Change: String, Sendable {
        /// Only in the second trace, only in the first.
        case added, removed
        case slower, faster, same
    }

    public struct Row: Sendable {
        /// Nil for agents and models.
        public let activity: ActivityKind?
        public let name: String
        /// Nil when it is not in the trace.
        public let a: Figures?
        public let b: Figures?
        public let change: Change
    }

    public let a: TraceAnalysis
    public let b: TraceAnalysis
    public let totals: [Total]
    /// Those whose time differs most come first.
    public let operations: [Row]
    public let agents: [Row]
    public let models: [Row]

    /// Share by which a mean must differ to be slower or faster.
    private static let threshold = 0.2
    /// Nanoseconds by which it must.
    private static let least = 1_000_000.0

    public init(_ a: TraceAnalysis, _ b: TraceAnalysis) {
        self.a = a
        self.b = b
        totals = Self.totals(a, b)
        let sides = [a, b].map { analysis in
            analysis.operations.reduce(into: [Key: Figures]()) { rows, operation in
                rows[Key(activity: operation.activity, name: ExactText(operation.name))] = Figures(
                    count: operation.count, errors: operation.errors, total: operation.total,
                    tokens: operation.tokens, cost: operation.cost)
            }
        }
        operations = Self.rows(sides[0], sides[1])
        let agentSides = [a, b].map { analysis in
            analysis.agents.reduce(into: [Key: Figures]()) { rows, agent in
                rows[Key(activity: nil, name: ExactText(agent.agent))] = Figures(
                    count: max(agent.runs, 1), errors: agent.errors, total: agent.busy,
                    tokens: agent.tokens, cost: agent.cost)
            }
        }
        agents = Self.rows(agentSides[0], agentSides[1])
        models = Self.rows(Self.models(a), Self.models(b))
    }

    private struct Key: Hashable {
        let activity: ActivityKind?
        let name: ExactText
    }

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

    private static func rows(_ a: [Key: Figures], _ b: [Key: Figures]) -> [Row] {
        let keys = Set(a.keys).union(b.keys)
        return keys.map { key in
            Row(
                activity: key.activity, name: key.name.text, a: a[key], b: b[key],
                change: change(a[key], b[key]))
        }.sorted { one, other in
            let (left, right) = (difference(one), difference(other))
            if left != right { return left > right }
            return (one.name, one.activity?.rawValue ?? 0)
                < (other.name, other.activity?.rawValue ?? 0)
        }
    }

    private static func difference(_ row: Row) -> Int {
        ((row.b?.total ?? 0) &- (row.a?.total ?? 0)).magnitude > UInt(Int.max)
            ? Int.max : abs((row.b?.total ?? 0) &- (row.a?.total ?? 0))
    }

    private static func change(_ a: Figures?, _ b: Figures?) -> Change {
        guard let a else { return .added }
        guard let b else { return .removed }
        let more = b.mean - a.mean
        guard abs(more) >= least, abs(more) > threshold * max(a.mean, 1) else { return .same }
        return more > 0 ? .slower : .faster
    }

    private static func totals(_ a: TraceAnalysis, _ b: TraceAnalysis) -> [Total] {
        let (one, other) = (
            TraceSummary(of: a.document),
            TraceSummary(of: b.document)
        )
        func seconds(_ nanoseconds: Int) -> Double { Double(nanoseconds) / 1e9 }
        return [
            Total(name: "duration", a: seconds(a.wallClock), b: seconds(b.wallClock)),
            Total(
                name: "working_seconds", a: seconds(a.concurrency.working),
                b: seconds(b.concurrency.working)),
            Total(
                name: "total_work_seconds", a: seconds(a.concurrency.work),
                b: seconds(b.concurrency.work)),
            Total(
                name: "human_wait_seconds", a: seconds(a.concurrency.waiting),
                b: seconds(b.concurrency.waiting)),
            Total(
                name: "parallelization_factor", a: a.concurrency.factor, b: b.concurrency.factor),
            Total(name: "performance_score", a: a.score?.total, b: b.score?.total),
            Total(name: "spans", a: Double(one.spans), b: Double(other.spans)),
            Total(name: "errors", a: Double(one.errors), b: Double(other.errors)),
            Total(name: "llm_calls", a: Double(one.calls), b: Double(other.calls)),
            Total(name: "tool_calls", a: Double(one.toolCalls), b: Double(other.toolCalls)),
            Total(name: "tokens", a: Double(one.tokens), b: Double(other.tokens)),
            Total(name: "cost_usd", a: one.cost, b: other.cost),
        ]
    }

    // MARK: JSON

    /// An object: both traces, `totals` and the rows of `operations`, `agents` and `models`.
    /// `delta` is what the second has more; `ratio` is the second to the first.
    public func write(into writer: inout JSONWriter) {
        writer.beginObject()
        for (name, analysis) in [("a", a), ("b", b)] {
            writer.key(name)
            TraceSummary(of: analysis.document).write(into: &writer)
        }
        writer.object("totals") { writer in
            for total in totals { Self.write(total.name, total.a, total.b, &writer) }
        }
        for (name, rows) in [("operations", operations), ("agents", agents), ("models", models)] {
            writer.array(name) { writer in
                for row in rows.prefix(a.settings.longestList) { Self.write(row, name, &writer) }
            }
            if rows.count > a.settings.longestList {
                writer.field("omitted_\(name)", rows.count - a.settings.longestList)
            }
        }
        writer.endObject()
    }

    private static func write(
        _ name: String, _ a: Double?, _ b: Double?, _ writer: inout JSONWriter
    ) {
        writer.object(name) { writer in
            writer.optional("a", a)
            writer.optional("b", b)
            writer.optional("delta", a.flatMap { a in b.map { $0 - a } })
            writer.optional("ratio", a.flatMap { a in a > 0 ? b.map { $0 / a } : nil })
        }
    }

    private static func write(_ row: Row, _ list: String, _ writer: inout JSONWriter) {
        writer.beginObject()
        if let activity = row.activity { writer.field("activity", activity.name) }
        writer.optional(String(list.dropLast()), row.name)
        writer.field("change", row.change.rawValue)
        for (name, figures) in [("a", row.a), ("b", row.b)] {
            writer.key(name)
            guard let figures else {
                writer.null()
                continue
            }
            writer.beginObject()
            writer.field("count", figures.count)
            writer.field("errors", figures.errors)
            writer.field("total_seconds", Double(figures.total) / 1e9)
            writer.field("mean_seconds", figures.mean / 1e9)
            writer.field("tokens", figures.tokens)
            writer.optional("cost_usd", figures.cost)
            writer.endObject()
        }
        writer.endObject()
    }
}
