public import RoostIngest

/// Everything that is made of facts, in one value with one home.
///
/// Pure: time is passed in, nothing is read or written. All of it stays below 64 MB at 10,000 open
/// workflows.
public struct Analytics: Sendable {
    public private(set) var symbols = Symbols()
    public private(set) var patterns = Patterns()
    /// Facts taken, and facts that found no room before they came here.
    public private(set) var facts: UInt64 = 0
    public private(set) var droppedFacts: UInt64 = 0

    public init() {}

    /// Takes in the texts of a batch; its facts follow with `take(_:now:)`, in parts as short as
    /// whoever holds the lock likes.
    public mutating func begin(_ batch: AgentFactBatch) {
        symbols.take(batch)
        droppedFacts &+= UInt64(batch.dropped)
    }

    /// `now` is when they came, in Unix nanoseconds.
    public mutating func take(_ facts: ArraySlice<AgentFact>, now: UInt64) {
        self.facts &+= UInt64(facts.count)
        for fact in facts {
            patterns.take(fact, symbols, now: now)
        }
    }

    /// Once a second.
    public mutating func tick(now: UInt64) {
        patterns.tick(now: now)
    }
}
