import RoostIngest

@testable import RoostAnalytics

/// Makes facts of runs as the tracker tells them, with a clock that tests move.
struct FactFeed {
    static let start: UInt64 = 1_800_000_000_000_000_000
    static let second: UInt64 = 1_000_000_000

    var symbols = Symbols()
    var now = FactFeed.start
    private var numbers: [String: Int32] = ["": 0]
    private var lastSpan: UInt64 = 0
    private var lastTrace: UInt64 = 0

    mutating func number(_ text: String) -> Int32 {
        if let number = numbers[text] { return number }
        let number = Int32(numbers.count)
        numbers[text] = number
        var batch = AgentFactBatch()
        batch.newTexts = [Array(text.utf8)]
        symbols.take(batch)
        return number
    }

    mutating func newTrace() -> UInt64 {
        lastTrace += 1
        return lastTrace
    }

    mutating func newSpan() -> UInt64 {
        lastSpan += 1
        return lastSpan
    }

    /// A step that began `at` seconds into its run.
    mutating func step(
        _ activity: ActivityKind, _ name: String, trace: UInt64, span: UInt64? = nil,
        parent: UInt64 = 0, at: Double = 0, seconds: Double = 1, failed: Bool = false,
        agent: String = "", workflow: String = "", read: UInt64 = 0, cost: Double = .nan
    ) -> AgentFact {
        var fact = AgentFact(activity == .workflow ? .workflowEnded : .ended)
        fact.activity = activity
        fact.status = failed ? .error : .ok
        fact.traceIDHigh = 7
        fact.traceIDLow = trace
        fact.spanID = span ?? newSpan()
        fact.parentSpanID = parent
        fact.agent = number(activity == .agent ? name : agent)
        fact.workflow = number(activity == .workflow ? name : workflow)
        fact.tool = number(activity == .tool ? name : "")
        fact.model = number(activity == .llm ? name : "")
        fact.start = now &+ UInt64(at * 1e9)
        fact.end = fact.start &+ UInt64(seconds * 1e9)
        fact.tokens.input = read
        fact.cost = cost
        return fact
    }
}

/// The same numbers for the same seed, everywhere.
struct SeededNumbers: RandomNumberGenerator {
    var state: UInt64
    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// From 0 to 1.
    mutating func share() -> Double { Double(next() >> 11) * 0x1p-53 }
}
