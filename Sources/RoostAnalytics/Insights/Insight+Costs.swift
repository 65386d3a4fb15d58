extension Insight {
    init(_ advice: CostAdvice) {
        let kind: FindingSubject.Kind = advice.subject == "agent" ? .agent : .model
        // Most of what is spent is worth more words than a rest; the advice has passed 1 % already.
        let isLarge = advice.savings >= 100
        self.init(
            id: "cost-"
                + hexText(stableHash([advice.kind.rawValue, advice.subject, advice.name])),
            source: .cost, kind: advice.kind.rawValue, topic: advice.kind.rawValue,
            category: .cost, priority: isLarge ? .medium : .low,
            impact: advice.savings >= 1_000 ? .high : isLarge ? .medium : .low, effort: .medium,
            confidence: advice.confidence, subject: FindingSubject(kind, advice.name),
            title: advice.titleText.quoted, text: advice.detailText.quoted,
            action:
                "Trying it on a part of the calls first shows whether the answers stay as good; "
                + "it would save about \(Wording.dollars(advice.savings)) in 30 days.",
            figures: advice.figures.map { FindingFigure($0.name, $0.value) }
                + [FindingFigure("savings_usd", advice.savings)])
    }

    /// Nil while the budget is far from its end.
    init?(_ budget: BudgetState) {
        guard budget.level != .ok else { return nil }
        let rule = budget.rule
        let isSpent = budget.level == .exceeded
        func amount(_ number: Double) -> String {
            if case .usd = rule.limit { return Wording.dollars(number) }
            return Wording.tokens(number)
        }
        let name = "`\(FindingSubject(.agent, rule.name).shown)`"
        var whose = ""
        if rule.scope != .all, !budget.subject.isEmpty {
            whose = " of \(rule.scope.rawValue) `\(FindingSubject(.agent, budget.subject).shown)`"
        }
        var text = "\(amount(budget.spent)) of \(amount(rule.limit.amount)) "
        text += "(\(Wording.percent(budget.share))) of the budget \(name)\(whose) are spent."
        if let end = budget.exhaustedAt {
            text += " At the rate of the last hour, \(amount(budget.burnRate)) an hour, "
            text += "nothing is left at \(minuteText(end))."
        }
        if let reset = budget.resetsAt { text += " It begins anew at \(minuteText(reset))." }
        if budget.unpricedCalls > 0, case .usd = rule.limit {
            text +=
                " \(Wording.count(Int(clamping: budget.unpricedCalls), "call")) without a known price "
            text += budget.unpricedCalls == 1 ? "is not counted." : "are not counted."
        }
        self.init(
            id: "budget-" + hexText(stableHash([rule.identity, budget.subject])), source: .cost,
            kind: isSpent ? "budget_exceeded" : "budget_warning",
            topic: "budget " + rule.identity + " " + budget.subject, category: .cost,
            priority: isSpent ? .critical : .high, impact: .high, effort: .low, confidence: nil,
            subject: nil,
            title: isSpent
                ? "The budget \(name)\(whose) is used up"
                : "The budget \(name)\(whose) is nearly used up",
            text: text,
            action: isSpent
                ? "Raise the budget, or stop what spends most of it; the costs by agent and model "
                    + "tell what that is."
                : "Decide now whether to raise it, and look at what spends most of it.",
            figures: [
                FindingFigure("spent", budget.spent), FindingFigure("limit", rule.limit.amount),
                FindingFigure("used_share", budget.share),
                FindingFigure("burn_rate_per_hour", budget.burnRate),
            ])
    }

    /// Failures close together in time.
    init(_ cluster: FailureCluster) {
        let errorType = FindingSubject(.tool, cluster.errorType).shown
        let length = Wording.duration(Double(cluster.length) / 1e9)
        var text = "\(Wording.count(cluster.count, "failure")) happened within \(length)"
        text += ", from \(minuteText(cluster.start)) on, where "
        text += "\(Wording.number(cluster.expected)) were to be expected in that time"
        if !cluster.errorType.isEmpty {
            text += "; \(Wording.percent(cluster.share)) of them were `\(errorType)`"
        }
        if !cluster.agents.isEmpty {
            let names = cluster.agents.prefix(3).map { "`\(FindingSubject(.agent, $0).shown)`" }
            let rest = cluster.agents.count - names.count
            text += ", in \(names.count == 1 ? "agent" : "agents") "
            text += Wording.list(names + (rest > 0 ? ["\(rest) more"] : []))
        }
        var evidence = FindingEvidence()
        evidence.count = cluster.count
        evidence.first = cluster.start
        evidence.last = cluster.end
        let key = [
            cluster.component.text, cluster.errorType, String(cluster.start / 60_000_000_000),
        ]
        self.init(
            id: "burst-" + hexText(stableHash(key)), source: .failure, kind: "failure_burst",
            topic: "burst " + key.joined(separator: " "), category: .reliability,
            priority: cluster.count >= 20 ? .high : .medium, impact: .medium, effort: .medium,
            confidence: cluster.confidence, subject: nil,
            title: "\(Wording.count(cluster.count, "failure")) came in one burst",
            text: text + ".",
            action: "Compare the time with deployments and with disturbances of providers: what "
                + "fails together mostly has one cause.",
            figures: [
                FindingFigure("failures", Double(cluster.count)),
                FindingFigure("expected", cluster.expected),
                FindingFigure("type_share", cluster.share),
            ], evidence: evidence)
    }
}
