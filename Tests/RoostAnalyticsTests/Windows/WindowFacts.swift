import RoostIngest

@testable import RoostAnalytics

/// 2026-11-20, a multiple of an hour.
let windowNoon: UInt64 = 1_795_176_000_000_000_000
let oneSecond: UInt64 = 1_000_000_000
let oneHour: UInt64 = 3600 * oneSecond

/// Texts by number: 1 is "t1" and so on.
func windowSymbols(_ count: Int) -> Symbols {
    namedSymbols((1...count).map { "t\($0)" })
}

/// Texts that have the numbers from 1 on.
func namedSymbols(_ texts: [String]) -> Symbols {
    var symbols = Symbols()
    var batch = AgentFactBatch()
    batch.newTexts = texts.map { Array($0.utf8) }
    symbols.take(batch)
    return symbols
}

/// Takes duration in nanoseconds.
func endedFact(
    _ activity: ActivityKind, agent: Int32 = 0, workflow: Int32 = 0, model: Int32 = 0,
    provider: Int32 = 0, tool: Int32 = 0, lasting: UInt64 = 0, failed: Bool = false,
    input: UInt64 = 0, output: UInt64 = 0, cost: Double = .nan
) -> AgentFact {
    var fact = AgentFact(.ended)
    fact.activity = activity
    fact.status = failed ? .error : .ok
    fact.agent = agent
    fact.workflow = workflow
    fact.model = model
    fact.provider = provider
    fact.tool = tool
    fact.start = windowNoon
    fact.end = windowNoon + lasting
    fact.tokens.input = input
    fact.tokens.output = output
    fact.cost = cost
    return fact
}

/// The same numbers each time.
struct WindowRandom: RandomNumberGenerator {
    private var state: UInt64 = 0x1234_5678_9ABC_DEF1

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }

    mutating func unit() -> Double { (Double(next() >> 11) + 0.5) / Double(1 << 53) }
}
