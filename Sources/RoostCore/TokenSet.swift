/// The secrets that let a program in; several are good at once, so that they can be exchanged.
public struct TokenSet: Sendable {
    private let tokens: [[UInt8]]

    public init(_ tokens: [String]) { self.tokens = tokens.map { Array($0.utf8) } }

    /// Nobody needs a token.
    public var isEmpty: Bool { tokens.isEmpty }

    /// Whether `text` is one of them.
    ///
    /// Takes as long for a wrong one whatever is wrong with it: every token is compared whole.
    public func holds(_ text: String) -> Bool {
        let given = Array(text.utf8)
        var isKnown: UInt8 = 0
        for token in tokens {
            var difference = UInt8(token.count == given.count ? 0 : 1)
            for place in token.indices {
                difference |= token[place] ^ (place < given.count ? given[place] : 0)
            }
            isKnown |= difference == 0 ? 1 : 0
        }
        return isKnown == 1
    }

    /// Whether the value of an `authorization` header brings one of them. RFC 6750 §2.1.
    public func admits(authorization value: String?) -> Bool {
        guard let value, value.count > 7, value.prefix(7).lowercased() == "bearer " else {
            return false
        }
        return holds(String(value.dropFirst(7).drop { $0 == " " }))
    }
}
