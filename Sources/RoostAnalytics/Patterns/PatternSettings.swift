/// From when on something is worth telling. Shares are 0 to 1, durations seconds.
public struct PatternSettings: Sendable {
    /// Fewer attempts (calls, runs) in a window say nothing.
    public var leastAttempts = 10
    /// Recurring failures: failed attempts of all attempts.
    public var failureShare = 0.5
    /// Bottlenecks: mean, or 95th percentile.
    public var slowMean = 5.0
    public var slowP95 = 10.0
    /// High retries: attempts that repeat a failed one, of all attempts.
    public var retryShare = 0.2
    /// Repeated operations: calls of one tool in one run, and the share of the runs with the tool.
    public var repeatedCalls = 6
    public var repeatedShare = 0.1
    /// Long workflows: mean, or 95th percentile.
    public var longMean = 120.0
    public var longP95 = 600.0
    /// Human wait: of a workflow's time.
    public var humanShare = 0.5
    /// Token growth: input of the last call of an agent in a run to that of its first, over how
    /// many calls, in which share of the runs.
    public var growthFactor = 3.0
    public var growthCalls = 4
    public var growthShare = 0.2
    /// Failing step: of a workflow's failed runs, how many begin to fail there; least failed runs;
    /// and of all its runs, how many fail.
    public var stepShare = 0.5
    public var stepFailures = 5
    public var stepFailureShare = 0.1
    /// Agents one after another: how many side by side in the tree, how parallel (0 one by one, 1
    /// all at once), in which share of the runs, seconds that could be saved in a run.
    public var sequentialAgents = 3
    public var sequentialParallelism = 0.3
    public var sequentialShare = 0.5
    public var sequentialSaving = 1.0
    /// Fan-out: steps below one parent that run at the same time; share of the runs.
    public var fanOut = 10
    public var fanOutShare = 0.1
    /// Ping-pong: turns between two agents; share of the runs.
    public var pingPongTurns = 6
    public var pingPongShare = 0.05

    /// Operations that are watched; the rest is only counted.
    public var operations = 768
    public var tallies = 1_536
    /// Bytes that durations of the last day are packed into.
    public var durationBytes = 3 << 20
    /// Steps of open runs that are held.
    public var steps = 20_480
    public var openRuns = 4_096
    /// Steps of one run that are looked at.
    public var stepsPerRun = 512
    /// Steps that one tick looks at.
    public var stepsPerTick = 16_384

    public init() {}

    /// Seconds from which on an attempt lasts long: the mean, and the 95th percentile.
    func limits(of kind: FindingSubject.Kind) -> (mean: Double, p95: Double) {
        kind == .workflow ? (longMean, longP95) : (slowMean, slowP95)
    }
}
