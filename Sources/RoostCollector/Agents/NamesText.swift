public import RoostIngest

extension NamesFile {
    /// The tables as YAML, which is itself a file for `agents.names`.
    public static func text(_ source: NameSource) -> String {
        var text = ""
        func section(_ name: String, _ lists: [(String, [String])]) {
            guard !lists.isEmpty else { return }
            text += "\(name):\n"
            for (key, items) in lists { text += list(key, items, indent: 2) }
        }
        section("attributes", byConcept(source.attributes))
        section("usage_keys", byConcept(source.usageKeys))
        text += "kinds:\n"
        for key in source.attributes[.kind] ?? [] {
            guard let values = source.kinds[key] else { continue }
            text += "  \(scalar(key)):\n"
            for kind in ActivityKind.allCases {
                guard let words = values[kind], !words.isEmpty else { continue }
                text += list(kind.name, words, indent: 4)
            }
        }
        text += "span_names:\n"
        for (name, kind) in source.spanNames.sorted(by: { $0.key < $1.key }) {
            text += "  \(scalar(name)): \(kind.name)\n"
        }
        text += list("tool_outcomes", source.toolOutcomes, indent: 0)
        text += "log_events:\n"
        for (name, event) in source.logEvents.sorted(by: { $0.key < $1.key }) {
            text += logEvent(name, event)
        }
        if !source.metrics.isEmpty { text += "metrics:\n" }
        for (name, metric) in source.metrics.sorted(by: { $0.key < $1.key }) {
            text += "  \(scalar(name)):\n    tells: \(metric.tells.rawValue)\n"
            if !metric.by.isEmpty { text += "    by: \(scalar(metric.by))\n" }
            for (type, values) in zip(NameMetric.typeNames, metric.types) where !values.isEmpty {
                text += list(type, values, indent: 4)
            }
        }
        section("providers", source.providers.sorted { $0.key < $1.key })
        section("model_prefixes", source.modelPrefixes.sorted { $0.key < $1.key })
        section("provider_hosts", source.providerHosts.sorted { $0.key < $1.key })
        text += "dialects:\n"
        for dialect in source.dialects {
            text += "  \(scalar(dialect.name)):\n"
            let tokens = dialect.tokens.map(\.rawValue).sorted()
            for (key, items) in [
                ("scopes", dialect.scopes), ("services", dialect.services),
                ("attributes", dialect.attributes), ("tokens", tokens),
            ] where !items.isEmpty { text += list(key, items, indent: 4) }
            if dialect.isJSON { text += "    values: json\n" }
            if dialect.isRootWorkflow { text += "    root: workflow\n" }
        }
        text += list("content", source.content, indent: 0)
        return text
    }

    private static func byConcept(_ lists: [NameConcept: [String]]) -> [(String, [String])] {
        NameConcept.allCases.compactMap { concept in lists[concept].map { (concept.name, $0) } }
    }

    private static func logEvent(_ name: String, _ event: NameEvent) -> String {
        var text = "  \(scalar(name)):\n    kind: \(event.kind.name)\n"
        if event.isFailure { text += "    status: error\n" }
        if event.isOnlyFailures { text += "    only: error\n" }
        if event.phase == .pending { text += "    phase: pending\n" }
        if event.isToldBySpan { text += "    told_by_span: true\n" }
        if !event.otherwiseTold.isEmpty {
            text += list("unless_dialect", event.otherwiseTold, indent: 4)
        }
        if !event.conditions.isEmpty { text += "    where:\n" }
        for condition in event.conditions {
            text += list(condition.key, condition.values, indent: 6)
        }
        guard let decision = event.decision else { return text }
        text += "    decision:\n      by: \(scalar(decision.by))\n"
        for (key, values) in [("approved", decision.approved), ("denied", decision.denied)]
        where !values.isEmpty { text += list(key, values, indent: 6) }
        for (key, name) in [("source", decision.source), ("call", decision.call)]
        where !name.isEmpty { text += "      \(key): \(scalar(name))\n" }
        return text
    }

    private static func list(_ key: String, _ items: [String], indent: Int) -> String {
        let space = String(repeating: " ", count: indent)
        let line = "\(space)\(scalar(key)): [\(items.map(scalar).joined(separator: ", "))]\n"
        if line.utf8.count <= 100 { return line }
        return "\(space)\(scalar(key)):\n"
            + items.map { "\(space)  - \(scalar($0))\n" }.joined()
    }

    /// Plain where YAML reads it back as the same text.
    private static func scalar(_ text: String) -> String {
        let isPlain =
            !text.isEmpty
            && text.allSatisfy {
                $0.isASCII && ($0.isLetter || $0.isNumber || "._-/ *".contains($0))
            }
            && !"-* ".contains(text.first ?? " ") && text.last != " "
            && !["null", "Null", "NULL"].contains(text)
        if isPlain { return text }
        let escaped = text.map { "\"\\".contains($0) ? "\\\($0)" : "\($0)" }.joined()
        return "\"\(escaped)\""
    }
}
