import RoostIngest
import Testing

@testable import RoostAnalytics

/// More runs are open than there is room for.
@Suite struct FleetRoomTests {
    private static func bench(open: Int, finished: Int) -> FleetBench {
        var settings = FleetSettings()
        settings.openWorkflows = open
        settings.finishedWorkflows = finished
        return FleetBench(settings)
    }

    /// An agent's run that events tell, as it is seen or counted.
    private static func agent(
        _ bench: inout FleetBench, _ kind: AgentFact.Kind, _ trace: UInt64, error: String? = nil
    ) -> AgentFact {
        var fact = bench.fact(
            kind, kind == .workflowEnded ? .workflow : .agent, trace: trace, span: trace,
            agent: "a", from: 0, to: 1, error: error)
        fact.isDerivedTrace = true
        return fact
    }

    @Test(arguments: [(10, 5), (10, 1_000), (10_000, 2_000)])
    func `what only waits for the end of its trace is completed, once`(
        open: Int, finished: Int
    ) {
        var bench = Self.bench(open: open, finished: finished)
        let runs = UInt64(open * 5)
        let failing: (UInt64) -> String? = { $0 % 10 == 0 ? "boom" : nil }
        for trace in 1...runs {
            bench.take(Self.agent(&bench, .seen, trace, error: failing(trace)))
        }
        #expect(bench.fleet.totals.workflowsAbandoned == 0)
        for trace in 1...runs {
            bench.clock += 0.001
            bench.take(Self.agent(&bench, .ended, trace, error: failing(trace)))
            bench.take(Self.agent(&bench, .workflowEnded, trace, error: failing(trace)))
        }
        let totals = bench.fleet.totals
        #expect(totals.workflowsStarted == runs)
        #expect(totals.workflowsFailed == runs / 10)
        #expect(totals.workflowsCompleted == runs - runs / 10)
        #expect(totals.workflowsAbandoned == 0)
        #expect(totals.workflowDuration == runs * 1_000_000_000)
        #expect(bench.fleet.activeWorkflows == 0)
        let told = Dictionary(grouping: bench.told) { $0 }.mapValues(\.count)
        #expect(
            told == [
                "workflow.started": Int(runs), "agent.invoked": Int(runs),
                "agent.completed": Int(runs - runs / 10), "agent.failed": Int(runs / 10),
                "workflow.completed": Int(runs - runs / 10), "workflow.failed": Int(runs / 10),
            ])
        let minutes = bench.statistics.lastHour
        #expect(minutes.completed + minutes.failed + minutes.abandoned == Int(runs))
    }

    @Test func `a run that was given up and ends after all is completed and not abandoned`() {
        var bench = Self.bench(open: 2, finished: 2)
        for trace in 1...3 as ClosedRange<UInt64> {
            bench.take(bench.fact(.began, .agent, trace: trace, span: 1, agent: "a"))
        }
        #expect(bench.fleet.totals.workflowsAbandoned == 1)
        #expect(bench.told.filter { $0 == "workflow.abandoned" }.count == 1)
        bench.take(bench.fact(.ended, .agent, trace: 1, span: 1, agent: "a", to: 1))
        bench.take(bench.fact(.workflowEnded, trace: 1, to: 1))
        // One of the others has gone for it, and is told as well.
        #expect(bench.fleet.totals.workflowsStarted == 3)
        #expect(bench.fleet.totals.workflowsCompleted == 1)
        #expect(bench.fleet.totals.workflowsAbandoned == 1)
        for trace in 2...3 as ClosedRange<UInt64> {
            bench.take(bench.fact(.ended, .agent, trace: trace, span: 1, agent: "a", to: 1))
            bench.take(bench.fact(.workflowEnded, trace: trace, to: 1))
        }
        #expect(bench.fleet.totals.workflowsStarted == 3)
        #expect(bench.fleet.totals.workflowsCompleted == 3)
        #expect(bench.fleet.totals.workflowsAbandoned == 0)
        #expect(bench.told.filter { $0 == "workflow.started" }.count == 3)
        #expect(bench.told.filter { $0 == "workflow.completed" }.count == 3)
        #expect(bench.statistics.lastHour.completed == 3)
        #expect(bench.statistics.lastHour.abandoned == 0)
    }

    @Test func `a run that was over for want of room and turns out to be told by spans is none`() {
        for finished in [1, 10] {
            var bench = Self.bench(open: 2, finished: finished)
            for trace in 1...5 as ClosedRange<UInt64> {
                bench.take(Self.agent(&bench, .seen, trace))
            }
            for trace in 1...5 as ClosedRange<UInt64> {
                var closed = bench.fact(.traceClosed, trace: trace)
                closed.isDerivedTrace = true
                bench.take(closed)
            }
            let totals = bench.fleet.totals
            #expect(totals.workflowsStarted == 0 && totals.workflowsCompleted == 0)
            #expect(totals.workflowDuration == 0)
            #expect(bench.fleet.activeWorkflows == 0)
        }
    }

    /// Runs of one session that ended early for want of room or, announced, were given up; then the
    /// first comes again.
    private static func taken(up first: AgentFact.Kind, finished: Int) -> FleetBench {
        var bench = Self.bench(open: 2, finished: finished)
        for trace in 1...6 as ClosedRange<UInt64> {
            bench.take(Self.told(&bench, first, trace))
        }
        return bench
    }

    private static func told(
        _ bench: inout FleetBench, _ kind: AgentFact.Kind, _ trace: UInt64
    ) -> AgentFact {
        var fact = agent(&bench, kind, trace, error: kind == .began ? nil : "boom")
        fact.session = bench.session("s")
        return fact
    }

    /// What all, the last hour and the sessions say is the same.
    private static func expectAgreement(
        _ bench: FleetBench, runs: Int, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let (totals, hour) = (bench.fleet.totals, bench.statistics.lastHour)
        #expect(Int(totals.workflowsCompleted) == hour.completed, sourceLocation: sourceLocation)
        #expect(Int(totals.workflowsFailed) == hour.failed, sourceLocation: sourceLocation)
        #expect(Int(totals.workflowsAbandoned) == hour.abandoned, sourceLocation: sourceLocation)
        let sessions = bench.fleet.sessions(bench.symbols).rows
        #expect(
            sessions.reduce(0) { $0 + $1.workflows } == runs, sourceLocation: sourceLocation)
        #expect(
            sessions.reduce(0) { $0 + $1.failed } == hour.failed, sourceLocation: sourceLocation)
        #expect(Int(totals.workflowsStarted) == runs, sourceLocation: sourceLocation)
    }

    @Test(arguments: [AgentFact.Kind.began, .seen], [1, 10])
    func `a run that comes again is one run everywhere, while it goes on and after`(
        first: AgentFact.Kind, finished: Int
    ) {
        var bench = Self.taken(up: first, finished: finished)
        Self.expectAgreement(bench, runs: 6)
        // What comes again need not say the session.
        for trace in 1...6 as ClosedRange<UInt64> {
            var more = Self.agent(&bench, .seen, trace, error: "boom")
            more.spanID = 90 + trace
            bench.take(more)
            Self.expectAgreement(bench, runs: 6)
        }
        bench.clock = 60
        for trace in 1...6 as ClosedRange<UInt64> {
            bench.take(Self.told(&bench, .ended, trace))
            bench.take(Self.told(&bench, .workflowEnded, trace))
            Self.expectAgreement(bench, runs: 6)
        }
        #expect(bench.fleet.totals.workflowsFailed == 6)
    }

    @Test(arguments: [1, 10])
    func `a run that turns out to be told by spans is none in its session, either`(
        finished: Int
    ) {
        var bench = Self.taken(up: .seen, finished: finished)
        for trace in 1...6 as ClosedRange<UInt64> {
            var closed = bench.fact(.traceClosed, trace: trace)
            closed.isDerivedTrace = true
            bench.take(closed)
            Self.expectAgreement(bench, runs: 6 - Int(trace))
        }
    }

    @Test func `a run that goes on is over nowhere until it is`() {
        var bench = FleetBench()
        bench.take(Self.told(&bench, .ended, 1))
        bench.take(Self.told(&bench, .workflowEnded, 1))
        Self.expectAgreement(bench, runs: 1)
        var more = Self.told(&bench, .began, 1)
        more.spanID = 7
        bench.take(more)
        #expect(bench.fleet.activeWorkflows == 1)
        #expect(bench.statistics.lastHour.failed == 0)
        Self.expectAgreement(bench, runs: 1)
    }

    @Test func `what is remembered of runs is bounded`() {
        var bench = Self.bench(open: 1, finished: 1)
        bench.fleet.tellsEvents = false
        for trace in 1...100_000 as ClosedRange<UInt64> {
            bench.take(Self.agent(&bench, .seen, trace))
        }
        #expect(bench.fleet.forgotten.count == 1 << 16)
        #expect(bench.fleet.byteCount < 8_000_000)
        #expect(bench.fleet.forgotten.take(0, 1) == nil)
        #expect(bench.fleet.forgotten.take(0, 99_000)?.state == .completed)
        #expect(bench.fleet.forgotten.take(0, 99_000) == nil)
    }
}
