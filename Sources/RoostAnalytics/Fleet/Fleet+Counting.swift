import RoostIngest

/// What is counted of activities: provisionally when they are seen, for good when they ended.
extension Fleet {
    mutating func count(
        _ fact: AgentFact, _ place: Int32, _ slot: Int32, isTold: Bool, now: UInt64
    ) {
        let isError = fact.status == .error
        if !isTold { countStep(place, slot, 1) }
        if fact.activity == .humanWait, !isTold {
            workflows[slot].humanWaits = workflows[slot].humanWaits
                .addingUpTo(fact.end.less(fact.start))
        }
        if isError, fact.errorType != 0 { workflows[slot].errorType = fact.errorType }
        let tokens = fact.tokens.allSorts
        if fact.kind == .seen {
            countSeen(fact, place, slot)
            return
        }
        workflows[slot].tokens = workflows[slot].tokens.addingUpTo(tokens)
        totals.tokens = totals.tokens.addingUpTo(tokens)
        let row = agents.place(of: fact.agent)
        agents[row].lastHeard = now
        agents[row].tokens = agents[row].tokens.addingUpTo(tokens)
        if fact.cost.isFinite {
            workflows[slot].cost += fact.cost
            workflows[slot].hasCost = true
            totals.cost += fact.cost
            agents[row].cost += fact.cost
            agents[row].hasCost = true
        } else if tokens > 0 {
            workflows[slot].unpriced &+= 1
            totals.unpricedCalls &+= 1
        }
        switch fact.activity {
        case .agent: countRun(fact, row)
        case .llm, .embedding:
            agents[row].calls &+= 1
            totals.calls &+= 1
            if isError {
                agents[row].failedCalls &+= 1
                totals.callsFailed &+= 1
            }
        case .tool:
            agents[row].toolCalls &+= 1
            totals.toolCalls &+= 1
            if isError {
                agents[row].failedCalls &+= 1
                totals.toolCallsFailed &+= 1
            }
        default: break
        }
    }

    private mutating func countRun(_ fact: AgentFact, _ row: Int) {
        if fact.status == .error {
            agents[row].failed &+= 1
            totals.agentRunsFailed &+= 1
        } else {
            agents[row].completed &+= 1
            totals.agentRunsCompleted &+= 1
        }
        agents[row].working = agents[row].working.addingUpTo(fact.working)
        agents[row].longest = max(agents[row].longest, fact.working)
        totals.agentDuration = totals.agentDuration.addingUpTo(fact.working)
    }

    /// Usage that no activity tells. It belongs to a run only if it says which.
    mutating func takeUsage(_ fact: AgentFact, now: UInt64) {
        let tokens = fact.tokens.allSorts
        totals.tokens = totals.tokens.addingUpTo(tokens)
        let row = agents.place(of: fact.agent)
        agents[row].tokens = agents[row].tokens.addingUpTo(tokens)
        agents[row].lastHeard = now
        if fact.cost.isFinite {
            totals.cost += fact.cost
            agents[row].cost += fact.cost
            agents[row].hasCost = true
        }
        guard fact.traceIDHigh | fact.traceIDLow != 0,
            let slot = workflows.find(fact.traceIDHigh, fact.traceIDLow)
        else { return }
        workflows[slot].tokens = workflows[slot].tokens.addingUpTo(tokens)
        if fact.cost.isFinite {
            workflows[slot].cost += fact.cost
            workflows[slot].hasCost = true
        }
    }

    /// Counts a step in or out of its run, whatever it used.
    private mutating func countStep(_ place: Int32, _ slot: Int32, _ change: Int32) {
        switch steps[place].kind {
        case .llm, .embedding: workflows[slot].calls &+= change
        case .tool: workflows[slot].toolCalls &+= change
        case .agent: workflows[slot].agentRuns &+= change
        default: break
        }
        if steps[place].isError { workflows[slot].errors &+= change }
    }

    // MARK: what may turn out to be told elsewhere

    /// Only calls tell usage that is not repeated above them.
    private mutating func countSeen(_ fact: AgentFact, _ place: Int32, _ slot: Int32) {
        workflows[slot].seen &+= 1
        if !steps[place].isCall || repeatsCallBelow(place) {
            steps[place].tokens = 0
            steps[place].cost = .nan
            return
        }
        if fact.parentSpanID != 0, let above = steps.find(fact.parentSpanID, in: slot),
            steps[above].phase == .seen, steps[above].isCall
        {
            subtract(above, slot)
            steps[above].tokens = 0
            steps[above].cost = .nan
        }
        workflows[slot].provisionalTokens &+= UInt64(steps[place].tokens)
        if fact.cost.isFinite {
            workflows[slot].provisionalCost += fact.cost
            workflows[slot].hasProvisionalCost = true
        }
    }

    /// Whether one of the steps heard of just before is the same call, told from inside.
    private func repeatsCallBelow(_ place: Int32) -> Bool {
        let span = steps[place].span
        var before = steps[place].older
        var looked = 0
        while before >= 0, looked < 16 {
            if steps[before].parent == span, steps[before].isCall, steps[before].isDone {
                return true
            }
            before = steps[before].older
            looked += 1
        }
        return false
    }

    /// Takes back what a step that was seen counted for.
    mutating func takeBackSeen(_ place: Int32, _ slot: Int32) {
        workflows[slot].seen &-= 1
        subtract(place, slot)
        settleProvisional(slot)
    }

    private mutating func subtract(_ place: Int32, _ slot: Int32) {
        guard steps[place].isCall else { return }
        workflows[slot].provisionalTokens = workflows[slot].provisionalTokens
            .less(UInt64(steps[place].tokens))
        if steps[place].cost.isFinite { workflows[slot].provisionalCost -= steps[place].cost }
    }

    /// The same where the step is held no longer: this must be it.
    mutating func takeBackFolded(_ fact: AgentFact, _ slot: Int32) {
        workflows[slot].foldedSeen &-= 1
        workflows[slot].seen &-= 1
        if fact.activity == .llm || fact.activity == .embedding {
            workflows[slot].provisionalTokens = workflows[slot].provisionalTokens
                .less(UInt64(UInt32(clamping: fact.tokens.allSorts)))
            if fact.cost.isFinite { workflows[slot].provisionalCost -= fact.cost }
        }
        settleProvisional(slot)
    }

    private mutating func settleProvisional(_ slot: Int32) {
        guard workflows[slot].seen <= 0 else { return }
        workflows[slot].seen = 0
        workflows[slot].provisionalTokens = 0
        workflows[slot].provisionalCost = 0
        workflows[slot].hasProvisionalCost = false
    }

    /// Of a run that has been counted: what is still only seen repeats something else.
    mutating func dropSeen(_ slot: Int32) {
        guard workflows[slot].seen > 0 else { return }
        var place = workflows[slot].first
        while place >= 0 {
            if steps[place].phase == .seen {
                steps.forget(place)
                countStep(place, slot, -1)
                steps[place].phase = .repeated
            }
            place = steps[place].newer
        }
        workflows[slot].seen = 0
        workflows[slot].foldedSeen = 0
        settleProvisional(slot)
    }
}
