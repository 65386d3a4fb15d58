import RoostCore
public import RoostIngest

/// How the calls of one operation in a trace went.
public struct OperationStatistics: Sendable {
    public var activity = ActivityKind.other
    /// The tool, the model or the agent; of other steps the name of the span.
    public var name = ""
    public var count = 0
    public var errors = 0
    /// Announced, and not over; not among the durations.
    public var pending = 0
    /// Nanoseconds without waiting for people.
    public var total = 0
    public var minimum = 0
    public var mean = 0.0
    /// Nanoseconds; between two values in proportion.
    public var median = 0.0
    public var p95 = 0.0
    public var p99 = 0.0
    public var maximum = 0
    /// Nanoseconds in which nothing below ran.
    public var own = 0
    /// Nanoseconds on the critical path.
    public var onPath = 0
    public var tokens: UInt64 = 0
    /// USD; nil when unknown.
    public var cost: Double?

    /// Steps by number of operation.
    struct Groups {
        /// Of each step.
        var numbers: [Int32] = []
        var operations: [(activity: ActivityKind, name: String)] = []
    }

    static func groups(_ steps: [TraceStep]) -> Groups {
        struct Key: Hashable {
            let activity: ActivityKind
            let name: ExactText
        }
        var groups = Groups()
        var numbers: [Key: Int32] = [:]
        groups.numbers.reserveCapacity(steps.count)
        for place in steps.indices {
            let key = Key(
                activity: steps[place].activity, name: ExactText(steps[place].operation))
            if let known = numbers[key] {
                groups.numbers.append(known)
                continue
            }
            let number = Int32(truncatingIfNeeded: groups.operations.count)
            numbers[key] = number
            groups.operations.append((key.activity, key.name.text))
            groups.numbers.append(number)
        }
        return groups
    }

    /// Of every operation, the one with the most time first.
    static func all(
        _ steps: [TraceStep], _ groups: Groups, _ times: TraceTimes, _ own: SelfTimes,
        _ path: CriticalPath
    ) -> [OperationStatistics] {
        var all = groups.operations.map { operation in
            var statistics = OperationStatistics()
            statistics.activity = operation.activity
            statistics.name = operation.name
            return statistics
        }
        var durations = [[Int]](repeating: [], count: all.count)
        for place in steps.indices {
            let number = Int(groups.numbers[place])
            all[number].add(steps[place])
            all[number].own = all[number].own &+ own.own[place]
            all[number].onPath = all[number].onPath &+ path.onPath[place]
            if !steps[place].isPending, !steps[place].isInstant {
                let isWait = steps[place].activity == .humanWait
                durations[number].append(
                    times.duration(place) - (isWait ? 0 : own.wait[place]))
            }
        }
        for number in all.indices { all[number].take(&durations[number]) }
        return all.sorted { ($1.total, $0.name) < ($0.total, $1.name) }
    }

    private mutating func add(_ step: TraceStep) {
        count += 1
        if step.status == .error { errors += 1 }
        if step.isPending { pending += 1 }
        guard step.isCounted else { return }
        tokens &+= step.tokens.total
        if let cost = step.cost { self.cost = (self.cost ?? 0) + cost }
    }

    private mutating func take(_ durations: inout [Int]) {
        guard !durations.isEmpty else { return }
        durations.sort()
        total = durations.reduce(0, &+)
        minimum = durations[0]
        maximum = durations[durations.count - 1]
        mean = Double(total) / Double(durations.count)
        median = Quantile.of(durations, 0.5)
        p95 = Quantile.of(durations, 0.95)
        p99 = Quantile.of(durations, 0.99)
    }
}

enum Quantile {
    /// Of ascending values, of which there is at least one; between two of them in proportion.
    static func of(_ values: [Int], _ share: Double) -> Double {
        let place = share * Double(values.count - 1)
        let low = Int(place)
        let high = min(low + 1, values.count - 1)
        let part = place - Double(low)
        return Double(values[low]) + (Double(values[high]) - Double(values[low])) * part
    }
}

extension TraceStep {
    /// What is done again and again under one name: the tool, the model, the agent, else the span.
    var operation: String {
        switch activity {
        case .tool where !tool.isEmpty: tool
        case .llm where !model.isEmpty, .embedding where !model.isEmpty: model
        case .agent: agent
        default: name
        }
    }
}
