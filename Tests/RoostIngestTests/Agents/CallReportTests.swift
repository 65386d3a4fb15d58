import Testing

@testable import RoostIngest

/// Which reports with the id of one answer tell one call.
@Suite struct CallReportTests {
    /// A call whose answer has an id, in a trace of its own.
    private func answered(
        _ trace: UInt64, _ tokens: UInt64 = 100, ended: UInt64 = 10, id: String = "chatcmpl-7"
    ) -> Step {
        Step.call(trace, tokens: tokens).inTrace(trace).at(ended - 10, ended).with {
            $0.callID = id
        }
    }

    @Test func `an id that recurs is another call`() {
        let run = TrackerRun()
        for number: UInt64 in 1...20 {
            run.take(answered(number, 100 + number, ended: 100 * number))
        }
        #expect(run.calls == 20)
        #expect(run.tokens() == 2_210)
        #expect(run.events.duplicateCalls == 0)
    }

    @Test func `an id that recurs within a trace is another call`() {
        let run = TrackerRun()
        for number: UInt64 in 2..<12 {
            run.take(
                answered(1, 100 + number, ended: 20 * number).with {
                    ($0.id, $0.parent) = (number, 1)
                })
        }
        run.take(.agent("planner", 1))
        #expect(run.calls == 10)
        #expect(run.tokens() == 1_065)
    }

    /// As of servers that count their ids and tell no usage of streams, and of those that make up
    /// their answers.
    @Test(arguments: [0, 100] as [UInt64])
    func `an id that recurs within a trace with the same tokens is another call`(
        _ tokens: UInt64
    ) {
        let run = TrackerRun()
        for number: UInt64 in 2..<12 {
            run.take(
                answered(1, tokens, ended: 20 * number).with { ($0.id, $0.parent) = (number, 1) })
        }
        run.take(.agent("planner", 1))
        #expect(run.calls == 10)
        #expect(run.tokens() == Double(10 * tokens))
        #expect(run.events.duplicateCalls == 0)
    }

    @Test(arguments: [0, 100] as [UInt64])
    func `reports of one moment in one trace are one call`(_ tokens: UInt64) {
        let run = TrackerRun()
        run.take(
            answered(1, tokens, ended: 60),
            // Within the first, and as seen from behind it.
            answered(1, tokens).at(53, 59).with { $0.id = 2 },
            answered(1, tokens).at(61, 61).with { $0.id = 3 })
        #expect((run.calls, run.tokens()) == (1, Double(tokens)))
        #expect(run.events.duplicateCalls == 2)
    }

    @Test func `ids that recur at once are other calls when they tell other tokens`() {
        let run = TrackerRun()
        run.take(answered(1, 100, ended: 10), answered(2, 200, ended: 11))
        #expect((run.calls, run.tokens()) == (2, 300))
    }

    @Test func `an answer that a cache gives later is another call`() {
        let run = TrackerRun()
        run.take(answered(1, ended: 10), answered(2, ended: 40))
        #expect(run.calls == 2)
    }

    @Test func `reports of one moment in several traces are one call`() {
        let run = TrackerRun()
        run.take(answered(1), answered(2, ended: 13), answered(3, 0), answered(4))
        #expect((run.calls, run.tokens()) == (1, 100))
        #expect(run.events.duplicateCalls == 3)
    }

    @Test func `reports that begin and end together are one call, however they count tokens`() {
        let run = TrackerRun()
        run.take(answered(1, 100), answered(2, 900))
        #expect((run.calls, run.tokens()) == (1, 100))
    }

    @Test func `a report that came before the answer and one that came after it are one call`() {
        let run = TrackerRun()
        // The first ends when the answer begins to come.
        run.take(answered(1, 0, ended: 11).at(0, 1), answered(2, ended: 60).at(0, 60))
        #expect((run.calls, run.tokens()) == (1, 100))
    }

    @Test func `a span that is sent again after its trace was closed is the same call`() {
        let run = TrackerRun()
        run.take(answered(1))
        run.pass(31)
        #expect(run.tracker.heldActivities == 0)
        // The same id came up in between.
        run.take(answered(2, 300, ended: 100))
        run.pass(31)
        run.take(answered(1))
        #expect((run.calls, run.tokens()) == (2, 400))
        #expect(run.events.duplicateCalls == 1)
    }

    @Test func `an event that is sent again tells no new call`() {
        let run = TrackerRun()
        let event = answered(5).with {
            ($0.isEvent, $0.flags, $0.session) = (true, .isDerivedTrace, "one")
        }
        run.take(event)
        run.pass(31)
        run.take(event)
        #expect((run.calls, run.tokens()) == (1, 100))
    }

    // MARK: usage that comes late

    /// An answer that was only asked for, and the report that fetched it a minute later.
    private var asked: Step { answered(1, 0, ended: 10, id: "resp_1") }
    private var fetched: Step {
        answered(1, 1_000, ended: 70, id: "resp_1").with { ($0.id, $0.output) = (2, 500) }
    }

    @Test func `an answer that is fetched later brings its tokens and no call`() {
        let run = TrackerRun()
        run.tracker.tellFacts()
        run.take(asked)
        run.pass(5)
        run.take(fetched)
        run.take(fetched.at(70, 80).with { $0.id = 3 })
        run.pass(31)
        #expect((run.calls, run.tokens()) == (1, 1_500))
        #expect(run.sum("roost_llm_unpriced_calls_total") == 1)
        let client = run.tracker.metrics.client
        #expect(client?.inputTokens[0].sums.reduce(0, +) == 1_000)
        #expect(client?.outputTokens[0].sums.reduce(0, +) == 500)
        #expect(client?.durations[0].counts.reduce(0, +) == 1)
        #expect(run.events.duplicateCalls == 2)
        let facts = run.tracker.takeFacts(room: AgentFactBatch()).facts
        #expect(facts.count { $0.kind == .ended } == 1)
        let usage = facts.filter { $0.hasUsage && $0.kind != .seen }
        #expect(usage.map(\.kind) == [.usage])
        #expect(usage.map(\.tokens.sum) == [1_500])
        #expect(usage.map(\.calls) == [0])
    }

    @Test func `what an id names between an answer and its fetching is another call`() {
        let run = TrackerRun()
        run.take(asked, fetched.at(600, 601))
        run.take(fetched.inTrace(2).at(300, 310))
        #expect((run.calls, run.tokens()) == (2, 3_000))
    }

    @Test func `an instrumentation that tells tokens completes one that does not`() {
        let run = TrackerRun()
        run.take(answered(1, 0), answered(2, 100), answered(3, 100))
        #expect((run.calls, run.tokens()) == (1, 100))
    }

    @Test func `an answer that is fetched again and again is one call`() {
        let run = TrackerRun()
        run.take(answered(1, 0, ended: 10))
        for second: UInt64 in 1...30 {
            run.take(answered(1 + second, 0, ended: 10).at(10 + 2 * second, 10 + 2 * second))
        }
        run.take(answered(40, 100).at(71, 72))
        #expect((run.calls, run.tokens()) == (1, 100))
    }

    @Test func `tokens that an agent has told for the first report are not told again`() {
        let run = TrackerRun()
        run.take(answered(1, 0).with { ($0.id, $0.parent) = (2, 1) })
        run.take(.agent("planner", 1, tokens: 100))
        run.take(answered(3, 100))
        run.pass(31)
        #expect((run.calls, run.tokens()) == (1, 100))
    }

    @Test func `tokens that an agent who has not come may tell are not told from elsewhere`() {
        let run = TrackerRun()
        run.take(answered(1, 0).with { ($0.id, $0.parent) = (2, 1) })
        run.pass(30)
        #expect(run.calls == 1)
        run.take(answered(3, 100))
        run.take(.agent("planner", 1, tokens: 100))
        run.pass(31)
        #expect((run.calls, run.tokens()) == (1, 100))
    }

    @Test func `tokens that are fetched below an agent count in place of its own account`() {
        let run = TrackerRun()
        run.take(asked.with { ($0.id, $0.parent) = (2, 1) })
        run.take(.agent("planner", 1, tokens: 1_500))
        run.take(fetched.with { ($0.id, $0.parent) = (3, 1) })
        run.pass(31)
        #expect((run.calls, run.tokens()) == (1, 1_500))
    }

    // MARK: what is remembered

    private func hash(_ number: UInt64) -> UInt64 { number &* 0xD6E8_FEB8_6659_FD93 | 1 }

    @Test func `what came lately is known, what came long ago is forgotten`() {
        var calls = RecentCalls(limit: 4096)
        func told(_ number: UInt64) -> CallReport {
            CallReport(
                id: hash(number), trace: number, start: 0, end: 0,
                tokens: ActivityTokens(), usage: .told)
        }
        for number: UInt64 in 0..<100_000 {
            let known = calls.take(told(number))
            #expect(known == nil)
        }
        var again = calls
        #expect((98_000..<100_000).count { again.take(told($0)) != nil } >= 1_990)
        again = calls
        #expect((0..<100_000).count { again.take(told($0)) != nil } <= 8192)
    }

    @Test func `an id that recurs for ever pushes out no other`() {
        var calls = RecentCalls(limit: 64)
        func told(_ id: UInt64, _ number: UInt64) -> CallReport {
            let end = number * 100 * TrackerRun.second
            return CallReport(
                id: hash(id), trace: number, start: end, end: end, tokens: ActivityTokens(),
                usage: .told)
        }
        for id: UInt64 in 1...32 { _ = calls.take(told(id, 1)) }
        for number: UInt64 in 2..<1_000 {
            let known = calls.take(told(7, number))
            #expect(known == nil)
        }
        let others = (1...32).count { $0 != 7 && calls.take(told($0, 1)) != nil }
        #expect(others == 31)
        let (latest, first) = (calls.take(told(7, 999)), calls.take(told(7, 1)))
        #expect(latest != nil)
        #expect(first == nil)
    }

    @Test func `a report takes 24 bytes`() {
        #expect(MemoryLayout<CallReport>.stride == 24)
    }
}
