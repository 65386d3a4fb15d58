import RoostCore
import RoostIngest
import Testing

@testable import RoostAnalytics

@Suite struct FleetQueryTests {
    /// Sixty seconds: boss asks gpt (0–10), two helpers search side by side (10–40, 10–30), the
    /// first fails once (10–15), and boss asks again (40–60).
    static func team() -> FleetBench {
        var bench = FleetBench()
        bench.clock = 61
        bench.take(
            bench.fact(.ended, .agent, span: 1, agent: "boss", from: 0, to: 60),
            bench.fact(
                .ended, .llm, span: 2, parent: 1, agent: "boss", subject: "gpt", from: 0, to: 10,
                tokens: 100, cost: 0.5),
            bench.fact(.ended, .agent, span: 3, parent: 1, agent: "left", from: 10, to: 40),
            bench.fact(.ended, .agent, span: 4, parent: 1, agent: "right", from: 10, to: 30),
            bench.fact(
                .ended, .tool, span: 5, parent: 3, agent: "left", subject: "search", from: 10,
                to: 15, error: "timeout"),
            bench.fact(
                .ended, .tool, span: 6, parent: 3, agent: "left", subject: "search", from: 15,
                to: 40),
            bench.fact(
                .ended, .tool, span: 7, parent: 4, agent: "right", subject: "search", from: 10,
                to: 30),
            bench.fact(
                .ended, .llm, span: 8, parent: 1, agent: "boss", subject: "gpt", from: 40, to: 60,
                tokens: 300),
            bench.fact(.workflowEnded, from: 0, to: 60))
        return bench
    }

    @Test func `each agent's run has its place, its calls and what it used`() throws {
        let detail = try #require(Self.team().detail())
        #expect(detail.executions.map(\.agent) == ["boss", "left", "right"])
        #expect(detail.executions.map(\.order) == [1, 2, 3])
        #expect(detail.executions.map(\.parent) == [nil, 1, 1])
        #expect(detail.executions.map(\.calls) == [2, 0, 0])
        #expect(detail.executions.map(\.toolCalls) == [0, 2, 1])
        #expect(detail.executions.map(\.tokens) == [400, 0, 0])
        #expect(detail.executions.map(\.cost) == [0.5, nil, nil])
        #expect(detail.executions.map(\.errors) == [0, 1, 0])
        #expect(detail.row.retries == 1)
        #expect(detail.row.unpricedCalls == 1)
        #expect(detail.timeline.count == 8)
        #expect(detail.timeline.filter(\.isRetry).map(\.spanID) == [6])
    }

    @Test func `overlap, wall clock and work add up`() throws {
        let detail = try #require(Self.team().detail())
        #expect(detail.overlaps.map(\.first) == [2])
        #expect(detail.overlaps.map(\.time) == [20_000_000_000])
        // 10 + 5 + 25 + 20 + 20 = 80 s of work in 60 s; the longest step takes 25 s.
        #expect(detail.concurrency.total == 80_000_000_000)
        #expect(detail.concurrency.busy == 60_000_000_000)
        #expect(detail.concurrency.ratio == 20.0 / 55.0)
        #expect(detail.concurrency.mostAtOnce == 2)
        #expect(detail.concurrency.mode == "mixed")
    }

    @Test func `what stands below a call that is told twice stands below the one that counts`()
        throws
    {
        var bench = FleetBench()
        bench.take(
            bench.fact(
                .seen, .tool, span: 3, parent: 2, agent: "boss", subject: "search", from: 10, to: 90
            ),
            bench.fact(.ended, .agent, span: 1, agent: "boss", from: 0, to: 100),
            bench.fact(
                .ended, .tool, span: 2, parent: 1, agent: "boss", subject: "search", from: 10,
                to: 90),
            bench.fact(
                .ended, .llm, span: 4, parent: 3, agent: "boss", subject: "gpt", from: 20, to: 80),
            bench.fact(.workflowEnded, span: 1, from: 0, to: 100))
        let detail = try #require(bench.detail())
        #expect(detail.timeline.map(\.spanID) == [1, 2, 4])
        #expect(detail.concurrency.total == 60_000_000_000)
        #expect(detail.concurrency.mostAtOnce == 1)
        #expect(!detail.bottlenecks.contains { $0.subject == "search" })
    }

    @Test func `slow agents and operations are named with their share`() throws {
        let found = try #require(Self.team().detail()).bottlenecks
        let lines = found.map { "\($0.kind.rawValue) \($0.subject) \(($0.share * 100).rounded())" }
        #expect(
            lines == [
                "slow_agent boss 50.0", "slow_operation gpt 50.0", "slow_agent left 50.0",
                "slow_operation search 50.0", "slow_agent right 33.0", "retries  42.0",
            ])
        #expect(found[2].spans == [6, 5])
    }

    @Test(arguments: [
        ([(0.0, 10.0), (10.0, 20.0), (20.0, 30.0)], 0.0, "sequential", 1),
        ([(0.0, 10.0), (0.0, 10.0), (0.0, 10.0)], 1.0, "parallel", 3),
        ([(0.0, 10.0), (5.0, 15.0)], 0.5, "mixed", 2),
        ([(0.0, 10.0)], 0.0, "single", 1),
        ([(5.0, 5.0), (9.0, 3.0)], 0.0, "single", 0),
    ])
    func `the ratio of parallelisation goes from 0 to 1`(
        _ stretches: [(Double, Double)], _ ratio: Double, _ mode: String, _ most: Int
    ) {
        let concurrency = RunConcurrency(
            stretches.map { (FleetBench.time($0.0), FleetBench.time($0.1)) })
        #expect(concurrency.ratio == ratio)
        #expect(concurrency.mode == mode)
        #expect(concurrency.mostAtOnce == most)
    }

    @Test func `an agent that is only known by its calls has a run`() throws {
        var bench = FleetBench()
        bench.clock = 5
        bench.take(
            bench.fact(
                .seen, .llm, span: 2, parent: 1, agent: "boss", subject: "gpt", from: 1, to: 4,
                tokens: 9),
            bench.fact(
                .seen, .tool, span: 3, parent: 9, agent: "boss", subject: "search", from: 4, to: 5))
        let execution = try #require(bench.detail()?.executions.first)
        #expect(bench.detail()?.executions.count == 1)
        #expect((execution.agent, execution.state, execution.spanID) == ("boss", .running, 0))
        #expect((execution.calls, execution.toolCalls, execution.tokens) == (1, 1, 9))
        #expect(execution.end == 0)
    }

    @Test func `spans of one agent within each other are one run`() throws {
        var bench = FleetBench()
        bench.take(
            bench.fact(.ended, .agent, span: 1, agent: "boss", from: 0, to: 9),
            bench.fact(.ended, .agent, span: 2, parent: 1, agent: "boss", from: 1, to: 8),
            bench.fact(.ended, .llm, span: 3, parent: 2, subject: "gpt", from: 2, to: 3, tokens: 4))
        let executions = try #require(bench.detail()).executions
        #expect(executions.map(\.agent) == ["boss"])
        #expect(executions.map(\.tokens) == [4])
    }

    @Test func `lists are filtered and go on where they stopped`() throws {
        var bench = FleetBench()
        for run in 1...5 as ClosedRange<UInt64> {
            bench.clock = Double(run)
            let agent = run % 2 == 0 ? "even" : "odd"
            bench.take(
                bench.fact(
                    .ended, .agent, trace: run, span: 1, agent: agent, from: 0, to: 1,
                    session: run < 3 ? "first" : "second", workflow: run == 5 ? "last" : "any"))
            guard run > 1 else { continue }
            bench.take(
                bench.fact(
                    .workflowEnded, trace: run, from: 0, to: 1, error: run == 2 ? "boom" : nil,
                    workflow: run == 5 ? "last" : "any"))
        }
        func ids(_ change: (inout WorkflowFilter) -> Void) -> [UInt64] {
            bench.list(change).rows.map(\.traceIDLow)
        }
        #expect(ids { _ in } == [5, 4, 3, 2, 1])
        #expect(ids { $0.agent = "even" } == [4, 2])
        #expect(ids { $0.agent = "nobody" } == [])
        #expect(ids { $0.workflow = "last" } == [5])
        #expect(ids { $0.session = "first" } == [2, 1])
        #expect(ids { $0.states = [.failed] } == [2])
        #expect(ids { $0.states = [.running] } == [1])
        #expect(ids { $0.since = FleetBench.time(4) } == [5, 4])
        let page = bench.list { $0.limit = 2 }
        #expect(page.rows.map(\.traceIDLow) == [5, 4])
        let cursor = try #require(page.cursor)
        #expect(ids { ($0.limit, $0.cursor) = (2, cursor) } == [3, 2])
        #expect(bench.list { ($0.limit, $0.cursor) = (3, cursor) }.cursor == nil)
    }

    @Test func `sessions hold the sums of their runs, also of those forgotten`() throws {
        var settings = FleetSettings()
        settings.finishedWorkflows = 2
        var bench = FleetBench(settings)
        for run in 1...4 as ClosedRange<UInt64> {
            bench.clock = Double(run)
            bench.take(
                bench.fact(
                    .ended, .llm, trace: run, span: 1, subject: "gpt", tokens: 10, cost: 0.5,
                    session: "s"),
                bench.fact(.workflowEnded, trace: run, error: run == 1 ? "boom" : nil))
        }
        bench.take(bench.fact(.seen, .llm, trace: 9, span: 1, tokens: 1, session: "s"))
        let row = try #require(bench.fleet.sessions(bench.symbols).rows.first)
        #expect(bench.list().rows.count == 3)
        #expect((row.session, row.workflows, row.active, row.failed) == ("s", 5, 1, 1))
        #expect((row.tokens, row.cost, row.state) == (41, 2, "running"))
        #expect(row.firstHeard == FleetBench.time(1))
        #expect(row.lastHeard == FleetBench.time(4))
    }

    @Test func `a session lasts as long as its senders say`() throws {
        var settings = FleetSettings()
        settings.finishedWorkflows = 1
        var bench = FleetBench(settings)
        func duration() throws -> UInt64 {
            try #require(bench.fleet.sessions(bench.symbols).rows.first).duration / 1_000_000_000
        }
        bench.clock = 1_000
        bench.take(
            bench.fact(.ended, .agent, span: 1, agent: "boss", from: 100, to: 160, session: "s"),
            bench.fact(.workflowEnded, span: 1, from: 100, to: 160, session: "s"))
        #expect(try duration() == 60)
        for run in 2...4 as ClosedRange<UInt64> {
            let start = Double(run) * 100
            bench.take(
                bench.fact(
                    .ended, .agent, trace: run, span: 1, agent: "boss", from: start,
                    to: start + 10, session: "s"),
                bench.fact(
                    .workflowEnded, trace: run, span: 1, from: start, to: start + 10, session: "s"))
        }
        // The first runs are not held any more.
        #expect(bench.list().rows.count == 1)
        #expect(try duration() == 310)
    }

    @Test func `a session that goes on lasts at least since it was heard of`() throws {
        var bench = FleetBench()
        bench.take(bench.fact(.began, .agent, span: 1, agent: "boss", from: 0, session: "s"))
        bench.clock = 40
        bench.take(
            bench.fact(
                .seen, .llm, span: 2, parent: 1, agent: "boss", subject: "gpt", from: 1, to: 3,
                session: "s"))
        let row = try #require(bench.fleet.sessions(bench.symbols).rows.first)
        #expect(row.duration == 40_000_000_000)
    }

    @Test func `answers and events are written with the names of the contract`() throws {
        let bench = Self.team()
        var json = JSONWriter()
        json.beginArray()
        bench.statistics.write(into: &json)
        bench.list().write(into: &json)
        try #require(bench.detail()).write(into: &json)
        bench.fleet.sessions(bench.symbols).write(into: &json)
        for event in bench.events { event.write(bench.symbols, into: &json) }
        json.endArray()
        let text = String(decoding: json.bytes, as: UTF8.self)
        #expect(text.contains(#""state":"completed","session_id":null"#))
        #expect(text.contains(#""average_duration":60.0,"last_5_minutes":{"completed":1"#))
        let failed = """
            {"type":"tool.failed","id":"9","time":"2027-01-15T08:00:15.000000000Z",\
            "severity":"warning","agent":"left","workflow":"research",\
            "trace_id":"00000000000000000000000000000001",\
            "data":{"span_id":"0000000000000005","name":"span search","tool":"search",\
            "error_type":"timeout","duration_ms":5000.0,"tokens":0,"cost_usd":null}}
            """
        #expect(text.contains(failed))
    }

    @Test func `ids are read as they are written`() {
        let text = FleetID.text(0x0123_4567_89AB_CDEF, 0xFEDC_BA98_7654_3210)
        #expect(text == "0123456789abcdeffedcba9876543210")
        let id = FleetID.traceID(text.uppercased())
        #expect(id?.high == 0x0123_4567_89AB_CDEF && id?.low == 0xFEDC_BA98_7654_3210)
        #expect(FleetID.traceID("12") == nil)
        #expect(FleetID.traceID(String(repeating: "g", count: 32)) == nil)
    }
}
