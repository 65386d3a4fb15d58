/// What is wrong with a rule, and where.
public struct InsightRuleError: Error, Sendable, Equatable {
    /// The field of the rule.
    public var field: String
    /// Where in the field's text, from 1; 0 when the text as a whole is meant.
    public var column: Int
    public var message: String

    public init(field: String, column: Int = 0, message: String) {
        self.field = field
        self.column = column
        self.message = message
    }
}

/// A condition over named figures: `agent.error_share > 30% and agent.runs >= 20`.
///
///     condition   = conjunction { "or" conjunction }
///     conjunction = negation { "and" negation }
///     negation    = "not" negation | comparison
///     comparison  = sum [ ( "<" | "<=" | ">" | ">=" | "==" | "!=" ) sum ]
///     sum         = product { ( "+" | "-" ) product }
///     product     = sign { ( "*" | "/" ) sign }
///     sign        = "-" sign | number [ "%" ] | figure | "(" condition ")"
///
/// A figure that is not known makes what is built from it unknown, unless that does not matter:
/// `false and unknown` is false. Dividing by zero is unknown. At most 1,000 characters, 200 parts
/// and 32 levels.
public struct InsightCondition: Sendable {
    indirect enum Node: Sendable {
        case number(Double)
        case figure(String)
        case negative(Node)
        case calculation(Operation, Node, Node)
        case comparison(Operation, Node, Node)
        case not(Node)
        case and(Node, Node)
        case or(Node, Node)
    }

    enum Operation: String, Sendable {
        case add = "+"
        case subtract = "-"
        case multiply = "*"
        case divide = "/"
        case less = "<"
        case atMost = "<="
        case more = ">"
        case atLeast = ">="
        case equal = "=="
        case unequal = "!="
    }

    public let text: String
    /// The figures that it asks for.
    public let figures: [String]
    let root: Node

    /// `isFigure` tells which names there are. The error's field is left empty.
    public init(_ text: String, isFigure: (String) -> Bool) throws(InsightRuleError) {
        var parser = try InsightParser(text)
        root = try parser.condition()
        self.text = text
        figures = parser.figures.map(\.name)
        for figure in parser.figures where !isFigure(figure.name) {
            throw InsightRuleError(
                field: "", column: figure.column, message: "there is no figure \(figure.name)")
        }
    }

    /// Nil when what is known does not decide it.
    public func holds(_ figure: (String) -> Double?) -> Bool? { truth(root, figure) }

    func truth(_ node: Node, _ figure: (String) -> Double?) -> Bool? {
        switch node {
        case .not(let inner): return truth(inner, figure).map { !$0 }
        case .and(let one, let other):
            let (a, b) = (truth(one, figure), truth(other, figure))
            if a == false || b == false { return false }
            return a == true && b == true ? true : nil
        case .or(let one, let other):
            let (a, b) = (truth(one, figure), truth(other, figure))
            if a == true || b == true { return true }
            return a == false && b == false ? false : nil
        case .comparison(let operation, let one, let other):
            guard let a = value(one, figure), let b = value(other, figure) else { return nil }
            switch operation {
            case .less: return a < b
            case .atMost: return a <= b
            case .more: return a > b
            case .atLeast: return a >= b
            case .equal: return a == b
            default: return a != b
            }
        case .number, .figure, .negative, .calculation: return nil
        }
    }

    func value(_ node: Node, _ figure: (String) -> Double?) -> Double? {
        switch node {
        case .number(let number): return number
        case .figure(let name): return figure(name).flatMap { $0.isFinite ? $0 : nil }
        case .negative(let inner): return value(inner, figure).map { -$0 }
        case .calculation(let operation, let one, let other):
            guard let a = value(one, figure), let b = value(other, figure) else { return nil }
            let result: Double =
                switch operation {
                case .add: a + b
                case .subtract: a - b
                case .multiply: a * b
                default: a / b
                }
            return result.isFinite ? result : nil
        case .comparison, .not, .and, .or: return nil
        }
    }
}
