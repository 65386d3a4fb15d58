import RoostCore

extension InsightReport {
    /// The report for people, in Markdown (CommonMark with tables). Ends with a line feed.
    public func markdown() -> String {
        var page = MarkdownPage()
        page.heading(1, "How the agents are doing")
        page.paragraph("Written \(minuteText(time)).")
        page.heading(2, "Summary")
        page.paragraph(summary)
        overview(&page)
        var number = 0
        for priority in InsightPriority.allCases {
            let insights = insights.filter { $0.priority == priority }
            guard !insights.isEmpty else { continue }
            page.heading(2, priority.heading)
            for insight in insights {
                number += 1
                section(insight, number, &page)
            }
        }
        over(&page)
        measured(&page)
        unknown(&page)
        return page.text
    }

    /// A paragraph for whoever reads no further.
    var summary: String {
        guard !coverage.isEmpty || !insights.isEmpty else {
            return
                "No agent activity was heard of in \(Wording.window(coverage.seconds)), so there "
                + "is nothing to report. That says nothing about how the agents do: check that "
                + "they send their traces here."
        }
        var sentences: [String] = []
        if !coverage.isEmpty { sentences.append(activity) }
        guard let first = insights.first else {
            sentences.append(
                isThin
                    ? "Nothing stands out, but that is too little to judge by."
                    : "Nothing stands out: no rule applies, no pattern shows, and nothing became "
                        + "measurably worse.")
            return sentences.joined(separator: " ")
        }
        let counts = InsightPriority.allCases.compactMap { priority -> String? in
            let count = count(priority)
            return count == 0 ? nil : "\(Wording.integer(count)) \(priority.inSentence)"
        }
        let all = insights.count == 1 ? "One thing is" : "\(insights.count) things are"
        sentences.append("\(all) worth attention: \(Wording.list(counts)).")
        if insights.count > 1 {
            sentences.append("The most pressing: \(lowercased(first.title)).")
        }
        return sentences.joined(separator: " ")
    }

    private var activity: String {
        var did: [String] = []
        for (count, word) in [
            (coverage.workflowRuns, "workflow run"), (coverage.agentRuns, "agent run"),
            (coverage.llmCalls, "model call"), (coverage.toolCalls, "tool call"),
        ] where count > 0 {
            did.append(Wording.count(count, word))
        }
        var text = "\(Wording.window(coverage.seconds)) saw "
        text = text.prefix(1).uppercased() + text.dropFirst()
        guard coverage.hasActivities else {
            let used = [
                coverage.tokens > 0 ? Wording.tokens(coverage.tokens) : nil,
                coverage.cost.map { _ in "costs of \(costText)" },
            ].compactMap(\.self)
            return text + "\(Wording.list(used)); of runs and calls nothing was told."
        }
        text += Wording.list(did)
        if coverage.tokens > 0 { text += ", using \(Wording.tokens(coverage.tokens))" }
        if coverage.cost != nil {
            text += (coverage.tokens > 0 ? " for " : ", costing ") + costText
        }
        return text + "."
    }

    private var costText: String {
        (coverage.unpricedCalls > 0 ? "at least " : "") + Wording.dollars(coverage.cost ?? 0)
    }

    /// Whether silence may only mean that little was seen.
    private var isThin: Bool {
        coverage.workflowRuns + coverage.agentRuns + coverage.llmCalls + coverage.toolCalls < 50
    }

    // MARK: sections

    private func overview(_ page: inout MarkdownPage) {
        guard insights.count > 1 else { return }
        var rows: [[String]] = []
        for (at, insight) in insights.enumerated() {
            rows.append([
                String(at + 1), insight.title, insight.category.rawValue,
                insight.priority.rawValue, insight.impact.rawValue, insight.effort.rawValue,
            ])
        }
        page.table(["#", "What", "Category", "Priority", "Impact", "Effort"], rows)
    }

    private func section(_ insight: Insight, _ number: Int, _ page: inout MarkdownPage) {
        page.heading(3, "\(number). \(insight.title)")
        page.paragraph(insight.text)
        page.paragraph("**What to do.** \(insight.action)")
        page.paragraph("**Evidence.** " + evidence(insight))
        var traits = [
            insight.category.rawValue, "impact \(insight.impact.rawValue)",
            "effort \(insight.effort.rawValue)",
        ]
        if let confidence = insight.confidence {
            traits.append("confidence \(Wording.percent(confidence))")
        }
        page.paragraph("*" + traits.joined(separator: " · ") + "*")
    }

    private func evidence(_ insight: Insight) -> String {
        let evidence = insight.evidence
        var sentences: [String] = []
        if evidence.count > 0, evidence.last > 0, insight.source == .pattern {
            sentences.append(
                evidence.count == 1
                    ? "Seen once, at \(minuteText(evidence.last))."
                    : "Seen \(Wording.integer(evidence.count)) times, last at "
                        + "\(minuteText(evidence.last)).")
        }
        let first = insight.firstSeen
        if first > 0, first < time {
            sentences.append("Reported since \(minuteText(first)).")
        } else {
            sentences.append("New in this report.")
        }
        let traces = evidence.examples.prefix(3).map { example in
            example.spanID == 0
                ? "`\(example.traceID)`"
                : "`\(example.traceID)` (span `\(example.spanIDText)`)"
        }
        if !traces.isEmpty {
            let word = traces.count == 1 ? "Example trace" : "Example traces"
            sentences.append("\(word): \(Wording.list(traces)).")
        }
        return sentences.joined(separator: " ")
    }

    /// What is better, and what is no longer so.
    private func over(_ page: inout MarkdownPage) {
        if !improvements.isEmpty {
            page.heading(2, "What has become better")
            page.list(improvements.map(\.text))
        }
        if !gone.isEmpty {
            page.heading(2, "What no longer holds")
            page.list(gone.map { "\($0.title) (until \(minuteText($0.lastSeen)))." })
        }
    }

    private func measured(_ page: inout MarkdownPage) {
        page.heading(2, "What was measured")
        var lines: [String] = []
        if coverage.observedSince > 0 {
            lines.append(
                "Activities have been observed since \(minuteText(coverage.observedSince)).")
        }
        lines.append(
            "Counts are of what arrived in \(Wording.window(coverage.seconds)); what shows only "
                + "over a longer time is judged by the last 24 hours. Durations leave out waiting "
                + "for people.")
        if coverage.hasActivities {
            lines.append(
                coverage.errors == 0
                    ? "No activity ended in error."
                    : "\(Wording.count(coverage.errors, "activity", "activities")) ended in error.")
        }
        if coverage.learned > 0 {
            let known = coverage.learned
            lines.append(
                "\(Wording.count(known, "agent, tool, model or workflow is", "agents, tools, models or workflows are")) "
                    + "compared with how \(known == 1 ? "it" : "they") used to do.")
        }
        lines.append(
            "Confidence is the computed chance that a finding is no accident of few samples; it "
                + "says nothing about its cause.")
        page.list(lines)
    }

    private func unknown(_ page: inout MarkdownPage) {
        var lines: [String] = []
        if coverage.unpricedCalls > 0 {
            var text = "\(Wording.count(coverage.unpricedCalls, "model call")) "
            text += coverage.unpricedCalls == 1 ? "has no known price" : "have no known price"
            if !coverage.unpricedModels.isEmpty {
                let names = coverage.unpricedModels.prefix(5).map {
                    "`\(FindingSubject(.model, $0).shown)`"
                }
                let more = coverage.unpricedModels.count - names.count
                let rest = more > 0 ? ["\(Wording.integer(more)) more"] : []
                text += " (\(Wording.list(names + rest)))"
            }
            lines.append(text + "; costs told here are too low by theirs.")
        } else if coverage.cost == nil, coverage.llmCalls > 0 {
            lines.append(
                "No cost is known: neither was any reported, nor were there tokens with a price.")
        }
        if coverage.learning > 0 {
            lines.append(
                "\(Wording.count(coverage.learning, "agent, tool, model or workflow has", "agents, tools, models or workflows have")) "
                    + "been seen too little to tell whether "
                    + "\(coverage.learning == 1 ? "it" : "they") became worse.")
        }
        if coverage.missed > 0 {
            lines.append(
                "\(Wording.count(coverage.missed, "activity", "activities")) could not be analysed "
                    + "for want of room since the start; counts are too low by them.")
        }
        lines += coverage.remarks
        guard !lines.isEmpty else { return }
        page.heading(2, "What is not known")
        page.list(lines)
    }

    private func lowercased(_ title: String) -> String {
        title.prefix(1).lowercased() + title.dropFirst()
    }
}

extension InsightPriority {
    fileprivate var heading: String {
        switch self {
        case .critical: "Critical: act now"
        case .high: "High: act soon"
        case .medium: "Medium: plan for it"
        case .low: "Low: when convenient"
        }
    }

    fileprivate var inSentence: String {
        switch self {
        case .critical: "to act on now"
        case .high: "to act on soon"
        case .medium: "to plan for"
        case .low: "for when it is convenient"
        }
    }
}

/// Puts blocks one below the other.
private struct MarkdownPage {
    private(set) var text = ""

    mutating func heading(_ level: Int, _ title: String) {
        block(String(repeating: "#", count: level) + " " + title)
    }

    mutating func paragraph(_ words: String) { block(words) }

    mutating func list(_ items: [String]) { block(items.map { "- " + $0 }.joined(separator: "\n")) }

    mutating func table(_ heads: [String], _ rows: [[String]]) {
        var lines = [line(heads), line(heads.map { _ in "---" })]
        lines += rows.map { line($0) }
        block(lines.joined(separator: "\n"))
    }

    private func line(_ cells: [String]) -> String {
        let safe = cells.map { cell in
            cell.split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|")
        }
        return "| " + safe.joined(separator: " | ") + " |"
    }

    private mutating func block(_ words: String) {
        if !text.isEmpty { text += "\n" }
        text += words + "\n"
    }
}

/// `2026-11-20 08:15 UTC`.
func minuteText(_ unixNano: UInt64) -> String {
    let text = rfc3339(unixNanoseconds: unixNano)
    return text.prefix(10) + " " + text.dropFirst(11).prefix(5) + " UTC"
}
