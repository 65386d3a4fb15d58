/// One value of an OTLP attribute.
enum AttributeValue: Hashable, Sendable {
    case string(String)
    case int(Int64)
    case double(Double)
    case bool(Bool)
    case strings([String])

    static func int(_ value: Int) -> AttributeValue { .int(Int64(value)) }
}

extension AttributeValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral
{
    init(stringLiteral value: String) { self = .string(value) }
    init(integerLiteral value: Int64) { self = .int(value) }
    init(floatLiteral value: Double) { self = .double(value) }
    init(booleanLiteral value: Bool) { self = .bool(value) }
}

/// Attributes in the order they were put in; a key occurs once.
struct Attributes: Hashable, Sendable, ExpressibleByDictionaryLiteral {
    struct Pair: Hashable, Sendable {
        var key: String
        var value: AttributeValue
    }

    private(set) var pairs: [Pair]

    init(dictionaryLiteral elements: (String, AttributeValue)...) {
        pairs = elements.map { Pair(key: $0, value: $1) }
    }

    /// Setting nil takes the key out.
    subscript(key: String) -> AttributeValue? {
        get { pairs.first { $0.key == key }?.value }
        set {
            let index = pairs.firstIndex { $0.key == key }
            switch (index, newValue) {
            case (let index?, let value?): pairs[index].value = value
            case (let index?, nil): pairs.remove(at: index)
            case (nil, let value?): pairs.append(Pair(key: key, value: value))
            case (nil, nil): break
            }
        }
    }

    /// These and `others`, whose values win.
    func merging(_ others: Attributes) -> Attributes {
        var merged = self
        for pair in others.pairs { merged[pair.key] = pair.value }
        return merged
    }

    /// Only the pairs whose keys are named.
    func only(_ keys: String...) -> Attributes {
        var chosen: Attributes = [:]
        for key in keys { chosen[key] = self[key] }
        return chosen
    }
}

/// Names of the semantic conventions that the fleet uses in more than one place.
enum Key {
    static let operation = "gen_ai.operation.name"
    static let provider = "gen_ai.provider.name"
    static let requestModel = "gen_ai.request.model"
    static let responseModel = "gen_ai.response.model"
    static let inputTokens = "gen_ai.usage.input_tokens"
    static let outputTokens = "gen_ai.usage.output_tokens"
    static let tokenType = "gen_ai.token.type"
    static let agent = "gen_ai.agent.name"
    static let tool = "gen_ai.tool.name"
    static let workflow = "gen_ai.workflow.name"
    static let conversation = "gen_ai.conversation.id"
    static let errorType = "error.type"
    static let serverAddress = "server.address"
    static let serverPort = "server.port"
    static let httpMethod = "http.request.method"
    static let httpStatus = "http.response.status_code"
}
