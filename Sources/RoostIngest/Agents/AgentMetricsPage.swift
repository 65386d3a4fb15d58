public import RoostMetrics

/// What had been counted of agents at a moment. Immutable.
public struct AgentSnapshot: Sendable {
    let metrics: AgentMetrics

    public var events: AgentEvents { metrics.events }
    /// Counts and measurements that went into overflow series, since start.
    public var overflowed: UInt64 { metrics.overflowed }
    /// Activities held: open, or waiting for their trace to be quiet.
    public let heldActivities: Int
}

/// The families about agents on `/metrics`. Confined to the thread that renders the page.
///
/// A series that Prometheus has not seen yet is shown to it as nothing once, so that `increase()`
/// sees its first call; everybody else always sees what is. Prometheus says who it is by its
/// `X-Prometheus-Scrape-Timeout-Seconds` header.
///
/// A series that has counted nothing for longer than the expiry is left out, but not before
/// Prometheus, if it ever asks, has been shown what it counted last. Once it counts again it is back
/// with all that it ever counted, so no counter falls. A gauge is left out while it is 0.
public final class AgentMetricsPage: ExpositionSource {
    private var snapshot: AgentSnapshot?
    /// In nanoseconds; nil is never.
    private var expiry: UInt64?
    /// Of each family but the gauges. Empty without `expiry`.
    private var activity: [String: SeriesActivity] = [:]
    /// Of each gauge, since when which numbers of texts have been at 0. Empty without `expiry`.
    private var idle: [String: [Int32: UInt64]] = [:]
    /// When `update` was last called.
    private var updated: UInt64 = 0
    /// How many series of each family Prometheus has been shown.
    private var introduced: [String: Int] = [:]
    private var isForPrometheus = false
    /// Prometheus has asked.
    private var servesPrometheus = false

    public init() {}

    /// Another expiry, from the next `update` on.
    public func use(expiry: Duration?) {
        self.expiry = expiry?.nanoseconds
        if expiry == nil { (activity, idle) = ([:], [:]) }
    }

    /// Takes in the latest picture; `isForPrometheus` says who asks.
    ///
    /// `now` in nanoseconds of any clock that does not run backwards.
    public func update(_ snapshot: AgentSnapshot?, isForPrometheus: Bool, now: UInt64) {
        self.snapshot = snapshot
        self.isForPrometheus = isForPrometheus
        servesPrometheus = servesPrometheus || isForPrometheus
        updated = now
        guard expiry != nil, let metrics = snapshot?.metrics else { return }
        for family in AgentFamily.all(metrics) { note(family) }
    }

    private func note(_ family: AgentFamily) {
        switch family.content {
        case .counter(let counter):
            activity[family.name, default: SeriesActivity()].note(
                count: counter.index.count, now: updated, mark: counter.mark)
        case .histogram(let histogram):
            activity[family.name, default: SeriesActivity()].note(
                count: histogram.index.count, now: updated, mark: histogram.mark)
        case .gauge(let values):
            let before = idle[family.name] ?? [:]
            var now: [Int32: UInt64] = [:]
            for (text, value) in values where value == 0 { now[text] = before[text] ?? updated }
            idle[family.name] = now
        }
    }

    public func makePass() -> any ExpositionPass {
        guard let metrics = snapshot?.metrics else {
            return AgentMetricsPass(families: [], texts: [])
        }
        let families = AgentFamily.all(metrics)
        var rows: [AgentMetricsPass.Row] = []
        for family in families {
            var known = isForPrometheus ? introduced[family.name] ?? 0 : family.seriesCount
            // It has begun anew.
            if known > family.seriesCount { known = 0 }
            rows.append(
                AgentMetricsPass.Row(family: family, introduced: known, quiet: quiet(family)))
            if isForPrometheus { noteShown(family, known: known) }
        }
        return AgentMetricsPass(families: rows, texts: metrics.texts.texts)
    }

    /// Prometheus is shown a family, of which it knows the first series. It is shown all that are
    /// new, since none is quiet that it has not been shown.
    private func noteShown(_ family: AgentFamily, known: Int) {
        introduced[family.name] = family.seriesCount
        for number in 0..<known { activity[family.name]?.noteShown(number) }
    }

    /// For each series whether it is left out; empty when none is.
    private func quiet(_ family: AgentFamily) -> [Bool] {
        guard let expiry else { return [] }
        if case .gauge(let values) = family.content {
            let idle = idle[family.name] ?? [:]
            return values.map { text, _ in updated &- (idle[text] ?? updated) > expiry }
        }
        guard let activity = activity[family.name] else { return [] }
        return (0..<family.seriesCount).map {
            activity.isQuiet($0, now: updated, expiry: expiry, afterShown: servesPrometheus)
        }
    }
}

/// One family on the page.
struct AgentFamily {
    enum Content {
        case counter(AgentCounter)
        case histogram(AgentHistogram)
        case gauge([(Int32, Int)])
    }

    let name: String
    let help: String
    let labels: [String]
    let content: Content

    var seriesCount: Int {
        switch content {
        case .counter(let counter): counter.index.count
        case .histogram(let histogram): histogram.index.count
        case .gauge(let values): values.count
        }
    }

    static func all(_ metrics: AgentMetrics) -> [AgentFamily] {
        let call = ["agent", "provider", "model"]
        let user = metrics.showsUsers ? ["user"] : []
        return [
            AgentFamily(
                name: "roost_active_agents", help: "Agents at work now, by agent.",
                labels: ["agent"],
                content: .gauge(metrics.activeAgents.sorted { $0.key < $1.key })),
            AgentFamily(
                name: "roost_active_workflows", help: "Workflows at work now, by workflow.",
                labels: ["workflow"],
                content: .gauge(metrics.activeWorkflows.sorted { $0.key < $1.key })),
            AgentFamily(
                name: "roost_agent_run_duration_seconds",
                help: "How long runs of agents took, without waiting for people.",
                labels: ["agent", "workflow", "status"],
                content: .histogram(metrics.agentRunDuration)),
            AgentFamily(
                name: "roost_agent_runs_total", help: "Runs of agents that ended.",
                labels: ["agent", "workflow", "status"] + user,
                content: .counter(metrics.agentRuns)),
            AgentFamily(
                name: "roost_llm_call_duration_seconds", help: "How long calls to models took.",
                labels: call + ["status"], content: .histogram(metrics.llmCallDuration)),
            AgentFamily(
                name: "roost_llm_calls_total", help: "Calls to models, each once.",
                labels: call + ["status", "error_type"] + user,
                content: .counter(metrics.llmCalls)),
            AgentFamily(
                name: "roost_llm_cost_usd_total",
                help: "US dollars spent on calls to models, reported or computed from prices.",
                labels: ["agent", "workflow", "provider", "model", "source"] + user,
                content: .counter(metrics.llmCost)),
            AgentFamily(
                name: "roost_llm_time_to_first_token_seconds",
                help: "How long models took to begin their answer.",
                labels: call + ["status"], content: .histogram(metrics.llmTimeToFirstToken)),
            AgentFamily(
                name: "roost_llm_tokens_total",
                help: "Tokens used by calls to models; the types do not overlap.",
                labels: call + ["token_type"] + user, content: .counter(metrics.llmTokens)),
            AgentFamily(
                name: "roost_llm_unpriced_calls_total",
                help: "Calls to models whose price is unknown and whose cost was not reported.",
                labels: ["provider", "model"], content: .counter(metrics.llmUnpricedCalls)),
            AgentFamily(
                name: "roost_tool_calls_total", help: "Calls of tools, each once.",
                labels: ["agent", "tool", "status", "error_type"],
                content: .counter(metrics.toolCalls)),
            AgentFamily(
                name: "roost_tool_duration_seconds",
                help: "How long calls of tools took, without waiting for people.",
                labels: ["agent", "tool", "status"], content: .histogram(metrics.toolDuration)),
            AgentFamily(
                name: "roost_workflow_duration_seconds", help: "How long workflows took.",
                labels: ["workflow", "status"], content: .histogram(metrics.workflowDuration)),
            AgentFamily(
                name: "roost_workflow_runs_total", help: "Runs of workflows that ended.",
                labels: ["workflow", "status"], content: .counter(metrics.workflowRuns)),
        ]
    }
}

/// One walk over the families.
struct AgentMetricsPass: ExpositionPass {
    struct Row {
        let family: AgentFamily
        /// Series from here on are shown as nothing.
        let introduced: Int
        /// For each series whether it is left out; empty when none is.
        let quiet: [Bool]

        func isQuiet(_ number: Int) -> Bool { number < quiet.count && quiet[number] }

        /// None of its series is shown.
        var isEmpty: Bool {
            switch family.content {
            // Nothing but an overflow series in which there is nothing.
            case .counter(let counter) where counter.index.count == 1 && counter.values[0] == 0:
                true
            case .histogram(let histogram)
            where histogram.index.count == 1 && histogram.counts[0] == 0:
                true
            case .gauge(let values) where values.isEmpty: true
            default: !quiet.isEmpty && quiet.allSatisfy { $0 }
            }
        }
    }

    private let rows: [Row]
    private let texts: [[UInt8]]
    private var row = 0
    private var series = 0
    private var isOpen = false
    private var builder = LabelBuilder()

    init(families rows: [Row], texts: [[UInt8]]) {
        self.rows = rows
        self.texts = texts
    }

    mutating func write(into writer: inout ExpositionWriter, upTo bytes: Int) -> Bool {
        while row < rows.count {
            let current = rows[row]
            if current.isEmpty {
                row += 1
                continue
            }
            begin(current.family, &writer)
            while series < current.family.seriesCount {
                if writer.count >= bytes { return true }
                if !current.isQuiet(series) { write(series, of: current, &writer) }
                series += 1
            }
            writer.endFamily()
            isOpen = false
            series = 0
            row += 1
        }
        return false
    }

    private mutating func begin(_ family: AgentFamily, _ writer: inout ExpositionWriter) {
        guard !isOpen else { return }
        isOpen = true
        let unit = family.name.hasSuffix("_seconds") ? "seconds" : nil
        switch family.content {
        case .counter:
            writer.beginFamily(name: family.name, type: .counter, help: family.help)
        case .histogram:
            writer.beginFamily(
                name: family.name, type: .histogram, help: family.help, unit: unit)
        case .gauge: writer.beginFamily(name: family.name, type: .gauge, help: family.help)
        }
    }

    private mutating func write(
        _ number: Int, of row: Row, _ writer: inout ExpositionWriter
    ) {
        let isNew = number >= row.introduced
        switch row.family.content {
        case .counter(let counter):
            if number == 0, counter.values[0] == 0 { return }
            let text = labels(counter.index.keys[number], number, row.family.labels)
            writer.counter(
                labels: text.bytes.span, value: isNew ? 0 : counter.values[number],
                createdUnixNano: counter.index.created[number],
                exemplar: isNew ? nil : counter.exemplars[number]?.exposed)
        case .histogram(let histogram):
            if number == 0, histogram.counts[0] == 0 { return }
            let text = labels(histogram.index.keys[number], number, row.family.labels)
            let width = histogram.bounds.bucketCount
            let cells = number * width..<(number + 1) * width
            let buckets =
                isNew ? [UInt64](repeating: 0, count: width) : Array(histogram.buckets[cells])
            writer.histogram(
                labels: text.bytes.span, bounds: histogram.bounds.seconds.span,
                bucketCounts: buckets.span, sum: isNew ? 0 : histogram.sums[number],
                count: isNew ? 0 : histogram.counts[number],
                createdUnixNano: histogram.index.created[number],
                exemplars: isNew ? [] : histogram.exemplars[cells].compactMap { $0?.exposed })
        case .gauge(let values):
            builder.add(row.family.labels[0], text(values[number].0).span)
            writer.gauge(labels: builder.finish().bytes.span, value: Double(values[number].1))
        }
    }

    private mutating func labels(
        _ key: AgentSeriesKey, _ number: Int, _ names: [String]
    ) -> LabelText {
        if number == 0 { return ["otel_metric_overflow": "true"] }
        for (place, name) in names.enumerated() { builder.add(name, text(key[place]).span) }
        return builder.finish()
    }

    private func text(_ number: Int32) -> [UInt8] {
        number >= 0 && Int(number) < texts.count ? texts[Int(number)] : []
    }
}

extension AgentSnapshot {
    /// Every series of a counter or of a histogram's counts with its labels, for tests.
    package func values(of name: String) -> [(labels: [String: String], value: Double)] {
        guard let family = AgentFamily.all(metrics).first(where: { $0.name == name }) else {
            return []
        }
        func named(_ key: AgentSeriesKey) -> [String: String] {
            var labels: [String: String] = [:]
            for (place, label) in family.labels.enumerated() {
                let number = Int(key[place])
                labels[label] =
                    number > 0 ? String(decoding: metrics.texts.texts[number], as: UTF8.self) : ""
            }
            return labels
        }
        switch family.content {
        case .counter(let counter):
            return counter.index.keys.indices.dropFirst().map {
                (named(counter.index.keys[$0]), counter.values[$0])
            }
        case .histogram(let histogram):
            return histogram.index.keys.indices.dropFirst().map {
                (named(histogram.index.keys[$0]), histogram.sums[$0])
            }
        case .gauge(let values):
            return values.map {
                (named(AgentSeriesKey(first: $0.0)), Double($0.1))
            }
        }
    }
}
