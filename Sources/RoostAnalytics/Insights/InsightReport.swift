public import RoostCore

/// What was looked at, and what could not be: told with every report.
public struct InsightCoverage: Sendable {
    /// Unix nanoseconds: since when activities have been heard of.
    public var observedSince: UInt64 = 0
    /// Seconds of the window that the counts below are of.
    public var seconds = 3_600
    public var workflowRuns = 0
    public var agentRuns = 0
    public var llmCalls = 0
    public var toolCalls = 0
    /// Activities that ended in error.
    public var errors = 0
    public var tokens = 0.0
    /// USD; nil when no cost is known.
    public var cost: Double?
    public var unpricedCalls = 0
    /// Names of models without a known price.
    public var unpricedModels: [String] = []
    /// Activities that analysis could not take, since the start.
    public var missed = 0
    /// Operations whose baseline is learned, and those where it is not yet.
    public var learned = 0
    public var learning = 0
    /// Things that are switched off or otherwise not known, as whole sentences.
    public var remarks: [String] = []

    public init() {}

    /// Nothing at all was heard.
    var isEmpty: Bool { !hasActivities && tokens == 0 && cost == nil }

    /// False while only metrics tell what was used, or nothing does.
    var hasActivities: Bool { workflowRuns + agentRuns + llmCalls + toolCalls > 0 }
}

/// What `GET insights` and `GET insights/report.md` tell.
public struct InsightReport: Sendable {
    /// Unix nanoseconds.
    public var time: UInt64
    /// From when on things that are over are told.
    public var since: UInt64
    /// The most pressing first.
    public var insights: [Insight]
    /// What held within the time and does no longer.
    public var gone: [Insight]
    public var improvements: [RegressionFinding]
    public var coverage: InsightCoverage

    public init(
        time: UInt64, since: UInt64, insights: [Insight], gone: [Insight] = [],
        improvements: [RegressionFinding] = [], coverage: InsightCoverage
    ) {
        self.time = time
        self.since = since
        self.insights = insights
        self.gone = gone
        self.improvements = improvements
        self.coverage = coverage
    }

    public func count(_ priority: InsightPriority) -> Int {
        insights.count { $0.priority == priority }
    }

    public func write(into json: inout JSONWriter) {
        json.beginObject()
        json.time("time", time)
        json.time("since", since)
        json.field("summary", summary)
        json.object("counts") { json in
            for priority in InsightPriority.allCases {
                json.field(priority.rawValue, count(priority))
            }
        }
        json.array("insights") { json in
            for insight in insights { insight.write(into: &json) }
        }
        json.array("gone") { json in
            for insight in gone { insight.write(into: &json) }
        }
        json.array("improvements") { json in
            for finding in improvements { finding.write(into: &json) }
        }
        json.object("coverage") { coverage.write(into: &$0) }
        json.endObject()
    }
}

extension InsightCoverage {
    fileprivate func write(into json: inout JSONWriter) {
        json.time("observed_since", observedSince)
        json.field("window_seconds", seconds)
        json.field("workflow_runs", workflowRuns)
        json.field("agent_runs", agentRuns)
        json.field("llm_calls", llmCalls)
        json.field("tool_calls", toolCalls)
        json.field("errors", errors)
        json.key("tokens")
        json.number(tokens)
        json.key("cost_usd")
        if let cost { json.number(cost) } else { json.null() }
        json.field("unpriced_calls", unpricedCalls)
        json.array("unpriced_models") { json in
            for model in unpricedModels { json.value(model) }
        }
        json.field("missed", missed)
        json.field("baselines_learned", learned)
        json.field("baselines_learning", learning)
        json.array("remarks") { json in
            for remark in remarks { json.value(remark) }
        }
    }
}
