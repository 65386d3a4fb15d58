/// What the counts amount to.
extension Patterns {
    public func report(_ symbols: Symbols, now: UInt64) -> PatternReport {
        PatternReport(
            time: now, findings: findings(symbols, now: now), operations: operations.keys.count,
            studiedRuns: studiedRuns, missed: missed)
    }

    /// Everything that shows in the last hour or, failing that, the last day.
    public func findings(_ symbols: Symbols, now: UInt64) -> [PatternFinding] {
        var slots = slots
        var held = PatternWindow.allCases.map { slots.holding($0) }
        // Slots that would have been emptied by now hold nothing that is recent.
        if let turn = slots.advance(to: now) { held = held.map { $0 & ~turn.emptied } }
        var found: [PatternFinding] = []
        var histogram = WindowHistogram()
        for place in operations.keys.indices {
            found += operationFindings(at: place, symbols, slots, held, &histogram)
        }
        for place in tallies.keys.indices {
            for (window, held) in zip(PatternWindow.allCases, held) {
                let sums = tallies.sums(at: place, held)
                guard sums.hits > 0 else { continue }
                if let finding = tallyFinding(place, sums, window, held, symbols, slots) {
                    found.append(finding)
                    break
                }
            }
        }
        let groups = PatternFinding.Group.allCases
        func rank(_ finding: PatternFinding) -> Int {
            groups.firstIndex(of: finding.kind.group) ?? 0
        }
        return found.sorted { one, other in
            let (a, b) = (rank(one), rank(other))
            if a != b { return a < b }
            if one.confidence != other.confidence { return one.confidence > other.confidence }
            return one.id < other.id
        }
    }

    // MARK: operations

    private func operationFindings(
        at place: Int, _ symbols: Symbols, _ slots: PatternSlots, _ held: [UInt32],
        _ histogram: inout WindowHistogram
    ) -> [PatternFinding] {
        var found: [PatternFinding] = []
        var kinds: Set<PatternFinding.Kind> = []
        for (window, held) in zip(PatternWindow.allCases, held) {
            var sums = operations.sums(at: place, held)
            guard sums.attempts >= settings.leastAttempts else { continue }
            if sums.slot.slow > 0 || sums.mean > min(settings.slowMean, settings.longMean) {
                sums = operations.sums(at: place, held, open: self.slots.open, &histogram)
            }
            let maker = FindingMaker(
                subject: operations.keys[place].subject(symbols), window: window)
            let since = window.since(slots)
            let all = [
                maker.failure(sums, settings, since: since),
                maker.slowness(sums, settings, since: since),
                maker.retries(sums, settings, since: since),
            ]
            for finding in all.compactMap(\.self) where kinds.insert(finding.kind).inserted {
                found.append(finding)
            }
        }
        return found
    }

    // MARK: runs

    private func tallyFinding(
        _ place: Int, _ sums: TallyBook.Slot, _ window: PatternWindow, _ held: UInt32,
        _ symbols: Symbols, _ slots: PatternSlots
    ) -> PatternFinding? {
        let key = tallies.keys[place]
        guard let about = SubjectKey(packed: key.about) else { return nil }
        let maker = FindingMaker(subject: about.subject(symbols), window: window)
        let evidence = tallies.examples[place].evidence(
            count: Int(sums.hits), since: window.since(slots))
        switch key.pattern {
        case .repeated: return maker.repetition(sums, settings, evidence)
        case .growth: return maker.growth(sums, settings, evidence)
        case .humanWait: return maker.humanWait(sums, settings, evidence)
        case .sequential: return maker.sequence(sums, settings, evidence)
        case .failingStep:
            guard let runs = operations.sums(of: about, held),
                let step = SubjectKey(packed: key.with)
            else { return nil }
            return maker.failingStep(
                sums, runs, step.subject(symbols), settings, evidence)
        case .fanOut:
            guard let runs = operations.sums(of: about, held) else { return nil }
            return maker.fanOut(sums, runs, settings, evidence)
        case .pingPong:
            guard let runs = operations.sums(of: about, held) else { return nil }
            let one = Int32(bitPattern: UInt32(truncatingIfNeeded: key.with >> 32))
            let other = Int32(bitPattern: UInt32(truncatingIfNeeded: key.with))
            let two = [one, other].map { FindingSubject(.agent, symbols.text($0)) }
            return maker.pingPong(sums, runs, two, settings, evidence)
        }
    }
}
