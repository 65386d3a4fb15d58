public import RoostCore

extension BudgetRule {
    /// The fields of the rule, inside an object that is open.
    func writeFields(into json: inout JSONWriter) {
        json.field("budget", name)
        json.field("scope", scope.rawValue)
        json.field("match", scope == .all ? "*" : match)
        json.field("per", per.rawValue)
        switch limit {
        case .usd(let amount):
            json.field("unit", "usd")
            json.field("limit", amount)
        case .tokens(let count):
            json.field("unit", "tokens")
            json.field("limit", count)
        }
    }
}

extension BudgetState {
    public func write(into json: inout JSONWriter) {
        json.beginObject()
        rule.writeFields(into: &json)
        json.field("subject", subject)
        json.field("spent", spent)
        json.field("remaining", remaining)
        json.field("share", share)
        json.field("burn_rate_per_hour", burnRate)
        time(exhaustedAt, "exhausted_at", &json)
        time(resetsAt, "resets_at", &json)
        json.field("level", level.rawValue)
        json.field("unpriced_calls", unpricedCalls)
        json.endObject()
    }

    private func time(_ value: UInt64?, _ name: String, _ json: inout JSONWriter) {
        json.key(name)
        if let value { json.value(rfc3339(unixNanoseconds: value)) } else { json.null() }
    }
}

extension BudgetEvent {
    /// For live streams: the rule, whose budget it is, both levels and what was spent.
    public func write(into json: inout JSONWriter) {
        json.beginObject()
        rule.writeFields(into: &json)
        json.field("subject", subject)
        json.field("from_level", from.rawValue)
        json.field("level", to.rawValue)
        json.field("spent", spent)
        json.field("time", rfc3339(unixNanoseconds: time))
        json.endObject()
    }
}
