/// Which agent's run each step of a run stands in. Scratch that is used for one run after another.
///
/// The same rule as for stored traces: an agent's run begins with a step of it below none of the
/// same agent.
struct RunTree {
    private var places: [UInt64: Int32] = [:]
    private var above: [Int32] = []
    private var path: [Int32] = []
    /// The place of the step that begins the agent's run that a step is in; -1 is none.
    private(set) var runOf: [Int32] = []
    /// For a step that begins a run, the run that it was begun in; -1 is none.
    private(set) var callers: [Int32] = []
    /// Places of the steps that begin a run, by start.
    private(set) var begins: [Int32] = []

    private static let unknown: Int32 = -2
    private static let onPath: Int32 = -3

    /// `steps` are in the order of their start.
    mutating func build(_ steps: [RunStep]) {
        places.removeAll(keepingCapacity: true)
        above.removeAll(keepingCapacity: true)
        runOf.removeAll(keepingCapacity: true)
        callers.removeAll(keepingCapacity: true)
        begins.removeAll(keepingCapacity: true)
        for (place, step) in steps.enumerated() where step.span != 0 {
            if places[step.span] == nil { places[step.span] = Int32(place) }
        }
        for step in steps {
            above.append(step.parent == 0 ? -1 : places[step.parent] ?? -1)
            runOf.append(RunTree.unknown)
            callers.append(-1)
        }
        for place in steps.indices where runOf[place] == RunTree.unknown { find(place, steps) }
        begins.sort()
    }

    /// Goes up until the run is known, and down again. A cycle ends where it is met.
    private mutating func find(_ place: Int, _ steps: [RunStep]) {
        path.removeAll(keepingCapacity: true)
        var at = Int32(place)
        while at >= 0, runOf[Int(at)] == RunTree.unknown {
            runOf[Int(at)] = RunTree.onPath
            path.append(at)
            at = above[Int(at)]
        }
        var run = at >= 0 && runOf[Int(at)] != RunTree.onPath ? runOf[Int(at)] : -1
        while let step = path.popLast() {
            let isOther = run < 0 || steps[Int(run)].number != steps[Int(step)].number
            if steps[Int(step)].kind == .agent, isOther {
                callers[Int(step)] = run
                begins.append(step)
                run = step
            }
            runOf[Int(step)] = run
        }
    }
}
