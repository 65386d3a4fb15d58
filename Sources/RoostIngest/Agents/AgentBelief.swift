/// Which signal some of the work of a service is taken from, and why.
public struct AgentBelief: Sendable {
    public let service: String
    /// `calls`, `tools` or `runs`.
    public let fact: String
    /// `traces`, `logs` or `metrics`.
    public let signal: String
    /// What tells the same and is left out, at least where the same session tells it twice.
    public let others: [String]
    public let reason: String
    /// How many sessions are taken from which signal, where sessions are told.
    public let sessions: [(signal: String, count: Int)]

    init(_ belief: AgentSignals.Belief, service: String) {
        self.service = service
        fact = "\(belief.fact)"
        signal = "\(belief.signal)"
        others = belief.others.map { "\($0)" }
        reason = Self.reason(belief)
        sessions = AgentSignals.Signal.allCases.compactMap { signal in
            let count = belief.sessions[signal.rawValue]
            return count == 0 ? nil : ("\(signal)", count)
        }
    }

    private static func reason(_ belief: AgentSignals.Belief) -> String {
        guard belief.silent.isEmpty else {
            let words = belief.silent.map { $0.words }.joined(separator: " and ")
            return "\(words) have been silent for 10 minutes"
        }
        return switch (belief.signal, belief.others.isEmpty) {
        case (.traces, true), (.logs, true), (.metrics, _):
            "nothing else tells it"
        case (.traces, false): "spans say most"
        case (.logs, false): "there are no spans of it, and events say more than metrics"
        }
    }
}

extension AgentSignals.Signal {
    fileprivate var words: String {
        switch self {
        case .traces: "spans"
        case .logs: "events"
        case .metrics: "metrics"
        }
    }
}
