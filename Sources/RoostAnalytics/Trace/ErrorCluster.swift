import RoostCore

/// Failures that came close upon each other.
public struct ErrorCluster: Sendable, Equatable {
    /// Nanoseconds since the first step: ends of the first and of the last failure.
    public var start = 0
    public var end = 0
    public var count = 0
    /// Indices of the steps that failed, at most as many as evidence is given.
    public var steps: [Int] = []
    /// Kinds of failure with their numbers, the most frequent first.
    public var types: [(type: String, count: Int)] = []
    /// That they did not come together by chance.
    public var confidence = 0.0

    public static func == (one: ErrorCluster, other: ErrorCluster) -> Bool {
        one.start == other.start && one.end == other.end && one.steps == other.steps
    }

    /// The steps that failed of themselves: below them none did.
    static func origins(_ steps: [TraceStep], _ times: TraceTimes) -> [Int] {
        var hasBelow = [Bool](repeating: false, count: steps.count)
        for node in times.tree.topDown.reversed() {
            let place = Int(node)
            let parent = Int(times.tree.parents[place])
            guard parent >= 0, hasBelow[place] || steps[place].status == .error else { continue }
            hasBelow[parent] = true
        }
        return steps.indices.filter { steps[$0].status == .error && !hasBelow[$0] }
            .sorted { (times.ends[$0], $0) < (times.ends[$1], $1) }
    }

    /// `failed` is in the order of its ends.
    static func all(
        _ failed: [Int], _ steps: [TraceStep], _ times: TraceTimes,
        _ settings: TraceAnalysisSettings
    ) -> [ErrorCluster] {
        let gap = settings.clusterGap * 1e9
        var clusters: [ErrorCluster] = []
        var first = 0
        for next in 1...max(failed.count, 1) {
            let goesOn =
                next < failed.count
                && Double(times.ends[failed[next]] - times.ends[failed[next - 1]]) <= gap
            if goesOn { continue }
            if next <= failed.count, next - first >= settings.clusterSize {
                clusters.append(
                    ErrorCluster(failed[first..<next], steps, times, failed.count, settings))
            }
            first = next
        }
        return clusters
    }

    private init(
        _ members: ArraySlice<Int>, _ steps: [TraceStep], _ times: TraceTimes, _ all: Int,
        _ settings: TraceAnalysisSettings
    ) {
        guard let first = members.first, let last = members.last else { return }
        start = times.ends[first]
        end = times.ends[last]
        count = members.count
        self.steps = Array(members.prefix(settings.mostEvidence))
        var numbers: [ExactText: Int] = [:]
        for place in members { numbers[ExactText(steps[place].errorType), default: 0] += 1 }
        types = numbers.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
            .map { (type: $0.key.text, count: $0.value) }
        // The first failure opens the window, so it is no evidence.
        let part = times.end > 0 ? Double(end - start) / Double(times.end) : 1
        confidence = Confidence.crowd(count - 1, of: all, part: part)
    }
}
