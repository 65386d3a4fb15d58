import Testing

@testable import RoostIngest

/// Agents whose calls hang at a span that is not known.
@Suite struct OrphanCallsTests {
    @Test func `an account counts no call again that a missing span keeps from its root`() {
        let run = TrackerRun()
        run.take(.call(9, below: 8), Step(.other, 2, below: 1), .agent("planner", 1, tokens: 100))
        run.pass(31)
        #expect((run.calls, run.tokens()) == (1, 100))
        // Whatever it is that is missing, and whoever called.
        let other = TrackerRun()
        other.take(
            .call(9, below: 8).with { ($0.agent, $0.service) = ("writer", "other") },
            .agent("planner", 1, tokens: 900))
        other.pass(31)
        #expect((other.calls, other.tokens()) == (1, 100))
    }

    @Test(arguments: [
        ["c", "a", "m"], ["c", "m", "a"], ["c", "am"], ["ca", "m"], ["a", "c", "m"],
    ])
    func `nor when the span between comes a hold later`(_ requests: [String]) {
        let run = TrackerRun()
        let steps: [Character: Step] = [
            "c": .call(3, below: 2), "m": .tool("look", 2, below: 1),
            "a": .agent("planner", 1, tokens: 100),
        ]
        for request in requests {
            run.take(request.compactMap { steps[$0] })
            run.pass(31)
        }
        #expect((run.calls, run.tokens()) == (1, 100))
        #expect(run.sum("roost_workflow_runs_total") == 1)
        #expect(run.sum("roost_agent_runs_total") == 1)
    }

    @Test func `an agent below the root may have called what falls within its time`() {
        func tokens(_ call: Step, _ others: Step...) -> Double {
            let run = TrackerRun()
            run.take([.agent("planner", 2, below: 1, tokens: 500).at(10, 20), call] + others)
            run.take(Step(.workflow, 1).at(0, 90))
            run.pass(31)
            return run.tokens()
        }
        let call = Step.call(9, below: 8).at(12, 15)
        #expect(tokens(call) == 100)
        // Not its own: another time, service, agent, or more than it tells of itself.
        #expect(tokens(call.at(12, 25)) == 600)
        #expect(tokens(call.with { $0.service = "other" }) == 600)
        #expect(tokens(call.with { $0.agent = "writer" }) == 600)
        #expect(tokens(call.with { $0.agent = "planner" }) == 100)
        #expect(tokens(call.with { $0.input = 501 }) == 1_001)
        // Below the same span as the agent it stands beside it.
        #expect(tokens(Step.call(9, below: 1).at(12, 15)) == 600)
        // Two agents at the same time: its own is what adds up.
        let beside = Step.agent("writer", 3, below: 1, tokens: 300).at(5, 25)
        #expect(tokens(call, beside) == 900)
        #expect(tokens(call.with { $0.input = 500 }, beside) == 800)
        #expect(tokens(call.with { $0.input = 300 }, beside) == 800)
    }

    @Test func `among very many agents only what adds up is taken for repeated, and soon`() {
        let run = TrackerRun()
        run.take((0..<16).map { Step.call(9_000 + $0, below: 8_000 + $0).at(12, 15) })
        for part in 0..<40 {
            run.take(
                (0..<1_000).map {
                    Step.agent("planner", 10_000 + UInt64(part * 1_000 + $0), below: 1, tokens: 7)
                        .at(10, 20)
                })
        }
        run.pass(31)
        #expect(run.calls == 16 && run.tokens() == 1_600 + 7 * 40_000)
    }
}
