public import RoostCore

extension FailureReport {
    /// `{"failures":[…],"cursor":…,"summary":{…},"rates":{…},"types":[…],"clusters":[…]}`
    public func write(into json: inout JSONWriter) {
        json.beginObject()
        json.array("failures") { json in for row in rows { row.write(into: &json) } }
        json.field("cursor", next: cursor)
        json.object("summary") { json in
            json.field("total", total)
            json.field("held", held)
            json.field("recovered", recovered)
            json.field("unrecovered", unrecovered)
            json.field("recovery_rate", known: recoveryRate)
            json.field("mean_recovery_seconds", known: meanRecoveryTime.map { Double($0) / 1e9 })
            json.field("most_common_error", told: types.first?.errorType)
        }
        json.object("rates") { json in
            json.array("3600") { json in for share in lastHour { share.write(into: &json) } }
            json.array("86400") { json in for share in lastDay { share.write(into: &json) } }
        }
        json.array("types") { json in for type in types { type.write(into: &json) } }
        json.array("clusters") { json in for cluster in clusters { cluster.write(into: &json) } }
        json.endObject()
    }
}

extension FailureRow {
    func write(into json: inout JSONWriter) {
        json.beginObject()
        json.field("id", String(id))
        json.field("time", at: time)
        json.field("arrival_time", at: heard)
        json.field("component", component.text)
        json.field("operation", operation)
        json.field("error_type", errorType)
        json.field("agent", told: agent)
        json.field("workflow", workflow)
        json.field("session_id", told: session)
        json.field("trace_id", FleetID.text(traceIDHigh, traceIDLow))
        json.field("span_id", span: spanID)
        json.field("duration", Double(duration) / 1e9)
        json.field("cost_lost_usd", known: costLost)
        json.field("caused_by", told: cause == 0 ? nil : String(cause))
        json.field("outcome", outcome.text)
        if outcome == .recovered {
            json.object("recovery") { json in
                json.field("strategy", strategy.text)
                json.field("seconds", Double(recoveryTime) / 1e9)
                json.field("span_id", span: recoverySpanID)
            }
        } else {
            json.field("recovery", told: nil)
        }
        json.endObject()
    }
}

extension FailureShare {
    func write(into json: inout JSONWriter) {
        json.beginObject()
        json.field("component", component.text)
        json.field("attempts", attempts)
        json.field("failures", failures)
        json.field("rate", known: rate)
        json.endObject()
    }
}

extension FailureTypeRow {
    func write(into json: inout JSONWriter) {
        json.beginObject()
        json.field("component", component.text)
        json.field("error_type", errorType)
        json.field("category", category)
        json.field("last_hour", lastHour)
        json.field("last_24_hours", lastDay)
        json.field("total", total)
        json.field("recovered", recovered)
        json.field("unrecovered", unrecovered)
        json.field("recovery_rate", known: recoveryRate)
        json.field("best_strategy", told: bestStrategy == .none ? nil : bestStrategy.text)
        json.field("mean_recovery_seconds", known: meanRecoveryTime.map { Double($0) / 1e9 })
        json.field("last_time", at: lastHeard)
        json.field("suggestion", suggestion)
        json.endObject()
    }
}

extension FailureCluster {
    func write(into json: inout JSONWriter) {
        json.beginObject()
        json.field("start_time", at: start)
        json.field("end_time", at: end)
        json.field("failures", count)
        json.field("expected", expected)
        json.field("confidence", confidence)
        json.object("most_common") { json in
            json.field("component", component.text)
            json.field("error_type", errorType)
            json.field("share", share)
        }
        json.array("agents") { json in for agent in agents { json.value(agent) } }
        json.array("failure_ids") { json in for id in failureIDs { json.value(String(id)) } }
        json.endObject()
    }
}
