public import RoostIngest

/// Waiting for people that was told apart from what it belongs to: before, when the trace was taken
/// to be over in between, or afterwards.
extension Fleet {
    /// Waits of one run that are looked at; what comes beyond counts as work.
    private static let mostWaits = 32
    private static let deepest = 32

    /// Nanoseconds in which people were waited for below an activity, as far as the steps between
    /// are held; what it tells of itself is in its fact.
    public func waited(below fact: AgentFact) -> UInt64 {
        guard let slot = workflows.find(fact.traceIDHigh, fact.traceIDLow),
            workflows[slot].hasWaited
        else { return 0 }
        return waited(below: fact.spanID, from: fact.start, to: fact.end, parents(in: slot), slot)
    }

    /// Nanoseconds of a run in which people are or were waited for and nobody was at work, as far as
    /// its steps are held: where waits are not, the time in which there was any.
    func humanWait(_ slot: Int32, now: UInt64) -> UInt64 {
        let record = workflows[slot]
        guard record.hasWaited || record.waits > 0 else { return record.humanWaitWithin }
        let folded = TimeStretches([(record.foldedWaitsStart, record.foldedWaitsEnd)])
        return picture(slot, now: now).waits.without(folded).length
            .addingUpTo(record.foldedWaits)
    }

    /// A wait was told: what is above it and was counted before has worked for less.
    mutating func noteLateWait(_ wait: Int32, _ slot: Int32) {
        let parents = parents(in: slot)
        var place = workflows[slot].first
        while place >= 0 {
            let step = steps[place]
            if step.phase == .ended, step.kind == .agent || step.kind == .tool,
                isBelow(steps[wait].parent, step.span, parents)
            {
                let waited = waited(
                    below: step.span, from: step.start, to: step.end, parents, slot)
                takeWait(UInt32(clamping: waited / 1_000_000), place)
            }
            place = step.newer
        }
    }

    /// `waited` in milliseconds, all of it.
    private mutating func takeWait(_ waited: UInt32, _ place: Int32) {
        guard waited > steps[place].humanWait else { return }
        let more = UInt64(waited - steps[place].humanWait) * 1_000_000
        steps[place].humanWait = waited
        guard steps[place].kind == .agent else { return }
        let row = agents.place(of: steps[place].agent)
        agents[row].working = agents[row].working.less(more)
        totals.agentDuration = totals.agentDuration.less(more)
    }

    /// Who stands above each step that is held.
    private func parents(in slot: Int32) -> [UInt64: UInt64] {
        var parents: [UInt64: UInt64] = [:]
        var place = workflows[slot].first
        while place >= 0 {
            parents[steps[place].span] = steps[place].parent
            place = steps[place].newer
        }
        return parents
    }

    /// Waits at the same time are one.
    private func waited(
        below span: UInt64, from start: UInt64, to end: UInt64, _ parents: [UInt64: UInt64],
        _ slot: Int32
    ) -> UInt64 {
        var waits: [(start: UInt64, end: UInt64)] = []
        var place = workflows[slot].first
        while place >= 0, waits.count < Self.mostWaits {
            let step = steps[place]
            if step.kind == .humanWait, step.isDone, isBelow(step.parent, span, parents) {
                waits.append((max(step.start, start), min(step.end, end)))
            }
            place = step.newer
        }
        waits.sort { $0.start < $1.start }
        var waited: UInt64 = 0
        var reached: UInt64 = 0
        for wait in waits where wait.start < wait.end && wait.end > reached {
            waited += wait.end - max(wait.start, reached)
            reached = wait.end
        }
        return waited
    }

    private func isBelow(_ parent: UInt64, _ span: UInt64, _ parents: [UInt64: UInt64]) -> Bool {
        var above = parent
        var steps = 0
        while above != 0, steps < Self.deepest {
            if above == span { return true }
            above = parents[above] ?? 0
            steps += 1
        }
        return false
    }
}
