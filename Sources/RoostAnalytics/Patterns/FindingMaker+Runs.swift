/// Findings that runs as a whole show.
extension FindingMaker {
    func repetition(
        _ sums: TallyBook.Slot, _ settings: PatternSettings, _ evidence: FindingEvidence
    ) -> PatternFinding? {
        guard
            let judged = share(sums.hits, of: Int(sums.chances), over: settings.repeatedShare)
        else { return nil }
        let calls = sums.amount / Double(sums.hits)
        return make(
            .repeatedOperation, judged.confidence,
            [
                ("runs", Double(sums.chances)), ("repeating_runs", Double(sums.hits)),
                ("share", judged.share), ("calls_per_repeating_run", calls),
            ], evidence, "\(capital) is called again and again within one run",
            "In \(when), \(part(sums.hits, sums.chances)) that used \(subject.quoted) called it "
                + "\(settings.repeatedCalls) times or more, \(Wording.number(calls)) times on "
                + "average. Whether the arguments were the same is not known here; "
                + "the analysis of the example traces tells.")
    }

    func growth(
        _ sums: TallyBook.Slot, _ settings: PatternSettings, _ evidence: FindingEvidence
    ) -> PatternFinding? {
        guard let judged = share(sums.hits, of: Int(sums.chances), over: settings.growthShare)
        else { return nil }
        let factor = sums.amount / Double(sums.hits)
        return make(
            .tokenGrowth, judged.confidence,
            [
                ("runs", Double(sums.chances)), ("growing_runs", Double(sums.hits)),
                ("share", judged.share), ("growth_factor", factor),
            ], evidence, "The input of \(subject.quoted) grows with every call",
            "In \(when), in \(part(sums.hits, sums.chances)) in which \(subject.quoted) called a "
                + "model \(settings.growthCalls) times or more, the last call read "
                + "\(Wording.number(factor)) times as many tokens as the first, on average.")
    }

    func humanWait(
        _ sums: TallyBook.Slot, _ settings: PatternSettings, _ evidence: FindingEvidence
    ) -> PatternFinding? {
        guard Int(sums.chances) >= settings.leastAttempts, sums.whole > 0 else { return nil }
        let share = min(1, sums.amount / sums.whole)
        guard share >= settings.humanShare else { return nil }
        // Each run counts as much as it lasted; so many runs of equal length are no surer.
        let runs = Double(sums.chances)
        return make(
            .humanWait,
            Likelihood.shareExceeds(settings.humanShare, hits: share * runs, chances: runs),
            [
                ("runs", runs), ("waiting_runs", Double(sums.hits)),
                ("waiting_seconds", sums.amount), ("total_seconds", sums.whole),
                ("waiting_share", share),
            ], evidence, "\(capital) mostly waits for people",
            "In \(when), \(Wording.count(Int(sums.chances), "run")) of \(subject.quoted) lasted "
                + "\(Wording.duration(sums.whole)) together, of which "
                + "\(Wording.duration(sums.amount)) (\(Wording.percent(share))) were waiting "
                + "for people.")
    }

    func failingStep(
        _ sums: TallyBook.Slot, _ runs: OperationSums, _ step: FindingSubject,
        _ settings: PatternSettings, _ evidence: FindingEvidence
    ) -> PatternFinding? {
        let failures = max(runs.failures, Int(sums.hits))
        guard failures >= settings.stepFailures, runs.attempts > 0,
            runs.failureShare >= settings.stepFailureShare
        else { return nil }
        let share = Double(sums.hits) / Double(failures)
        guard share >= settings.stepShare else { return nil }
        let part =
            Int(sums.hits) == failures
            ? "all of them"
            : "\(Wording.integer(Int(sums.hits))) of them (\(Wording.percent(share)))"
        return make(
            .failingStep, with: [step],
            Likelihood.shareExceeds(
                settings.stepShare, hits: Double(sums.hits), chances: Double(failures)),
            [
                ("runs", Double(runs.attempts)), ("failures", Double(failures)),
                ("failures_at_step", Double(sums.hits)), ("share", share),
            ], evidence, "\(capital) fails mostly at \(step.quoted)",
            "In \(when), \(Wording.integer(failures)) of "
                + "\(Wording.count(runs.attempts, "run")) of \(subject.quoted) failed; in "
                + "\(part) the first step to fail was \(step.quoted).")
    }

    func sequence(
        _ sums: TallyBook.Slot, _ settings: PatternSettings, _ evidence: FindingEvidence
    ) -> PatternFinding? {
        guard
            let judged = share(sums.hits, of: Int(sums.chances), over: settings.sequentialShare)
        else { return nil }
        let saving = sums.amount / Double(sums.hits)
        let agents = sums.whole / Double(sums.hits)
        return make(
            .sequentialAgents, judged.confidence,
            [
                ("runs", Double(sums.chances)), ("sequential_runs", Double(sums.hits)),
                ("share", judged.share), ("agents", agents), ("saving_seconds", saving),
            ], evidence, "Agents of \(subject.quoted) run one after another",
            "In \(when), in \(part(sums.hits, sums.chances)) of \(subject.quoted) with "
                + "\(settings.sequentialAgents) agents or more, agents called by the same step "
                + "ran one after another. Where they do not need each other's results, running "
                + "them at the same time would save at most \(Wording.duration(saving)) a run.")
    }

    func fanOut(
        _ sums: TallyBook.Slot, _ runs: OperationSums, _ settings: PatternSettings,
        _ evidence: FindingEvidence
    ) -> PatternFinding? {
        let all = max(runs.attempts, Int(sums.hits))
        guard let judged = share(sums.hits, of: all, over: settings.fanOutShare) else {
            return nil
        }
        let width = sums.amount / Double(sums.hits)
        return make(
            .fanOut, judged.confidence,
            [
                ("runs", Double(all)), ("wide_runs", Double(sums.hits)),
                ("share", judged.share), ("width", width),
            ], evidence, "\(capital) starts many steps at once",
            "In \(when), in \(part(sums.hits, UInt32(clamping: all))) of \(subject.quoted) one "
                + "step had \(Wording.number(width)) steps running below it at the same time, "
                + "on average. Limits of providers are met in such moments.")
    }

    func pingPong(
        _ sums: TallyBook.Slot, _ runs: OperationSums, _ two: [FindingSubject],
        _ settings: PatternSettings, _ evidence: FindingEvidence
    ) -> PatternFinding? {
        let all = max(runs.attempts, Int(sums.hits))
        guard let judged = share(sums.hits, of: all, over: settings.pingPongShare) else {
            return nil
        }
        let turns = sums.amount / Double(sums.hits)
        let names = Wording.list(two.map { $0.name.isEmpty ? "(no name)" : "`\($0.shown)`" })
        return make(
            .pingPong, with: two, judged.confidence,
            [
                ("runs", Double(all)), ("alternating_runs", Double(sums.hits)),
                ("share", judged.share), ("turns", turns),
            ], evidence, "Agents \(names) hand work back and forth",
            "In \(when), in \(part(sums.hits, UInt32(clamping: all))) of \(subject.quoted) the "
                + "agents \(names) took \(Wording.number(turns)) turns in a row, on average.")
    }

    // MARK: shares

    /// The share, when there are enough runs, at least three hits, and it is over the limit.
    private func share(_ hits: UInt32, of all: Int, over limit: Double)
        -> (share: Double, confidence: Double)?
    {
        guard hits >= 3, all > 0 else { return nil }
        let share = Double(hits) / Double(all)
        guard share >= limit else { return nil }
        let confidence = Likelihood.shareExceeds(
            limit, hits: Double(hits), chances: Double(all))
        return (share, confidence)
    }

    /// `8 of 10 runs`, `all 10 runs`.
    private func part(_ hits: UInt32, _ all: UInt32) -> String {
        if hits == all { return "all \(Wording.count(Int(all), "run"))" }
        return "\(Wording.integer(Int(hits))) of \(Wording.count(Int(all), "run"))"
    }
}
