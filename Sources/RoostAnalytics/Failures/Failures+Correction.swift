import RoostIngest

/// What failures are when the root of a run comes after the run was counted.
extension Failures {
    /// `run` is its true end, `early` what was taken for it. The fleet has taken the same before.
    mutating func correct(
        _ early: CountedRun, to run: AgentFact, _ symbols: Symbols, now: UInt64,
        fleet: borrowing Fleet
    ) {
        clock.turn(to: now)
        if early.hasFailed { withdrawRun(run) }
        if run.status == .error {
            unrecover(run)
            add(run, .workflow, symbols, now: now, fleet)
        } else {
            reopen(run)
        }
        if count > 0 { endRun(run, fleet) }
    }

    /// The run itself did not fail, or in another way.
    private mutating func withdrawRun(_ run: AgentFact) {
        for place in places(run.traceIDHigh, run.traceIDLow)
        where records[place].component == .workflow && !records[place].isWithdrawn {
            let type = Int(records[place].type)
            switch records[place].outcome {
            case .recovered: takeBackRecovery(place)
            case .unrecovered: types[type].unrecovered = types[type].unrecovered.less(1)
            case .open: break
            }
            types[type].rate.remove(at: records[place].heard)
            // Neither open, so that nobody looks at it again, nor listed.
            records[place].outcome = .unrecovered
            records[place].isWithdrawn = true
            withdrawn += 1
        }
    }

    /// What was good because the run was.
    private mutating func unrecover(_ run: AgentFact) {
        for place in places(run.traceIDHigh, run.traceIDLow)
        where records[place].strategy == .workflowCompleted
            || records[place].strategy == .otherAgent && records[place].component == .agent
        {
            takeBackRecovery(place)
            leaveOpen(place)
        }
    }

    /// What was given up when the run was taken to have failed may be good after all.
    private mutating func reopen(_ run: AgentFact) {
        for place in places(run.traceIDHigh, run.traceIDLow)
        where records[place].outcome == .unrecovered && !records[place].isWithdrawn {
            let type = Int(records[place].type)
            types[type].unrecovered = types[type].unrecovered.less(1)
            leaveOpen(place)
        }
    }

    mutating func takeBackRecovery(_ place: Int) {
        let type = Int(records[place].type)
        let strategy = Int(records[place].strategy.rawValue)
        types[type].recovered = types[type].recovered.less(1)
        if types[type].strategies[strategy] > 0 { types[type].strategies[strategy] -= 1 }
        types[type].recoveryTime = types[type].recoveryTime.less(records[place].recoveryTime)
        records[place].strategy = .none
        records[place].recoverySpan = 0
        records[place].recoveryTime = 0
    }
}
