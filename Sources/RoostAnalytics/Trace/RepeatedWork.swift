public import RoostIngest

/// An operation that is called so often that keeping its answers may pay.
public struct RepeatedOperation: Sendable, Equatable {
    public var activity = ActivityKind.other
    public var name = ""
    public var count = 0
    /// Calls with arguments to which another call gave an answer; those of unknown arguments and
    /// attempts that failed before the first answer are not among them.
    public var repeats = 0
    /// How many calls have known arguments.
    public var known = 0
    /// Nanoseconds on the critical path that repeats took after the first answer.
    public var saving = 0
    /// Tokens and USD of repeats.
    public var tokens: UInt64 = 0
    public var cost: Double?
    /// Indices of the steps with the arguments used most, at most as many as evidence is given.
    public var steps: [Int] = []
    public var confidence = 0.0

    /// The ones with the most to gain first.
    static func all(
        _ steps: [TraceStep], _ groups: OperationStatistics.Groups, _ times: TraceTimes,
        _ path: CriticalPath, _ settings: TraceAnalysisSettings
    ) -> [RepeatedOperation] {
        var members = [[Int]](repeating: [], count: groups.operations.count)
        for place in steps.indices where isCall(steps[place], place, times) {
            members[Int(groups.numbers[place])].append(place)
        }
        var found: [RepeatedOperation] = []
        for (number, list) in members.enumerated() where list.count >= settings.sameArguments {
            var operation = RepeatedOperation()
            operation.activity = groups.operations[number].activity
            operation.name = groups.operations[number].name
            operation.count = list.count
            let most = operation.look(list, steps, times, path, settings)
            guard most >= settings.sameArguments || list.count >= settings.highFrequency else {
                continue
            }
            found.append(operation)
        }
        return found.sorted { ($1.saving, $1.count, $0.name) < ($0.saving, $0.count, $1.name) }
    }

    /// What has an answer that could be kept.
    private static func isCall(_ step: TraceStep, _ place: Int, _ times: TraceTimes) -> Bool {
        switch step.activity {
        case .tool, .retrieval, .embedding, .llm: !step.isPending && step.isCounted
        case .other: times.tree.children(of: place).isEmpty && !step.isPending
        default: false
        }
    }

    /// Answers how often the arguments used most were used.
    private mutating func look(
        _ list: [Int], _ steps: [TraceStep], _ times: TraceTimes, _ path: CriticalPath,
        _ settings: TraceAnalysisSettings
    ) -> Int {
        var byArguments: [UInt64: [Int]] = [:]
        for place in list where steps[place].argumentsHash != 0 {
            byArguments[steps[place].argumentsHash, default: []].append(place)
        }
        known = byArguments.values.reduce(0) { $0 + $1.count }
        for places in byArguments.values {
            let same = SameCalls(places, steps, times)
            repeats += same.needless.count
            for place in same.needless {
                saving = saving &+ path.onPath(place, from: same.answer ?? 0)
                tokens &+= steps[place].tokens.total
                if let cost = steps[place].cost { self.cost = (self.cost ?? 0) + cost }
            }
        }
        let most = byArguments.values.max { ($0.count, $1[0]) < ($1.count, $0[0]) } ?? []
        self.steps = Array((most.count > 1 ? most : list).prefix(settings.mostEvidence))
        // Without arguments nothing says that an answer could be used again.
        confidence = Confidence.share(repeats, of: list.count)
        return most.count
    }
}

/// Calls of the same with the same arguments: when the first answer was there, and which calls it
/// would have spared.
struct SameCalls {
    /// Nanoseconds since the first step; nil where no call worked.
    let answer: Int?
    /// All but the one that gave that answer and the attempts that failed before it; none where
    /// no call worked.
    let needless: [Int]

    /// `places` are in the order of their start.
    init(_ places: [Int], _ steps: [TraceStep], _ times: TraceTimes) {
        let first = places.filter { steps[$0].status != .error && !steps[$0].isPending }
            .min { (times.ends[$0], $0) < (times.ends[$1], $1) }
        guard let first else {
            (answer, needless) = (nil, [])
            return
        }
        let end = times.ends[first]
        answer = end
        needless = places.filter { place in
            place != first && !(steps[place].status == .error && times.ends[place] <= end)
        }
    }
}
