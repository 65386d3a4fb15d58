public import RoostCore
import RoostIngest

extension WindowStatistics {
    /// One object: figures overall at the top, then lists by dimension.
    ///
    /// - Parameter groups: whether the lists are written.
    public func write(into json: inout JSONWriter, groups isWithGroups: Bool = true) {
        json.beginObject()
        json.field("window_seconds", window)
        json.field("time", rfc3339(unixNanoseconds: time))
        json.field("covered_seconds", covered)
        optional(activeWorkflows, "active_workflows", &json)
        optional(activeAgents, "active_agents", &json)
        json.field("workflows_seen", workflowsSeen)
        json.field("agents_seen", agentsSeen)
        write(overall, into: &json)
        if isWithGroups {
            for dimension in WindowDimension.allCases { write(dimension, into: &json) }
        }
        json.endObject()
    }

    /// The figures of one workflow, those of nothing when it was not heard of in the window.
    public func write(workflow: String, into json: inout JSONWriter) {
        let found = groups[.workflow]?.first { $0.name.isExactly(workflow) }
        json.beginObject()
        json.field("window_seconds", window)
        json.field("time", rfc3339(unixNanoseconds: time))
        json.field("covered_seconds", covered)
        json.field("workflow", workflow)
        write(found?.figures ?? WindowFigures(), into: &json)
        json.endObject()
    }

    private func write(_ dimension: WindowDimension, into json: inout JSONWriter) {
        json.array("by_\(dimension)") { json in
            for (name, figures) in groups[dimension] ?? [] {
                json.beginObject()
                json.field("\(dimension)", name)
                write(figures, into: &json)
                json.endObject()
            }
        }
    }

    private func write(_ figures: WindowFigures, into json: inout JSONWriter) {
        json.field("events", figures.events)
        json.field("events_per_second", Double(figures.events) / covered)
        json.field("calls", figures.calls)
        json.field("calls_per_second", Double(figures.calls) / covered)
        json.field("agents_per_minute", Double(figures.agentRuns.count) * 60 / covered)
        json.field("errors", figures.errors)
        optional(figures.errorShare, "error_share", &json)
        write(figures.workflowRuns, "workflow_runs", &json)
        write(figures.agentRuns, "agent_runs", &json)
        write(figures.llmCalls, "llm_calls", &json)
        write(figures.toolCalls, "tool_calls", &json)
        write(figures.workflowDuration, "workflow_duration_ms", &json)
        write(figures.agentDuration, "agent_duration_ms", &json)
        write(figures.llmDuration, "llm_duration_ms", &json)
        write(figures.toolDuration, "tool_duration_ms", &json)
        write(figures.timeToFirstToken, "time_to_first_token_ms", &json)
        if let agents = figures.agentDuration {
            json.field("avg_agent_duration_ms", milliseconds: agents.average)
            json.field("p50_agent_duration_ms", milliseconds: agents.p50)
            json.field("p95_agent_duration_ms", milliseconds: agents.p95)
            json.field("p99_agent_duration_ms", milliseconds: agents.p99)
        }
        json.key("tokens")
        figures.tokens.write(into: &json)
        optional(figures.cost, "cost_usd", &json)
        json.field("unpriced_calls", figures.unpricedCalls)
    }

    private func write(_ count: WindowCount, _ name: String, _ json: inout JSONWriter) {
        json.object(name) { json in
            json.field("count", count.count)
            json.field("errors", count.errors)
        }
    }

    private func write(_ duration: WindowDuration?, _ name: String, _ json: inout JSONWriter) {
        guard let duration else { return }
        json.object(name) { json in
            json.field("count", duration.count)
            json.field("avg", milliseconds: duration.average)
            json.field("min", milliseconds: duration.shortest)
            json.field("max", milliseconds: duration.longest)
            json.field("p50", milliseconds: duration.p50)
            json.field("p95", milliseconds: duration.p95)
            json.field("p99", milliseconds: duration.p99)
        }
    }

    private func optional(_ value: Double?, _ name: String, _ json: inout JSONWriter) {
        json.key(name)
        if let value { json.value(value) } else { json.null() }
    }

    private func optional(_ value: Int?, _ name: String, _ json: inout JSONWriter) {
        json.key(name)
        if let value { json.value(value) } else { json.null() }
    }
}

extension ActivityTokens {
    /// An object of the five sorts and their sum.
    func write(into json: inout JSONWriter) {
        json.beginObject()
        json.field("input", input)
        json.field("cache_read", cacheRead)
        json.field("cache_write", cacheWrite)
        json.field("output", output)
        json.field("reasoning", reasoning)
        json.field("total", total)
        json.endObject()
    }
}
