import RoostIngest

/// What is counted of activities: provisionally when they are seen, for good when they ended.
extension Fleet {
    mutating func count(
        _ fact: AgentFact, _ place: Int32, _ slot: Int32, isTold: Bool, now: UInt64
    ) {
        let tokens = fact.tokens.allSorts
        workflows[slot].count(fact, tokens, isTold: isTold)
        if fact.kind == .seen {
            countSeen(fact, place, slot)
        } else {
            let row = agents.place(of: fact.agent)
            agents[row].count(fact, tokens, now: now)
            totals.count(fact, tokens)
        }
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
        guard fact.traceIDHigh | fact.traceIDLow != 0 else {
            sessions.spend(fact, tokens, now: now)
            return
        }
        guard let slot = workflows.find(fact.traceIDHigh, fact.traceIDLow) else { return }
        workflows[slot].tokens = workflows[slot].tokens.addingUpTo(tokens)
        if fact.cost.isFinite {
            workflows[slot].cost += fact.cost
            workflows[slot].hasCost = true
        }
        noteAccount(fact, slot)
    }

    /// Shows what an agent says of itself with its run.
    private mutating func noteAccount(_ fact: AgentFact, _ slot: Int32) {
        guard let place = step(fact.spanID, of: slot), steps[place].kind == .agent else { return }
        let tokens = UInt64(steps[place].tokens).addingUpTo(fact.tokens.allSorts)
        steps[place].tokens = UInt32(clamping: tokens)
        guard fact.cost.isFinite else { return }
        steps[place].cost = fact.cost + (steps[place].cost.isFinite ? steps[place].cost : 0)
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
            steps[above].phase == .seen, mayRepeat(steps[above], steps[place])
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
            if steps[before].parent == span, steps[before].isDone,
                mayRepeat(steps[place], steps[before])
            {
                return true
            }
            before = steps[before].older
            looked += 1
        }
        return false
    }

    /// Whether a call may tell what one below it tells. Whether it does is found out by the tracker.
    private func mayRepeat(_ step: FleetStep, _ below: FleetStep) -> Bool {
        step.isCall && step.kind == below.kind && step.subject == below.subject
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

    /// The same where the step is held no longer: this must be it, which comes back.
    mutating func takeBackFolded(_ fact: AgentFact, _ slot: Int32) {
        workflows[slot].foldedKinds[fact.activity] &-= 1
        workflows[slot].folded &-= 1
        totals.foldedSteps &-= 1
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
                workflows[slot].countStep(steps[place].kind, isError: steps[place].isError, -1)
                steps[place].phase = .repeated
            }
            place = steps[place].newer
        }
        workflows[slot].seen = 0
        workflows[slot].foldedKinds = FoldedSteps()
        settleProvisional(slot)
    }
}

extension WorkflowRecord {
    /// Counts what an activity is; what it used only when that is final.
    mutating func count(_ fact: AgentFact, _ tokens: UInt64, isTold: Bool) {
        let isError = fact.status == .error
        if !isTold { countStep(fact.activity, isError: isError, 1) }
        if fact.activity == .humanWait { hasWaited = true }
        if isError, fact.errorType != 0 { errorType = fact.errorType }
        if fact.parentSpanID == 0 { hasRootEnded = true }
        if fact.parentSpanID == 0 || fact.activity == .agent || fact.activity == .workflow {
            hasTopEnded = true
        }
        hasActed = true
        if fact.agent != 0, fact.kind == .seen || agent == 0 { agent = fact.agent }
        guard fact.kind == .ended else { return }
        self.tokens = self.tokens.addingUpTo(tokens)
        if fact.cost.isFinite {
            cost += fact.cost
            hasCost = true
        } else if tokens > 0, fact.activity != .agent {
            unpriced &+= 1
        }
    }

    /// Counts a step in or out, whatever it used.
    mutating func countStep(_ kind: ActivityKind, isError: Bool, _ change: Int32) {
        switch kind {
        case .llm, .embedding: calls &+= change
        case .tool: toolCalls &+= change
        case .agent: agentRuns &+= change
        default: break
        }
        if isError { errors &+= change }
    }
}

extension AgentRow {
    mutating func count(_ fact: AgentFact, _ tokens: UInt64, now: UInt64) {
        lastHeard = now
        self.tokens = self.tokens.addingUpTo(tokens)
        if fact.cost.isFinite {
            cost += fact.cost
            hasCost = true
        }
        let isError = fact.status == .error
        switch fact.activity {
        case .agent:
            if isError { failed &+= 1 } else { completed &+= 1 }
            working = working.addingUpTo(fact.working)
            longest = max(longest, fact.working)
        case .llm, .embedding:
            calls &+= 1
            if isError { failedCalls &+= 1 }
        case .tool:
            toolCalls &+= 1
            if isError { failedCalls &+= 1 }
        default: break
        }
    }
}

extension FleetTotals {
    mutating func count(_ fact: AgentFact, _ tokens: UInt64) {
        self.tokens = self.tokens.addingUpTo(tokens)
        if fact.cost.isFinite {
            cost += fact.cost
        } else if tokens > 0, fact.activity != .agent {
            unpricedCalls &+= 1
        }
        let isError = fact.status == .error
        switch fact.activity {
        case .agent:
            if isError { agentRunsFailed &+= 1 } else { agentRunsCompleted &+= 1 }
            agentDuration = agentDuration.addingUpTo(fact.working)
        case .llm, .embedding:
            calls &+= 1
            if isError { callsFailed &+= 1 }
        case .tool:
            toolCalls &+= 1
            if isError { toolCallsFailed &+= 1 }
        default: break
        }
    }
}
