import RoostIngest

/// What the fleet knows about what came after a failure.
extension Fleet {
    struct Recovery {
        let strategy: FailureStrategy
        /// Unix nanoseconds by the sender's clock.
        let time: UInt64
        let span: UInt64
    }

    /// Whether more of a run is expected.
    func isOpen(_ high: UInt64, _ low: UInt64) -> Bool {
        workflows.find(high, low).map { !workflows[$0].isOver } ?? false
    }

    /// The first thing after a failure that did what had failed; of two that ended together the one
    /// with the lower span id.
    func recovery(from failure: FailureRecord, within pause: UInt64) -> Recovery? {
        guard failure.component != .workflow,
            let slot = workflows.find(failure.traceHigh, failure.traceLow)
        else { return nil }
        var best: Recovery?
        var place = workflows[slot].first
        while place >= 0 {
            let step = steps[place]
            place = step.newer
            guard step.isDone, !step.isError, step.kind == failure.activity,
                step.start >= failure.end, step.start &- failure.end <= pause,
                step.span != failure.span,
                best.map({ (step.end, step.span) < ($0.time, $0.span) }) ?? true,
                let strategy = strategy(of: step, for: failure, slot)
            else { continue }
            best = Recovery(strategy: strategy, time: step.end, span: step.span)
        }
        return best
    }

    /// What a step that worked is to a failure of the same kind before it; nil is nothing.
    private func strategy(
        of step: FleetStep, for failure: FailureRecord, _ slot: Int32
    ) -> FailureStrategy? {
        switch failure.component {
        case .tool, .retrieval, .guardrail, .evaluation: repetition(step, of: failure, slot)
        case .model: answer(step, for: failure, slot)
        case .agent: replacement(step, of: failure, slot)
        case .workflow: nil
        }
    }

    /// The same call: what it was given says so wherever it stands, else where it stands.
    private func repetition(
        _ step: FleetStep, of failure: FailureRecord, _ slot: Int32
    ) -> FailureStrategy? {
        guard step.subject == failure.operation else { return nil }
        if let isSame = hasSameArguments(step, failure) {
            if isSame { return step.agent == failure.agent ? .retry : .otherAgent }
            guard failure.refusesArguments else { return nil }
        }
        return isOfSameRun(step, failure, slot) ? .retry : nil
    }

    /// An agent goes on with the answer to what it has asked.
    private func answer(
        _ step: FleetStep, for failure: FailureRecord, _ slot: Int32
    ) -> FailureStrategy? {
        guard isSibling(step, failure) || isOfSameRun(step, failure, slot) else { return nil }
        return step.subject == failure.operation ? .retry : .fallbackModel
    }

    /// That an agent ran after another says nothing yet: it may have had a job of its own.
    private func replacement(
        _ step: FleetStep, of failure: FailureRecord, _ slot: Int32
    ) -> FailureStrategy? {
        let isSameJob = hasSameArguments(step, failure)
        if step.agent == failure.agent {
            return isSameJob ?? (step.parent == failure.parent) ? .retry : nil
        }
        guard isSibling(step, failure) else { return nil }
        return isSameJob == true || hasEndedWell(failure.parent, slot) ? .otherAgent : nil
    }

    // MARK: evidence

    /// Nil where one of the two is unknown.
    private func hasSameArguments(_ step: FleetStep, _ failure: FailureRecord) -> Bool? {
        guard step.arguments != 0, failure.arguments != 0 else { return nil }
        return step.arguments == failure.arguments
    }

    private func isSibling(_ step: FleetStep, _ failure: FailureRecord) -> Bool {
        failure.parent != 0 && step.parent == failure.parent
    }

    /// Whether a step belongs to the run of the agent in which something failed. Where spans that
    /// are no activities stand between, that is known when the run is over, of an agent that ran once.
    private func isOfSameRun(
        _ step: FleetStep, _ failure: FailureRecord, _ slot: Int32
    ) -> Bool {
        guard step.agent == failure.agent else { return false }
        if step.parent == failure.parent { return true }
        let runs = (agentRun(above: step.parent, slot), agentRun(above: failure.parent, slot))
        if let first = runs.0, let second = runs.1 { return first == second }
        return workflows[slot].isOver && hasRunOnce(step.agent, slot)
    }

    /// The span of the agent's run that a step below `parent` belongs to, as far as all between is held.
    private func agentRun(above parent: UInt64, _ slot: Int32) -> UInt64? {
        var above = parent
        var looked = 0
        while looked < Self.deepestRun, let place = step(above, of: slot) {
            if steps[place].kind == .agent { return above }
            above = steps[place].parent
            looked += 1
        }
        return nil
    }

    private static let deepestRun = 16

    private func hasRunOnce(_ agent: Int32, _ slot: Int32) -> Bool {
        var runs = 0
        var place = workflows[slot].first
        while place >= 0 {
            let step = steps[place]
            if step.kind == .agent, step.agent == agent, step.phase != .repeated { runs += 1 }
            place = step.newer
        }
        return runs <= 1
    }

    /// Whether what stands above, or else the whole run, is over without an error.
    private func hasEndedWell(_ span: UInt64, _ slot: Int32) -> Bool {
        if let place = step(span, of: slot), steps[place].isDone { return !steps[place].isError }
        return workflows[slot].state == .completed
    }

    /// Whether a failure is that of the run itself.
    func isRoot(_ failure: FailureRecord) -> Bool { failure.parent == 0 && failure.span != 0 }

    /// USD that was spent for nothing: of a call its own, of an agent and of a run that of what they
    /// did; not a number when unknown.
    func costLost(by failure: FailureRecord) -> Double {
        guard failure.component == .agent || failure.component == .workflow,
            let slot = workflows.find(failure.traceHigh, failure.traceLow)
        else { return failure.cost }
        if failure.component == .workflow { return workflows[slot].costSoFar ?? .nan }
        var sum = Double.nan
        var place = workflows[slot].first
        while place >= 0 {
            let step = steps[place]
            if step.agent == failure.agent, step.isDone, step.cost.isFinite,
                step.start >= failure.start, step.end <= failure.end
            {
                sum = sum.isNaN ? step.cost : sum + step.cost
            }
            place = step.newer
        }
        return sum
    }
}
