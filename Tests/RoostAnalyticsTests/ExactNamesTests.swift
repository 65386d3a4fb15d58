import RoostIngest
import Testing

@testable import RoostAnalytics

/// Names are bytes: two that Unicode takes for the same text are two.
@Suite struct ExactNamesTests {
    private let one = "caf\u{E9}"
    private let two = "cafe\u{301}"
    /// 2026-11-21 at midnight, UTC.
    private let midnight: UInt64 = 1_795_219_200_000_000_000

    private var symbols: Symbols {
        var symbols = Symbols()
        var batch = AgentFactBatch()
        batch.newTexts = [one, two, "m"].map { Array($0.utf8) }
        batch.identities = [
            AgentIdentity(hash: 7, text: Array(one.utf8)),
            AgentIdentity(hash: 8, text: Array(two.utf8)),
        ]
        symbols.take(batch)
        return symbols
    }

    private func bytes(_ names: [String]) -> [[UInt8]] {
        names.map { Array($0.utf8) }.sorted { $0.lexicographicallyPrecedes($1) }
    }

    private var both: [[UInt8]] { bytes([one, two]) }

    @Test func `a name is found by its bytes`() {
        #expect(symbols.number(of: one) == 1)
        #expect(symbols.number(of: two) == 2)
    }

    @Test func `costs are told apart, and so are they after a restart`() throws {
        var costs = Costs()
        for (agent, user) in [(1, 7), (2, 8)] as [(Int32, UInt64)] {
            var fact = endedFact(.llm, agent: agent, workflow: agent, model: agent, cost: 1)
            (fact.session, fact.user) = (user, user)
            costs.take(fact, symbols, now: midnight)
        }
        let report = costs.report(.day, now: midnight + 1)
        for dimension in [CostDimension.agent, .model, .workflow, .session, .user] {
            #expect(try bytes(#require(report.groups[dimension]).map(\.name)) == both)
        }
        let again = try #require(Costs(decoding: costs.encoded())).report(.day, now: midnight + 1)
        #expect(try bytes(#require(again.groups[.agent]).map(\.name)) == both)
    }

    @Test func `agents, models and tools of a trace are told apart`() {
        let spans: [TestSpan] = [
            TestSpan(1, 0, 1000), .agent(2, under: 1, 0, 400, one),
            .agent(3, under: 2, 100, 300, two),
            .llm(4, under: 2, 0, 50, model: one), .llm(5, under: 3, 100, 150, model: two),
            .tool(6, under: 2, 50, 60, one), .tool(7, under: 3, 150, 160, two),
        ]
        let document = TestTrace.document(spans)
        let analysis = TraceAnalysis(of: document)
        let summary = TraceSummary(of: document)
        #expect(bytes(summary.agents).filter(both.contains) == both)
        #expect(bytes(summary.models) == both)
        let agents = analysis.agents.filter { $0.agent == one }
        #expect(bytes(agents.map(\.agent)) == both)
        #expect(agents.map(\.runs) == [1, 1])
        let comparison = TraceComparison(
            ComparedTrace(of: analysis), ComparedTrace(of: analysis))
        #expect(bytes(comparison.models.map(\.name)) == both)
    }

    @Test func `subjects of findings are told apart`() {
        #expect(FindingSubject(.agent, one) != FindingSubject(.agent, two))
        #expect(Set([FindingSubject(.agent, one), FindingSubject(.agent, two)]).count == 2)
    }

    @Test func `a budget for one is not about the other`() {
        let rule = BudgetRule(
            name: "b", scope: .agent, match: two, limit: .usd(10), per: .day)
        var table = BudgetTable(rule)
        let fact = endedFact(.llm, agent: 1, cost: 1)
        #expect(table.spender(fact, symbols, period: 0, now: 1) == nil)
        #expect(table.spender(endedFact(.llm, agent: 2, cost: 1), symbols, period: 0, now: 1) == 0)
    }
}
