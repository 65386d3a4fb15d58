import RoostCore

/// What one agent had of a trace.
public struct AgentShare: Sendable, Equatable {
    public var agent = ""
    /// Times that it began to run.
    public var runs = 0
    public var steps = 0
    /// Nanoseconds in which a step of it, and nothing below that, was at work.
    public var busy = 0
    /// Nanoseconds on the critical path.
    public var onPath = 0
    /// Of the time of the workflow, waiting for people apart.
    public var share = 0.0
    /// Whether it takes more of the time than an agent among others should.
    public var isSlow = false
    public var errors = 0
    public var tokens: UInt64 = 0
    /// USD; nil when unknown.
    public var cost: Double?
    /// Index of its step with the most work of its own.
    public var longest = 0
}

/// How long two agents were at work at the same time.
public struct AgentOverlap: Sendable, Equatable {
    public var first: String
    public var second: String
    /// Nanoseconds.
    public var time: Int
}

/// Who worked when.
struct AgentShares {
    /// The busiest first.
    private(set) var agents: [AgentShare] = []
    /// Pairs of the busiest that overlapped at all, the longest overlap first.
    private(set) var overlaps: [AgentOverlap] = []

    /// Pairs are looked for among so many.
    private static let mostCompared = 16

    init(
        _ steps: [TraceStep], _ times: TraceTimes, _ own: SelfTimes, _ path: CriticalPath,
        _ runs: AgentRuns, working: Int, threshold: Double
    ) {
        var numbers: [ExactText: Int] = [:]
        var agentOf = [Int](repeating: -1, count: steps.count)
        for place in steps.indices {
            // What stands above all agents is no agent's work.
            guard steps[place].activity != .other || runs.runOf[place] >= 0 else { continue }
            let number = numbers[ExactText(steps[place].agent)] ?? agents.count
            if number == agents.count {
                numbers[ExactText(steps[place].agent)] = number
                agents.append(AgentShare(agent: steps[place].agent, longest: place))
            }
            agentOf[place] = number
            if own.own[place] > own.own[agents[number].longest] { agents[number].longest = place }
            add(steps[place], onPath: path.onPath[place], to: number)
        }
        for run in runs.begins where agentOf[run] >= 0 { agents[agentOf[run]].runs += 1 }
        var busy = [[WorkSegment]](repeating: [], count: agents.count)
        for part in own.work where agentOf[Int(part.step)] >= 0 {
            join(part, &busy[agentOf[Int(part.step)]])
        }
        for number in agents.indices {
            agents[number].busy = busy[number].reduce(0) { $0 + $1.end - $1.start }
            agents[number].share =
                working > 0 ? Double(agents[number].busy) / Double(working) : 0
            agents[number].isSlow = agents.count > 1 && agents[number].share > threshold
        }
        compare(busy)
        agents.sort { ($1.busy, $0.agent) < ($0.busy, $1.agent) }
    }

    private mutating func add(_ step: TraceStep, onPath: Int, to number: Int) {
        agents[number].steps += 1
        agents[number].onPath = agents[number].onPath &+ onPath
        if step.status == .error { agents[number].errors += 1 }
        guard step.isCounted else { return }
        agents[number].tokens &+= step.tokens.total
        if let cost = step.cost { agents[number].cost = (agents[number].cost ?? 0) + cost }
    }

    /// Adds a part that starts no earlier than those before it.
    private func join(_ part: WorkSegment, _ list: inout [WorkSegment]) {
        if let last = list.last, part.start <= last.end {
            list[list.count - 1].end = max(last.end, part.end)
        } else {
            list.append(part)
        }
    }

    private mutating func compare(_ busy: [[WorkSegment]]) {
        let compared = agents.indices.sorted { agents[$0].busy > agents[$1].busy }
            .prefix(Self.mostCompared)
        for (place, one) in compared.enumerated() {
            for other in compared.dropFirst(place + 1) {
                let time = common(busy[one], busy[other])
                guard time > 0 else { continue }
                let names = [agents[one].agent, agents[other].agent].sorted()
                overlaps.append(AgentOverlap(first: names[0], second: names[1], time: time))
            }
        }
        overlaps.sort { ($1.time, $0.first, $0.second) < ($0.time, $1.first, $1.second) }
    }

    private func common(_ one: [WorkSegment], _ other: [WorkSegment]) -> Int {
        var (first, second, time) = (0, 0, 0)
        while first < one.count, second < other.count {
            time += max(
                0,
                min(one[first].end, other[second].end) - max(one[first].start, other[second].start))
            if one[first].end < other[second].end { first += 1 } else { second += 1 }
        }
        return time
    }
}
