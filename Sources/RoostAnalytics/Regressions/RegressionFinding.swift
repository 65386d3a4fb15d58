public import RoostCore

/// An operation that does worse, or better, than it used to.
public struct RegressionFinding: Sendable {
    public enum Severity: String, Sendable, CaseIterable { case minor, moderate, severe }

    public let subject: FindingSubject
    public let measure: RegressionMeasure
    public let isImprovement: Bool
    /// By how much it changed, for better or worse.
    public let severity: Severity
    public let baseline: Double
    public let recent: Double
    /// New to old, less one: 0.3 is 30 % more. Shares of errors are held against one in a hundred
    /// at least.
    public let change: Double
    /// The chance of such a difference by noise, all that was tested taken into account.
    public let p: Double
    /// 1 - p, and less for few samples.
    public let confidence: Double
    public let baselineSamples: Int
    public let recentSamples: Int
    /// Unix nanoseconds between which the recent samples arrived.
    public let recentFrom: UInt64
    public let recentTo: UInt64
    /// Calls of the recent past that show it.
    public let evidence: FindingEvidence

    /// The same for the same subject and measure, in every process.
    public var id: String {
        let kind = isImprovement ? "improvement" : "regression"
        return kind + "-"
            + hexText(stableHash([kind, measure.rawValue, subject.kind.word, subject.name]))
    }

    public var title: String {
        let word =
            switch (measure, isImprovement) {
            case (.averageDuration, false), (.medianDuration, false): "has become slower"
            case (.p95Duration, false): "has more slow calls than before"
            case (.errorShare, false): "fails more often than before"
            case (.tokens, false): "uses more tokens than before"
            case (.cost, false): "costs more than before"
            case (.averageDuration, true), (.medianDuration, true): "has become faster"
            case (.p95Duration, true): "has fewer slow calls than before"
            case (.errorShare, true): "fails less often than before"
            case (.tokens, true): "uses fewer tokens than before"
            case (.cost, true): "costs less than before"
            }
        let quoted = subject.quoted
        return quoted.prefix(1).uppercased() + quoted.dropFirst() + " " + word
    }

    public var text: String {
        let measured = "\(name) of \(subject.quoted)"
        let by: String
        if measure == .errorShare {
            by = "\(Wording.number(abs(recent - baseline) * 100)) percentage points"
        } else {
            by = Wording.percent(abs(change))
        }
        return "The \(measured) was \(words(recent)) over its latest "
            + "\(Wording.count(recentSamples, unit)), against \(words(baseline)) before "
            + "(\(by) \(recent > baseline ? "more" : "less"); "
            + "\(Wording.count(baselineSamples, "earlier sample")))."
    }

    private var name: String {
        switch measure {
        case .averageDuration: "average duration"
        case .medianDuration: "median duration"
        case .p95Duration: "95th percentile of the duration"
        case .errorShare: "share of errors"
        case .tokens: "use of tokens per \(unit)"
        case .cost: "cost per \(unit)"
        }
    }

    private var unit: String {
        switch subject.kind {
        case .agent, .workflow: "run"
        case .tool, .model: "call"
        }
    }

    private func words(_ value: Double) -> String {
        switch measure {
        case .averageDuration, .medianDuration, .p95Duration: Wording.duration(value)
        case .errorShare: Wording.percent(value)
        case .tokens: Wording.tokens(value)
        case .cost: Wording.dollars(value)
        }
    }

    public func write(into json: inout JSONWriter) {
        json.beginObject()
        json.field("id", id)
        json.object("subject") { $0.fields(of: subject) }
        json.field("measure", measure.rawValue)
        json.field("direction", isImprovement ? "improvement" : "regression")
        json.field("severity", severity.rawValue)
        json.field("title", title)
        json.field("text", text)
        json.key("baseline")
        json.number(baseline)
        json.key("recent")
        json.number(recent)
        json.field("change", rounded(change, 4))
        json.field("p_value", p)
        json.field("confidence", rounded(confidence, 4))
        json.field("baseline_samples", baselineSamples)
        json.field("recent_samples", recentSamples)
        json.time("recent_from", recentFrom)
        json.time("recent_to", recentTo)
        json.object("evidence") { $0.fields(of: evidence) }
        json.endObject()
    }
}

/// How an operation used to do and does now.
public struct BaselineSummary: Sendable {
    public let subject: FindingSubject
    /// Whether enough was seen to compare with.
    public let isLearned: Bool
    public let baseline: OperationFigures
    public let recent: OperationFigures

    public func write(into json: inout JSONWriter) {
        json.beginObject()
        json.object("subject") { $0.fields(of: subject) }
        json.field("status", isLearned ? "learned" : "learning")
        json.object("baseline") { baseline.write(into: &$0) }
        json.object("recent") { recent.write(into: &$0) }
        json.endObject()
    }
}

extension OperationFigures {
    fileprivate func write(into json: inout JSONWriter) {
        json.field("samples", calls)
        let hasDuration = duration.count > 0
        for (name, value) in [
            ("avg_duration_seconds", hasDuration ? duration.average : .nan),
            ("p50_duration_seconds", hasDuration ? duration.p50 : .nan),
            ("p95_duration_seconds", hasDuration ? duration.p95 : .nan),
            ("p99_duration_seconds", hasDuration ? duration.p99 : .nan),
            ("error_share", errorShare), ("tokens_per_call", tokens),
            ("cost_usd_per_call", cost),
        ] {
            json.key(name)
            if value.isNaN { json.null() } else { json.number(value) }
        }
    }
}

/// What `GET regressions` tells.
public struct RegressionReport: Sendable {
    /// Unix nanoseconds.
    public let time: UInt64
    /// For the worse; severe first, then the surest.
    public let regressions: [RegressionFinding]
    public let improvements: [RegressionFinding]
    /// By kind and name; those that wait have nothing recent.
    public let baselines: [BaselineSummary]
    /// Baselines of before the last start whose operations have not come again.
    public let waiting: Int
    public let unwatched: Int

    public func write(into json: inout JSONWriter) {
        json.beginObject()
        json.field("time", rfc3339(unixNanoseconds: time))
        json.array("regressions") { json in
            for finding in regressions { finding.write(into: &json) }
        }
        json.array("improvements") { json in
            for finding in improvements { finding.write(into: &json) }
        }
        json.array("baselines") { json in
            for baseline in baselines { baseline.write(into: &json) }
        }
        json.object("watched") { json in
            json.field("operations", baselines.count)
            json.field("waiting_baselines", waiting)
            json.field("missed", unwatched)
        }
        json.endObject()
    }
}

extension Regressions {
    public func report(_ symbols: Symbols, now: UInt64) -> RegressionReport {
        let findings = findings(symbols)
        let known = keys.indices.map { place in
            let assessment = assessments[place]
            return BaselineSummary(
                subject: keys[place].subject(symbols), isLearned: assessment.isLearned,
                baseline: assessment.baseline, recent: assessment.recent)
        }
        return RegressionReport(
            time: now, regressions: findings.filter { !$0.isImprovement },
            improvements: findings.filter(\.isImprovement),
            baselines: (known + adopted.summaries).sorted {
                ($0.subject.kind.rawValue, $0.subject.name)
                    < ($1.subject.kind.rawValue, $1.subject.name)
            },
            waiting: adopted.baselines.count, unwatched: unwatched)
    }

    /// What is large enough and hardly noise, for better and worse.
    public func findings(_ symbols: Symbols) -> [RegressionFinding] {
        var found: [RegressionFinding] = []
        for (place, assessment) in assessments.enumerated() {
            for change in assessment.changes
            where change.isLarge && change.adjusted < settings.significance {
                found.append(finding(change, assessment, place, symbols))
            }
        }
        let order = RegressionFinding.Severity.allCases
        func rank(_ finding: RegressionFinding) -> Int {
            order.firstIndex(of: finding.severity) ?? 0
        }
        return found.sorted { one, other in
            let (a, b) = (rank(one), rank(other))
            if a != b { return a > b }
            if one.confidence != other.confidence { return one.confidence > other.confidence }
            return one.id < other.id
        }
    }

    private func finding(
        _ change: Assessment.Change, _ assessment: Assessment, _ place: Int, _ symbols: Symbols
    ) -> RegressionFinding {
        let isBetter = change.change < 0
        // Half of the time is as far from before as twice the time.
        let size = isBetter ? 1 / max(1 + change.change, 0.01) - 1 : change.change
        let measured: SampledMeasure =
            switch change.measure {
            case .averageDuration, .medianDuration, .p95Duration: .duration
            case .errorShare: .failure
            case .tokens: .tokens
            case .cost: .cost
            }
        let from = UInt64(assessment.recentFrom) &* 1_000_000_000
        let ring = examples[place * SampledMeasure.count + measured.rawValue]
        let fewest = Double(min(change.oldCount, change.newCount))
        return RegressionFinding(
            subject: keys[place].subject(symbols), measure: change.measure,
            isImprovement: isBetter,
            severity: size > settings.severe
                ? .severe : size > settings.moderate ? .moderate : .minor,
            baseline: change.old, recent: change.new, change: change.change, p: change.adjusted,
            confidence: max(0, min(1 - change.adjusted, 1 - 1 / max(fewest, 1))),
            baselineSamples: change.oldCount, recentSamples: change.newCount, recentFrom: from,
            recentTo: UInt64(assessment.recentTo) &* 1_000_000_000,
            evidence: isBetter
                ? FindingEvidence() : ring.evidence(count: change.newCount, since: from))
    }
}
