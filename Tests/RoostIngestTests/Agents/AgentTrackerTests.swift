import Testing

@testable import RoostIngest

/// What is counted once, and to whom, in whatever order it comes.
@Suite struct AgentTrackerTests {
    @Test func `children that come before their parents wait for them`() {
        let run = TrackerRun()
        run.take(.call(3, below: 2))
        #expect(run.calls == 0)
        run.pass(5)
        run.take(.agent("planner", 2, below: 1))
        #expect(run.calls == 0)
        run.take(Step(.workflow, 1).with { $0.workflow = "nightly" })
        #expect(run.sum("roost_llm_calls_total", ["agent": "planner"]) == 1)
        #expect(run.tokens() == 100)
        #expect(run.sum("roost_agent_runs_total", ["workflow": "nightly"]) == 1)
        #expect(run.sum("roost_workflow_runs_total", ["workflow": "nightly"]) == 1)
    }

    @Test func `a call whose agent stays away is counted after the hold`() {
        let run = TrackerRun()
        run.take(.call(3, below: 2))
        run.pass(29)
        #expect(run.calls == 0)
        run.pass(1)
        #expect(run.sum("roost_llm_calls_total", ["agent": "crew"]) == 1)
    }

    @Test func `calls of a trace that goes on and on do not wait for its end`() {
        let run = TrackerRun()
        run.take(.call(3, below: 2))
        for id: UInt64 in 10..<14 {
            run.pass(10)
            run.take(.call(id, below: 2))
        }
        #expect(run.calls >= 1)
        run.pass(31)
        #expect(run.calls == 5)
    }

    @Test func `the same span twice is one`() {
        let run = TrackerRun()
        run.take(.agent("planner", 1), .call(2, below: 1), .call(2, below: 1))
        run.take(.call(2, below: 1), .agent("planner", 1))
        run.pass(31)
        #expect(run.calls == 1)
        #expect(run.tokens() == 100)
        #expect(run.sum("roost_agent_runs_total") == 1)
        #expect(run.events.repeatedSpans == 3)
    }

    @Test func `two reports with the id of one answer are one call`() {
        let run = TrackerRun()
        let told = Step.call(1).with { $0.callID = "resp_1" }
        run.take(told, told.inTrace(2))
        run.take(told.inTrace(3).with { $0.service = "another" })
        #expect(run.calls == 2)
        #expect(run.events.duplicateCalls == 1)
    }

    // MARK: announced spans

    @Test func `what was announced counts when it ends`() {
        let run = TrackerRun()
        let (agent, call) = (Step.agent("planner", 1), Step.call(2, below: 1))
        run.take(agent.announced, call.announced)
        run.pass(1)
        #expect(run.sum("roost_active_agents", ["agent": "planner"]) == 1)
        #expect(run.sum("roost_active_workflows") == 1)
        #expect((run.calls, run.tokens()) == (0, 0))
        run.take(call)
        run.take(agent)
        run.pass(1)
        #expect((run.calls, run.tokens()) == (1, 100))
        #expect(run.sum("roost_agent_runs_total") == 1)
        #expect(run.sum("roost_active_agents") == 0)
        #expect(run.sum("roost_active_workflows") == 0)
        #expect(run.events == AgentEvents())
    }

    @Test func `an announcement that was overtaken by the end is nothing new`() {
        let run = TrackerRun()
        run.take(.agent("planner", 1))
        run.take(Step.agent("planner", 1).announced)
        run.pass(31)
        #expect(run.sum("roost_agent_runs_total") == 1)
        #expect(run.sum("roost_active_agents") == 0)
        #expect(run.tracker.heldActivities == 0)
    }

    @Test func `what was announced is waited for beyond the hold, for an hour`() {
        let run = TrackerRun()
        let agent = Step.agent("planner", 1, tokens: 100)
        run.take(agent.announced, .call(2, below: 1))
        run.pass(1_000)
        #expect((run.calls, run.tokens()) == (1, 100))
        #expect(run.sum("roost_active_agents") == 1)
        run.take(agent)
        run.pass(31)
        #expect(run.tokens() == 100)
        #expect(run.sum("roost_agent_runs_total") == 1)

        run.take(Step.agent("never", 1).inTrace(2).announced)
        run.pass(3_601)
        #expect(run.events.abandoned == 1)
        #expect(run.sum("roost_active_agents") == 0)
        #expect(run.sum("roost_agent_runs_total") == 1)
        #expect(run.tracker.heldActivities == 0)
    }

    @Test func `what a start event announced is at work until it ends or is given up`() {
        let run = TrackerRun()
        let agent = Step.agent("planner", 5).with {
            ($0.isEvent, $0.flags) = (true, .isDerivedTrace)
        }
        func active() -> [Double] {
            [
                run.sum("roost_active_workflows"),
                run.sum("roost_active_agents", ["agent": "planner"]),
            ]
        }
        run.take(Step(.workflow, 6).with { ($0.isEvent, $0.flags) = (true, .isDerivedTrace) })
        run.take(agent.announced)
        run.pass(1)
        #expect(active() == [1, 1])
        run.pass(60)
        #expect(active() == [1, 1])
        run.take(agent)
        run.pass(1)
        #expect(active() == [0, 0])
        run.pass(31)
        #expect(run.sum("roost_agent_runs_total") == 1)

        run.take(agent.inTrace(2).announced)
        run.pass(3_599)
        #expect(active() == [1, 1])
        run.pass(2)
        #expect(active() == [0, 0])
        #expect(run.events.abandoned == 1)
    }

    @Test func `a parent that events never announced is not at work`() {
        let run = TrackerRun()
        run.take(
            Step.tool("look", 5, below: 4).with {
                ($0.isEvent, $0.flags, $0.agent) = (true, .isDerivedTrace, "planner")
            })
        run.pass(1)
        #expect(run.sum("roost_active_agents") == 0)
        #expect(run.sum("roost_active_workflows") == 0)
    }

    @Test func `what spans tell as well is not at work because of its events`() {
        let run = TrackerRun()
        let agent = Step.agent("planner", 5).with {
            ($0.isEvent, $0.flags) = (true, .isDerivedTrace)
        }
        run.take(agent.announced)
        run.take(Step.agent("planner", 1).inTrace(2))
        run.pass(1)
        #expect(run.sum("roost_active_agents") == 0)
        run.take(agent)
        run.pass(31)
        #expect(run.sum("roost_agent_runs_total") == 1)
        #expect((run.events.abandoned, run.tracker.heldActivities) == (0, 0))
    }

    // MARK: usage that repeats that of others

    @Test(arguments: [[0, 1], [1, 0]])
    func `an agent's own account counts only without calls below`(_ order: [Int]) {
        let run = TrackerRun()
        let steps = [Step.agent("planner", 1, tokens: 500), .call(2, below: 1)]
        for place in order { run.take(steps[place]) }
        run.pass(29)
        #expect(run.tokens() == 100)
        run.pass(2)
        #expect(run.tokens() == 100)

        run.take(Step.agent("loner", 1, tokens: 500).inTrace(2))
        run.pass(29)
        #expect(run.tokens() == 100)
        run.pass(2)
        #expect(run.tokens(["agent": "loner"]) == 500)
        // No call: nobody told of one.
        #expect(run.calls == 1)
    }

    @Test func `an account is of several calls, and has the price of short ones`() {
        let run = TrackerRun()
        run.tracker.use(prices: PriceBook())
        let model = "gemini-2.5-pro"
        run.take(
            Step.agent("loner", 1, tokens: 300_000).with { $0.model = model },
            Step.call(1, tokens: 300_000).with { $0.model = model }.inTrace(2))
        run.pass(31)
        // 1.25 USD a million up to 200,000 tokens, 2.5 above.
        #expect(abs(run.sum("roost_llm_cost_usd_total", ["agent": "loner"]) - 0.375) < 1e-9)
        #expect(abs(run.sum("roost_llm_cost_usd_total") - 0.375 - 0.75) < 1e-9)
    }

    @Test func `of nested accounts the innermost counts`() {
        let run = TrackerRun()
        run.take(
            .agent("outer", 1, tokens: 700), .agent("inner", 2, below: 1, tokens: 300),
            .agent("beside", 3, below: 1, tokens: 400))
        run.pass(31)
        #expect(run.tokens(["agent": "inner"]) == 300)
        #expect(run.tokens(["agent": "beside"]) == 400)
        #expect(run.tokens() == 700)
    }

    @Test func `an account that comes long after its calls adds nothing`() {
        let run = TrackerRun()
        run.take(.call(9, below: 5))
        // Longer than the hold: the trace is closed.
        run.pass(45)
        run.take(Step(.other, 5, below: 2))
        run.pass(45)
        run.take(.agent("planner", 2, below: 1, tokens: 500))
        run.pass(45)
        run.take(.agent("chief", 1, tokens: 500))
        run.pass(45)
        #expect((run.calls, run.tokens()) == (1, 100))
    }

    @Test func `a call after the account was believed adds no tokens`() {
        let run = TrackerRun()
        run.take(.agent("planner", 1, tokens: 500))
        run.pass(31)
        run.take(.call(2, below: 1), Step(.other, 3, below: 1), .call(4, below: 3))
        run.pass(31)
        #expect(run.tokens() == 500)
        #expect(run.calls == 2)
        #expect(run.sum("roost_workflow_runs_total") == 1)
        #expect(run.events.lateChildren == 2)
    }

    @Test func `late calls of others in the same trace do count`() {
        let run = TrackerRun()
        run.take(
            .agent("quick", 2, below: 1, tokens: 500), Step(.other, 5, below: 2),
            .tool("look", 6, below: 5))
        run.pass(31)
        #expect(run.tokens() == 500)
        run.take(.agent("slow", 3, below: 1), .call(4, below: 3))
        // Below the first one after all, through a span that is long forgotten.
        run.take(.call(7, below: 5))
        run.pass(31)
        #expect(run.tokens(["agent": "slow"]) == 100)
        #expect(run.tokens() == 600)
        #expect(run.events.lateChildren == 1)
    }

    // MARK: runs

    @Test func `a workflow that rests for longer than the hold is one run`() {
        let run = TrackerRun()
        for id: UInt64 in 2..<5 {
            run.take(.call(id, below: 1))
            run.pass(45)
        }
        run.take(Step(.workflow, 1).with { $0.workflow = "nightly" })
        run.pass(45)
        #expect(run.calls == 3)
        #expect(run.sum("roost_workflow_runs_total") == 1)
    }

    @Test func `agents below one of the same name are one run, others are their own`() {
        let run = TrackerRun()
        run.take(
            .agent("planner", 1), .agent("planner", 2, below: 1), .agent("coder", 3, below: 2),
            .agent("planner", 4, below: 3))
        #expect(run.sum("roost_agent_runs_total", ["agent": "planner"]) == 2)
        #expect(run.sum("roost_agent_runs_total", ["agent": "coder"]) == 1)
    }

    @Test func `both sides of one call of a tool are one`() {
        let run = TrackerRun()
        run.take(
            .agent("planner", 1), .tool("double", 2, below: 1), .tool("double", 3, below: 2),
            .tool("halve", 4, below: 2))
        #expect(run.sum("roost_tool_calls_total", ["tool": "double"]) == 1)
        #expect(run.sum("roost_tool_calls_total", ["tool": "halve"]) == 1)
    }

    @Test func `the first event of a session names its workflow, whichever is known to be first`() {
        let run = TrackerRun()
        func event(_ id: UInt64, _ workflow: String, at start: UInt64) -> Step {
            Step.call(id).at(start, start + 1).with {
                ($0.isEvent, $0.flags, $0.cost) = (true, .isDerivedTrace, 1)
                $0.workflow = workflow
            }
        }
        func costs() -> [Double] {
            ["early", "late", "later"].map {
                run.sum("roost_llm_cost_usd_total", ["workflow": $0])
            }
        }
        run.take(event(1, "late", at: 50))
        run.take(event(2, "later", at: 60))
        run.take(event(3, "", at: 70))
        #expect(costs() == [0, 3, 0])
        run.take(event(4, "early", at: 10).announced)
        run.take(event(5, "", at: 80))
        #expect(costs() == [1, 3, 0])
        // It began when the others were over.
        run.take(event(4, "early", at: 90))
        #expect(costs() == [1, 4, 0])
        run.take(event(6, "", at: 81))
        #expect(costs() == [1, 5, 0])
    }

    @Test(arguments: [[0, 1], [0, 31], [31, 1], [31, 31]])
    func `an event that names the span that tells the same counts once`(_ pauses: [UInt64]) {
        let run = TrackerRun()
        func event(_ step: Step) -> Step {
            step.with { ($0.id, $0.parent, $0.isEvent) = ($0.id + 10, $0.id, true) }
        }
        let steps: [Step] = [
            .agent("planner", 2, below: 1), .tool("look", 3, below: 2), .call(4, below: 2),
        ]
        run.take(steps.map(event))
        run.pass(pauses[0])
        run.take(Array(steps.reversed()))
        run.pass(pauses[1])
        run.take(Step(.other, 1))
        run.pass(31)
        #expect(run.sum("roost_tool_calls_total") == 1)
        #expect((run.calls, run.tokens()) == (1, 100))
        #expect(run.sum("roost_agent_runs_total") == 1)
    }

    @Test func `an event and a span of a tool with other ids are two calls`() {
        func calls(_ span: String) -> Double {
            let run = TrackerRun()
            let event = Step.tool("look", 5).with {
                ($0.isEvent, $0.flags, $0.callID) = (true, .isDerivedTrace, "call-1")
            }
            run.take(event.inTrace(2))
            run.take(.tool("look", 3, below: 1).with { $0.callID = span }, Step(.other, 1))
            run.pass(31)
            return run.sum("roost_tool_calls_total")
        }
        #expect(calls("call-1") == 1)
        #expect(calls("") == 1)
        #expect(calls("call-2") == 2)
    }

    @Test func `a failed step is an error, and so is its run`() {
        let run = TrackerRun()
        run.take(
            Step.agent("planner", 1).with { $0.status = .error },
            Step.call(2, below: 1).with { $0.status = .error })
        #expect(run.sum("roost_llm_calls_total", ["status": "error"]) == 1)
        #expect(run.sum("roost_agent_runs_total", ["status": "error"]) == 1)
        #expect(run.sum("roost_workflow_runs_total", ["status": "error"]) == 1)
    }

    // MARK: waiting for people

    private func wait(_ id: UInt64, below parent: UInt64, _ start: UInt64, _ end: UInt64) -> Step {
        Step(.humanWait, id, below: parent).at(start, end)
    }

    private let steps = [
        Step.agent("planner", 1).at(0, 100), .tool("edit", 2, below: 1).at(10, 60),
        Step(.humanWait, 3, below: 2).at(20, 50), .tool("look", 4, below: 1).at(70, 80),
    ]

    private func expectNoWait(_ run: TrackerRun) {
        #expect(run.sum("roost_agent_run_duration_seconds") == 70)
        #expect(run.sum("roost_tool_duration_seconds", ["tool": "edit"]) == 20)
        #expect(run.sum("roost_tool_duration_seconds", ["tool": "look"]) == 10)
    }

    @Test(arguments: [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1], [1, 3, 0, 2]])
    func `waiting for people is no work`(_ order: [Int]) {
        let run = TrackerRun()
        run.take(order.map { steps[$0] })
        run.pass(31)
        expectNoWait(run)
    }

    /// What waited ends after the wait, and is counted as soon as it has ended.
    @Test(arguments: [[3, 2, 1, 0], [2, 0, 3, 1], [2, 3, 1, 0], [2, 1, 3, 0]])
    func `a wait is told before the end of what waited`(_ order: [Int]) {
        let run = TrackerRun()
        for place in order { run.take(steps[place]) }
        run.pass(31)
        expectNoWait(run)
    }

    @Test func `waits at the same time are one, and only within the span`() {
        let run = TrackerRun()
        run.take(
            .agent("planner", 1).at(0, 100), .tool("a", 2, below: 1).at(10, 60),
            .tool("b", 3, below: 1).at(10, 60), wait(4, below: 2, 20, 50),
            wait(5, below: 3, 30, 55), wait(6, below: 1, 90, 130))
        #expect(run.sum("roost_agent_run_duration_seconds") == 100 - 35 - 10)
    }

    @Test func `a wait below what was announced is taken out once`() {
        let run = TrackerRun()
        let agent = Step.agent("planner", 1).at(0, 100)
        let tool = Step.tool("edit", 2, below: 1).at(10, 60)
        run.take(agent.announced, tool.announced)
        run.take(wait(3, below: 2, 20, 50))
        run.take(tool)
        run.take(agent)
        #expect(run.sum("roost_agent_run_duration_seconds") == 70)
        #expect(run.sum("roost_tool_duration_seconds") == 20)
    }

    @Test func `an announcement between a wait and an agent passes it on`() {
        let run = TrackerRun()
        let agent = Step.agent("planner", 1).at(0, 100)
        let tool = Step.tool("edit", 2, below: 1).at(10, 60)
        run.take(wait(3, below: 2, 20, 50), tool.announced, agent.announced, tool, agent)
        #expect(run.sum("roost_agent_run_duration_seconds") == 70)
    }
}
