import RoostIngest

/// Takes a run out again that was counted before its root came.
extension Windows {
    /// Counts the run as what it was, now; out of the stretch where it stands it is taken as far as
    /// that is held. Shortest and longest duration stay what they were.
    mutating func correct(
        _ early: CountedRun, to run: AgentFact, _ symbols: Symbols, now: UInt64
    ) {
        take(back: early)
        take(run, symbols, now: now)
    }

    private mutating func take(back early: CountedRun) {
        cumulative.events &-= 1
        cumulative.workflowRuns &-= 1
        let bucket = live.bucket(early.duration)
        var places = [(tally: 0, sketch: WindowMeasure.workflow.rawValue)]
        if early.workflow != 0 {
            let key = keys[WindowDimension.workflow.rawValue].known(early.workflow)
            places.append(
                (
                    WindowLayout.tally(.workflow, key), WindowLayout.sketchBase(.workflow) + key
                ))
        }
        let time = early.told &+ offset
        guard time < liveFrom else {
            for place in places where live.takeBack(early, at: place.tally) {
                live.takeBack(place.sketch, bucket: bucket)
            }
            return
        }
        for level in levels.indices {
            let slot = levels[level].slots.firstIndex { $0.from <= time && time < $0.to }
            guard let slot else { continue }
            for place in places {
                guard levels[level].takeBack(early, place, bucket: bucket, from: slot) else {
                    continue
                }
                for longer in level..<levels.count {
                    levels[longer].sketches.takeBack(place.sketch, bucket: bucket)
                }
            }
            return
        }
    }
}

extension Windows.Level {
    /// Whether the sketches should forget it, too.
    mutating func takeBack(
        _ early: CountedRun, _ place: (tally: Int, sketch: Int), bucket: Int, from slot: Int
    ) -> Bool {
        guard slots[slot].takeBack(early, at: place.tally) else { return false }
        if !tallies.isEmpty { _ = tallies[place.tally].takeBack(early) }
        return slots[slot].takeBack(place.sketch, bucket: bucket)
    }
}

extension WindowTally {
    /// False when there is nothing to take back.
    mutating func takeBack(_ early: CountedRun) -> Bool {
        guard workflow.count > 0, events > 0 else { return false }
        events -= 1
        workflow.count -= 1
        if workflow.timed > 0 { workflow.timed -= 1 }
        if early.hasFailed, workflow.errors > 0 { workflow.errors -= 1 }
        workflow.total = max(0, workflow.total - Double(early.duration))
        return true
    }
}
