import RoostCore

/// What is worth knowing now, and what was within the last day.
///
/// At most 1,024 insights are remembered; those seen last longest ago are forgotten first.
public struct InsightBook: Sendable {
    public var rules: [InsightRule]
    private var seen: [String: Memory] = [:]
    private var latest: [Insight] = []
    /// Unix nanoseconds of the last update; 0 before the first.
    public private(set) var updated: UInt64 = 0

    private struct Memory: Sendable {
        var insight: Insight
        var firstSeen: UInt64
        var lastSeen: UInt64
    }

    private static let most = 1_024

    public init(rules: [InsightRule] = InsightRule.builtIn) { self.rules = rules }

    /// Works out what holds now. Some milliseconds with thousands of figures; every few seconds
    /// will do.
    public mutating func update(
        now: UInt64, figures: [FigureSet], patterns: [PatternFinding] = [],
        regressions: [RegressionFinding] = [], others: [Insight] = []
    ) {
        var found = patterns.compactMap { Insight($0) }
        found += regressions.compactMap { Insight($0) }
        found += others
        found += fromRules(figures)
        latest = []
        for var insight in InsightBook.deduplicated(found) {
            insight.firstSeen = seen[insight.id]?.firstSeen ?? now
            insight.lastSeen = now
            seen[insight.id] = Memory(
                insight: insight, firstSeen: insight.firstSeen, lastSeen: now)
            latest.append(insight)
        }
        updated = now
        forget(now: now)
    }

    /// The most pressing first.
    public var insights: [Insight] { latest }

    /// What held at `since` or later and does no longer; what went last comes first.
    public func gone(since: UInt64) -> [Insight] {
        let present = Set(latest.map(\.id))
        return seen.values
            .filter { $0.lastSeen >= since && !present.contains($0.insight.id) }
            .map { memory in
                var insight = memory.insight
                insight.firstSeen = memory.firstSeen
                insight.lastSeen = memory.lastSeen
                return insight
            }
            .sorted { ($1.lastSeen, $0.id) < ($0.lastSeen, $1.id) }
    }

    private mutating func forget(now: UInt64) {
        let horizon = now > PatternSlots.day ? now - PatternSlots.day : 0
        if seen.values.contains(where: { $0.lastSeen < horizon }) {
            seen = seen.filter { $0.value.lastSeen >= horizon }
        }
        guard seen.count > InsightBook.most else { return }
        let order = seen.sorted { ($0.value.lastSeen, $0.key) > ($1.value.lastSeen, $1.key) }
        seen = Dictionary(uniqueKeysWithValues: order.prefix(InsightBook.most).map { ($0, $1) })
    }

    /// Of several that tell the same of one subject the most pressing stays, and where a pattern
    /// names the step at which a workflow fails, no rule tells besides that it fails.
    private static func deduplicated(_ insights: [Insight]) -> [Insight] {
        var told: Set<[ExactText]> = []
        func about(_ insight: Insight, _ topic: String) -> [ExactText] {
            [
                ExactText(topic), ExactText(insight.subject?.kind.word ?? ""),
                ExactText(insight.subject?.name ?? ""),
            ]
        }
        for insight in insights where insight.kind == PatternFinding.Kind.failingStep.rawValue {
            told.insert(about(insight, "rule failures"))
        }
        return insights.sorted(by: Insight.isBefore).filter { insight in
            if insight.source == .rule, told.contains(about(insight, "rule " + insight.topic)) {
                return false
            }
            return told.insert(about(insight, insight.topic)).inserted
        }
    }

    // MARK: rules

    private func fromRules(_ figures: [FigureSet]) -> [Insight] {
        let fleet = figures.first { $0.scope == .fleet } ?? FigureSet(.fleet)
        var found: [Insight] = []
        for set in figures {
            for rule in rules where rule.scope == set.scope {
                if let insight = InsightBook.apply(rule, set, fleet) { found.append(insight) }
            }
        }
        return found
    }

    private static func apply(_ rule: InsightRule, _ set: FigureSet, _ fleet: FigureSet)
        -> Insight?
    {
        let own = set.scope.rawValue + "."
        func find<Value>(_ name: String, _ values: KeyPath<FigureSet, [String: Value]>) -> Value? {
            if name.hasPrefix(own) {
                return set[keyPath: values][String(name.dropFirst(own.count))]
            }
            return name.hasPrefix("fleet.")
                ? fleet[keyPath: values][String(name.dropFirst(6))] : nil
        }
        func figure(_ name: String) -> Double? { find(name, \.values) }
        guard rule.condition.holds(figure) == true else { return nil }
        let subject = set.scope.subjectKind.map { FindingSubject($0, set.name) }
        let words = subject?.quoted ?? "fleet"
        guard let title = rule.title.filled(words, figure),
            let text = rule.text.filled(words, figure),
            let action = rule.action.filled(words, figure)
        else { return nil }
        var names: [String] = []
        for name in rule.condition.figures + rule.text.figures.map(\.fullName)
        where !names.contains(name) {
            names.append(name)
        }
        return Insight(
            id: "\(rule.id)-" + hexText(stableHash([rule.id, set.scope.rawValue, set.name])),
            source: .rule, kind: rule.id, topic: rule.topic, category: rule.category,
            priority: rule.priority, impact: rule.impact, effort: rule.effort,
            confidence: rule.condition.confidence(figure) { find($0, \.samples) },
            subject: subject, title: sentence(title), text: sentence(text),
            action: sentence(action),
            figures: names.compactMap { name in figure(name).map { FindingFigure(name, $0) } },
            evidence: evidence(rule, set))
    }

    private static func evidence(_ rule: InsightRule, _ set: FigureSet) -> FindingEvidence {
        switch rule.shownBy {
        case .failures: set.failureEvidence
        case .runs: set.evidence
        case .nothing: FindingEvidence()
        }
    }

    private static func sentence(_ text: String) -> String {
        text.prefix(1).uppercased() + text.dropFirst()
    }
}
