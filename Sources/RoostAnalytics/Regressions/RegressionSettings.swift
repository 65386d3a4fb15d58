/// When something counts as having become worse.
public struct RegressionSettings: Sendable {
    /// A baseline is learned from so many samples; after `learningTime` nanoseconds fewer will do.
    public var learned = 50
    public var leastLearned = 20
    public var learningTime: UInt64 = 86_400_000_000_000
    /// Samples of the recent window below which nothing is said.
    public var leastRecent = 30
    /// Change from which on it is told; the bounds of minor, moderate and severe.
    public var threshold = 0.2
    public var moderate = 0.5
    public var severe = 1.0
    /// A share of errors must change by so much, in absolute terms, too.
    public var leastErrorChange = 0.02
    /// Of what is told at one time, at most this share is expected to be noise.
    public var significance = 0.01
    /// Of the samples that leave the recent window one in so many replaces one of the baseline,
    /// a quarter of that while a regression shows.
    public var pace = 8
    /// Nanoseconds that a sample stays in the recent window at most, and that a full window should
    /// stretch over at least: where calls come faster, only some are sampled.
    public var recentTime: UInt64 = 86_400_000_000_000
    public var leastStretch: UInt64 = 600_000_000_000
    public var operations = 512
    /// Operations that one tick looks at.
    public var operationsPerTick = 24

    public init() {}
}

/// What of an operation is compared with its past.
public enum RegressionMeasure: String, Sendable, CaseIterable {
    case averageDuration = "avg_duration_seconds"
    case medianDuration = "p50_duration_seconds"
    case p95Duration = "p95_duration_seconds"
    case errorShare = "error_share"
    case tokens = "tokens_per_call"
    case cost = "cost_usd_per_call"
}
