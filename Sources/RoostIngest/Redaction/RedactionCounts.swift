import Synchronization

/// How many values each rule has taken out, since start, whatever the configuration was. Any thread.
public final class RedactionCounts: Sendable {
    private let counts = Mutex<[String: UInt64]>([:])

    public init() {}

    /// Counts what a redactor found in a request that has been accepted.
    public func add(_ tally: Redactor.Tally, of redactor: Redactor) {
        counts.withLock { counts in
            for (rule, values) in zip(redactor.rules, tally) where values > 0 {
                counts[rule, default: 0] &+= UInt64(values)
            }
        }
    }

    /// Rule and values: the rules that Roost has itself, then those that were or are configured.
    public func snapshot(_ redactor: Redactor) -> [(rule: String, values: UInt64)] {
        let counts = counts.withLock { $0 }
        let others = Set(counts.keys).subtracting(redactor.rules).sorted()
        return (redactor.rules + others).map { ($0, counts[$0] ?? 0) }
    }
}
