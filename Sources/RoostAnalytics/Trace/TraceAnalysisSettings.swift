/// From where on something about a trace is worth a remark.
public struct TraceAnalysisSettings: Sendable {
    /// Seconds on the critical path.
    public var longPole = 10.0
    /// Share of the time of the workflow that one agent works.
    public var slowAgent = 0.3
    /// Share of a phase in which at least two of its steps run.
    public var sequential = 0.3
    /// Share of the time of the workflow that a phase must take.
    public var phase = 0.1
    /// Times more work than time, from which on a trace is parallel enough.
    public var factor = 2.0
    /// Failures, and seconds between one and the next.
    public var clusterSize = 3
    public var clusterGap = 10.0
    /// Calls of one operation, and of one with the same arguments.
    public var highFrequency = 10
    public var sameArguments = 3
    /// Runs of two agents in turn.
    public var pingPong = 4
    /// Calls to a model in a row, and how many times its first input the last one has.
    public var growingCalls = 4
    public var growth = 2.0
    /// Entries of a list; what is beyond is counted.
    public var longestList = 500
    /// Spans that a finding names.
    public var mostEvidence = 10
    /// What a trace in production should reach.
    public var targetScore = 70.0

    public init() {}
}
