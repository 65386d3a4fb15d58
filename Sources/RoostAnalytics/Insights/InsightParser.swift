/// Reads a condition. See `InsightCondition` for the grammar and the bounds.
struct InsightParser {
    private struct Token {
        var text: String
        var column: Int
    }

    typealias Node = InsightCondition.Node

    private var tokens: [Token] = []
    private var next = 0
    private var depth = 0
    private let end: Int
    private(set) var figures: [(name: String, column: Int)] = []

    private static let longest = 1_000
    private static let mostTokens = 200
    private static let deepest = 32

    init(_ text: String) throws(InsightRuleError) {
        let bytes = Array(text.utf8)
        end = bytes.count + 1
        guard bytes.count <= InsightParser.longest else {
            throw InsightParser.error(1, "a condition has at most 1000 characters")
        }
        var at = 0
        while at < bytes.count {
            let byte = bytes[at]
            if byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D {
                at += 1
                continue
            }
            let from = at
            at = InsightParser.tokenEnd(bytes, at)
            guard at > from else {
                throw InsightParser.error(from + 1, "this character has no meaning here")
            }
            tokens.append(
                Token(text: String(decoding: bytes[from..<at], as: UTF8.self), column: from + 1))
            guard tokens.count <= InsightParser.mostTokens else {
                throw InsightParser.error(from + 1, "a condition has at most 200 parts")
            }
        }
    }

    /// The place behind the token that begins at `at`; `at` itself when none does.
    private static func tokenEnd(_ bytes: [UInt8], _ at: Int) -> Int {
        let following = at + 1 < bytes.count ? bytes[at + 1] : 0
        switch bytes[at] {
        case 0x3C, 0x3E: return following == 0x3D ? at + 2 : at + 1
        case 0x3D, 0x21: return following == 0x3D ? at + 2 : at
        case 0x28, 0x29, 0x2B, 0x2D, 0x2A, 0x2F, 0x25: return at + 1
        default: break
        }
        var end = at
        while end < bytes.count {
            switch bytes[end] {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F, 0x2E: end += 1
            default: return end
            }
        }
        return end
    }

    /// The whole text.
    mutating func condition() throws(InsightRuleError) -> Node {
        let node = try alternatives()
        try expect(node, isCondition: true, 1)
        if next < tokens.count {
            throw error("\(tokens[next].text) is not expected here")
        }
        return node
    }

    private mutating func alternatives() throws(InsightRuleError) -> Node {
        depth += 1
        defer { depth -= 1 }
        guard depth <= InsightParser.deepest else { throw error("this is nested too deep") }
        let column = column
        var node = try conjunction()
        while take("or") {
            try expect(node, isCondition: true, column)
            let other = self.column
            let right = try conjunction()
            try expect(right, isCondition: true, other)
            node = .or(node, right)
        }
        return node
    }

    private mutating func conjunction() throws(InsightRuleError) -> Node {
        let column = column
        var node = try negation()
        while take("and") {
            try expect(node, isCondition: true, column)
            let other = self.column
            let right = try negation()
            try expect(right, isCondition: true, other)
            node = .and(node, right)
        }
        return node
    }

    private mutating func negation() throws(InsightRuleError) -> Node {
        var isNegated = false
        var hasNot = false
        while take("not") { (isNegated, hasNot) = (!isNegated, true) }
        let column = column
        let node = try comparison()
        if hasNot { try expect(node, isCondition: true, column) }
        return isNegated ? .not(node) : node
    }

    private mutating func comparison() throws(InsightRuleError) -> Node {
        let column = column
        let left = try sum()
        guard let operation = takeOperation(["<", "<=", ">", ">=", "==", "!="]) else {
            return left
        }
        try expect(left, isCondition: false, column)
        let other = self.column
        let right = try sum()
        try expect(right, isCondition: false, other)
        return .comparison(operation, left, right)
    }

    private mutating func sum() throws(InsightRuleError) -> Node {
        let column = column
        var node = try product()
        while let operation = takeOperation(["+", "-"]) {
            try expect(node, isCondition: false, column)
            let other = self.column
            let right = try product()
            try expect(right, isCondition: false, other)
            node = .calculation(operation, node, right)
        }
        return node
    }

    private mutating func product() throws(InsightRuleError) -> Node {
        let column = column
        var node = try sign()
        while let operation = takeOperation(["*", "/"]) {
            try expect(node, isCondition: false, column)
            let other = self.column
            let right = try sign()
            try expect(right, isCondition: false, other)
            node = .calculation(operation, node, right)
        }
        return node
    }

    private mutating func sign() throws(InsightRuleError) -> Node {
        var isNegative = false
        var hasSign = false
        while take("-") { (isNegative, hasSign) = (!isNegative, true) }
        let column = column
        let node = try value()
        if hasSign { try expect(node, isCondition: false, column) }
        return isNegative ? .negative(node) : node
    }

    private mutating func value() throws(InsightRuleError) -> Node {
        guard next < tokens.count else { throw error("something is missing at the end") }
        let token = tokens[next]
        next += 1
        if token.text == "(" {
            let node = try alternatives()
            guard take(")") else { throw error("a closing parenthesis is missing") }
            return node
        }
        guard let first = token.text.utf8.first else { throw error("empty") }
        switch first {
        case 0x30...0x39, 0x2E:
            guard let number = Double(token.text), number.isFinite else {
                throw InsightParser.error(token.column, "\(token.text) is no number")
            }
            return .number(take("%") ? number / 100 : number)
        case 0x41...0x5A, 0x61...0x7A, 0x5F:
            guard !["and", "or", "not"].contains(token.text) else { break }
            figures.append((token.text, token.column))
            return .figure(token.text)
        default: break
        }
        throw InsightParser.error(
            token.column, "\(token.text) stands where a number or a figure is expected")
    }

    // MARK: tokens

    private var column: Int { next < tokens.count ? tokens[next].column : end }

    private mutating func take(_ text: String) -> Bool {
        guard next < tokens.count, tokens[next].text == text else { return false }
        next += 1
        return true
    }

    private mutating func takeOperation(_ among: [String]) -> InsightCondition.Operation? {
        guard next < tokens.count, among.contains(tokens[next].text) else { return nil }
        next += 1
        return InsightCondition.Operation(rawValue: tokens[next - 1].text)
    }

    private func expect(_ node: Node, isCondition: Bool, _ column: Int) throws(InsightRuleError) {
        let isOne =
            switch node {
            case .comparison, .not, .and, .or: true
            case .number, .figure, .negative, .calculation: false
            }
        guard isOne != isCondition else { return }
        throw InsightParser.error(
            column,
            isCondition ? "a comparison is expected here" : "a number is expected here")
    }

    private func error(_ message: String) -> InsightRuleError {
        InsightParser.error(column, message)
    }

    private static func error(_ column: Int, _ message: String) -> InsightRuleError {
        InsightRuleError(field: "", column: column, message: message)
    }
}
