/// What is to be taken out of telemetry.
public struct RedactionSettings: Sendable {
    /// A regular expression with a name.
    public struct Pattern: Sendable {
        /// Small letters, digits and `_`; the label `rule`.
        public var name: String
        public var expression: RedactionPattern
        public var action: RedactionAction

        public init(name: String, expression: RedactionPattern, action: RedactionAction) {
            self.name = name
            self.expression = expression
            self.action = action
        }
    }

    /// What was said to models and tools, in every dialect.
    public var content = false
    /// Keys of attributes that hold it, from the table of names: whole, `foo.*`, or `!foo.bar` for
    /// what is none although it begins so.
    public var contentKeys: [String] = []
    /// Of these, keys of JSON with the parameters of a call: tools and instructions may stand in
    /// it, but what model it asks for stays, since failed calls say it nowhere else.
    public var parameterKeys: [String] = []
    /// Keys of attributes and of entries in maps: whole, or `foo.*`.
    public var keys: [String] = []
    public var values: Set<SecretKind> = [.apiKey, .privateKey]
    public var patterns: [Pattern] = []
    /// What becomes of what is found by content, keys and values.
    public var action = RedactionAction.replace
    /// The key of hashes; without one of the installation's own a fresh one is made at start.
    public var hashKey: [UInt8] = []

    public init() {}

    /// Names that no pattern can have.
    public static let ownRules = ["content", "key", "limit"] + SecretKind.allCases.map(\.rawValue)
}
