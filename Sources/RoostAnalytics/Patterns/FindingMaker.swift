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
        _ sums: OperationSums, _ settings: PatternSettings, since: UInt64
    ) -> PatternFinding? {
        guard sums.failureShare >= settings.failureShare, sums.failures > 0 else { return nil }
        let confidence = Likelihood.shareExceeds(
            settings.failureShare, hits: Double(sums.failures), chances: Double(sums.attempts))
        return make(
            .recurringFailure, confidence,
            [
                ("attempts", Double(sums.attempts)), ("failures", Double(sums.failures)),
                ("failure_share", sums.failureShare),
            ], sums.examples.failures.evidence(count: sums.failures, since: since),
            "\(capital) keeps failing",
            "In \(when), \(Wording.integer(sums.failures)) of "
                + "\(Wording.count(sums.attempts, attemptWord)) of \(subject.quoted) failed "
                + "(\(Wording.percent(sums.failureShare))).")
    }

    func slowness(
        _ sums: OperationSums, _ settings: PatternSettings, since: UInt64
    ) -> PatternFinding? {
        let limits = settings.limits(of: subject.kind)
        let timed = Double(sums.slot.timed)
        guard Int(sums.slot.timed) >= settings.leastAttempts else { return nil }
        let slow = Double(sums.slot.slow)
        let isSlowOnAverage = sums.mean > limits.mean
        guard isSlowOnAverage || slow / timed > 0.05 else { return nil }
        let confidence = max(
            sums.meanSample.exceeds(limits.mean) ?? 0,
            Likelihood.shareExceeds(0.05, hits: slow, chances: timed))
        var figures = [("attempts", Double(sums.attempts)), ("avg_seconds", sums.mean)]
        var tail = ""
        if let durations = sums.durations {
            figures += [("p50_seconds", durations.p50), ("p95_seconds", durations.p95)]
            tail = " and about \(Wording.duration(durations.p95)) at the 95th percentile"
        }
        figures += [
            ("over_limit", slow), ("limit_seconds", limits.p95), ("total_seconds", sums.slot.sum),
        ]
        let evidence =
            isSlowOnAverage
            ? sums.examples.overMean.evidence(count: Int(sums.slot.overMean), since: since)
            : sums.examples.slow.evidence(count: Int(sums.slot.slow), since: since)
        let isWorkflow = subject.kind == .workflow
        return make(
            isWorkflow ? .longWorkflow : .bottleneck, confidence, figures, evidence,
            isWorkflow ? "\(capital) takes long" : "\(capital) is slow",
            "In \(when), \(Wording.count(Int(sums.slot.timed), attemptWord)) of "
                + "\(subject.quoted) took \(Wording.duration(sums.mean)) on average\(tail); "
                + "\(Wording.integer(Int(slow))) took more than \(Wording.duration(limits.p95)). "
                + "Waiting for people is not counted.")
    }

    func retries(
        _ sums: OperationSums, _ settings: PatternSettings, since: UInt64
    ) -> PatternFinding? {
        guard sums.retryShare >= settings.retryShare else { return nil }
        return make(
            .highRetries,
            Likelihood.shareExceeds(
                settings.retryShare, hits: Double(sums.retries), chances: Double(sums.attempts)),
            [
                ("attempts", Double(sums.attempts)), ("retries", Double(sums.retries)),
                ("retry_share", sums.retryShare),
            ], sums.examples.failures.evidence(count: sums.retries, since: since),
            "\(capital) is often retried",
            "In \(when), \(Wording.integer(sums.retries)) of "
                + "\(Wording.count(sums.attempts, attemptWord)) of \(subject.quoted) "
                + "(\(Wording.percent(sums.retryShare))) repeated one that had just failed.")
    }
}
