import RoostAnalytics

/// Reads a user's rules for insights: a YAML list of mappings with the fields of `InsightRuleText`.
enum InsightsFile {
    private static let mostRules = 1_000

    /// The rules of `text`, each found to be one. Throws every fault with its place.
    static func read(_ text: [UInt8], name: String) throws(ConfigErrors) -> [InsightRuleText] {
        var (node, faults) = try YAMLReader.read(text, name: name)
        var rules: [InsightRuleText] = []
        func fault(_ origin: ConfigOrigin, _ message: String) {
            faults.append(ConfigFault(origin: origin, message: message))
        }
        if let root = node, !root.isNull {
            if case .sequence(let entries) = root.content {
                for entry in entries.prefix(mostRules) {
                    if let rule = rule(entry, fault) { rules.append(rule) }
                }
                if entries.count > mostRules {
                    fault(root.origin, "at most \(mostRules) rules")
                }
            } else {
                fault(root.origin, "the file is a list of rules")
            }
        }
        node = nil
        guard faults.isEmpty else {
            throw ConfigErrors(faults: faults.sorted { $0.origin < $1.origin })
        }
        return rules
    }

    private static func rule(
        _ node: ConfigNode, _ fault: (ConfigOrigin, String) -> Void
    ) -> InsightRuleText? {
        guard case .mapping(let fields) = node.content else {
            fault(node.origin, "a rule is a mapping of its fields")
            return nil
        }
        var text = InsightRuleText()
        var places: [String: ConfigOrigin] = [:]
        var isWhole = true
        for field in fields {
            guard case .scalar(let value, _) = field.value.content else {
                fault(field.value.origin, "\(field.key) is a text")
                isWhole = false
                continue
            }
            places[field.key] = field.value.origin
            if !text.set(field.key, value) {
                let hint =
                    nearest(field.key, among: InsightRuleText.fields)
                    .map { "; did you mean \($0)?" } ?? ""
                fault(field.keyOrigin, "a rule has no field \(field.key)\(hint)")
                isWhole = false
            }
        }
        guard isWhole else { return nil }
        do throws(InsightRuleError) {
            _ = try InsightRule(text)
            return text
        } catch {
            let column = error.column > 0 ? " (at its character \(error.column))" : ""
            fault(places[error.field] ?? node.origin, "\(error.field) \(error.message)\(column)")
            return nil
        }
    }
}
