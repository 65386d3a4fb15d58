import RoostCore
import Testing

@testable import RoostAnalytics
@testable import RoostIngest

/// Services that tell what they used by metrics alone.
@Suite struct MetricUsageTests {
    private let began: UInt64 = 1_795_219_200_000_000_000
    private let book = PriceBook()

    private func point(
        _ tells: NameMetric.Subject, _ value: Double, session: String, user: String,
        model: String = "claude-sonnet-4-5", type: Int = 0, time: UInt64
    ) -> UsageFact {
        var fact = UsageFact()
        fact.service = Array("claude-code".utf8)
        fact.model = Array(model.utf8)
        fact.session = Array(session.utf8)
        fact.user = Array(user.utf8)
        fact.isExclusive = true
        (fact.tells, fact.tokenType, fact.value, fact.time) = (tells, type, value, time)
        return fact
    }

    private func taken(_ points: [UsageFact], prices: Bool = false) -> Analytics {
        var tracker = AgentTracker(AgentTrackerSettings(), prices: prices ? book : nil)
        tracker.tellFacts()
        tracker.take(points, now: 1, unixNow: began)
        tracker.tick(now: 31_000_000_000, unixNow: began)
        let rules = [BudgetRule.Scope.session, .user].map {
            BudgetRule(name: "\($0)", scope: $0, limit: .usd(1), per: .total)
        }
        var analytics = Analytics(began: began, rules: AnalyticsRules(budgets: rules))
        let batch = tracker.takeFacts(room: AgentFactBatch())
        analytics.begin(batch)
        analytics.take(batch.facts[...], now: began)
        return analytics
    }

    private func shares(_ analytics: Analytics, _ dimension: CostDimension) -> [String: [Double]] {
        var shares: [String: [Double]] = [:]
        for share in analytics.costs.report(.day, now: began).groups[dimension] ?? [] {
            shares[share.name] = [
                share.figures.cost ?? -1, Double(share.figures.tokens.total),
            ]
        }
        return shares
    }

    @Test func `what a tool says that it used is in the totals`() {
        var fact = AgentFact(.usage)
        fact.activity = .tool
        fact.calls = 0
        fact.cost = 0.02
        fact.tokens.input = 100
        var totals = WindowTotals()
        totals.note(fact)
        #expect((totals.cost, totals.tokens.total) == (0.02, 100))
        #expect((totals.toolCalls, totals.llmCalls, totals.events) == (0, 0, 0))
    }

    @Test func `what points tell belongs to their session and user`() {
        let analytics = taken([
            point(.tokens, 1_000, session: "m1", user: "u1", time: 1),
            point(.tokens, 500, session: "m1", user: "u1", type: 3, time: 2),
            point(.tokens, 70, session: "m2", user: "u2", time: 3),
            point(.cost, 0.25, session: "m1", user: "u1", time: 4),
            point(.cost, 0.5, session: "m2", user: "u2", time: 5),
        ])
        #expect(shares(analytics, .session) == ["m1": [0.25, 1_500], "m2": [0.5, 70]])
        #expect(shares(analytics, .user) == ["u1": [0.25, 1_500], "u2": [0.5, 70]])
        let states = analytics.budgets.states(now: began)
        #expect(
            Set(states.map { "\($0.subject) \($0.spent)" }) == [
                "m1 0.25", "m2 0.5", "u1 0.25", "u2 0.5",
            ])
        let rows = analytics.fleet.sessions(analytics.symbols).rows
        #expect(
            Set(rows.map { "\($0.session) \($0.user ?? "") \($0.tokens) \($0.cost ?? -1)" }) == [
                "m1 u1 1500 0.25", "m2 u2 70 0.5",
            ])
        #expect(rows.allSatisfy { $0.workflows == 0 && $0.state == "idle" })
    }

    @Test func `tokens of several sessions cost what they cost together`() {
        let analytics = taken(
            [
                point(.tokens, 100_000, session: "m1", user: "u1", time: 1),
                point(.tokens, 300_000, session: "m2", user: "u1", time: 2),
            ], prices: true)
        #expect(shares(analytics, .session) == ["m1": [0.3, 100_000], "m2": [0.9, 300_000]])
        #expect(shares(analytics, .user).mapValues { $0[1] } == ["u1": 400_000])
    }

    @Test func `a cost that another metric tells is not unknown`() {
        let analytics = taken([
            point(.tokens, 1_000, session: "m1", user: "", time: 1),
            point(.cost, 0.25, session: "m1", user: "", time: 2),
        ])
        let report = analytics.costs.report(.day, now: began)
        #expect((report.total.cost, report.total.unpricedCalls) == (0.25, 0))
        #expect(report.unpriced.isEmpty)
        #expect(analytics.budgets.states(now: began).allSatisfy { $0.unpricedCalls == 0 })
        #expect(analytics.window(3_600, now: began)?.overall.unpricedCalls == 0)
        #expect(analytics.window(3_600, now: began)?.cumulative.unpricedCalls == 0)
        // Where none does, and the model has no price, it is.
        let unknown = taken(
            [point(.tokens, 1_000, session: "m1", user: "", model: "own", time: 1)], prices: true)
        #expect(unknown.costs.report(.day, now: began).total.unpricedCalls == 1)
    }

    @Test func `calls of tools that metrics tell are calls of tools`() throws {
        let model = "claude-sonnet-4-5"
        var failed = point(.tools, 2, session: "", user: "", model: "", time: 3)
        failed.tool = Array("grep".utf8)
        failed.isError = true
        var tool = point(.tools, 5, session: "", user: "", model: "", time: 2)
        tool.tool = Array("grep".utf8)
        let analytics = taken([
            point(.calls, 3, session: "", user: "", model: model, time: 1), tool, failed,
        ])
        let window = try #require(analytics.window(60, now: began))
        #expect((window.overall.llmCalls.count, window.overall.llmCalls.errors) == (3, 0))
        #expect((window.overall.toolCalls.count, window.overall.toolCalls.errors) == (7, 2))
        #expect((window.cumulative.llmCalls, window.cumulative.toolCalls) == (3, 7))
        let tools = try #require(window.groups[.tool]?.first)
        #expect(tools.name == "grep")
        #expect((tools.figures.llmCalls.count, tools.figures.toolCalls.count) == (0, 7))
        #expect(analytics.costs.report(.day, now: began).total.calls == 3)
    }

    @Test func `usage without runs and calls is something that was heard of`() {
        let analytics = taken([
            point(.tokens, 1_500, session: "m1", user: "", time: 1),
            point(.cost, 0.25, session: "m1", user: "", time: 2),
        ])
        let summary = analytics.report(since: began, now: began).summary
        #expect(summary.contains("of runs and calls nothing was told"))
        #expect(summary.contains(Wording.tokens(1_500)) && summary.contains(Wording.dollars(0.25)))
        #expect(taken([]).report(since: began, now: began).summary.contains("No agent activity"))
    }
}
