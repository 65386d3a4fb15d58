import RoostIngest
import Testing

@testable import RoostAnalytics

@Suite struct FleetStateTests {
    @Test func `a run told in one piece is counted once`() throws {
        var bench = FleetBench()
        bench.clock = 11
        bench.take(
            bench.fact(.ended, .agent, span: 1, agent: "boss", from: 0, to: 10),
            bench.fact(
                .ended, .tool, span: 3, parent: 1, agent: "boss", subject: "search", from: 5, to: 7,
                error: "timeout"),
            bench.fact(
                .ended, .llm, span: 2, parent: 1, agent: "boss", subject: "gpt", from: 1, to: 4,
                tokens: 100, cost: 0.25),
            bench.fact(.workflowEnded, span: 1, from: 0, to: 10))
        let row = try #require(bench.list().rows.first)
        #expect(row.state == .completed)
        #expect((row.agentRuns, row.calls, row.toolCalls, row.errors) == (1, 1, 1, 1))
        #expect((row.tokens, row.cost, row.duration) == (100, 0.25, 10_000_000_000))
        let statistics = bench.statistics
        #expect(statistics.activeWorkflows == 0 && statistics.activeAgents == 0)
        #expect(statistics.totals.workflowsCompleted == 1)
        #expect(statistics.totals.agentRunsCompleted == 1)
        #expect(statistics.totals.tokens == 100)
        #expect(
            bench.told == [
                "workflow.started", "agent.invoked", "agent.completed", "tool.failed", "llm.called",
                "workflow.completed",
            ])
        #expect(bench.events.map(\.id) == [1, 2, 3, 4, 5, 6])
    }

    @Test func `children that come first count provisionally until their account is final`() throws
    {
        var bench = FleetBench()
        bench.take(
            bench.fact(
                .seen, .llm, span: 2, parent: 1, agent: "boss", subject: "gpt", from: 1, to: 4,
                tokens: 100, cost: 0.25),
            bench.fact(
                .seen, .llm, span: 3, parent: 1, agent: "boss", subject: "gpt", from: 4, to: 6,
                tokens: 50, cost: 0.5))
        var row = try #require(bench.list().rows.first)
        #expect((row.state, row.tokens, row.cost, row.calls) == (.running, 150, 0.75, 2))
        #expect(bench.statistics.totals.tokens == 0)
        #expect(bench.fleet.activeAgents == 1)
        bench.take(
            bench.fact(
                .ended, .llm, span: 2, parent: 1, agent: "boss", subject: "gpt", from: 1, to: 4,
                tokens: 100, cost: 0.25))
        row = try #require(bench.list().rows.first)
        #expect((row.tokens, row.cost, row.calls) == (150, 0.75, 2))
        bench.take(
            bench.fact(.ended, .agent, span: 1, agent: "boss", from: 0, to: 10),
            bench.fact(.workflowEnded, span: 1, from: 0, to: 10))
        // The second one was never counted: it repeats another.
        row = try #require(bench.list().rows.first)
        #expect((row.state, row.tokens, row.cost, row.calls) == (.completed, 100, 0.25, 1))
        #expect(bench.fleet.activeAgents == 0)
        #expect(bench.told.filter { $0 == "llm.called" }.count == 2)
    }

    @Test func `a call that is seen from outside and inside counts once`() throws {
        var bench = FleetBench()
        bench.take(
            bench.fact(.seen, .llm, span: 3, parent: 2, subject: "gpt", tokens: 100, cost: 1),
            bench.fact(.seen, .llm, span: 2, parent: 1, subject: "gpt", tokens: 100, cost: 1))
        #expect(bench.list().rows.first?.tokens == 100)
        bench.take(
            bench.fact(
                .seen, .llm, trace: 2, span: 2, parent: 1, subject: "gpt", tokens: 7, cost: 1),
            bench.fact(
                .seen, .llm, trace: 2, span: 3, parent: 2, subject: "gpt", tokens: 7, cost: 1),
            bench.fact(.seen, .agent, trace: 2, span: 1, agent: "boss", tokens: 7, cost: 1))
        #expect(bench.list().rows.first?.tokens == 7)
        #expect(bench.list().rows.first?.cost == 1)
    }

    @Test func `an announced run is pending, then running, then over`() throws {
        var bench = FleetBench()
        bench.take(bench.fact(.began, .agent, span: 1, agent: "boss", from: 0))
        #expect(bench.list().rows.first?.state == .pending)
        #expect(bench.detail()?.executions.map(\.state) == [.pending])
        #expect(bench.fleet.activeAgents == 1)
        bench.take(
            bench.fact(.began, .tool, span: 2, parent: 1, agent: "boss", subject: "search", from: 1)
        )
        #expect(bench.list().rows.first?.state == .running)
        #expect(bench.detail()?.executions.map(\.state) == [.running])
        #expect(bench.list().rows.first?.current?.name == "search")
        #expect(bench.statistics.activeSteps == 2)
        bench.take(
            bench.fact(
                .seen, .tool, span: 2, parent: 1, agent: "boss", subject: "search", from: 1, to: 2))
        #expect(bench.list().rows.first?.current?.name == "boss")
        bench.take(
            bench.fact(
                .ended, .tool, span: 2, parent: 1, agent: "boss", subject: "search", from: 1, to: 2),
            bench.fact(.ended, .agent, span: 1, agent: "boss", from: 0, to: 3, error: "boom"),
            bench.fact(.workflowEnded, span: 1, from: 0, to: 3, error: "boom"))
        #expect(bench.list().rows.first?.state == .failed)
        #expect(bench.statistics.activeAgents == 0)
        #expect(bench.statistics.activeSteps == 0)
        #expect(
            bench.told == [
                "workflow.started", "agent.invoked", "tool.called", "agent.failed",
                "workflow.failed",
            ])
        #expect(bench.events.last?.severity == .critical)
    }

    @Test func `who waits for a person is waiting and never stuck`() throws {
        var bench = FleetBench()
        bench.take(
            bench.fact(.began, .agent, span: 1, agent: "boss", from: 0),
            bench.fact(.began, .humanWait, span: 2, parent: 1, agent: "boss", from: 1))
        #expect(bench.list().rows.first?.state == .waiting)
        bench.clock = 3_000
        bench.tick()
        #expect(bench.fleet.stuckWorkflows == 0)
        bench.take(
            bench.fact(.seen, .humanWait, span: 2, parent: 1, agent: "boss", from: 1, to: 3_000))
        let row = try #require(bench.list().rows.first)
        #expect(row.state == .running)
        #expect(row.humanWait == 2_999_000_000_000)
        #expect(
            bench.told == ["workflow.started", "agent.invoked", "human.waiting", "human.answered"])
    }

    @Test func `a silent run is stuck after five minutes, and no more when it speaks`() throws {
        var bench = FleetBench()
        bench.take(bench.fact(.began, .agent, span: 1, agent: "boss", from: 0))
        bench.clock = 300
        bench.tick()
        #expect(bench.fleet.stuckWorkflows == 0)
        bench.clock = 301
        bench.tick()
        bench.tick()
        #expect(bench.told == ["workflow.started", "agent.invoked", "workflow.stuck"])
        let stuck = try #require(bench.list { $0.isStuck = true }.rows.first?.stuck)
        #expect(stuck.since == FleetBench.time(0))
        #expect(stuck.text == "No sign of life for 301 s; nothing is known of earlier runs.")
        bench.take(bench.fact(.began, .tool, span: 2, parent: 1, subject: "search", from: 301))
        #expect(bench.fleet.stuckWorkflows == 0)
    }

    @Test func `what is usual for a workflow decides when it is stuck`() {
        var bench = FleetBench()
        for run in 1...5 as ClosedRange<UInt64> {
            let start = bench.clock
            bench.take(bench.fact(.began, .agent, trace: run, span: 1, agent: "boss", from: start))
            bench.clock += 200
            bench.take(
                bench.fact(
                    .ended, .agent, trace: run, span: 1, agent: "boss", from: start, to: start + 200
                ),
                bench.fact(.workflowEnded, trace: run, span: 1, from: start, to: start + 200))
        }
        // A class of silences ends at 256 s; three times that is the limit.
        let start = bench.clock
        bench.take(bench.fact(.began, .agent, trace: 9, span: 1, agent: "boss", from: start))
        bench.clock = start + 768
        bench.tick()
        #expect(bench.fleet.stuckWorkflows == 0)
        bench.clock = start + 769
        bench.tick()
        #expect(bench.fleet.stuckWorkflows == 1)
    }

    @Test func `the name that was told longest ago gives way`() {
        var silences = SilenceTable(limit: 2)
        for name in [1, 2, 1, 3] as [Int32] {
            for _ in 0..<5 { silences.add(2_000_000_000, of: name) }
        }
        #expect(silences.usual(1) != nil && silences.usual(3) != nil)
        #expect(silences.usual(2) == nil)
    }

    @Test func `an announced root that never ends is an abandoned run`() {
        var bench = FleetBench()
        var closed = bench.fact(.traceClosed)
        closed.calls = 1
        bench.take(
            bench.fact(.began, .agent, span: 1, agent: "boss", from: 0),
            bench.fact(
                .ended, .llm, span: 2, parent: 1, agent: "boss", subject: "gpt", from: 1, to: 2),
            bench.fact(.workflowEnded, span: 1, from: 1, to: 2), closed)
        #expect(bench.list().rows.first?.state == .abandoned)
        #expect(bench.detail()?.executions.map(\.state) == [.abandoned])
        #expect(bench.statistics.totals.workflowsAbandoned == 1)
        #expect(bench.statistics.totals.workflowsCompleted == 0)
        #expect(bench.fleet.activeAgents == 0)
        #expect(bench.told.last == "workflow.abandoned")
    }

    @Test func `a root whose end only the run tells has ended`() {
        var bench = FleetBench()
        bench.take(
            bench.fact(.began, .workflow, span: 1, from: 0),
            bench.fact(.began, .agent, span: 2, parent: 1, agent: "boss", from: 1),
            // Of the same agent: no run of its own, so no end is told.
            bench.fact(.began, .agent, span: 3, parent: 2, agent: "boss", from: 2),
            bench.fact(.ended, .agent, span: 2, parent: 1, agent: "boss", from: 1, to: 8),
            bench.fact(.workflowEnded, span: 1, from: 0, to: 9))
        #expect(bench.list().rows.first?.state == .completed)
        #expect(bench.fleet.activeAgents == 0)
        bench.take(bench.fact(.traceClosed))
        #expect(bench.list().rows.first?.state == .completed)
        #expect(bench.detail()?.timeline.map(\.spanID) == [1, 2])
        #expect(bench.detail()?.executions.map(\.state) == [.completed])
    }

    @Test func `calls below a root that is no activity are a whole run`() {
        var bench = FleetBench()
        bench.take(
            bench.fact(.ended, .llm, span: 2, parent: 1, subject: "gpt", from: 1, to: 2),
            bench.fact(.workflowEnded, span: 1, from: 0, to: 3))
        #expect(bench.list().rows.first?.state == .completed)
        // Unless that root had only been announced.
        var closed = bench.fact(.traceClosed)
        closed.calls = 1
        bench.take(closed)
        #expect(bench.list().rows.first?.state == .abandoned)
        #expect(bench.statistics.totals.workflowsCompleted == 0)
    }

    @Test func `calls whose parents never come are an abandoned run`() {
        var bench = FleetBench()
        bench.take(
            bench.fact(.seen, .llm, span: 2, parent: 1, subject: "gpt", from: 1, to: 2),
            bench.fact(.ended, .llm, span: 2, parent: 1, subject: "gpt", from: 1, to: 2),
            bench.fact(.workflowEnded, span: 2, parent: 1, from: 1, to: 2),
            bench.fact(.traceClosed))
        #expect(bench.list().rows.first?.state == .abandoned)
    }

    @Test func `a run that was over too early goes on and is counted once`() {
        var bench = FleetBench()
        bench.take(
            bench.fact(.ended, .agent, span: 2, parent: 1, agent: "helper", from: 1, to: 2),
            bench.fact(.workflowEnded, from: 1, to: 2), bench.fact(.traceClosed))
        #expect(bench.list().rows.first?.state == .completed)
        bench.clock = 60
        bench.take(bench.fact(.seen, .agent, span: 3, parent: 1, agent: "helper", from: 3, to: 4))
        #expect(bench.list().rows.first?.state == .running)
        #expect(bench.statistics.totals.workflowsCompleted == 0)
        bench.take(
            bench.fact(.ended, .agent, span: 3, parent: 1, agent: "helper", from: 3, to: 4),
            bench.fact(.ended, .agent, span: 1, agent: "boss", from: 0, to: 60),
            bench.fact(.workflowEnded, from: 0, to: 60))
        #expect(bench.list().rows.first?.state == .completed)
        #expect(bench.statistics.totals.workflowsCompleted == 1)
        #expect(bench.statistics.totals.workflowDuration == 60_000_000_000)
    }

    @Test func `late children of a closed run are added, and what is sent again is not`() throws {
        var bench = FleetBench()
        bench.take(
            bench.fact(.ended, .agent, span: 1, agent: "boss", from: 0, to: 10),
            bench.fact(.ended, .llm, span: 2, parent: 1, subject: "gpt", tokens: 5, cost: 1),
            bench.fact(.workflowEnded, from: 0, to: 10), bench.fact(.traceClosed))
        bench.take(
            bench.fact(.ended, .llm, span: 3, parent: 1, subject: "gpt", tokens: 7, cost: 1),
            bench.fact(.ended, .llm, span: 2, parent: 1, subject: "gpt", tokens: 5, cost: 1),
            bench.fact(.traceClosed))
        let row = try #require(bench.list().rows.first)
        #expect((row.state, row.tokens, row.calls) == (.completed, 12, 2))
    }

    @Test func `events that spans tell as well leave no run`() {
        var bench = FleetBench()
        var call = bench.fact(.ended, .llm, span: 2, subject: "gpt", from: 1, to: 2)
        call.isDerivedTrace = true
        bench.take(call, bench.fact(.traceClosed))
        #expect(bench.list().rows.isEmpty)
        #expect(bench.statistics.totals.workflowsStarted == 0)
    }

    @Test func `spans that are no activities begin no run`() {
        var bench = FleetBench()
        bench.take(bench.fact(.ended, .other, span: 1, from: 0, to: 1), bench.fact(.traceClosed))
        #expect(bench.list().rows.isEmpty)
    }

    @Test func `times that run backwards or overflow do no harm`() throws {
        var bench = FleetBench()
        bench.clock = 1_000
        var odd = bench.fact(.ended, .agent, span: 1, agent: "boss", from: 50, to: 10)
        odd.tokens.input = .max
        odd.tokens.output = .max
        odd.humanWait = .max
        var end = bench.fact(.workflowEnded, from: 50, to: 10)
        end.end = .max
        bench.take(odd)
        bench.clock = 3
        bench.take(bench.fact(.ended, .llm, span: 2, parent: 1, subject: "gpt"), end)
        bench.tick()
        let row = try #require(bench.list().rows.first)
        #expect(row.tokens == .max)
        #expect(bench.detail() != nil)
        #expect(bench.statistics.agents.count == 2)
    }
}
