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
        /// Failures in the second trace and none in the first, the other way round. What failed and
        /// what did not take times that cannot be compared.
        case failing, recovered
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

    public let a: ComparedTrace
    public let b: ComparedTrace
    public let totals: [Total]
    /// Those whose time differs most come first.
    public let operations: [Row]
    public let agents: [Row]
    public let models: [Row]

    /// Share by which a mean must differ to be slower or faster.
    private static let threshold = 0.2
    /// Nanoseconds by which it must.
    private static let least = 1_000_000.0

    public init(_ a: ComparedTrace, _ b: ComparedTrace) {
        self.a = a
        self.b = b
        totals = zip(a.totals, b.totals).map { Total(name: $0.name, a: $0.value, b: $1.value) }
        operations = Self.rows(a.operations, b.operations)
        agents = Self.rows(a.agents, b.agents)
        models = Self.rows(a.models, b.models)
    }

    typealias Key = ComparedTrace.Key

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
        if (a.errors > 0) != (b.errors > 0) { return b.errors > 0 ? .failing : .recovered }
        let more = b.mean - a.mean
        guard abs(more) >= least, abs(more) > threshold * max(a.mean, 1) else { return .same }
        return more > 0 ? .slower : .faster
    }

    // MARK: JSON

    /// An object: both traces, `totals` and the rows of `operations`, `agents` and `models`.
    /// `delta` is what the second has more; `ratio` is the second to the first.
    public func write(into writer: inout JSONWriter) {
        writer.beginObject()
        for (name, trace) in [("a", a), ("b", b)] {
            writer.key(name)
            trace.summary.write(into: &writer)
        }
        writer.object("totals") { writer in
            for total in totals { Self.write(total.name, total.a, total.b, &writer) }
        }
        for (name, rows) in [("operations", operations), ("agents", agents), ("models", models)] {
            writer.array(name) { writer in
                for row in rows.prefix(a.longestList) { Self.write(row, name, &writer) }
            }
            if rows.count > a.longestList {
                writer.field("omitted_\(name)", rows.count - a.longestList)
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
