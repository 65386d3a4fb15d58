public import RoostIngest

/// Patterns and regressions, fed together: what a run showed is worked out once for both.
public struct Findings: Sendable {
    public private(set) var patterns: Patterns
    public var regressions: Regressions

    public init(
        patterns: PatternSettings = PatternSettings(), regressions: Regressions = Regressions()
    ) {
        self.patterns = Patterns(patterns)
        self.regressions = regressions
    }

    public mutating func take(_ fact: AgentFact, _ symbols: Symbols, now: UInt64) {
        switch fact.kind {
        case .ended, .workflowEnded:
            patterns.take(fact, symbols, now: now)
            regressions.take(fact, symbols, now: now)
        case .traceClosed: patterns.take(fact, symbols, now: now)
        case .began, .seen, .usage, .workflowCorrected: return
        }
    }

    /// The root of a run that was counted without it has come.
    mutating func correct(
        _ early: CountedRun, to run: AgentFact, _ symbols: Symbols, now: UInt64
    ) {
        patterns.correct(early, to: run, now: now)
        // What a sample says cannot be taken back; a failure is told beside it.
        if run.status == .error, !early.hasFailed { regressions.take(run, symbols, now: now) }
    }

    /// Once a second; a bounded amount of work.
    public mutating func tick(now: UInt64) {
        patterns.tick(now: now) { run, study in regressions.take(run, study, now: now) }
        regressions.tick(now: now)
    }
}
