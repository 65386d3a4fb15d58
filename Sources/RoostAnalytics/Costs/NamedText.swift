/// A sentence with names in it that come from outside, and are known to be such.
///
///     let text: NamedText = "Try \(name: other) for the short answers of \(name: model)"
struct NamedText: ExpressibleByStringInterpolation, Sendable {
    enum Part: Sendable {
        case words(String)
        case name(String)
    }

    struct StringInterpolation: StringInterpolationProtocol {
        var parts: [Part] = []

        init(literalCapacity: Int, interpolationCount: Int) {
            parts.reserveCapacity(2 * interpolationCount + 1)
        }

        mutating func appendLiteral(_ words: String) { parts.append(.words(words)) }
        mutating func appendInterpolation(_ words: String) { parts.append(.words(words)) }
        mutating func appendInterpolation(_ number: UInt64) { parts.append(.words("\(number)")) }
        mutating func appendInterpolation(name: String) { parts.append(.name(name)) }
        mutating func appendInterpolation(_ text: NamedText) { parts += text.parts }
    }

    let parts: [Part]

    init(stringLiteral words: String) { parts = [.words(words)] }
    init(stringInterpolation text: StringInterpolation) { parts = text.parts }
    private init(parts: [Part]) { self.parts = parts }

    static func + (first: NamedText, second: NamedText) -> NamedText {
        NamedText(parts: first.parts + second.parts)
    }

    /// The names as they came.
    var plain: String {
        parts.reduce(into: "") { text, part in
            switch part {
            case .words(let words), .name(let words): text += words
            }
        }
    }

    /// The names in back-ticks, fit for a line of Markdown.
    var quoted: String {
        parts.reduce(into: "") { text, part in
            switch part {
            case .words(let words): text += words
            case .name(let name): text += "`\(FindingSubject(.model, name).shown)`"
            }
        }
    }
}
