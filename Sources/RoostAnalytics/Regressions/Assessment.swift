/// What was last found when an operation was compared with its past.
struct Assessment: Sendable {
    /// One measure on which enough is known.
    struct Change: Sendable {
        var measure: RegressionMeasure
        var old: Double
        var new: Double
        /// New to old, less one.
        var change: Double
        /// The chance of such a difference by noise, before and after all that was tested at the
        /// same time is taken into account.
        var p: Double
        var adjusted = 1.0
        var oldCount: Int
        var newCount: Int
        /// Whether the change is large enough to be told, if it is no noise.
        var isLarge: Bool
    }

    var baseline = OperationFigures()
    var recent = OperationFigures()
    var changes: [Change] = []
    /// Unix seconds.
    var recentFrom: UInt32 = 0
    var recentTo: UInt32 = 0
    var isLearned = false
    /// A change for the worse that is hardly noise: the baseline is held.
    var isHeld = false
}

/// What a baseline or a recent window says of an operation.
public struct OperationFigures: Sendable, Equatable {
    /// Of calls that succeeded.
    public var duration = SampleSummary()
    public var calls = 0
    /// 0 to 1; not a number when nothing is known. Likewise tokens and USD per call.
    public var errorShare = Double.nan
    public var tokens = Double.nan
    public var cost = Double.nan

    public init() {}
}

/// Compares one operation with its past.
struct Assessor {
    let settings: RegressionSettings

    func assess(_ table: SampleTable, _ place: Int) -> Assessment {
        var result = Assessment()
        var old = [[UInt16]](), new = [[UInt16]]()
        for measure in SampledMeasure.allCases {
            let at = table.at(place, measure)
            old.append(table.keptCodes(at).sorted())
            new.append(table.recentCodes(at).sorted())
            if table.series[at].isLearned { result.isLearned = true }
        }
        result.baseline = Self.figures(old)
        result.recent = Self.figures(new)
        if let span = table.recentSpan(table.at(place, .failure)) {
            (result.recentFrom, result.recentTo) = (span.from, span.to)
        }
        let (before, after) = (result.baseline, result.recent)
        func isReady(_ measure: SampledMeasure) -> Bool {
            table.series[table.at(place, measure)].isLearned
                && new[measure.rawValue].count >= settings.leastRecent
                && old[measure.rawValue].count >= settings.leastLearned
        }
        if isReady(.duration) {
            let (a, b) = (old[SampledMeasure.duration.rawValue], new[0])
            compareMeans(.averageDuration, before.duration.average, after.duration.average, a, b, 0)
                .map { result.changes.append($0) }
            for (measure, share, one, other) in [
                (.medianDuration, 0.5, before.duration.p50, after.duration.p50),
                (.p95Duration, 0.95, before.duration.p95, after.duration.p95),
            ] as [(RegressionMeasure, Double, Double, Double)] {
                let p = Comparison.quantile(share, a, b)
                append(measure, one, other, p, (a.count, b.count), &result.changes)
            }
        }
        if isReady(.failure) {
            let (a, b) = (old[SampledMeasure.failure.rawValue], new[1])
            result.changes.append(compareErrors(before.errorShare, after.errorShare, a, b))
        }
        if isReady(.tokens) {
            let (a, b) = (old[SampledMeasure.tokens.rawValue], new[2])
            compareMeans(.tokens, before.tokens, after.tokens, a, b, 1)
                .map { result.changes.append($0) }
        }
        if isReady(.cost) {
            let (a, b) = (old[SampledMeasure.cost.rawValue], new[3])
            compareMeans(.cost, before.cost, after.cost, a, b, 1e-6)
                .map { result.changes.append($0) }
        }
        result.isHeld = result.changes.contains { $0.isLarge && $0.change > 0 && $0.p < 0.001 }
        return result
    }

    /// Of sorted samples, by measure.
    static func figures(_ codes: [[UInt16]]) -> OperationFigures {
        var figures = OperationFigures()
        figures.duration = SampleSummary(sorted: codes[SampledMeasure.duration.rawValue])
        let failures = codes[SampledMeasure.failure.rawValue]
        figures.calls = failures.count
        func mean(_ measure: SampledMeasure) -> Double {
            let codes = codes[measure.rawValue]
            guard !codes.isEmpty else { return .nan }
            return codes.reduce(0) { $0 + SampleCode.value($1) } / Double(codes.count)
        }
        figures.errorShare = mean(.failure)
        figures.tokens = mean(.tokens)
        figures.cost = mean(.cost)
        return figures
    }

    private func append(
        _ measure: RegressionMeasure, _ old: Double, _ new: Double, _ p: Double,
        _ counts: (Int, Int), _ changes: inout [Assessment.Change]
    ) {
        guard old > 0 else { return }
        let change = new / old - 1
        changes.append(
            Assessment.Change(
                measure: measure, old: old, new: new, change: change, p: p, oldCount: counts.0,
                newCount: counts.1, isLarge: isLarge(change)))
    }

    private func compareMeans(
        _ measure: RegressionMeasure, _ old: Double, _ new: Double, _ a: [UInt16], _ b: [UInt16],
        _ offset: Double
    ) -> Assessment.Change? {
        // What takes no time at all is at least a microsecond, for the logarithm's sake.
        guard old > 0, let test = Comparison.means(a, b, offset: max(offset, 1e-6)) else {
            return nil
        }
        let change = new / old - 1
        // One outlier moves a mean: most samples must have moved with it.
        let moved = change > 0 ? test.ratio - 1 : 1 - test.ratio
        let isLarge = isLarge(change) && moved >= settings.threshold / 2
        return Assessment.Change(
            measure: measure, old: old, new: new, change: change, p: test.p, oldCount: a.count,
            newCount: b.count, isLarge: isLarge)
    }

    private func compareErrors(_ old: Double, _ new: Double, _ a: [UInt16], _ b: [UInt16])
        -> Assessment.Change
    {
        let failed = a.count { $0 > 0 }
        let failedNow = b.count { $0 > 0 }
        // Against at least one in a hundred, so that a first error is not endlessly worse.
        let change = (new - old) / max(old, 0.01)
        return Assessment.Change(
            measure: .errorShare, old: old, new: new, change: change,
            p: Comparison.shares(failed, of: a.count, failedNow, of: b.count), oldCount: a.count,
            newCount: b.count,
            isLarge: isLarge(change) && abs(new - old) >= settings.leastErrorChange)
    }

    private func isLarge(_ change: Double) -> Bool { abs(change) >= settings.threshold }
}
