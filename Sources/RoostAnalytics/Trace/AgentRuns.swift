import RoostCore

/// The runs of agents in a trace: each begins with an agent's step below none of the same agent.
struct AgentRuns {
    /// Indices of the steps that begin a run, in the order of their start.
    private(set) var begins: [Int] = []
    /// The run that a step belongs to, by the index of the step that begins it; -1 is none.
    private(set) var runOf: [Int]
    /// For a step that begins a run, the run that it was begun in; -1 is none.
    private(set) var callers: [Int]

    init(_ steps: [TraceStep], _ times: TraceTimes) {
        runOf = [Int](repeating: -1, count: steps.count)
        callers = [Int](repeating: -1, count: steps.count)
        for node in times.tree.topDown {
            let place = Int(node)
            let parent = Int(times.tree.parents[place])
            let above = parent >= 0 ? runOf[parent] : -1
            runOf[place] = above
            guard steps[place].activity == .agent,
                above < 0 || !steps[above].agent.isExactly(steps[place].agent)
            else { continue }
            runOf[place] = place
            callers[place] = above
            begins.append(place)
        }
        begins.sort { (times.starts[$0], $0) < (times.starts[$1], $1) }
    }
}
