import RoostIngest

/// The steps of one run put in order, each under the agent's run that it belongs to: what the
/// details of a run are made from. Small: a run holds few steps.
struct RunPicture {
    struct Execution {
        /// Index of its step; nil when it is only known by what it does.
        var step: Int?
        var agent: Int32
        var start: UInt64
        var end: UInt64
        var state: StepState
        /// Index of the execution that it stands in.
        var parent: Int?
        var calls = 0
        var toolCalls = 0
        var errors = 0
        var tokens: UInt64 = 0
        var cost: Double?
        /// Nanoseconds.
        var humanWait: UInt64 = 0
    }

    /// In the order of their start; of equal ones the longer first.
    let steps: [FleetStep]
    /// In the order of their start.
    private(set) var executions: [Execution] = []
    /// Of each step, the execution that it belongs to, or is.
    private(set) var owners: [Int?]
    /// Indices of steps that are not made of others.
    private(set) var leaves: [Int] = []
    /// Unix nanoseconds by the sender's clock: what is open has lasted until then.
    let until: UInt64
    /// Of each step, the index of the one above.
    let parents: [Int?]

    private static let deepest = 64

    init(_ steps: [FleetStep], until: UInt64, isOpen: Bool) {
        var ordered = steps.filter { $0.phase != .repeated }
        let repeated = RepeatedSteps(steps)
        for place in ordered.indices where ordered[place].phase == .announced {
            ordered[place].end = max(ordered[place].start, until)
        }
        ordered.sort { first, second in
            (first.start, second.end, first.span) < (second.start, first.end, second.span)
        }
        var bySpan: [UInt64: Int] = [:]
        for (place, step) in ordered.enumerated() where step.span != 0 { bySpan[step.span] = place }
        self.steps = ordered
        self.until = until
        parents = ordered.map { step in
            let above = repeated.parent(of: step)
            return above == 0 ? nil : bySpan[above]
        }
        owners = [Int?](repeating: nil, count: ordered.count)
        for place in ordered.indices where ordered[place].kind == .agent { addAgent(place) }
        for place in ordered.indices where ordered[place].kind != .agent {
            addStep(place, isOpen: isOpen)
        }
        sortExecutions()
        noteWaits()
        findLeaves()
    }

    // MARK: executions

    /// The nearest agent's step above.
    private func agentAbove(_ place: Int) -> Int? {
        var above = parents[place]
        var looked = 0
        while let at = above, looked < Self.deepest {
            if steps[at].kind == .agent { return at }
            above = parents[at]
            looked += 1
        }
        return nil
    }

    /// An agent's step below one of the same agent belongs to that one's run.
    private mutating func addAgent(_ place: Int) {
        let step = steps[place]
        var parent: Int?
        if let above = agentAbove(place), above < place {
            if steps[above].agent == step.agent {
                owners[place] = owners[above]
                return
            }
            parent = owners[above]
        }
        owners[place] = executions.count
        let state: StepState =
            switch step.phase {
            case .announced: .pending
            case .lost: .abandoned
            default: step.isError ? .failed : .completed
            }
        executions.append(
            Execution(
                step: place, agent: step.agent, start: step.start, end: step.end, state: state,
                parent: parent, humanWait: UInt64(step.humanWait) * 1_000_000))
    }

    private mutating func addStep(_ place: Int, isOpen: Bool) {
        let step = steps[place]
        guard step.kind != .workflow else { return }
        guard let owner = owner(place, isOpen: isOpen) else { return }
        owners[place] = owner
        if executions[owner].state == .pending { executions[owner].state = .running }
        switch step.kind {
        case .llm, .embedding: executions[owner].calls += 1
        case .tool: executions[owner].toolCalls += 1
        default: break
        }
        if step.isError { executions[owner].errors += 1 }
        executions[owner].tokens = executions[owner].tokens.addingUpTo(UInt64(step.tokens))
        if step.cost.isFinite { executions[owner].cost = (executions[owner].cost ?? 0) + step.cost }
        guard executions[owner].step == nil else { return }
        executions[owner].start = min(executions[owner].start, step.start)
        executions[owner].end = max(executions[owner].end, step.end)
    }

    /// The agent's run that stands above, else the one of the same agent at that time, else one
    /// that is only known by this.
    private mutating func owner(_ place: Int, isOpen: Bool) -> Int? {
        if let above = agentAbove(place) { return owners[above] }
        let step = steps[place]
        guard step.agent != 0 else { return nil }
        var latest: Int?
        for (number, execution) in executions.enumerated() where execution.agent == step.agent {
            guard execution.step != nil else { return number }
            if execution.start <= step.start { latest = number }
        }
        if let latest { return latest }
        executions.append(
            Execution(
                step: nil, agent: step.agent, start: step.start, end: step.end,
                state: isOpen ? .running : .completed))
        return executions.count - 1
    }

    private mutating func sortExecutions() {
        let order = executions.indices.sorted { first, second in
            (executions[first].start, first) < (executions[second].start, second)
        }
        var places = [Int](repeating: 0, count: executions.count)
        for (new, old) in order.enumerated() { places[old] = new }
        executions = order.map { old in
            var execution = executions[old]
            execution.parent = execution.parent.map { places[$0] }
            return execution
        }
        for place in owners.indices { owners[place] = owners[place].map { places[$0] } }
    }

    /// What an agent's run has waited for people so far, it and those within it: what the run itself
    /// says of that comes with its end.
    private mutating func noteWaits() {
        var waits: [Int: [TimeStretches.Stretch]] = [:]
        for place in steps.indices where steps[place].kind == .humanWait {
            guard steps[place].phase != .lost else { continue }
            var owner = owners[place]
            var looked = 0
            while let at = owner, looked < Self.deepest {
                let start = max(steps[place].start, executions[at].start)
                waits[at, default: []].append((start, min(steps[place].end, executions[at].end)))
                owner = executions[at].parent
                looked += 1
            }
        }
        for (at, stretches) in waits {
            executions[at].humanWait = max(
                executions[at].humanWait, TimeStretches(stretches).length)
        }
    }

    // MARK: what is made of what

    /// Steps without others within them. Waiting for people is no work.
    private mutating func findLeaves() {
        var hasWithin = [Bool](repeating: false, count: steps.count)
        for parent in parents { if let parent { hasWithin[parent] = true } }
        for place in steps.indices where !hasWithin[place] {
            let step = steps[place]
            switch step.kind {
            case .humanWait, .workflow, .other: continue
            case .agent: if holdsOthers(place) { continue }
            default: break
            }
            leaves.append(place)
        }
    }

    /// Spans that are no activities may stand between an agent and what it does.
    private func holdsOthers(_ place: Int) -> Bool {
        let agent = steps[place]
        guard let own = owners[place] else { return false }
        for (other, step) in steps.enumerated() where other != place {
            if step.kind != .agent, owners[other] == own { return true }
            if step.kind == .agent, step.parent != agent.parent, parents[other] == nil,
                step.start >= agent.start, step.end <= agent.end, step.duration < agent.duration
            {
                return true
            }
        }
        return false
    }
}

/// Steps that are told elsewhere: what stands below one of them stands below what is above it.
private struct RepeatedSteps {
    private var parents: [UInt64: UInt64] = [:]

    init(_ steps: [FleetStep]) {
        for step in steps where step.phase == .repeated && step.span != 0 {
            parents[step.span] = step.parent
        }
    }

    /// The span above a step that is told nowhere else; 0 is none.
    func parent(of step: FleetStep) -> UInt64 {
        var above = step.parent
        // Parents that go in a circle end it.
        for _ in 0..<parents.count {
            guard let next = parents[above] else { break }
            above = next
        }
        return above
    }
}
