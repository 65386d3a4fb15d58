import RoostCore
import Testing

@testable import RoostIngest

/// What does not fit or cannot be.
@Suite struct AgentTrackerBoundsTests {
    @Test(arguments: [false, true], [0, 1, UInt64.max - 1, .max])
    func `the first and the last time that there are end a run like others`(
        _ isEvent: Bool, _ time: UInt64
    ) {
        let run = TrackerRun()
        run.tracker.tellFacts()
        for step in [Step.call(2, below: 9), .agent("planner", 3, below: 9).announced] {
            run.take(
                step.with {
                    $0.time = time
                    $0.isEvent = isEvent
                    if isEvent { ($0.flags, $0.parent) = (.isDerivedTrace, 0) }
                })
        }
        run.pass(4_000)
        #expect(run.calls == 1)
        #expect(run.sum("roost_workflow_runs_total") == 1)
    }

    @Test func `above the limit the quietest trace is closed, and what was at work in it counted`()
    {
        let run = TrackerRun { $0.openActivities = 100 }
        run.take(Step.agent("planner", 1).announced, .call(2, below: 1))
        run.pass(1)
        for trace: UInt64 in 2..<60 {
            run.take(Step.call(1, below: 9).inTrace(trace))
            #expect(run.tracker.heldActivities <= 100)
        }
        #expect(run.sum("roost_agent_runs_total") == 0)
        #expect(run.sum("roost_llm_calls_total", ["agent": "planner"]) == 1)
        // The announced agent, and of the others those above the calls.
        #expect(run.events.abandoned >= 1)
        let closed = run.calls
        #expect(closed >= 8)
        #expect(run.events.abandoned == UInt64(closed))
        run.pass(31)
        #expect(run.calls == 59)
        #expect(run.tracker.heldActivities == 0)
        // What was given up for time is no more than what was given up for room.
        #expect(run.events.abandoned == UInt64(closed))
    }

    @Test func `names that are at work no more make room for others`() {
        let run = TrackerRun { $0.seriesLimit = SeriesLimit(2) }
        for (trace, name) in [(1, "a"), (2, "b"), (3, "c")] as [(UInt64, String)] {
            let agent = Step.agent(name, 1).inTrace(trace)
            run.take(agent.announced)
            run.pass(1)
            #expect(run.sum("roost_active_agents", ["agent": name]) == 1)
            run.take(agent)
            run.pass(1)
            #expect(run.sum("roost_active_agents") == 0)
        }
    }

    @Test func `one trace larger than the limit is cut, and its calls count once`() {
        let run = TrackerRun { $0.openActivities = 100 }
        for id: UInt64 in 0..<1_000 { run.take(.call(10 + id, below: 1)) }
        run.take(.agent("planner", 1, tokens: 5_000))
        run.pass(31)
        #expect(run.calls == 1_000)
        #expect(run.tokens() == 100_000)
        #expect(run.sum("roost_workflow_runs_total") == 1)
    }

    @Test(arguments: [[(2, 3), (3, 2)], [(2, 2)], [(2, 3), (3, 4), (4, 2), (5, 2)]])
    func `spans that are each other's parents end the search`(_ links: [(UInt64, UInt64)]) {
        let run = TrackerRun()
        for (id, parent) in links { run.take(.agent("planner", id, below: parent, tokens: 7)) }
        run.take(.call(9, below: 2))
        run.pass(31)
        #expect(run.calls == 1)
        // An agent outside of the circle has an account of its own.
        #expect(run.tokens() == (links.count > 3 ? 107 : 100))
        #expect(run.tracker.heldActivities == 0)
    }

    @Test func `a chain of a thousand parents is walked as far as is sensible`() {
        let run = TrackerRun()
        for id: UInt64 in 1...1_000 {
            run.take(Step(id == 1 ? .agent : .other, id, below: id - 1))
        }
        run.take(.call(2_000, below: 1_000))
        run.pass(31)
        #expect(run.calls == 1)
        #expect(run.tracker.heldActivities == 0)
    }

    @Test func `more series than there is room for share one`() {
        let run = TrackerRun { $0.seriesLimit = SeriesLimit(10) }
        for id: UInt64 in 1...100 {
            run.take(Step.call(id).inTrace(id).with { $0.model = "model-\(id)" })
        }
        #expect(run.calls == 100)
        #expect(run.sum("roost_llm_calls_total") == 10)
        #expect(run.allTokens == 10_000)
    }

    @Test func `series take no more of the memory than is free, and all calls are counted`() {
        let budget = MemoryBudget(limitBytes: 256 << 10)
        let run = TrackerRun { $0.memory = budget.share("derived_series") }
        for id: UInt64 in 1...2_000 {
            run.take(Step.call(id).inTrace(id).with { $0.model = "model-\(id)" })
        }
        #expect(((256 << 10) - 8_000...256 << 10).contains(budget.usedBytes))
        #expect(run.calls == 2_000)
        #expect((10..<1_000).contains(run.sum("roost_llm_calls_total")))
        #expect(run.allTokens == 200_000)
    }

    @Test func `a span without any name or time is taken`() {
        let run = TrackerRun()
        run.take(
            Step(.llm, 1).at(0, 0).with { $0.service = "" }, Step(.tool, 2, below: 1).at(0, 0))
        run.pass(31)
        #expect(run.calls == 1)
        #expect(run.sum("roost_tool_calls_total") == 1)
    }

    @Test func `sums of tokens are whole numbers`() {
        let run = TrackerRun()
        run.take(.call(1, tokens: 1_000))
        func sum() -> Double? { run.tracker.metrics.client?.inputTokens[0].sums.reduce(0, +) }
        #expect(sum() == 1_000)
        for tokens: UInt64 in 1...1_000 { run.take(.call(1_000 + tokens, tokens: tokens)) }
        #expect(sum() == 501_500)
    }

    @Test func `unknown duration is not a duration of nothing`() {
        let run = TrackerRun()
        run.take(
            Step.agent("planner", 1).with { $0.flags = .isInstant },
            Step.tool("edit", 2, below: 1).with { $0.flags = .isInstant },
            Step.call(3, below: 1).with { $0.flags = .isInstant })
        #expect(run.calls == 1)
        #expect(run.sum("roost_agent_runs_total") == 1)
        #expect(run.sum("roost_tool_calls_total") == 1)
        let metrics = run.tracker.metrics
        for histogram in [
            metrics.agentRunDuration, metrics.toolDuration, metrics.llmCallDuration,
            metrics.workflowDuration,
        ] {
            #expect(histogram.counts.allSatisfy { $0 == 0 })
        }
    }
}
