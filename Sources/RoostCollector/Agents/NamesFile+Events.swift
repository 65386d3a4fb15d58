import RoostIngest

/// Reads the section `log_events`.
extension NamesReading {
    mutating func readLogEvents(_ node: ConfigNode) {
        for entry in entries(node, "log_events") {
            if let event = event(entry) { source.logEvents[entry.key] = event }
        }
    }

    private mutating func event(_ entry: ConfigNode.Entry) -> NameEvent? {
        var event: NameEvent?
        let parts = entries(entry.value, entry.key)
        for part in parts where part.key == "kind" {
            guard let word = text(part.value), let kind = kind(word, part.value.origin) else {
                return nil
            }
            event = NameEvent(kind: kind)
        }
        guard var event else {
            fault(entry.keyOrigin, "\(entry.key): say its kind, as kind: llm")
            return nil
        }
        for part in parts {
            switch part.key {
            case "kind": break
            case "status": event.isFailure = isWord("error", part.value)
            case "only": event.isOnlyFailures = isWord("error", part.value)
            case "phase": event.phase = isWord("pending", part.value) ? .pending : .finished
            case "told_by_span": event.isToldBySpan = isWord("true", part.value)
            case "unless_dialect": event.otherwiseTold = texts(part.value)
            case "where":
                event.conditions = entries(part.value, "where").map { condition in
                    NameEvent.Condition(key: condition.key, values: texts(condition.value))
                }.sorted { $0.key < $1.key }
            case "decision": event.decision = decision(part)
            default:
                unknown(
                    part.key, part.keyOrigin, "key",
                    [
                        "kind", "status", "only", "phase", "told_by_span", "unless_dialect",
                        "where", "decision",
                    ])
            }
        }
        return event
    }

    private mutating func decision(_ entry: ConfigNode.Entry) -> NameEvent.Decision? {
        var decision = NameEvent.Decision()
        for part in entries(entry.value, "decision") {
            switch part.key {
            case "by": decision.by = text(part.value) ?? ""
            case "approved": decision.approved = texts(part.value)
            case "denied": decision.denied = texts(part.value)
            case "source": decision.source = text(part.value) ?? ""
            case "call": decision.call = text(part.value) ?? ""
            default:
                unknown(
                    part.key, part.keyOrigin, "key",
                    ["by", "approved", "denied", "source", "call"])
            }
        }
        if decision.by.isEmpty {
            fault(entry.keyOrigin, "decision: say which attribute tells it, as by: decision")
            return nil
        }
        return decision
    }

    /// Whether it is the one word that may stand there; a fault otherwise.
    mutating func isWord(_ word: String, _ node: ConfigNode) -> Bool {
        guard let found = text(node) else { return false }
        if found != word {
            fault(node.origin, "\"\(found.prefix(80))\" says nothing here; write \(word)")
        }
        return found == word
    }
}
