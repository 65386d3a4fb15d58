extension Insight {
    /// What a pattern means for whoever runs the fleet. Nil when it is as likely chance.
    init?(_ finding: PatternFinding) {
        guard finding.confidence >= 0.5 else { return nil }
        let judged = Insight.judge(finding)
        self.init(
            id: finding.id, source: .pattern, kind: finding.kind.rawValue,
            topic: Insight.topic(finding.kind), category: judged.category,
            priority: judged.priority, impact: judged.impact, effort: judged.effort,
            confidence: finding.confidence, subject: finding.subject, title: finding.title,
            text: finding.text, action: Insight.action(finding), figures: finding.figures,
            evidence: finding.evidence)
    }

    private static func topic(_ kind: PatternFinding.Kind) -> String {
        switch kind {
        case .recurringFailure: "failures"
        case .bottleneck, .longWorkflow: "duration"
        case .highRetries: "retries"
        default: kind.rawValue
        }
    }

    private typealias Judgement = (
        category: InsightCategory, priority: InsightPriority, impact: InsightDegree,
        effort: InsightDegree
    )

    private static func judge(_ finding: PatternFinding) -> Judgement {
        let isSure = finding.confidence >= 0.9
        switch finding.kind {
        case .recurringFailure:
            let share = finding.figure("failure_share") ?? 0
            let isCritical = isSure && (share >= 0.8 || finding.subject.kind == .workflow)
            // An agent may have a way around a tool that fails.
            let isHigh = isSure || finding.subject.kind != .tool
            return (.reliability, isCritical ? .critical : isHigh ? .high : .medium, .high, .medium)
        case .failingStep: return (.reliability, isSure ? .high : .medium, .high, .medium)
        case .bottleneck:
            let limit = finding.figure("limit_seconds") ?? 10
            let isFar = (finding.figure("p95_seconds") ?? 0) > 3 * limit
            return (
                .performance, isSure && isFar ? .high : isSure ? .medium : .low,
                isFar ? .high : .medium, .medium
            )
        case .longWorkflow: return (.performance, isSure ? .medium : .low, .medium, .high)
        case .highRetries: return (.efficiency, isSure ? .medium : .low, .medium, .medium)
        case .repeatedOperation: return (.efficiency, isSure ? .medium : .low, .medium, .low)
        case .tokenGrowth: return (.cost, isSure ? .medium : .low, .high, .medium)
        case .humanWait: return (.efficiency, .low, .medium, .medium)
        case .sequentialAgents:
            let saving = finding.figure("saving_seconds") ?? 0
            return (
                .performance, isSure && saving > 10 ? .medium : .low,
                saving > 60 ? .high : .medium, .medium
            )
        case .fanOut: return (.quality, .low, .low, .low)
        case .pingPong: return (.quality, isSure ? .medium : .low, .medium, .medium)
        }
    }

    private static func action(_ finding: PatternFinding) -> String {
        switch (finding.kind, finding.subject.kind) {
        case (.recurringFailure, .model):
            "Look at the error types of the example calls. For rate limits and time-outs, retry "
                + "with growing pauses and name a second model to fall back to; for refused "
                + "requests, correct what is sent."
        case (.recurringFailure, .tool):
            "Call it by hand with the arguments of an example. If it works, the agents misuse it: "
                + "describe it better and check arguments before the call."
        case (.recurringFailure, _):
            "Open an example and find its first error: mend that step, or let the run go on "
                + "without it."
        case (.failingStep, _):
            "Mend this step first: it decides whether the workflow succeeds. Until then a retry or "
                + "another way around it helps most here."
        case (.bottleneck, .model):
            "Ask for shorter answers, send less input, stream where somebody waits, or try a "
                + "faster model for these calls."
        case (.bottleneck, .tool):
            "Find out where the tool spends its time; cache what is asked for repeatedly, and give "
                + "it a time limit."
        case (.bottleneck, _):
            "Look at the critical path of an example: the steps on it are the only ones worth "
                + "making faster."
        case (.longWorkflow, _):
            "Look at the critical path of an example, and run at the same time what does not "
                + "depend on each other."
        case (.highRetries, _):
            "Mend the cause of the failures that come before the retries; each retry costs time "
                + "and tokens again."
        case (.repeatedOperation, _):
            "Look at the arguments in an example: cache repeated answers, or let one call ask for "
                + "several things."
        case (.tokenGrowth, _):
            "Summarise or drop old turns, keep large tool results out of the history, and put what "
                + "stays the same first so that it can be cached."
        case (.humanWait, _):
            "Notify people sooner, ask once for several things, or let what is always approved "
                + "pass without asking."
        case (.sequentialAgents, _):
            "See which of these agents need no result of the one before, and start those "
                + "together."
        case (.fanOut, _):
            "See whether the providers' limits allow this many at once; if errors or waits come "
                + "with it, limit how many start together."
        case (.pingPong, _):
            "Tell each agent when its part is done, and limit how often work may be handed back."
        }
    }
}

extension Insight {
    /// What became worse. Improvements are no insights; the report tells them elsewhere.
    init?(_ finding: RegressionFinding) {
        guard !finding.isImprovement else { return nil }
        let isErrors = finding.measure == .errorShare
        let priority: InsightPriority =
            switch finding.severity {
            case .severe: isErrors ? .critical : .high
            case .moderate: isErrors ? .high : .medium
            case .minor: isErrors ? .medium : .low
            }
        let impact: InsightDegree =
            switch finding.severity {
            case .severe: .high
            case .moderate: .medium
            case .minor: .low
            }
        self.init(
            id: finding.id, source: .regression, kind: finding.measure.rawValue,
            topic: "regression_" + Insight.topic(finding.measure),
            category: Insight.category(finding.measure), priority: priority, impact: impact,
            effort: .medium, confidence: finding.confidence, subject: finding.subject,
            title: finding.title, text: finding.text, action: Insight.action(finding),
            figures: [
                FindingFigure("baseline", finding.baseline),
                FindingFigure("recent", finding.recent),
                FindingFigure("change", finding.change),
            ], evidence: finding.evidence)
    }

    private static func topic(_ measure: RegressionMeasure) -> String {
        switch measure {
        case .averageDuration, .medianDuration, .p95Duration: "duration"
        case .errorShare: "errors"
        case .tokens, .cost: "use"
        }
    }

    private static func category(_ measure: RegressionMeasure) -> InsightCategory {
        switch measure {
        case .averageDuration, .medianDuration, .p95Duration: .performance
        case .errorShare: .reliability
        case .tokens, .cost: .cost
        }
    }

    private static func action(_ finding: RegressionFinding) -> String {
        let when = finding.recentFrom == 0 ? "" : " since \(minuteText(finding.recentFrom))"
        switch finding.measure {
        case .averageDuration, .medianDuration, .p95Duration:
            return "Find out what changed\(when): versions, prompts, models, load. Compare an "
                + "example with an earlier trace."
        case .errorShare:
            return "Find out what changed\(when), and look at the error types of the examples."
        case .tokens, .cost:
            return "Compare the input of an example with an earlier call: a longer prompt, more "
                + "history or larger tool results mostly explain it. If it is meant to be so, "
                + "accept the new baseline."
        }
    }
}
