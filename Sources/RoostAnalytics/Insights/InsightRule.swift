public enum InsightCategory: String, Sendable, CaseIterable {
    case performance, cost, reliability, efficiency, quality
}

public enum InsightPriority: String, Sendable, CaseIterable {
    case critical, high, medium, low
}

/// How much there is to gain, or to do.
public enum InsightDegree: String, Sendable, CaseIterable {
    case high, medium, low
}

/// A rule as it is written: every field a text.
public struct InsightRuleText: Sendable, Equatable {
    /// Lower-case letters, digits and `_`. A user's rule replaces the built-in one of the same id.
    public var id = ""
    public var scope = "fleet"
    public var category = "reliability"
    public var priority = "medium"
    public var impact = "medium"
    public var effort = "medium"
    /// Rules with the same topic tell the same thing of a subject: the most pressing is shown.
    public var topic = ""
    public var when = ""
    public var title = ""
    public var text = ""
    public var action = ""

    public init() {}

    /// The names of the fields, as in a file.
    public static let fields = [
        "id", "scope", "category", "priority", "impact", "effort", "topic", "when", "title",
        "text", "action",
    ]

    /// Sets a field by its name; false when there is none.
    public mutating func set(_ field: String, _ value: String) -> Bool {
        switch field {
        case "id": id = value
        case "scope": scope = value
        case "category": category = value
        case "priority": priority = value
        case "impact": impact = value
        case "effort": effort = value
        case "topic": topic = value
        case "when": when = value
        case "title": title = value
        case "text": text = value
        case "action": action = value
        default: return false
        }
        return true
    }
}

/// A rule that was checked: each time its condition holds for a subject there is an insight.
public struct InsightRule: Sendable {
    public let id: String
    public let scope: InsightScope
    public let category: InsightCategory
    public let priority: InsightPriority
    public let impact: InsightDegree
    public let effort: InsightDegree
    public let topic: String
    public let condition: InsightCondition
    let title: InsightTemplate
    let text: InsightTemplate
    let action: InsightTemplate

    public init(_ rule: InsightRuleText) throws(InsightRuleError) {
        guard !rule.id.isEmpty, rule.id.utf8.count <= 64, rule.id.utf8.allSatisfy(isIDByte) else {
            throw InsightRuleError(
                field: "id", message: "must be 1 to 64 lower-case letters, digits and _")
        }
        id = rule.id
        scope = try InsightRule.word("scope", rule.scope)
        category = try InsightRule.word("category", rule.category)
        priority = try InsightRule.word("priority", rule.priority)
        impact = try InsightRule.word("impact", rule.impact)
        effort = try InsightRule.word("effort", rule.effort)
        topic = rule.topic.isEmpty ? rule.id : rule.topic
        let scope = scope
        do {
            condition = try InsightCondition(rule.when) { name in
                InsightFigure.named(name).map { $0.scope == scope || $0.scope == .fleet } ?? false
            }
        } catch {
            throw InsightRuleError(field: "when", column: error.column, message: error.message)
        }
        title = try InsightRule.template("title", rule.title, scope)
        text = try InsightRule.template("text", rule.text, scope)
        action = try InsightRule.template("action", rule.action, scope)
    }

    private static func word<Word: RawRepresentable & CaseIterable>(
        _ field: String, _ text: String
    ) throws(InsightRuleError) -> Word where Word.RawValue == String {
        if let word = Word(rawValue: text) { return word }
        let words = Word.allCases.map(\.rawValue).joined(separator: ", ")
        throw InsightRuleError(field: field, message: "must be one of \(words)")
    }

    private static func template(
        _ field: String, _ text: String, _ scope: InsightScope
    ) throws(InsightRuleError) -> InsightTemplate {
        guard !text.isEmpty else { throw InsightRuleError(field: field, message: "is missing") }
        guard text.utf8.count <= 2_000 else {
            throw InsightRuleError(field: field, message: "has at most 2000 bytes")
        }
        let template: InsightTemplate
        do {
            template = try InsightTemplate(text)
        } catch {
            throw InsightRuleError(field: field, column: error.column, message: error.message)
        }
        for figure in template.figures where figure.scope != scope && figure.scope != .fleet {
            throw InsightRuleError(
                field: field,
                message: "\(figure.fullName) is no figure of the scope \(scope.rawValue)")
        }
        return template
    }

    /// Which runs or calls show what it tells.
    enum Evidence { case failures, runs, nothing }

    var shownBy: Evidence {
        let own = condition.figures.filter { $0.hasPrefix(scope.rawValue + ".") }
            .map { $0.dropFirst(scope.rawValue.count + 1) }
        // What is in progress, budgets and forecasts are shown by no run that is over.
        if scope == .fleet, !own.allSatisfy({ InsightRule.ofRuns.contains(String($0)) }) {
            return .nothing
        }
        let isOfFailures = own.contains { InsightRule.ofFailures.contains(String($0)) }
        return isOfFailures ? .failures : .runs
    }

    private static let ofFailures: Set<String> = [
        "failures", "errors", "error_share", "workflow_error_share", "retries", "retry_share",
        "recovery_share", "open_failures",
    ]

    /// Figures of the fleet that what is over makes up.
    private static let ofRuns = ofFailures.union([
        "workflow_runs", "agent_runs", "llm_calls", "tool_calls", "p95_workflow_seconds",
        "tokens", "cost_usd", "unpriced_calls", "unpriced_share",
    ])

    /// The built-in rules, those of `own` in the place of built-in ones of the same id or after
    /// them.
    public static func all(with own: [InsightRule]) -> [InsightRule] {
        let replaced = Set(own.map(\.id))
        return builtIn.filter { !replaced.contains($0.id) } + own
    }
}

private func isIDByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x61...0x7A, 0x5F: true
    default: false
    }
}
