public import RoostCore

/// Something worth knowing, with what can be done about it and what it rests on.
public struct Insight: Sendable {
    public enum Source: String, Sendable { case rule, pattern, regression, cost, failure }

    /// The same for the same thing, in every process.
    public var id: String
    public var source: Source
    /// The rule's id, the pattern's kind, the measure, or which sort of advice.
    public var kind: String
    /// Insights of one topic about one subject tell the same; one of them is kept.
    public var topic: String
    public var category: InsightCategory
    public var priority: InsightPriority
    public var impact: InsightDegree
    public var effort: InsightDegree
    /// 0 to 1, computed; nil where what it tells was counted and is no estimate.
    public var confidence: Double?
    /// Nil when it is about the fleet.
    public var subject: FindingSubject?
    public var title: String
    public var text: String
    public var action: String
    public var figures: [FindingFigure] = []
    public var evidence = FindingEvidence()
    /// Unix nanoseconds.
    public var firstSeen: UInt64 = 0
    public var lastSeen: UInt64 = 0

    public func write(into json: inout JSONWriter) {
        json.beginObject()
        json.field("id", id)
        json.field("source", source.rawValue)
        json.field("kind", kind)
        json.field("category", category.rawValue)
        json.field("priority", priority.rawValue)
        json.field("impact", impact.rawValue)
        json.field("effort", effort.rawValue)
        json.key("confidence")
        if let confidence { json.value(rounded(confidence, 4)) } else { json.null() }
        json.key("subject")
        if let subject {
            json.beginObject()
            json.fields(of: subject)
            json.endObject()
        } else {
            json.null()
        }
        json.field("title", title)
        json.field("text", text)
        json.field("action", action)
        json.object("figures") { $0.fields(of: figures) }
        json.object("evidence") { $0.fields(of: evidence) }
        json.time("first_seen", firstSeen)
        json.time("last_seen", lastSeen)
        json.endObject()
    }

    /// The most pressing first: by priority, impact and confidence; then by id.
    static func isBefore(_ one: Insight, _ other: Insight) -> Bool {
        let (a, b) = (one.rank, other.rank)
        if a != b { return a < b }
        let (sure, surer) = (one.confidence ?? 1, other.confidence ?? 1)
        if sure != surer { return sure > surer }
        return one.id < other.id
    }

    private var rank: Int {
        let priority = InsightPriority.allCases.firstIndex(of: priority) ?? 0
        return priority * 8 + (InsightDegree.allCases.firstIndex(of: impact) ?? 0)
    }
}
