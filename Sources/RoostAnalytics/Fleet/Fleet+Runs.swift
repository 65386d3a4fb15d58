import RoostIngest

/// How runs change their state, end, and give up their room.
extension Fleet {
    // MARK: the end

    mutating func takeEnd(_ fact: AgentFact, now: UInt64, _ events: inout [FleetEvent]) {
        let known = workflows.find(fact.traceIDHigh, fact.traceIDLow)
        let slot = known ?? newWorkflow(fact, now: now, &events)
        note(fact, slot, now: now)
        guard workflows[slot].state.isOpen else { return }
        let isTold = workflows[slot].isDerived && isToldWorkflow(fact.spanID, slot)
        dropSeen(slot)
        if fact.parentSpanID == 0, fact.spanID != 0 { endRoot(fact, slot) }
        // An announced root that has not ended: what follows is that the trace is given up.
        guard isTold || workflows[slot].announcedRoots <= 0 else { return }
        workflows[slot].isEndTold = isTold
        if fact.start != 0, fact.start <= fact.end {
            workflows[slot].start = fact.start
            workflows[slot].end = fact.end
        }
        let isWhole = workflows[slot].hasTopEnded || known == nil
        finish(
            slot, fact.status == .error ? .failed : isWhole ? .completed : .abandoned, now: now,
            &events)
    }

    /// Whether events told the end of a workflow: it is over, whatever was announced in it.
    private func isToldWorkflow(_ span: UInt64, _ slot: Int32) -> Bool {
        guard let place = step(span, of: slot) else { return false }
        return steps[place].kind == .workflow && steps[place].isDone
    }

    /// The root of a run that was taken to be over, or has gone on since, came after all.
    mutating func takeCorrection(
        _ fact: AgentFact, now: UInt64, _ events: inout [FleetEvent]
    ) {
        guard let slot = workflows.find(fact.traceIDHigh, fact.traceIDLow) else { return }
        note(fact, slot, now: now)
        if !workflows[slot].state.isOpen { reopen(slot) }
        dropSeen(slot)
        workflows[slot].hasRootEnded = true
        workflows[slot].hasTopEnded = true
        if fact.start != 0, fact.start <= fact.end {
            workflows[slot].start = fact.start
            workflows[slot].end = fact.end
        }
        finish(slot, fact.status == .error ? .failed : .completed, now: now, &events)
    }

    /// The end of a root that is no activity, or none that is counted, is told by that of its run.
    /// One that was announced has ended if the run began with it; else with the first that ended.
    private mutating func endRoot(_ fact: AgentFact, _ slot: Int32) {
        guard !workflows[slot].hasRootEnded else { return }
        if workflows[slot].announcedRoots > 0 {
            guard let place = steps.find(fact.spanID, in: slot), steps[place].parent == 0,
                steps[place].phase == .announced, fact.start <= steps[place].start
            else { return }
            countAnnounced(place, slot, -1)
            steps.forget(place)
            steps[place].phase = .ended
            steps[place].end = max(fact.start, fact.end)
            steps[place].isError = fact.status == .error
        }
        workflows[slot].hasRootEnded = true
        workflows[slot].hasTopEnded = true
        workflows[slot].isRootInferred = true
    }

    mutating func takeClosing(_ fact: AgentFact, now: UInt64, _ events: inout [FleetEvent]) {
        let isRepeated = fact.calls == 0 && fact.isDerivedTrace
        guard let slot = workflows.find(fact.traceIDHigh, fact.traceIDLow) else {
            if isRepeated, let run = forgotten.take(fact.traceIDHigh, fact.traceIDLow) {
                withdraw(run)
            }
            return
        }
        if isRepeated, workflows[slot].isEarly, !workflows[slot].state.isOpen {
            guard workflows[slot].wasOver else { return withdraw(slot) }
            workflows[slot].isEarly = false
            return evict(slot)
        }
        dropSeen(slot)
        loseAnnounced(slot)
        if fact.calls == 0 { forgetLost(slot) }
        workflows[slot].isClosed = true
        if fact.calls > 0, workflows[slot].isRootInferred, workflows[slot].state == .completed {
            reopen(slot)
            workflows[slot].isClosed = true
        }
        guard workflows[slot].state.isOpen else { return }
        let wasAnnounced = fact.calls > 0
        if !wasAnnounced, workflows[slot].isDerived, !workflows[slot].wasOver {
            return withdraw(slot)
        }
        let isWhole = !wasAnnounced && workflows[slot].hasTopEnded
        workflows[slot].isRootInferred = false
        // What went on after it had failed has not failed less.
        let hasFailed = workflows[slot].wasOver && workflows[slot].former == .failed
        finish(
            slot, hasFailed ? .failed : isWhole ? .completed : .abandoned, now: now, &events)
    }

    mutating func finish(
        _ slot: Int32, _ state: WorkflowState, now: UInt64, _ events: inout [FleetEvent]
    ) {
        if workflows[slot].isStuck { unstick(slot) }
        if workflows[slot].errors > 0 {
            workflows[slot].retries = retries(in: slot)
            totals.retries &+= UInt64(workflows[slot].retries)
        }
        loseAnnounced(slot)
        change(slot, to: state)
        refreshActiveAgent(slot)
        let duration = workflows[slot].duration(now: now)
        workflows[slot].countedDuration = duration
        totals.add(state, duration: duration)
        countMinute(slot, state, now: now)
        if state != .abandoned {
            silences.add(workflows[slot].longestSilence, of: workflows[slot].name)
        }
        let isKnown = workflows[slot].isEarly && workflows[slot].former == state
        if tellsEvents, !isKnown { tellOver(slot, now: now, &events) }
        workflows[slot].isEarly = false
        while workflows.finished.count > max(settings.finishedWorkflows, 1) {
            totals.evictedFinished &+= 1
            evict(workflows.finished.first)
        }
    }

    /// A run that had gone on is over in the minute in which it was first.
    private mutating func countMinute(_ slot: Int32, _ state: WorkflowState, now: UInt64) {
        if !workflows[slot].wasOver { workflows[slot].overMinute = FinishedMinutes.number(now) }
        minutes.add(state, in: workflows[slot].overMinute)
    }

    private mutating func tellOver(
        _ slot: Int32, now: UInt64, _ events: inout [FleetEvent]
    ) {
        let record = workflows[slot]
        let kind: FleetEvent.Kind =
            switch record.state {
            case .failed: .workflowFailed
            case .abandoned: .workflowAbandoned
            default: .workflowCompleted
            }
        var event = event(kind, slot)
        event.time = record.state == .abandoned ? now : record.end
        event.duration = record.countedDuration
        event.tokens = record.tokensSoFar
        event.cost = record.costSoFar ?? .nan
        if record.state == .failed { event.errorType = record.errorType }
        tell(event, &events)
    }

    /// It was over too early: more of it came.
    mutating func reopen(_ slot: Int32) {
        let record = workflows[slot]
        totals.takeBack(record.state, duration: record.countedDuration)
        minutes.takeBack(record.state, in: record.overMinute)
        totals.retries &-= UInt64(record.retries)
        workflows[slot].retries = 0
        workflows[slot].isClosed = false
        workflows[slot].isEndTold = false
        workflows[slot].wasOver = true
        workflows[slot].former = record.state
        change(slot, to: .running)
    }

    // MARK: states

    /// What an open run is doing, from what is known of it.
    mutating func refresh(_ slot: Int32) {
        let state: WorkflowState =
            workflows[slot].waits > 0
            ? .waiting : workflows[slot].hasActed ? .running : .pending
        if workflows[slot].state != state { change(slot, to: state) }
        refreshActiveAgent(slot)
    }

    private mutating func change(_ slot: Int32, to state: WorkflowState) {
        states[Int(workflows[slot].state.rawValue)] -= 1
        states[Int(state.rawValue)] += 1
        workflows.change(slot, to: state)
    }

    /// An agent that was not announced is known to be active by what it does.
    private mutating func refreshActiveAgent(_ slot: Int32) {
        let isKnown = workflows[slot].state.isOpen && workflows[slot].announcedAgents <= 0
        let agent = isKnown ? workflows[slot].agent : 0
        guard agent != workflows[slot].activeAgent else { return }
        if workflows[slot].activeAgent != 0 { agents.addActive(workflows[slot].activeAgent, -1) }
        if agent != 0 { agents.addActive(agent, 1) }
        workflows[slot].activeAgent = agent
    }

    mutating func unstick(_ slot: Int32) {
        workflows[slot].isStuck = false
        stuck -= 1
    }

    // MARK: room

    /// Adds a step at the end of a run's list, making room first.
    mutating func addStep(_ step: FleetStep, _ slot: Int32) -> Int32 {
        if workflows[slot].steps >= Int32(clamping: settings.stepsPerWorkflow) { fold(slot) }
        while steps.isFull { makeRoom(for: slot) }
        var step = step
        let last = workflows[slot].last
        step.older = last
        step.newer = -1
        let place = steps.add(step)
        if last >= 0 { steps[last].newer = place }
        workflows[slot].append(place, kept: Int32(clamping: settings.firstSteps))
        return place
    }

    private mutating func makeRoom(for slot: Int32) {
        let finished = workflows.finished.first
        let open = workflows.open.first
        if finished >= 0, finished != slot {
            totals.evictedFinished &+= 1
            evict(finished)
        } else if open >= 0, open != slot {
            abandon(open)
        } else {
            fold(slot)
        }
    }

    /// Folds the oldest step that is neither announced nor an agent, of a few; else the oldest.
    private mutating func fold(_ slot: Int32) {
        let oldest = workflows[slot].middle >= 0 ? workflows[slot].middle : workflows[slot].first
        guard oldest >= 0 else { return }
        var place = oldest
        for _ in 0..<8 where place >= 0 {
            if steps[place].phase != .announced, steps[place].kind != .agent { break }
            place = steps[place].newer
        }
        if place < 0 || steps[place].phase == .announced || steps[place].kind == .agent {
            place = oldest
        }
        if place == workflows[slot].middle { workflows[slot].middle = steps[place].newer }
        workflows[slot].folded &+= 1
        totals.foldedSteps &+= 1
        if steps[place].kind == .humanWait, steps[place].isDone {
            workflows[slot].foldWait(from: steps[place].start, to: steps[place].end)
        }
        switch steps[place].phase {
        case .announced:
            steps.forget(place)
            countAnnounced(place, slot, -1)
        case .seen:
            steps.forget(place)
            workflows[slot].foldedKinds[steps[place].kind] &+= 1
        default: break
        }
        unlink(place, slot)
    }

    private mutating func unlink(_ place: Int32, _ slot: Int32) {
        let (older, newer) = (steps[place].older, steps[place].newer)
        if older >= 0 { steps[older].newer = newer } else { workflows[slot].first = newer }
        if newer >= 0 { steps[newer].older = older } else { workflows[slot].last = older }
        workflows[slot].steps -= 1
        steps.remove(place)
    }

    mutating func abandon(_ slot: Int32) {
        totals.workflowsAbandoned &+= 1
        totals.evictedOpen &+= 1
        countMinute(slot, .abandoned, now: lastNow)
        change(slot, to: .abandoned)
        workflows[slot].isEarly = true
        evict(slot)
    }

    /// Forgets a run. What it used stays in the totals and in its session.
    mutating func evict(_ slot: Int32) {
        guard slot >= 0 else { return }
        if workflows[slot].isEarly, !workflows[slot].state.isOpen { remember(slot) }
        if workflows[slot].isStuck { unstick(slot) }
        if workflows[slot].activeAgent != 0 { agents.addActive(workflows[slot].activeAgent, -1) }
        var place = workflows[slot].first
        while place >= 0 {
            let next = steps[place].newer
            if steps[place].isOpen {
                steps.forget(place)
                if steps[place].phase == .announced { countAnnounced(place, slot, -1) }
            }
            steps.remove(place)
            place = next
        }
        sessions.leave(workflows[slot].session, workflows[slot])
        states[Int(workflows[slot].state.rawValue)] -= 1
        workflows.remove(slot)
        if latest == slot { latest = -1 }
    }

    /// Nothing is expected any more of what was announced.
    private mutating func loseAnnounced(_ slot: Int32) {
        guard workflows[slot].announced > 0 else { return }
        workflows[slot].hasLost = true
        var place = workflows[slot].first
        while place >= 0 {
            if steps[place].phase == .announced {
                steps.forget(place)
                countAnnounced(place, slot, -1)
                steps[place].phase = .lost
            }
            place = steps[place].newer
        }
    }

    /// What was announced did end: it is no activity that is counted by itself.
    private mutating func forgetLost(_ slot: Int32) {
        guard workflows[slot].hasLost else { return }
        workflows[slot].hasLost = false
        var place = workflows[slot].first
        while place >= 0 {
            if steps[place].phase == .lost { steps[place].phase = .repeated }
            place = steps[place].newer
        }
    }

    // MARK: retries

    /// How many calls followed a failed one of the same agent to the same tool or model.
    func retries(in slot: Int32) -> Int32 {
        var count: Int32 = 0
        var place = workflows[slot].first
        while place >= 0 {
            let step = steps[place]
            if step.isError, step.isDone, step.isCall || step.kind == .tool,
                isFollowed(step, in: slot)
            {
                count += 1
            }
            place = step.newer
        }
        return count
    }

    private func isFollowed(_ failed: FleetStep, in slot: Int32) -> Bool {
        var place = workflows[slot].first
        while place >= 0 {
            let step = steps[place]
            if step.kind == failed.kind, step.subject == failed.subject,
                step.agent == failed.agent, step.span != failed.span, step.phase != .repeated,
                step.start >= failed.end, step.start.less(failed.end) <= Self.longestPause
            {
                return true
            }
            place = step.newer
        }
        return false
    }

    /// Nanoseconds after which the same call is no retry any more.
    static let longestPause: UInt64 = 300_000_000_000
}
