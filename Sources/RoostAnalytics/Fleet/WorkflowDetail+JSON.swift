public import RoostCore

extension WorkflowDetail {
    /// The fields of a list's row, and what is within.
    public func write(into json: inout JSONWriter) {
        json.beginObject()
        row.writeFields(into: &json)
        json.field("root_ended", hasRootEnded)
        json.field("wall_clock_seconds", Double(row.duration) / 1e9)
        json.field("total_seconds", Double(concurrency.total) / 1e9)
        json.key("parallelisation")
        concurrency.write(into: &json)
        json.array("executions") { json in
            for execution in executions { execution.write(into: &json) }
        }
        json.array("overlaps") { json in
            for overlap in overlaps {
                json.beginObject()
                json.array("executions") { json in
                    json.value(overlap.first)
                    json.value(overlap.second)
                }
                json.field("seconds", Double(overlap.time) / 1e9)
                json.endObject()
            }
        }
        json.array("bottlenecks") { json in
            for bottleneck in bottlenecks { bottleneck.write(into: &json) }
        }
        json.array("timeline") { json in for entry in timeline { entry.write(into: &json) } }
        json.field("folded_steps", folded)
        json.endObject()
    }
}

extension WorkflowDetail.Execution {
    func write(into json: inout JSONWriter) {
        json.beginObject()
        json.field("order", order)
        json.field("agent", agent)
        json.field("state", state.text)
        json.field("span_id", span: spanID)
        json.key("parent")
        if let parent { json.value(parent) } else { json.null() }
        json.field("start_time", at: start)
        json.field("end_time", at: end)
        json.field("duration", Double(duration) / 1e9)
        json.field("human_wait_seconds", Double(humanWait) / 1e9)
        json.field("llm_calls", calls)
        json.field("tool_calls", toolCalls)
        json.field("errors", errors)
        json.field("tokens", tokens)
        json.field("cost_usd", known: cost)
        json.endObject()
    }
}

extension WorkflowDetail.Entry {
    func write(into json: inout JSONWriter) {
        json.beginObject()
        json.field("kind", kind)
        json.field("name", name)
        json.field("agent", agent)
        json.field("state", state.text)
        json.field("span_id", span: spanID)
        json.field("parent_span_id", span: parentSpanID)
        json.field("start_time", at: start)
        json.field("end_time", at: end)
        json.field("duration", Double(duration) / 1e9)
        json.field("tokens", tokens)
        json.field("cost_usd", known: cost)
        json.field("error_type", told: errorType)
        json.field("retry", isRetry)
        json.endObject()
    }
}
