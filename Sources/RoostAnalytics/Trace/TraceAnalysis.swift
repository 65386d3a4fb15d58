/// What can be said of one trace: where its time went, what went wrong, what could be better.
///
/// Pure, and made for any trace: none of its steps, cycles, clocks that disagree, ends that never
/// came. Indices are those of `TraceDocument.steps`; offsets are nanoseconds since the first step,
/// clocks brought together.
public struct TraceAnalysis: Sendable {
    public let document: TraceDocument
    public let settings: TraceAnalysisSettings
    /// Unix nanoseconds of offset 0.
    public let start: UInt64
    /// Nanoseconds from the start of the first step to the end of the last.
    public let wallClock: Int
    public let concurrency: Concurrency
    public let criticalPath: CriticalPath
    /// Nanoseconds of each step in which none below it ran.
    public let selfTimes: [Int]
    /// Offsets of each step.
    public let starts: [Int]
    public let ends: [Int]
    public let longPoles: [LongPole]
    /// The busiest first.
    public let agents: [AgentShare]
    public let overlaps: [AgentOverlap]
    public let phases: [SequentialPhase]
    public let operations: [OperationStatistics]
    /// Indices of the steps that failed of themselves, in the order of their ends.
    public let failures: [Int]
    public let errorClusters: [ErrorCluster]
    public let repeated: [RepeatedOperation]
    public let loops: [TraceLoop]
    public let clockSkews: [ClockSkew]
    /// Steps that lie at least partly outside of their parents, clocks brought together.
    public let stepsOutside: Int
    /// Runs of agents in the order in which they began, as indices.
    public let agentRuns: [Int]
    /// Nil when there is nothing to judge.
    public let score: TraceScore?
    /// The one that saves most first.
    public private(set) var recommendations: [TraceRecommendation] = []

    public init(of document: TraceDocument, settings: TraceAnalysisSettings = .init()) {
        self.document = document
        self.settings = settings
        let steps = document.steps
        let times = TraceTimes(document)
        let own = SelfTimes(steps, times)
        let sweep = ConcurrencySweep(own, steps: steps.count, end: times.end)
        let path = CriticalPath(times)
        let groups = OperationStatistics.groups(steps)
        let runs = AgentRuns(steps, times)
        let working = sweep.total.working
        start = times.base
        wallClock = times.end
        starts = times.starts
        ends = times.ends
        clockSkews = times.skews
        stepsOutside = times.outside
        concurrency = sweep.total
        criticalPath = path
        selfTimes = own.own
        agentRuns = runs.begins
        longPoles = LongPole.all(steps, path.ownWork(own), sweep.alone, settings)
        let shares = AgentShares(
            steps, times, own, path, runs, working: working, threshold: settings.slowAgent)
        agents = shares.agents
        overlaps = shares.overlaps
        phases = SequentialPhase.all(steps, times, groups, working: working, settings)
        operations = OperationStatistics.all(steps, groups, times, own, path)
        failures = ErrorCluster.origins(steps, times)
        errorClusters = ErrorCluster.all(failures, steps, times, settings)
        repeated = RepeatedOperation.all(steps, groups, times, path, settings)
        loops = TraceLoop.all(steps, times, runs, path, settings)
        score =
            steps.isEmpty
            ? nil
            : TraceScore(
                factor: concurrency.factor, longPoles: longPoles.count, errors: failures.count,
                enough: settings.factor)
        recommendations = TraceRecommendation.all(self)
    }

    /// Unix nanoseconds of an offset.
    public func time(_ offset: Int) -> UInt64 { start &+ UInt64(max(offset, 0)) }

    public func duration(_ step: Int) -> Int { ends[step] - starts[step] }
}

/// A step that everything waited for, for long.
public struct LongPole: Sendable, Equatable {
    public var step: Int
    /// Nanoseconds on the critical path in which it was at work itself.
    public var onPath: Int
    /// Nanoseconds in which nothing else was at work.
    public var alone: Int

    static func all(
        _ steps: [TraceStep], _ onPath: [Int], _ alone: [Int],
        _ settings: TraceAnalysisSettings
    ) -> [LongPole] {
        let least = settings.longPole * 1e9
        return steps.indices
            .filter {
                steps[$0].activity != .humanWait && Double(onPath[$0]) > least
            }
            .map { LongPole(step: $0, onPath: onPath[$0], alone: min(alone[$0], onPath[$0])) }
            .sorted { ($1.onPath, $0.step) < ($0.onPath, $1.step) }
    }
}

/// How well a trace ran, from 0 to 100.
public struct TraceScore: Sendable, Equatable {
    /// 0 to 40: in proportion to the factor of parallelisation, full when it is enough.
    public let parallelization: Double
    /// 0 to 30: five less for each long pole.
    public let longPoles: Double
    /// 0 to 30: five less for each failure.
    public let errors: Double

    public var total: Double { parallelization + longPoles + errors }

    init(factor: Double, longPoles: Int, errors: Int, enough: Double) {
        parallelization = enough > 0 ? min(40, max(0, factor / enough * 40)) : 40
        self.longPoles = max(0, 30 - 5 * Double(longPoles))
        self.errors = max(0, 30 - 5 * Double(errors))
    }
}
