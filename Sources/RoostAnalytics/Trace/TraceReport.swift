import RoostIngest

/// The analysis of a trace as Markdown for people.
///
/// Sections that would have nothing in them are left out.
public func formatReport(_ analysis: TraceAnalysis) -> String {
    var report = TraceReport(analysis)
    return report.make()
}

private struct TraceReport {
    private let analysis: TraceAnalysis
    private var steps: [TraceStep] { analysis.document.steps }
    private var text = ""

    private static let mostRows = 10

    init(_ analysis: TraceAnalysis) { self.analysis = analysis }

    mutating func make() -> String {
        let document = analysis.document
        let name = document.workflow.isEmpty ? "Trace" : document.workflow
        text = "# \(Markdown.plain(name))\n\n"
        text += "Trace `\(HexText.trace(document.traceIDHigh, document.traceIDLow))`"
        guard let score = analysis.score else { return text + " holds nothing.\n" }
        text += ", \(document.steps.count + document.omitted) spans"
        text += document.omitted > 0 ? ", of which \(document.omitted) are not looked at.\n" : ".\n"
        writeTimes(score)
        writeRecommendations()
        writePath()
        writeAgents()
        writeOperations()
        writeRemarks()
        return text
    }

    private mutating func heading(_ title: String) { text += "\n## \(title)\n\n" }

    private mutating func table(_ columns: [String], _ rows: [[String]], of count: Int) {
        text += "| \(columns.joined(separator: " | ")) |\n"
        text += "|\(String(repeating: " --- |", count: columns.count))\n"
        for row in rows { text += "| \(row.joined(separator: " | ")) |\n" }
        if count > rows.count { text += "\n\(count - rows.count) more are not shown.\n" }
    }

    private mutating func writeTimes(_ score: TraceScore) {
        let parts = analysis.concurrency
        let verdict = score.total > analysis.settings.targetScore ? "above" : "not above"
        text += "\nScore **\(Words.decimal(score.total, 0))** of 100, \(verdict) the target of "
        text += "\(Words.decimal(analysis.settings.targetScore, 0)): "
        text += "\(Words.decimal(score.parallelization, 0)) of 40 for running things at the same "
        text += "time, \(Words.decimal(score.longPoles, 0)) of 30 for the absence of long poles, "
        text += "\(Words.decimal(score.errors, 0)) of 30 for that of failures.\n\n"
        text += "It took \(Words.time(analysis.wallClock)) for \(Words.time(parts.work)) of work"
        text += " (\(Words.decimal(parts.factor, 2)) times the working time); "
        text += "\(Words.percent(parts.ratio)) of the busy time at least two steps ran, "
        text += "at most \(parts.peak)."
        if parts.waiting > 0 {
            text += " For \(Words.time(parts.waiting)) everything waited for a person."
        }
        if parts.idle > 0 { text += " For \(Words.time(parts.idle)) nothing known ran." }
        text += "\n"
    }

    private mutating func writeRecommendations() {
        guard !analysis.recommendations.isEmpty else { return }
        heading("What to do")
        for (number, advice) in analysis.recommendations.prefix(Self.mostRows).enumerated() {
            text += "\(number + 1). **\(Markdown.plain(advice.title)).** "
            text += Markdown.plain(advice.text)
            var gains: [String] = []
            if let saving = advice.saving, saving > 0 {
                gains.append("up to \(Words.time(Int(saving * 1e9)))")
            }
            if let cost = advice.costSaving, cost > 0 { gains.append("$\(Markdown.money(cost))") }
            if !gains.isEmpty { text += " Saves \(gains.joined(separator: " and "))." }
            text += " Confidence \(Words.percent(advice.confidence))."
            let spans = advice.evidence.map { steps[$0].spanID }.filter { $0 != 0 }
            if !spans.isEmpty {
                text += " Spans: \(spans.map { "`\(HexText.span($0))`" }.joined(separator: ", "))."
            }
            text += "\n"
        }
    }

    private mutating func writePath() {
        let known = analysis.criticalPath.onPath
        let places = steps.indices.filter { known[$0] > 0 }
            .sorted { (known[$1], $0) < (known[$0], $1) }
        guard !places.isEmpty else { return }
        heading("What the end waited for")
        table(
            ["Step", "Agent", "On the critical path", "Share", "Span"],
            places.prefix(Self.mostRows).map { place in
                [
                    Markdown.cell(Words.step(steps[place])), Markdown.cell(steps[place].agent),
                    Words.time(known[place]),
                    Words.percent(Double(known[place]) / Double(max(analysis.wallClock, 1))),
                    steps[place].spanID == 0 ? "" : "`\(HexText.span(steps[place].spanID))`",
                ]
            }, of: places.count)
    }

    private mutating func writeAgents() {
        guard !analysis.agents.isEmpty else { return }
        heading("Agents")
        table(
            ["Agent", "Runs", "At work", "Share", "Errors", "Tokens", "Cost"],
            analysis.agents.prefix(Self.mostRows).map { agent in
                [
                    Markdown.cell(agent.agent), "\(agent.runs)", Words.time(agent.busy),
                    Words.percent(agent.share) + (agent.isSlow ? " (slow)" : ""),
                    "\(agent.errors)", "\(agent.tokens)",
                    agent.cost.map { "$\(Markdown.money($0))" } ?? "unknown",
                ]
            }, of: analysis.agents.count)
    }

    private mutating func writeOperations() {
        guard !analysis.operations.isEmpty else { return }
        heading("Operations")
        table(
            ["Operation", "Calls", "Errors", "Mean", "Median", "p95", "Total", "Itself"],
            analysis.operations.prefix(Self.mostRows).map { operation in
                [
                    Markdown.cell(
                        operation.activity == .other
                            ? operation.name : "\(operation.activity.name) \(operation.name)"),
                    "\(operation.count)", "\(operation.errors)",
                    Words.time(Int(operation.mean)), Words.time(Int(operation.median)),
                    Words.time(Int(operation.p95)), Words.time(operation.total),
                    Words.time(operation.own),
                ]
            }, of: analysis.operations.count)
    }

    private mutating func writeRemarks() {
        var remarks: [String] = []
        if analysis.stepsOutside > 0 {
            remarks.append(
                "\(analysis.stepsOutside) steps lie at least partly outside of those above them.")
        }
        let pending = steps.count { $0.isPending }
        if pending > 0 {
            remarks.append(
                "\(pending) steps were announced and have not ended; they are taken to last as "
                    + "long as the trace.")
        }
        let mended = steps.count { $0.isMendedTime }
        if mended > 0 {
            remarks.append("\(mended) steps said that they ended before they began.")
        }
        guard !remarks.isEmpty else { return }
        heading("Remarks")
        for remark in remarks { text += "- \(remark)\n" }
    }
}

enum Markdown {
    /// Without what would be read as markup, on one line.
    static func plain(_ text: String) -> String {
        var plain = ""
        for character in text {
            switch character {
            case "*", "_", "`", "[", "]", "<", ">", "#", "\\": plain += "\\\(character)"
            case _ where character.isNewline: plain += " "
            default: plain.append(character)
            }
        }
        return plain
    }

    static func cell(_ text: String) -> String {
        var cell = ""
        for character in plain(text) {
            if character == "|" { cell += "\\|" } else { cell.append(character) }
        }
        return cell
    }

    /// USD, with more digits for small amounts.
    static func money(_ amount: Double) -> String {
        if amount >= 1 { return Words.decimal(amount, 2) }
        let millionths = Int((min(max(amount, 0), 1) * 1e6).rounded())
        let digits = "\(millionths)"
        let padded = String(repeating: "0", count: max(0, 6 - digits.count)) + digits
        return millionths >= 1_000_000 ? "1.00" : "0.\(padded.prefix(amount >= 0.01 ? 4 : 6))"
    }
}
