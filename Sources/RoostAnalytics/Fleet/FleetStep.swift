import RoostIngest

/// One activity of a run, as the fleet holds it: 72 bytes, of which there are many.
struct FleetStep: Sendable {
    enum Phase: UInt8, Sendable {
        /// Announced.
        case announced
        /// It ended, and its account is not final.
        case seen
        /// Its account is final.
        case ended
        /// Announced, and over without having told its end.
        case lost
        /// It turned out to be told elsewhere, or to be nothing that is counted.
        case repeated
    }

    var span: UInt64 = 0
    /// 0 is none.
    var parent: UInt64 = 0
    /// Unix nanoseconds.
    var start: UInt64 = 0
    var end: UInt64 = 0
    /// USD; not a number when unknown.
    var cost = Double.nan
    /// Of a call its tokens, of anything else the milliseconds of waiting for people within.
    private var amount: UInt32 = 0
    var agent: Int32 = 0
    /// The tool or the model, else the name; of an agent's run the tokens that it says it used.
    private var text: Int32 = 0
    /// The type of an error, else of a tool and an agent the hash of what it was given.
    private var outcome: Int32 = 0
    var workflow: Int32 = -1
    /// Neighbours in its run, in the order in which they were first heard of; -1 is none.
    var older: Int32 = -1
    var newer: Int32 = -1
    var kind = ActivityKind.other
    var phase = Phase.announced
    var isError = false
    private var tellsArguments = false

    /// The tool, the model or the agent, else the name.
    var subject: Int32 { kind == .agent ? agent : text }

    /// Of a call, and what a run of an agent says of itself; at most what the type holds.
    var tokens: UInt32 {
        get { isCall ? amount : kind == .agent ? UInt32(bitPattern: text) : 0 }
        set {
            if isCall { amount = newValue }
            if kind == .agent { text = Int32(bitPattern: newValue) }
        }
    }

    /// Milliseconds, at most what the type holds; of a call none.
    var humanWait: UInt32 {
        get { isCall ? 0 : amount }
        set { if !isCall { amount = newValue } }
    }

    /// Number of a text; 0 is none.
    var errorType: Int32 { tellsArguments ? 0 : outcome }

    /// A hash of what it was given; 0 is unknown, as of everything that tells the type of an error.
    var arguments: UInt32 { tellsArguments ? UInt32(bitPattern: outcome) : 0 }

    init() {}

    init(_ fact: AgentFact, workflow: Int32) {
        span = fact.spanID
        parent = fact.parentSpanID
        self.workflow = workflow
        fill(fact)
    }

    mutating func fill(_ fact: AgentFact) {
        parent = fact.parentSpanID
        start = fact.start
        end = max(fact.start, fact.end)
        cost = fact.cost
        agent = fact.agent
        kind = fact.activity
        amount = UInt32(
            clamping: isCall ? fact.tokens.allSorts : fact.humanWait / 1_000_000)
        text =
            switch kind {
            case .tool: fact.tool != 0 ? fact.tool : fact.name
            case .llm, .embedding: fact.model != 0 ? fact.model : fact.name
            case .agent: Int32(bitPattern: UInt32(clamping: fact.tokens.allSorts))
            default: fact.name
            }
        tellsArguments = fact.errorType == 0 && fact.arguments != 0
        outcome = tellsArguments ? Int32(bitPattern: fact.arguments) : fact.errorType
        isError = fact.status == .error
    }

    /// Whether an end may still come for it.
    var isOpen: Bool { phase == .announced || phase == .seen }

    /// Whether it counts as something that was done.
    var isDone: Bool { phase == .seen || phase == .ended }

    var isCall: Bool { kind == .llm || kind == .embedding }

    var duration: UInt64 { end > start ? end &- start : 0 }
}

extension ActivityTokens {
    /// All sorts together.
    var allSorts: UInt64 {
        input.addingUpTo(cacheRead).addingUpTo(cacheWrite).addingUpTo(output)
            .addingUpTo(reasoning)
    }
}

extension UInt64 {
    /// The sum, at most what the type holds.
    @inline(__always)
    func addingUpTo(_ other: UInt64) -> UInt64 {
        let (sum, isTooMuch) = addingReportingOverflow(other)
        return isTooMuch ? .max : sum
    }

    /// The difference, at least 0.
    @inline(__always)
    func less(_ other: UInt64) -> UInt64 { self > other ? self &- other : 0 }
}
