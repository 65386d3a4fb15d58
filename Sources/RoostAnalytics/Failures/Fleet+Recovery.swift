/// What the fleet knows about what came after a failure.
extension Fleet {
    struct Recovery {
        let strategy: FailureStrategy
        /// Unix nanoseconds by the sender's clock.
        let time: UInt64
        let span: UInt64
    }

    /// The first thing after a failure that did what had failed.
    func recovery(from failure: FailureRecord, within pause: UInt64) -> Recovery? {
        guard failure.component != .workflow,
            let slot = workflows.find(failure.traceHigh, failure.traceLow)
        else { return nil }
        var best: Recovery?
        var place = workflows[slot].first
        while place >= 0 {
            let step = steps[place]
            place = step.newer
            guard step.isDone, !step.isError, step.start >= failure.end,
                step.start &- failure.end <= pause, step.span != failure.span,
                let strategy = strategy(of: step, for: failure)
            else { continue }
            if let best, best.time <= step.end { continue }
            best = Recovery(strategy: strategy, time: step.end, span: step.span)
        }
        return best
    }

    private func strategy(of step: FleetStep, for failure: FailureRecord) -> FailureStrategy? {
        guard FailureComponent(step.kind) == failure.component else { return nil }
        let isSame = step.subject == failure.operation
        let isSibling = failure.parent != 0 && step.parent == failure.parent
        switch failure.component {
        case .tool, .retrieval, .guardrail, .evaluation:
            guard isSame else { return nil }
            return step.agent == failure.agent ? .retry : .otherAgent
        case .model:
            guard step.agent == failure.agent || isSibling else { return nil }
            return isSame ? .retry : .fallbackModel
        case .agent:
            if isSame { return .retry }
            return isSibling ? .otherAgent : nil
        case .workflow: return nil
        }
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
