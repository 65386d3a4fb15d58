import RoostCore
import RoostIngest
import Testing

@testable import RoostAnalytics

@Suite struct InsightBookTests {
    private var feed = FactFeed()
    private var findings = Findings()
    private var windows = Windows()
    private var costs = Costs()
    private var budgets = Budgets()
    private var book = InsightBook()

    private mutating func take(_ fact: AgentFact) {
        findings.take(fact, feed.symbols, now: feed.now)
        windows.take(fact, feed.symbols, now: feed.now)
        costs.take(fact, feed.symbols, now: feed.now)
        _ = budgets.take(fact, feed.symbols, now: feed.now)
    }

    /// Runs of a workflow with a model and a tool, of which `failing` fail at the tool.
    private mutating func runs(_ count: Int, failing: Int, model: String = "opus") {
        for run in 0..<count {
            feed.now += 10 * FactFeed.second
            let trace = feed.newTrace()
            let (root, agent) = (feed.newSpan(), feed.newSpan())
            let fails = run < failing
            take(
                feed.step(
                    .llm, model, trace: trace, parent: agent, seconds: 2, agent: "clerk",
                    workflow: "order", read: 4_000, cost: model == "opus" ? 0.02 : .nan))
            take(
                feed.step(
                    .tool, "charge|card", trace: trace, parent: agent, at: 3, failed: fails,
                    agent: "clerk", workflow: "order"))
            take(
                feed.step(
                    .agent, "clerk", trace: trace, span: agent, parent: root, seconds: 4,
                    failed: fails, workflow: "order"))
            take(feed.step(.workflow, "order", trace: trace, span: root, seconds: 4, failed: fails))
            findings.tick(now: feed.now)
            windows.tick(now: feed.now)
            costs.tick(now: feed.now)
            _ = budgets.tick(now: feed.now)
        }
    }

    private mutating func inputs() -> InsightInputs {
        var inputs = InsightInputs()
        inputs.windows = windows.query(window: 3_600, feed.symbols, now: feed.now)
        inputs.costs = costs.report(.day, now: feed.now)
        inputs.budgets = budgets.states(now: feed.now)
        inputs.droppedFacts = 0
        return inputs
    }

    private mutating func update() {
        book.update(now: feed.now, feed.symbols, findings, inputs())
    }

    private mutating func report() -> InsightReport {
        var coverage = findings.coverage(inputs())
        coverage.observedSince = FactFeed.start
        return InsightReport(
            time: feed.now, since: FactFeed.start, insights: book.insights,
            gone: book.gone(since: FactFeed.start), coverage: coverage)
    }

    @Test mutating func `the most pressing comes first, each thing once`() {
        runs(40, failing: 32)
        update()
        let insights = book.insights
        #expect(insights.first?.priority == .critical)
        let ranks = insights.map { InsightPriority.allCases.firstIndex(of: $0.priority)! }
        #expect(ranks == ranks.sorted())
        #expect(Set(insights.map(\.id)).count == insights.count)
        let ofTool = insights.filter { $0.subject?.name == "charge|card" && $0.topic == "failures" }
        #expect(ofTool.count == 1)
        #expect(insights.contains { $0.kind == "failing_step" })
        #expect(insights.contains { $0.kind == "workflows_failing" })
    }

    @Test mutating func `ids and first seen stay, and what is over is told as gone`() {
        runs(40, failing: 32)
        update()
        let before = book.insights
        feed.now += 60 * FactFeed.second
        update()
        #expect(book.insights.map(\.id) == before.map(\.id))
        #expect(book.insights.map(\.firstSeen) == before.map(\.firstSeen))
        #expect(book.insights.allSatisfy { $0.lastSeen == feed.now })
        feed.now += 80_000 * FactFeed.second
        book.update(now: feed.now, figures: [])
        #expect(book.insights.isEmpty)
        #expect(book.gone(since: FactFeed.start).count == before.count)
        #expect(book.gone(since: feed.now).isEmpty)
        feed.now += 90_000 * FactFeed.second
        book.update(now: feed.now, figures: [])
        #expect(book.gone(since: 0).isEmpty)
    }

    @Test mutating func `figures come from windows and counts together`() throws {
        runs(30, failing: 3)
        let sets = findings.figures(feed.symbols, now: feed.now, inputs())
        let agent = try #require(sets.first { $0.scope == .agent && $0.name == "clerk" }).values
        #expect(agent["runs"] == 30)
        #expect(agent["error_share"] == 0.1)
        #expect(agent["tokens"] == 120_000)
        #expect(agent["llm_calls_per_run"] == 1)
        #expect(abs((agent["cost_usd"] ?? 0) - 0.6) < 1e-9)
        #expect(abs((agent["cost_share"] ?? 0) - 1) < 1e-9)
        for set in sets {
            for name in set.values.keys {
                #expect(InsightFigure.named("\(set.scope.rawValue).\(name)") != nil, "\(name)")
            }
        }
    }

    @Test mutating func `the report reads as written`() {
        runs(20, failing: 0)
        runs(40, failing: 32)
        update()
        feed.now += 300 * FactFeed.second
        update()
        let page = report().markdown()
        #expect(page.hasPrefix("# How the agents are doing\n\nWritten 2027-01-15 08:15 UTC.\n"))
        #expect(page.contains("The last hour saw 60 workflow runs, 60 agent runs, 60 model calls"))
        #expect(page.contains("for $1.20."))
        #expect(page.contains("## Critical: act now"))
        #expect(page.contains("`charge\\|card`"))
        #expect(page.contains("Reported since 2027-01-15 08:10 UTC."))
        #expect(page.contains("4 agents, tools, models or workflows have been seen too little"))
        #expect(!page.contains("no known price"))
        #expect(page.hasSuffix("\n") && !page.hasSuffix("\n\n"))
    }

    @Test mutating func `costs that are not known are said to be so`() {
        runs(30, failing: 0, model: "homemade")
        update()
        let page = report().markdown()
        #expect(page.contains("30 model calls have no known price (`homemade`)"))
        #expect(!page.contains("$"))
        #expect(book.insights.map(\.kind) == ["unpriced_calls"])
    }

    @Test mutating func `a budget that is nearly used up is told with its numbers`() throws {
        budgets = Budgets(
            rules: [BudgetRule(name: "daily", scope: .all, limit: .usd(0.7), per: .day)])
        runs(30, failing: 0)
        update()
        let insight = try #require(book.insights.first { $0.kind == "budget_warning" })
        #expect(insight.title == "The budget `daily` is nearly used up")
        #expect(insight.text.hasPrefix("$0.60 of $0.70 (86 %) of the budget `daily` are spent."))
        #expect(insight.priority == .high)
    }

    @Test func `nothing heard is told as that`() {
        let report = InsightReport(
            time: FactFeed.start, since: FactFeed.start, insights: [], coverage: InsightCoverage())
        #expect(report.markdown().contains("No agent activity was heard of in the last hour"))
        #expect(!report.markdown().contains("##  "))
    }

    @Test mutating func `little is not told as nothing wrong`() {
        runs(3, failing: 0)
        update()
        #expect(report().markdown().contains("that is too little to judge by"))
        runs(60, failing: 0)
        update()
        #expect(report().markdown().contains("Nothing stands out: no rule applies"))
    }

    @Test mutating func `names from outside cannot leave their quotation`() {
        let name = "x`\n# Owned " + String(repeating: "y", count: 300)
        for _ in 0..<20 {
            take(feed.step(.tool, name, trace: feed.newTrace(), failed: true))
        }
        update()
        let page = report().markdown()
        #expect(!page.contains("\n# Owned"))
        #expect(page.contains("`x' # Owned yyy"))
    }

    @Test mutating func `the report is told in JSON`() {
        runs(40, failing: 32)
        update()
        var json = JSONWriter()
        report().write(into: &json)
        let text = String(decoding: json.bytes, as: UTF8.self)
        #expect(text.contains(#""counts":{"critical":"#))
        #expect(text.contains(#""coverage":{"observed_since":"2027-01-15T08:00:00.000000000Z""#))
        #expect(text.contains(#""source":"pattern","kind":"recurring_failure""#))
    }
}
