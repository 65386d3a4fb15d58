import RoostIngest

/// The latest five spans that show something, and when it was first and last seen.
struct ExampleRing: Sendable {
    private var examples = InlineArray<5, FindingExample>(repeating: FindingExample())
    private var next: UInt8 = 0
    private(set) var first: UInt64 = 0
    private(set) var last: UInt64 = 0

    mutating func note(_ fact: AgentFact, now: UInt64) {
        note(fact.traceIDHigh, fact.traceIDLow, fact.spanID, now: now)
    }

    mutating func note(_ high: UInt64, _ low: UInt64, _ span: UInt64, now: UInt64) {
        // What stayed away for a day begins anew.
        if first == 0 || now > last &+ PatternSlots.day { first = now }
        last = now
        var example = FindingExample()
        example.traceIDHigh = high
        example.traceIDLow = low
        example.spanID = span
        example.time = now
        examples[Int(next)] = example
        next = next == 4 ? 0 : next &+ 1
    }

    /// What came at `since` or later.
    func evidence(count: Int, since: UInt64) -> FindingEvidence {
        var evidence = FindingEvidence()
        evidence.count = count
        evidence.first = first
        evidence.last = last
        for back in 1...5 {
            let example = examples[(Int(next) + 5 - back) % 5]
            if example.time != 0, example.time >= since { evidence.examples.append(example) }
        }
        return evidence
    }
}
