import RoostCore
import RoostIngest
import Testing

@testable import RoostAnalytics

@Suite struct BudgetsTests {
    private let symbols = windowSymbols(20)
    /// 2026-11-21 at midnight, UTC: a Saturday.
    private let midnight: UInt64 = 1_795_219_200_000_000_000

    private func spend(_ cost: Double, agent: Int32 = 1, tokens: UInt64 = 10) -> AgentFact {
        endedFact(.llm, agent: agent, model: 2, input: tokens, cost: cost)
    }

    @Test func `levels are told as they are reached, and when they end`() throws {
        var budgets = Budgets(rules: [
            BudgetRule(name: "daily", scope: .agent, match: "t1", limit: .usd(10), per: .day)
        ])
        var told: [String] = []
        func note(_ events: [BudgetEvent]) {
            told += events.map { "\($0.subject) \($0.from) \($0.to) \($0.spent)" }
        }
        for _ in 0..<11 {
            note(budgets.take(spend(1), symbols, now: midnight + oneHour))
            note(budgets.take(spend(50, agent: 3), symbols, now: midnight + oneHour))
        }
        #expect(told == ["t1 ok warning 8.0", "t1 warning exceeded 10.0"])
        note(budgets.tick(now: midnight + 23 * oneHour))
        #expect(told.count == 2)
        note(budgets.tick(now: midnight + 24 * oneHour))
        #expect(told.last == "t1 exceeded ok 0.0")
    }

    @Test func `the end is foreseen from the last hour`() throws {
        var budgets = Budgets(rules: [
            BudgetRule(name: "month", scope: .all, limit: .usd(100), per: .month)
        ])
        // 0.5 USD a minute for two hours, of which the last hour counts.
        for minute in 0..<120 as Range<UInt64> {
            _ = budgets.take(spend(0.5), symbols, now: midnight + minute * 60 * oneSecond)
        }
        let now = midnight + 2 * oneHour
        let state = try #require(budgets.states(now: now).first)
        #expect(state.spent == 60)
        #expect(state.remaining == 40)
        #expect(state.level == .ok)
        #expect(abs(state.burnRate - 30) < 0.001)
        let wait = try #require(state.exhaustedAt) - now
        #expect(abs(Double(wait) / Double(oneHour) - 40.0 / 30) < 0.001)
        // 2026-12-01.
        #expect(state.resetsAt == midnight + 10 * 24 * oneHour)
        let later = try #require(budgets.states(now: now + 2 * oneHour).first)
        #expect(later.burnRate == 0)
        #expect(later.exhaustedAt == nil)
    }

    @Test func `a star gives each name its own, tokens count where they are the limit`() throws {
        var budgets = Budgets(rules: [
            BudgetRule(name: "each", scope: .agent, limit: .tokens(100), per: .hour)
        ])
        for agent in [1, 1, 3] as [Int32] {
            _ = budgets.take(spend(.nan, agent: agent, tokens: 45), symbols, now: midnight)
        }
        let states = budgets.states(now: midnight)
        #expect(states.map(\.subject) == ["t1", "t3"])
        #expect(states.map(\.spent) == [90, 45])
        #expect(states.map(\.level) == [.warning, .ok])
        #expect(budgets.states(now: midnight + oneHour).map(\.spent) == [0, 0])
    }

    @Test func `each run has the whole limit`() throws {
        var budgets = Budgets(rules: [
            BudgetRule(name: "run", scope: .workflow, match: "t7", limit: .usd(1), per: .run)
        ])
        var events: [BudgetEvent] = []
        for (trace, workflow) in [(1, 7), (2, 7), (3, 8)] as [(UInt64, Int32)] {
            var fact = spend(trace == 2 ? 2 : 0.1)
            fact.traceIDLow = trace
            fact.workflow = workflow
            events += budgets.take(fact, symbols, now: midnight)
        }
        #expect(events.map(\.subject) == ["00000000000000000000000000000002"])
        #expect(budgets.states(now: midnight).count == 2)
        _ = budgets.tick(now: midnight + 2 * oneHour)
        #expect(budgets.states(now: midnight + 2 * oneHour).map(\.spent) == [0])
    }

    @Test func `in a run each name has the whole limit, and no other spends of it`() {
        var budgets = Budgets(rules: [
            BudgetRule(name: "one", scope: .agent, match: "t1", limit: .usd(1), per: .run),
            BudgetRule(name: "each", scope: .agent, limit: .usd(1), per: .run),
        ])
        var events: [BudgetEvent] = []
        for (agent, cost) in [(1, 0.1), (3, 5), (1, 0.2)] as [(Int32, Double)] {
            var fact = spend(cost, agent: agent)
            fact.traceIDLow = 7
            events += budgets.take(fact, symbols, now: midnight)
        }
        let run = "00000000000000000000000000000007"
        let states = budgets.states(now: midnight)
        let spent = states.map { "\($0.rule.name) \($0.subject) \(($0.spent * 10).rounded())" }
        #expect(
            Set(spent) == ["one \(run) 3.0", "each \(run) t1 3.0", "each \(run) t3 50.0"])
        #expect(events.map(\.subject) == ["\(run) t3"])
    }

    @Test(
        arguments: [
            (BudgetRule.Period.hour, 1), (.day, 24), (.week, 48), (.month, 240),
        ] as [(BudgetRule.Period, UInt64)])
    func `periods end with the calendar's`(_ per: BudgetRule.Period, _ hours: UInt64) {
        let budgets = Budgets(rules: [
            BudgetRule(name: "x", scope: .all, limit: .usd(1), per: per)
        ])
        #expect(budgets.states(now: midnight).first?.resetsAt == midnight + hours * oneHour)
        #expect(
            budgets.states(now: midnight + oneHour / 2).first?.resetsAt
                == midnight + hours * oneHour)
    }

    @Test func `what was spent outlives a restart and a change of the limit`() throws {
        let rule = BudgetRule(name: "a", scope: .user, limit: .usd(10), per: .month)
        var batch = AgentFactBatch()
        batch.identities = [AgentIdentity(hash: 9, text: Array("ann".utf8))]
        var known = symbols
        known.take(batch)
        var budgets = Budgets(rules: [rule])
        var fact = spend(9)
        fact.user = 9
        _ = budgets.take(fact, known, now: midnight)
        let bytes = budgets.encoded()
        var again = try #require(Budgets(decoding: bytes, rules: [rule]))
        #expect(again.states(now: midnight).first?.subject == "ann")
        #expect(again.states(now: midnight).first?.level == .warning)
        #expect(again.take(fact, known, now: midnight).map(\.to) == [.exceeded])
        again.setRules([BudgetRule(name: "a", scope: .user, limit: .usd(100), per: .month)])
        #expect(again.states(now: midnight).first?.share == 0.18)
        again.setRules([])
        #expect(again.states(now: midnight).isEmpty)
        for place in bytes.indices {
            var damaged = bytes
            damaged[place] ^= 0x40
            #expect(Budgets(decoding: damaged, rules: [rule]) == nil)
        }
    }

    @Test func `the rate of the last hour outlives a restart`() throws {
        let rules = [BudgetRule(name: "month", scope: .all, limit: .usd(1_000), per: .month)]
        var budgets = Budgets(rules: rules)
        for minute in 0..<120 as Range<UInt64> {
            _ = budgets.take(spend(0.5), symbols, now: midnight + minute * 60 * oneSecond)
        }
        var again = try #require(Budgets(decoding: budgets.encoded(), rules: rules))
        // Straight afterwards, ten minutes into work, and when it stayed away for half an hour.
        for minute in 120..<150 as Range<UInt64> {
            let now = midnight + minute * 60 * oneSecond
            for kept in [budgets, again] {
                let state = try #require(kept.states(now: now).first)
                #expect(abs(state.burnRate - 30) < 0.001)
                #expect(state.exhaustedAt != nil)
            }
            _ = budgets.take(spend(0.5), symbols, now: now)
            _ = again.take(spend(0.5), symbols, now: now)
        }
        #expect(again.encoded() == budgets.encoded())
        let away = try #require(Budgets(decoding: budgets.encoded(), rules: rules))
        let rate = try #require(away.states(now: midnight + 3 * oneHour).first).burnRate
        // Thirty minutes of 0.5 USD less the five that the ring has let go.
        #expect(rate > 12 && rate < 17)
    }

    /// As version 1 wrote it: a spender without its last hour.
    private func older(_ rule: BudgetRule, first: UInt64, last: UInt64) -> [UInt8] {
        var writer = CostBytesWriter(mark: "RoostBudgets", version: 1)
        writer.number(1 as UInt)
        writer.text(rule.identity)
        writer.number(1 as UInt)
        writer.text("")
        writer.number(0 as UInt)
        writer.real(60)
        writer.number(0 as UInt)
        writer.number(first)
        writer.number(last)
        return writer.finished()
    }

    @Test func `a file from before the rate was written down is read, and the rate begins anew`()
        throws
    {
        let rule = BudgetRule(name: "all", scope: .all, limit: .usd(1_000), per: .total)
        let bytes = older(rule, first: midnight, last: midnight + oneHour)
        var budgets = try #require(Budgets(decoding: bytes, rules: [rule]))
        #expect(budgets.states(now: midnight + 2 * oneHour).map(\.spent) == [60])
        #expect(budgets.states(now: midnight + 2 * oneHour).map(\.burnRate) == [0])
        for minute in 120..<130 as Range<UInt64> {
            _ = budgets.take(spend(0.5), symbols, now: midnight + minute * 60 * oneSecond)
        }
        // 5 USD in ten minutes.
        let state = try #require(budgets.states(now: midnight + 130 * 60 * oneSecond).first)
        #expect(abs(state.burnRate - 30) < 0.001)
    }

    @Test func `spenders without end take bounded room`() {
        var budgets = Budgets(rules: [
            BudgetRule(name: "s", scope: .session, limit: .usd(1), per: .total)
        ])
        var names = symbols
        for session in 1...5_000 as ClosedRange<UInt64> {
            var batch = AgentFactBatch()
            batch.identities = [AgentIdentity(hash: session, text: Array("s\(session)".utf8))]
            names.take(batch)
            var fact = spend(0.1)
            fact.session = session
            _ = budgets.take(fact, names, now: midnight + session * oneSecond)
        }
        #expect(budgets.states(now: midnight, limit: .max).count <= 1_000)
        #expect(budgets.forgotten >= 4_000)
        #expect(budgets.states(now: midnight, limit: .max).contains { $0.subject == "s5000" })
    }

    @Test func `the answer is JSON`() throws {
        var budgets = Budgets(rules: [
            BudgetRule(name: "d", scope: .model, match: "t2", limit: .usd(2), per: .day)
        ])
        let events = budgets.take(spend(1.75), symbols, now: midnight)
        var json = JSONWriter()
        for state in budgets.states(now: midnight) { state.write(into: &json) }
        for event in events { event.write(into: &json) }
        let text = String(decoding: json.bytes, as: UTF8.self)
        for part in [
            #""budget":"d","scope":"model","match":"t2","per":"day","unit":"usd","limit":2.0"#,
            #""spent":1.75,"remaining":0.25,"share":0.875"#, #""level":"warning""#,
            #""resets_at":"2026-11-22T00:00:00.000000000Z""#, #""from_level":"ok""#,
        ] {
            #expect(text.contains(part), "\(part)")
        }
    }
}
