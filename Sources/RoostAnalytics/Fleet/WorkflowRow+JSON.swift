public import RoostCore

extension WorkflowList {
    /// `{"workflows":[…],"cursor":…}`
    public func write(into json: inout JSONWriter) {
        json.beginObject()
        json.array("workflows") { json in
            for row in rows {
                json.beginObject()
                row.writeFields(into: &json)
                json.endObject()
            }
        }
        json.field("cursor", next: cursor)
        json.endObject()
    }
}

extension WorkflowRow {
    func writeFields(into json: inout JSONWriter) {
        json.field("trace_id", FleetID.text(traceIDHigh, traceIDLow))
        json.field("workflow", workflow)
        json.field("service", service)
        json.field("state", state.text)
        json.field("session_id", told: session)
        json.field("user", told: user)
        json.field("start_time", at: start)
        json.field("end_time", at: end)
        json.field("last_time", at: lastHeard)
        json.field("duration", Double(duration) / 1e9)
        json.field("human_wait_seconds", Double(humanWait) / 1e9)
        json.array("agents") { json in for agent in agents { json.value(agent) } }
        json.field("agent_runs", agentRuns)
        json.field("llm_calls", calls)
        json.field("tool_calls", toolCalls)
        json.field("errors", errors)
        json.field("retries", retries)
        json.field("tokens", tokens)
        json.field("cost_usd", known: cost)
        json.field("unpriced_calls", unpricedCalls)
        json.field("error_type", told: errorType)
        json.key("current_step")
        if let current { current.write(into: &json) } else { json.null() }
        json.key("stuck")
        if let stuck { stuck.write(into: &json) } else { json.null() }
    }
}

extension CurrentStep {
    func write(into json: inout JSONWriter) {
        json.beginObject()
        json.field("kind", jsonName(kind))
        json.field("name", name)
        json.field("agent", agent)
        json.field("span_id", FleetID.text(spanID))
        json.field("start_time", at: start)
        json.field("in_progress", isAtWork)
        json.endObject()
    }
}

extension StuckReason {
    /// Why, in a sentence.
    public var text: String {
        let silent = "No sign of life for \(seconds(silence))"
        guard let usual else { return silent + "; nothing is known of earlier runs." }
        return silent + "; in 95 % of earlier runs the longest silence was at most "
            + "\(seconds(usual))."
    }

    private func seconds(_ time: UInt64) -> String { "\(time / 1_000_000_000) s" }

    func write(into json: inout JSONWriter) {
        json.beginObject()
        json.field("since", at: since)
        json.field("silent_seconds", Double(silence) / 1e9)
        json.field("limit_seconds", Double(limit) / 1e9)
        json.field("usual_seconds", known: usual.map { Double($0) / 1e9 })
        json.field("reason", text)
        json.endObject()
    }
}

/// `humanWait` as `human_wait`.
func jsonName(_ name: String) -> String {
    var text = ""
    for character in name {
        if character.isUppercase { text += "_" }
        text += character.lowercased()
    }
    return text
}
