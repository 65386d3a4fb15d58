import RoostIngest

/// How activities come into their runs, each once.
extension Fleet {
    mutating func takeActivity(
        _ fact: AgentFact, now: UInt64, _ events: inout [FleetEvent]
    ) {
        guard let slot = workflow(of: fact, now: now, &events) else { return }
        note(fact, slot, now: now)
        if fact.activity == .other {
            if fact.kind != .began, fact.parentSpanID == 0 {
                workflows[slot].hasRootEnded = true
                workflows[slot].hasTopEnded = true
            }
            return
        }
        if fact.kind == .began {
            begin(fact, slot, &events)
        } else {
            end(fact, slot, now: now, &events)
        }
        if workflows[slot].state.isOpen { refresh(slot) }
    }

    /// The run of an activity. What is no activity of an agent begins none.
    private mutating func workflow(
        of fact: AgentFact, now: UInt64, _ events: inout [FleetEvent]
    ) -> Int32? {
        let (high, low) = (fact.traceIDHigh, fact.traceIDLow)
        if latest >= 0, workflows.isTrace(latest, high, low) { return latest }
        if let known = workflows.find(high, low) {
            latest = known
            return known
        }
        guard fact.activity != .other else { return nil }
        return newWorkflow(fact, now: now, &events)
    }

    mutating func newWorkflow(
        _ fact: AgentFact, now: UInt64, _ events: inout [FleetEvent]
    ) -> Int32 {
        let former = forgotten.take(fact.traceIDHigh, fact.traceIDLow)
        while workflows.open.count >= settings.openWorkflows { evictOpen(now: now, &events) }
        let slot = workflows.add(fact.traceIDHigh, fact.traceIDLow, now: now)
        latest = slot
        states[Int(WorkflowState.pending.rawValue)] += 1
        workflows[slot].isDerived = fact.isDerivedTrace
        if let former { takeUp(former, slot, now: now) }
        note(fact, slot, now: now)
        if former != nil { return slot }
        totals.workflowsStarted &+= 1
        if tellsEvents {
            var event = event(.workflowStarted, slot)
            event.time = fact.start
            event.agent = fact.agent
            tell(event, &events)
        }
        return slot
    }

    /// What every fact of a run says about it.
    mutating func note(_ fact: AgentFact, _ slot: Int32, now: UInt64) {
        let isLater = workflows[slot].note(fact, now: now)
        if isLater, workflows[slot].state.isOpen {
            workflows.touch(slot)
            if workflows[slot].isStuck { unstick(slot) }
        }
        var session = workflows[slot].session
        if session < 0, fact.session != 0 {
            session = sessions.join(fact.session, now: now)
            workflows[slot].session = session
            if session >= 0 { sessions[session].note(fact, now: now) }
        } else if session >= 0, isLater || fact.user != 0 {
            sessions[session].note(fact, now: now)
        }
    }

    static func bit(of agent: Int32) -> UInt64 {
        1 << UInt64((UInt32(bitPattern: agent) &* 0x9E37_79B1) >> 26)
    }

    // MARK: beginnings

    private mutating func begin(
        _ fact: AgentFact, _ slot: Int32, _ events: inout [FleetEvent]
    ) {
        if workflows[slot].indexed > 0, steps.find(fact.spanID, in: slot) != nil { return }
        if !workflows[slot].state.isOpen {
            // Sent again, after its end.
            if step(fact.spanID, of: slot) != nil { return }
            reopen(slot)
        }
        var step = FleetStep(fact, workflow: slot)
        step.end = fact.start
        step.tokens = 0
        step.cost = .nan
        let place = addStep(step, slot)
        steps.note(place)
        countAnnounced(place, slot, 1)
        if fact.activity != .agent && fact.activity != .workflow || workflows[slot].announced > 1 {
            workflows[slot].hasActed = true
        }
        if fact.agent != 0 { workflows[slot].agent = fact.agent }
        guard tellsEvents else { return }
        switch fact.activity {
        case .agent: tell(.agentInvoked, fact, slot, at: fact.start, &events)
        case .humanWait: tell(.humanWaiting, fact, slot, at: fact.start, &events)
        default: break
        }
    }

    /// Counts an announced step in or out.
    mutating func countAnnounced(_ place: Int32, _ slot: Int32, _ change: Int32) {
        workflows[slot].announced += change
        announced += Int(change)
        if steps[place].parent == 0 { workflows[slot].announcedRoots += change }
        switch steps[place].kind {
        case .agent:
            workflows[slot].announcedAgents += change
            agents.addActive(steps[place].agent, change)
        case .humanWait: workflows[slot].waits += change
        default: break
        }
    }

    // MARK: ends

    private mutating func end(
        _ told: AgentFact, _ slot: Int32, now: UInt64, _ events: inout [FleetEvent]
    ) {
        let fact = told.isUsageRepeated ? told.withoutUsage : told
        var place = workflows[slot].indexed > 0 ? steps.find(fact.spanID, in: slot) : nil
        if workflows[slot].isOver {
            if place == nil, let known = step(fact.spanID, of: slot) {
                // Sent again, after all was counted.
                guard steps[known].phase == .lost else { return }
                place = known
            }
            if workflows[slot].mayGoOn { reopen(slot) }
        }
        var isTold = false
        // Before its run had to go.
        var wasTold = false
        if let place {
            guard endHeld(fact, place, slot, &isTold) else { return }
            count(fact, place, slot, isTold: isTold, now: now)
            if fact.activity == .humanWait { noteLateWait(place, slot) }
        } else {
            if fact.kind == .ended, workflows[slot].foldedKinds[fact.activity] > 0 {
                isTold = true
                takeBackFolded(fact, slot)
            }
            if fact.kind == .ended, workflows[slot].unheld[fact.activity] > 0 {
                workflows[slot].unheld[fact.activity] &-= 1
                wasTold = true
            }
            var step = FleetStep(fact, workflow: slot)
            step.phase = fact.kind == .seen ? .seen : .ended
            let added = addStep(step, slot)
            if fact.kind == .seen { steps.note(added) }
            count(fact, added, slot, isTold: isTold, now: now)
            if fact.activity == .humanWait { noteLateWait(added, slot) }
        }
        if !isTold, !wasTold, tellsEvents {
            tellEnd(told, slot, wasAnnounced: place != nil, &events)
        }
    }

    /// Fills a step that was announced or seen; false when there is nothing new in the fact.
    private mutating func endHeld(
        _ fact: AgentFact, _ place: Int32, _ slot: Int32, _ isTold: inout Bool
    ) -> Bool {
        switch steps[place].phase {
        case .announced:
            countAnnounced(place, slot, -1)
            if fact.kind == .ended { steps.forget(place) }
        case .seen:
            guard fact.kind == .ended else { return false }
            isTold = true
            takeBackSeen(place, slot)
            steps.forget(place)
        default:
            if fact.kind == .seen { steps.note(place) }
        }
        steps[place].fill(fact)
        steps[place].phase = fact.kind == .seen ? .seen : .ended
        return true
    }

    /// A step of a run that is held, whatever its phase.
    func step(_ span: UInt64, of slot: Int32) -> Int32? {
        guard span != 0 else { return nil }
        var place = workflows[slot].first
        while place >= 0 {
            if steps[place].span == span { return place }
            place = steps[place].newer
        }
        return nil
    }

    // MARK: events

    private mutating func tell(
        _ kind: FleetEvent.Kind, _ fact: AgentFact, _ slot: Int32, at time: UInt64,
        _ events: inout [FleetEvent]
    ) {
        var event = FleetEvent(kind)
        event.time = time
        event.traceIDHigh = fact.traceIDHigh
        event.traceIDLow = fact.traceIDLow
        event.spanID = fact.spanID
        event.session = fact.session
        event.agent = fact.agent
        event.workflow = fact.workflow != 0 ? fact.workflow : workflows[slot].name
        event.name = fact.name
        if kind != .agentInvoked, kind != .humanWaiting {
            event.errorType = fact.errorType
            event.model = fact.model
            event.tool = fact.tool
            event.duration = fact.isInstant ? 0 : fact.working
            event.tokens = fact.tokens.allSorts
            event.cost = fact.cost
        }
        tell(event, &events)
    }

    private mutating func tellEnd(
        _ fact: AgentFact, _ slot: Int32, wasAnnounced: Bool, _ events: inout [FleetEvent]
    ) {
        let isError = fact.status == .error
        switch fact.activity {
        case .agent:
            if !wasAnnounced { tell(.agentInvoked, fact, slot, at: fact.start, &events) }
            tell(isError ? .agentFailed : .agentCompleted, fact, slot, at: fact.end, &events)
        case .llm, .embedding:
            tell(isError ? .llmFailed : .llmCalled, fact, slot, at: fact.end, &events)
        case .tool:
            tell(isError ? .toolFailed : .toolCalled, fact, slot, at: fact.end, &events)
        case .retrieval, .guardrail, .evaluation:
            tell(isError ? .stepFailed : .stepCompleted, fact, slot, at: fact.end, &events)
        case .humanWait: tell(.humanAnswered, fact, slot, at: fact.end, &events)
        case .other, .workflow: break
        }
    }
}
