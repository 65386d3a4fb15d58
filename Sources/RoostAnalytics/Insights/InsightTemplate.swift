/// A sentence with places for figures.
///
/// `{agent.error_share}` becomes the figure with its unit, `{agent.runs|run}` becomes `1 run` or
/// `12 runs`, `{agent.retries|retry|retries}` names the plural, `{subject}` is what the rule looks
/// at. What stands in `[` and `]` is left out when a figure in it is not known.
struct InsightTemplate: Sendable {
    private enum Part: Sendable {
        case text(String)
        case subject
        case figure(InsightFigure, words: [String])
        case optional([Part])
    }

    private let parts: [Part]

    /// The error's field is left empty.
    init(_ text: String) throws(InsightRuleError) {
        var rest = Array(text)[...]
        let column = { (rest: ArraySlice<Character>) in rest.startIndex + 1 }
        var parts: [Part] = []
        var inner: [Part]?
        var plain = ""
        func flush(_ plain: inout String, _ parts: inout [Part], _ inner: inout [Part]?) {
            if !plain.isEmpty {
                if inner == nil { parts.append(.text(plain)) } else { inner?.append(.text(plain)) }
            }
            plain = ""
        }
        while let character = rest.first {
            let at = column(rest)
            rest = rest.dropFirst()
            switch character {
            case "{":
                flush(&plain, &parts, &inner)
                guard let end = rest.firstIndex(of: "}") else {
                    throw InsightRuleError(field: "", column: at, message: "} is missing")
                }
                let part = try InsightTemplate.figure(String(rest[..<end]), at + 1)
                if inner == nil { parts.append(part) } else { inner?.append(part) }
                rest = rest[(end + 1)...]
            case "[":
                flush(&plain, &parts, &inner)
                guard inner == nil else {
                    throw InsightRuleError(
                        field: "", column: at, message: "[ cannot stand within [ ]")
                }
                inner = []
            case "]":
                flush(&plain, &parts, &inner)
                guard let closed = inner else {
                    throw InsightRuleError(field: "", column: at, message: "] without [")
                }
                parts.append(.optional(closed))
                inner = nil
            default: plain.append(character)
            }
        }
        guard inner == nil else {
            throw InsightRuleError(field: "", column: text.count + 1, message: "] is missing")
        }
        flush(&plain, &parts, &inner)
        self.parts = parts
    }

    private static func figure(_ text: String, _ column: Int) throws(InsightRuleError) -> Part {
        var words = text.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
        let name = words.isEmpty ? "" : words.removeFirst()
        if name == "subject", words.isEmpty { return .subject }
        guard let figure = InsightFigure.named(name) else {
            throw InsightRuleError(
                field: "", column: column, message: "there is no figure \(name)")
        }
        guard words.count <= 2, words.isEmpty || figure.unit == .count else {
            throw InsightRuleError(
                field: "", column: column,
                message: "only counts take a word, and at most its plural besides")
        }
        return .figure(figure, words: words)
    }

    /// The figures that it cannot do without and those that it can.
    var figures: [InsightFigure] { InsightTemplate.figures(parts) }

    private static func figures(_ parts: [Part]) -> [InsightFigure] {
        parts.flatMap { part -> [InsightFigure] in
            switch part {
            case .figure(let figure, _): [figure]
            case .optional(let inner): figures(inner)
            case .text, .subject: []
            }
        }
    }

    /// Nil when a figure that it cannot do without is not known.
    func filled(_ subject: String, _ figure: (String) -> Double?) -> String? {
        InsightTemplate.fill(parts, subject, figure)
    }

    private static func fill(
        _ parts: [Part], _ subject: String, _ figure: (String) -> Double?
    ) -> String? {
        var text = ""
        for part in parts {
            switch part {
            case .text(let plain): text += plain
            case .subject: text += subject
            case .figure(let named, let words):
                guard let value = figure(named.fullName), value.isFinite else { return nil }
                text += written(value, named.unit, words)
            case .optional(let inner): text += fill(inner, subject, figure) ?? ""
            }
        }
        return text
    }

    private static func written(
        _ value: Double, _ unit: InsightFigure.Unit, _ words: [String]
    ) -> String {
        switch unit {
        case .count:
            let count = Int(max(-1e15, min(value, 1e15)).rounded())
            guard let word = words.first else { return Wording.integer(count) }
            return Wording.count(count, word, words.count > 1 ? words[1] : nil)
        case .share: return Wording.percent(value)
        case .seconds: return Wording.duration(value)
        case .usd: return Wording.dollars(value)
        case .tokens: return Wording.tokens(value)
        case .number: return Wording.number(value)
        }
    }
}
