import RoostIngest

/// How runs go for want of room, and what happens when more of them comes after all.
extension Fleet {
    /// The quietest open run has to go. One that only events tell and in which nothing is at work waits
    /// but for the time after which nobody expects more of it: it is over. Any other is given up.
    mutating func evictOpen(now: UInt64, _ events: inout [FleetEvent]) {
        let slot = workflows.open.first
        guard slot >= 0 else { return }
        if workflows[slot].isDerived, workflows[slot].announced <= 0, workflows[slot].hasTopEnded {
            finish(slot, hasTopFailed(slot) ? .failed : .completed, now: now, &events)
            workflows[slot].isEarly = true
            return
        }
        if tellsEvents {
            var event = event(.workflowAbandoned, slot)
            event.time = now
            event.duration = workflows[slot].duration(now: now)
            event.tokens = workflows[slot].tokensSoFar
            event.cost = workflows[slot].costSoFar ?? .nan
            tell(event, &events)
        }
        abandon(slot)
    }

    /// Whether the last that ended of what stands above has failed.
    private func hasTopFailed(_ slot: Int32) -> Bool {
        var place = workflows[slot].last
        while place >= 0 {
            let step = steps[place]
            if step.isDone, step.parent == 0 || step.kind == .agent || step.kind == .workflow {
                return step.isError
            }
            place = step.older
        }
        return false
    }

    /// Keeps what a run was counted as.
    mutating func remember(_ slot: Int32) {
        let record = workflows[slot]
        var seen = record.unheld
        seen.add(record.foldedKinds)
        var place = record.first
        while place >= 0 {
            if steps[place].phase == .seen { seen[steps[place].kind] &+= 1 }
            place = steps[place].newer
        }
        forgotten.add(record.traceHigh, record.traceLow, counted(slot, seen: seen))
    }

    /// What a run that is over was counted as.
    func counted(_ slot: Int32, seen: FoldedSteps = FoldedSteps()) -> ForgottenRuns.Run {
        let session = workflows[slot].session
        return ForgottenRuns.Run(
            workflows[slot], session: session >= 0 ? sessions[session].hash : 0, seen: seen)
    }

    /// It was not over, or its true end comes: it is counted once.
    mutating func takeUp(_ run: ForgottenRuns.Run, _ slot: Int32, now: UInt64) {
        takeBack(run)
        workflows[slot].session = sessions.rejoin(run.session, run.state, now: now)
        workflows[slot].wasOver = true
        workflows[slot].former = run.state
        workflows[slot].overMinute = run.minute
        workflows[slot].isEarly = run.state != .abandoned
        workflows[slot].unheld = FoldedSteps(run.seen)
    }

    /// Spans tell the same run, which is held no longer: what was counted of it is taken back.
    mutating func withdraw(_ run: ForgottenRuns.Run) {
        guard !run.wasOver else { return }
        takeBack(run)
        sessions.withdraw(run.session, run.state)
        totals.workflowsStarted &-= 1
    }

    /// The same of one that is held, which goes.
    mutating func withdraw(_ slot: Int32) {
        if !workflows[slot].state.isOpen { takeBack(counted(slot)) }
        totals.workflowsStarted &-= 1
        workflows[slot].isEarly = false
        workflows[slot].isWithdrawn = true
        evict(slot)
    }

    private mutating func takeBack(_ run: ForgottenRuns.Run) {
        totals.takeBack(run.state, duration: run.duration)
        minutes.takeBack(run.state, in: run.minute)
    }
}
