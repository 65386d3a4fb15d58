/// Judges sums against the limits and finds the words: here of operations, beside of runs.
struct FindingMaker {
    let subject: FindingSubject
    let window: PatternWindow

    var when: String { Wording.window(window.seconds) }

    func make(
        _ kind: PatternFinding.Kind, with related: [FindingSubject] = [], _ confidence: Double,
        _ figures: [(String, Double)], _ evidence: FindingEvidence, _ title: String,
        _ text: String
    ) -> PatternFinding {
        PatternFinding(
            kind: kind, subject: subject, related: related, windowSeconds: window.seconds,
            confidence: min(1, max(0, confidence)),
            figures: figures.map { FindingFigure($0.0, $0.1) }, evidence: evidence,
            title: title, text: text)
    }

    /// `Tool` for the beginning of a sentence.
    var capital: String {
        let text = subject.quoted
        return text.prefix(1).uppercased() + text.dropFirst()
    }

    var attemptWord: String {
        switch subject.kind {
        case .agent, .workflow: "run"
        case .tool, .model: "call"
        }
    }

    func failure(
        _ sums: OperationBook.Sums, _ settings: PatternSettings, _ evidence: FindingEvidence
    ) -> PatternFinding? {
        guard sums.failureShare >= settings.failureShare, sums.failures > 0 else { return nil }
        let confidence = Likelihood.shareExceeds(
            settings.failureShare, hits: Double(sums.failures), chances: Double(sums.attempts))
        return make(
            .recurringFailure, confidence,
            [
                ("attempts", Double(sums.attempts)), ("failures", Double(sums.failures)),
                ("failure_share", sums.failureShare),
            ], evidence, "\(capital) keeps failing",
            "In \(when), \(Wording.integer(sums.failures)) of "
                + "\(Wording.count(sums.attempts, attemptWord)) of \(subject.quoted) failed "
                + "(\(Wording.percent(sums.failureShare))).")
    }

    func slowness(
        _ sums: OperationBook.Sums, _ settings: PatternSettings, _ evidence: FindingEvidence
    ) -> PatternFinding? {
        let isWorkflow = subject.kind == .workflow
        let (meanLimit, tailLimit) =
            isWorkflow
            ? (settings.longMean, settings.longP95) : (settings.slowMean, settings.slowP95)
        let timed = Double(sums.slot.timed)
        guard Int(sums.slot.timed) >= settings.leastAttempts else { return nil }
        let slow = Double(sums.slot.slow)
        guard sums.mean > meanLimit || slow / timed > 0.05 else { return nil }
        let variance = max(0, sums.slot.squares / timed - sums.mean * sums.mean)
        let error = (variance / (timed - 1)).squareRoot()
        let ofMean =
            error > 0
            ? 1 - Likelihood.studentTail((sums.mean - meanLimit) / error, freedom: timed - 1)
            : sums.mean > meanLimit ? 1 : 0
        let ofTail = Likelihood.shareExceeds(0.05, hits: slow, chances: timed)
        let p95 = sums.quantile(0.95)
        return make(
            isWorkflow ? .longWorkflow : .bottleneck, max(ofMean, ofTail),
            [
                ("attempts", Double(sums.attempts)), ("avg_seconds", sums.mean),
                ("p50_seconds", sums.quantile(0.5)), ("p95_seconds", p95),
                ("over_limit", slow), ("limit_seconds", tailLimit),
                ("total_seconds", sums.slot.sum),
            ], evidence,
            isWorkflow ? "\(capital) takes long" : "\(capital) is slow",
            "In \(when), \(Wording.count(Int(sums.slot.timed), attemptWord)) of "
                + "\(subject.quoted) took \(Wording.duration(sums.mean)) on average and about "
                + "\(Wording.duration(p95)) at the 95th percentile; "
                + "\(Wording.integer(Int(slow))) took more than \(Wording.duration(tailLimit)). "
                + "Waiting for people is not counted.")
    }

    func retries(
        _ sums: OperationBook.Sums, _ settings: PatternSettings, _ evidence: FindingEvidence
    ) -> PatternFinding? {
        let retries = Double(sums.slot.retries)
        // Runs that are still open have attempts whose retries are not known yet.
        let share = min(1, retries / Double(sums.attempts))
        guard share >= settings.retryShare else { return nil }
        return make(
            .highRetries,
            Likelihood.shareExceeds(
                settings.retryShare, hits: min(retries, Double(sums.attempts)),
                chances: Double(sums.attempts)),
            [
                ("attempts", Double(sums.attempts)), ("retries", retries),
                ("retry_share", share),
            ], evidence, "\(capital) is often retried",
            "In \(when), \(Wording.integer(Int(retries))) of "
                + "\(Wording.count(sums.attempts, attemptWord)) of \(subject.quoted) "
                + "(\(Wording.percent(share))) repeated one that had just failed.")
    }
}
