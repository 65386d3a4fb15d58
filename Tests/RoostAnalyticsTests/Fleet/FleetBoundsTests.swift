import RoostIngest
import Testing

@testable import RoostAnalytics

@Suite struct FleetBoundsTests {
    @Test func `ten thousand open runs of twenty steps fit into thirty megabytes`() {
        var bench = FleetBench()
        bench.fleet.tellsEvents = false
        var fact = bench.fact(.seen, .llm, agent: "boss", subject: "gpt", tokens: 10, cost: 0.1)
        for step in 1...20 as ClosedRange<UInt64> {
            for run in 1...10_000 as ClosedRange<UInt64> {
                fact.traceIDLow = run &* 0x9E37_79B9_7F4A_7C15
                fact.spanID = step
                fact.parentSpanID = 99
                fact.session = run
                bench.take(fact)
            }
        }
        #expect(bench.fleet.activeWorkflows == 10_000)
        #expect(bench.fleet.heldSteps == 200_000)
        #expect(bench.fleet.byteCount < 30_000_000)
        #expect(MemoryLayout<FleetStep>.stride == 72)
        // One more gives up the quietest.
        bench.clock = 1
        fact.traceIDLow = 1
        bench.take(fact)
        #expect(bench.fleet.activeWorkflows == 10_000)
        #expect(bench.statistics.totals.evictedOpen == 1)
        #expect(bench.statistics.totals.workflowsAbandoned == 1)
        #expect(bench.detail(0x9E37_79B9_7F4A_7C15) == nil)
    }

    @Test func `a run of a hundred thousand steps keeps its beginning and its end`() throws {
        var bench = FleetBench()
        bench.take(bench.fact(.began, .agent, span: 1, agent: "boss", from: 0))
        var fact = bench.fact(.seen, .llm, parent: 1, agent: "boss", subject: "gpt", tokens: 1)
        fact.cost = 0.5
        for kind in [AgentFact.Kind.seen, .ended] {
            fact.kind = kind
            for span in 2...100_001 as ClosedRange<UInt64> {
                fact.spanID = span
                fact.start = FleetBench.time(Double(span))
                fact.end = fact.start + 1_000_000_000
                bench.take(fact)
            }
            let row = try #require(bench.list().rows.first)
            #expect((row.tokens, row.calls) == (100_000, 100_000))
            #expect(row.cost == 50_000)
        }
        #expect(bench.told.filter { $0 == "llm.called" }.count == 100_000)
        bench.take(bench.fact(.ended, .agent, span: 1, agent: "boss", from: 0, to: 100_002))
        bench.take(bench.fact(.workflowEnded, from: 0, to: 100_002))
        let detail = try #require(bench.detail())
        #expect(detail.timeline.count == 128)
        #expect(detail.timeline.first?.spanID == 1)
        #expect(detail.timeline.last?.spanID == 100_001)
        #expect(detail.row.tokens == 100_000)
        #expect(bench.fleet.heldSteps == 128)
        // Each step is shown or folded.
        #expect(detail.folded == 100_001 - 128)
        #expect(bench.fleet.totals.foldedSteps == 100_001 - 128)
    }

    @Test func `when steps run out, finished runs go before open ones`() {
        var settings = FleetSettings()
        settings.steps = 10
        var bench = FleetBench(settings)
        for run in 1...3 as ClosedRange<UInt64> {
            for span in 1...3 as ClosedRange<UInt64> {
                bench.take(bench.fact(.seen, .llm, trace: run, span: span, subject: "gpt"))
            }
        }
        bench.take(bench.fact(.workflowEnded, trace: 2))
        for span in 4...8 as ClosedRange<UInt64> {
            bench.take(bench.fact(.seen, .llm, trace: 3, span: span, subject: "gpt"))
        }
        #expect(bench.list().rows.map(\.traceIDLow) == [3])
        #expect(bench.statistics.totals.evictedFinished == 1)
        #expect(bench.statistics.totals.evictedOpen == 1)
        for span in 9...30 as ClosedRange<UInt64> {
            bench.take(bench.fact(.seen, .llm, trace: 3, span: span, subject: "gpt"))
        }
        #expect(bench.list().rows.first?.calls == 30)
        #expect(bench.detail(3)?.folded == 20)
        #expect(bench.fleet.heldSteps == 10)
    }

    @Test func `any order of facts leaves the counters at rest`() {
        var generator = SplitMix(state: 7)
        var settings = FleetSettings()
        settings.openWorkflows = 20
        settings.finishedWorkflows = 10
        settings.steps = 300
        settings.stepsPerWorkflow = 24
        settings.firstSteps = 6
        settings.sessions = 12
        var bench = FleetBench(settings)
        let kinds: [AgentFact.Kind] = [
            .began, .began, .seen, .seen, .ended, .ended, .ended, .workflowEnded, .traceClosed,
            .usage,
        ]
        for _ in 0..<60_000 {
            bench.clock += Double(generator.next() % 7) - 2
            let kind = kinds[Int(generator.next() % 10)]
            let activity = ActivityKind(rawValue: UInt8(generator.next() % 10)) ?? .other
            var fact = bench.fact(
                kind, activity, trace: generator.next() % 60, span: generator.next() % 40,
                parent: generator.next() % 40, agent: "a\(generator.next() % 5)",
                subject: "s\(generator.next() % 3)", from: Double(generator.next() % 100),
                to: Double(generator.next() % 100), tokens: generator.next() % 9,
                cost: generator.next() % 2 == 0 ? .nan : 0.25,
                error: generator.next() % 4 == 0 ? "boom" : nil)
            fact.session = generator.next() % 30
            fact.isDerivedTrace = fact.traceIDLow % 2 == 1
            fact.calls = UInt32(generator.next() % 2)
            bench.take(fact)
            if generator.next() % 64 == 0 { bench.tick() }
            if generator.next() % 512 == 0 { _ = bench.detail(generator.next() % 60) }
            bench.events.removeAll(keepingCapacity: true)
        }
        let states = bench.statistics.states
        #expect(states.allSatisfy { $0.count >= 0 })
        #expect(
            states.filter { $0.state.isOpen }.reduce(0) { $0 + $1.count }
                == bench.fleet.activeWorkflows)
        #expect(bench.fleet.workflows.finished.count <= 10)
        let totals = bench.fleet.totals
        #expect(
            totals.workflowsStarted
                == totals.workflowsCompleted + totals.workflowsFailed + totals.workflowsAbandoned
                + UInt64(bench.fleet.activeWorkflows))
        for trace in 0..<60 as Range<UInt64> {
            bench.take(bench.fact(.traceClosed, trace: trace))
        }
        #expect(bench.fleet.activeWorkflows == 0)
        #expect(bench.fleet.activeAgents == 0)
        #expect(bench.statistics.activeSteps == 0)
        #expect(bench.fleet.stuckWorkflows == 0)
        #expect(bench.statistics.agents.allSatisfy { $0.active == 0 })
        while bench.fleet.workflows.finished.first >= 0 {
            bench.fleet.evict(bench.fleet.workflows.finished.first)
        }
        #expect(bench.fleet.heldSteps == 0)
        #expect(bench.fleet.workflows.newest == -1)
    }
}

/// The same numbers in every run.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
        return word ^ word >> 31
    }
}
