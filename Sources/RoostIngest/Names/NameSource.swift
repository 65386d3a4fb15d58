/// The tables of names as they are written: `names.yaml`, or it and a user's file together.
public struct NameSource: Sendable, Equatable {
    /// Keys of attributes, most trusted first.
    public var attributes: [NameConcept: [String]] = [:]
    /// By attribute of the concept `kind`: which of its values mean what.
    public var kinds: [String: [ActivityKind: [String]]] = [:]
    /// Keys inside JSON that holds token counts.
    public var usageKeys: [NameConcept: [String]] = [:]
    public var spanNames: [String: ActivityKind] = [:]
    /// Of the spans with these names, those that tell how the call of a tool above them ended.
    public var toolOutcomes: [String] = []
    /// By name of the event.
    public var logEvents: [String: NameEvent] = [:]
    /// By name of the metric.
    public var metrics: [String: NameMetric] = [:]
    /// OpenTelemetry's name of each provider with its other spellings; those of the empty name are
    /// no providers.
    public var providers: [String: [String]] = [:]
    /// How models' names begin, by provider.
    public var modelPrefixes: [String: [String]] = [:]
    /// Hosts by provider; with `*` at one end, how they begin or end.
    public var providerHosts: [String: [String]] = [:]
    public var dialects: [NameDialect] = []
    /// Keys of attributes that hold what was said; with `*` at the end, the beginnings of keys.
    public var content: [String] = []

    public init() {}
}

/// What a log record of one event tells.
public struct NameEvent: Sendable, Equatable {
    public var kind: ActivityKind
    public var phase = ActivityPhase.finished
    /// It is told of nothing but failures.
    public var isFailure = false
    /// Successes are told by another event.
    public var isOnlyFailures = false
    /// The span that the record lies in tells the same.
    public var isToldBySpan = false
    /// Names of the dialects in which another event tells the same.
    public var otherwiseTold: [String] = []
    /// Attributes that must have one of these values, sorted by key.
    public var conditions: [Condition] = []
    /// It tells whether an agent was allowed to use a tool, whatever `conditions` say.
    public var decision: Decision?

    /// Which attributes and words say how it was decided.
    public struct Decision: Sendable, Equatable {
        public var by = ""
        public var approved: [String] = []
        public var denied: [String] = []
        /// The attribute that says what or who decided.
        public var source = ""
        /// The attribute with the id of the call.
        public var call = ""

        public init() {}
    }

    public init(kind: ActivityKind) { self.kind = kind }

    public struct Condition: Sendable, Equatable {
        public var key: String
        public var values: [String]

        public init(key: String, values: [String]) {
            self.key = key
            self.values = values
        }
    }
}

/// What the points of a metric tell.
public struct NameMetric: Sendable, Equatable {
    public enum Subject: String, Sendable, CaseIterable { case tokens, cost, calls, tools }

    public var tells: Subject
    /// The attribute that says which tokens.
    public var by = ""
    /// Its values, by what they stand for, in the order of `ActivityTokens`.
    public var types = [[String]](repeating: [], count: 5)

    public init(tells: Subject) { self.tells = tells }

    /// As the tables spell what `types` stand for.
    public static let typeNames = ["input", "cache_read", "cache_write", "output", "reasoning"]
}

/// One way of writing agents' telemetry, and how it is recognised.
public struct NameDialect: Sendable, Equatable {
    public var name: String
    /// Beginnings of the names of instrumentation scopes.
    public var scopes: [String] = []
    /// Values of `service.name`.
    public var services: [String] = []
    /// Beginnings of keys of attributes.
    public var attributes: [String] = []
    public var tokens: Set<TokenSemantics> = []
    /// Its texts are JSON: in quotes.
    public var isJSON = false
    /// The agent without a name at the top of a trace is the run as a whole.
    public var isRootWorkflow = false

    public init(name: String) { self.name = name }

    /// How its token counts overlap.
    public enum TokenSemantics: String, Sendable, CaseIterable {
        /// Its input leaves cached tokens out.
        case exclusive
        /// Its output leaves reasoning out.
        case reasoningApart = "reasoning_apart"
        /// Its input leaves out what tools put into the prompt.
        case toolInputApart = "tool_input_apart"
    }
}
