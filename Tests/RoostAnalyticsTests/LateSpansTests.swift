import RoostCore
import RoostIngest
import Testing

@testable import RoostAnalytics

/// Everything behind a real tracker, when what tells most comes last.
@Suite struct LateSpansTests {
    final class World {
        var tracker: AgentTracker
        var analytics = Analytics(began: FleetBench.origin)
        /// Seconds since the start.
        var clock = 0.0

        init() {
            tracker = AgentTracker(AgentTrackerSettings())
            tracker.tellFacts()
        }

        var now: UInt64 { FleetBench.time(clock) }
        private var monotonic: UInt64 { 1_000_000_000_000 &+ UInt64(clock * 1e9) }

        /// Takes in one request, then lets time pass until `until`.
        func take(
            _ activities: [(inout ActivityBatch) -> Activity] = [], until: Double = 0
        ) {
            var batch = ActivityBatch()
            for make in activities {
                let activity = make(&batch)
                batch.activities.append(activity)
            }
            tracker.take(&batch, now: monotonic, unixNow: now)
            fetch()
            while clock < until {
                clock += 1
                tracker.tick(now: monotonic, unixNow: now)
                fetch()
                analytics.tick(now: now)
            }
        }

        private func fetch() {
            let batch = tracker.takeFacts(room: AgentFactBatch())
            analytics.begin(batch)
            analytics.take(batch.facts[...], now: now)
        }

        var row: WorkflowRow? {
            analytics.fleet.list(WorkflowFilter(), analytics.symbols, now: now).rows.first
        }
        /// `agent boss timeout open`, the latest first.
        var failures: [String] {
            analytics.failures.report(FailureFilter(), analytics.symbols, now: now).rows.map {
                "\($0.component) \($0.operation) \($0.errorType) \($0.outcome)"
            }
        }
        var failureReport: FailureReport {
            analytics.failures.report(FailureFilter(), analytics.symbols, now: now)
        }
        /// Runs and failed runs of the last hour.
        var window: [UInt64] {
            guard let runs = analytics.window(3_600, now: now)?.overall.workflowRuns else {
                return []
            }
            return [runs.count, runs.errors]
        }
        /// The same by workflow.
        var byWorkflow: [String: [UInt64]] {
            var rows: [String: [UInt64]] = [:]
            for row in analytics.window(3_600, now: now)?.groups[.workflow] ?? [] {
                let runs = row.figures.workflowRuns
                if runs.count > 0 { rows[row.name] = [runs.count, runs.errors] }
            }
            return rows
        }
        /// Completed, failed and abandoned runs.
        var totals: [UInt64] {
            let totals = analytics.fleet.totals
            return [totals.workflowsCompleted, totals.workflowsFailed, totals.workflowsAbandoned]
        }
        /// The same of the last five minutes.
        var minutes: [Int] {
            let minutes = analytics.fleet.minutes.sum(of: 5, now: now)
            return [minutes.completed, minutes.failed, minutes.abandoned]
        }
        /// Attempts and failures of a workflow.
        func pattern(_ workflow: String) -> [Int] {
            guard let number = analytics.symbols.number(of: workflow),
                let sums = analytics.findings.patterns.operations.sums(
                    of: SubjectKey(.workflow, number), .max)
            else { return [] }
            return [sums.attempts, sums.failures]
        }
        /// By status, as `/metrics` shows it.
        var counted: [String: Double] {
            var sums: [String: Double] = [:]
            for (labels, value) in tracker.snapshot.values(of: "roost_workflow_runs_total") {
                sums[labels["status"] ?? "", default: 0] += value
            }
            return sums
        }
    }

    static func span(
        _ kind: ActivityKind, _ span: UInt64, _ parent: UInt64, _ name: String, from start: Double,
        to end: Double, isError: Bool = false
    ) -> (inout ActivityBatch) -> Activity {
        FleetTrackerTests.span(
            kind, span, parent, name, from: start, to: end, isError: isError)
    }

    @Test func `a run that was taken for a good one ends as failed when its root says so`() {
        let world = World()
        world.take(
            [
                Self.span(.tool, 3, 2, "search", from: 1, to: 2, isError: true),
                Self.span(.agent, 2, 1, "boss", from: 0, to: 3),
            ], until: 40)
        #expect(world.totals == [1, 0, 0])
        #expect(world.failures == ["tool search timeout recovered"])
        #expect(world.window == [1, 0])
        world.take([Self.span(.workflow, 1, 0, "flow", from: 0, to: 39, isError: true)])
        #expect(world.row?.state == .failed)
        #expect(world.row?.workflow == "flow")
        #expect(world.row?.duration == 39_000_000_000)
        #expect(world.totals == [0, 1, 0])
        #expect(world.minutes == [0, 1, 0])
        #expect(world.window == [1, 1])
        #expect(world.byWorkflow == ["flow": [1, 1]])
        #expect(world.pattern("flow") == [1, 1])
        #expect(world.failures == ["workflow flow timeout open", "tool search timeout open"])
        #expect(world.analytics.window(60, now: world.now)?.cumulative.workflowRuns == 1)
        // What was counted for Prometheus stays counted, and once.
        #expect(world.counted.values.reduce(0, +) == 1)
        world.take(until: 100)
        #expect(world.row?.state == .failed)
        #expect(world.totals == [0, 1, 0])
    }

    @Test func `a run that is over keeps its name, whatever comes late`() {
        let world = World()
        let call = Self.span(.llm, 2, 1, "gpt", from: 1, to: 2)
        world.take([call, Self.span(.agent, 1, 0, "boss", from: 0, to: 3)], until: 40)
        #expect(world.row?.workflow == "boss")
        for late in [call, Self.span(.llm, 3, 1, "late", from: 2, to: 3)] {
            world.take([late])
            #expect(world.row?.workflow == "boss")
            world.take(until: world.clock + 40)
            #expect(world.row?.workflow == "boss")
        }
        #expect(world.byWorkflow == ["boss": [1, 0]])
    }

    /// The second goes on within the time of the first, or begins after it, or begins with it.
    @Test(arguments: [[], [1], [2]] as [[UInt64]], [(10, 20), (35, 38), (0, 3)])
    func `of two roots the one that started first names the run, whenever it comes`(
        _ failed: [UInt64], _ time: (Double, Double)
    ) {
        func root(_ id: UInt64, _ name: String, _ from: Double, _ to: Double) -> (
            inout ActivityBatch
        ) -> Activity {
            Self.span(.agent, id, 0, name, from: from, to: to, isError: failed.contains(id))
        }
        let (first, second) = (root(1, "first", 0, 30), root(2, "second", time.0, time.1))
        let call = Self.span(.llm, 3, 2, "gpt", from: time.0 + 1, to: time.0 + 2)
        let hasFailed = failed == [1]
        for (requests, name) in [
            ([[first], [second, call]], "first"), ([[first, call, second]], "first"),
            ([[second, first], [call]], "first"), ([[second, call], [first]], "second"),
        ] {
            for rest in [0, 40] as [Double] {
                let world = World()
                for request in requests { world.take(request, until: world.clock + rest) }
                world.take(until: world.clock + 40)
                #expect(world.row?.workflow == "first")
                #expect(world.row?.state == (hasFailed ? .failed : .completed))
                if time.1 < 30 { #expect(world.row?.duration == 30_000_000_000) }
                #expect(world.totals == (hasFailed ? [0, 1, 0] : [1, 0, 0]))
                #expect(world.window == [1, hasFailed ? 1 : 0])
                #expect(world.byWorkflow == ["first": [1, hasFailed ? 1 : 0]])
                #expect(world.pattern("first") == [1, hasFailed ? 1 : 0])
                #expect(world.pattern("second").reduce(0, +) == 0)
                // What was counted for Prometheus stays what it was taken for.
                let counted = world.tracker.snapshot.values(of: "roost_workflow_runs_total")
                    .filter { $0.1 > 0 }
                #expect(counted.map { $0.0["workflow"] } == [name])
            }
        }
    }

    @Test func `what events tell late has no name for the run`() {
        var record = WorkflowRecord()
        record.isDerived = true
        var fact = AgentFact(.seen)
        (fact.service, fact.workflow) = (3, 3)
        for (told, name) in [(3, 3), (5, 5), (3, 5), (6, 6)] as [(Int32, Int32)] {
            fact.workflow = told
            _ = record.note(fact, now: 1)
            #expect(record.name == name)
        }
    }

    @Test func `the last steps come with the root`() {
        let world = World()
        world.take([Self.span(.llm, 3, 2, "gpt", from: 1, to: 2)], until: 40)
        #expect(world.row?.state == .abandoned)
        let last = [
            Self.span(.llm, 4, 2, "gpt", from: 3, to: 40, isError: true),
            Self.span(.agent, 2, 1, "boss", from: 0, to: 41, isError: true),
            Self.span(.workflow, 1, 0, "flow", from: 0, to: 42, isError: true),
        ]
        world.take(last, until: 42)
        #expect(world.row?.state == .failed)
        #expect(world.row?.calls == 2)
        #expect(world.row?.duration == 42_000_000_000)
        #expect(world.totals == [0, 1, 0])
        #expect(world.minutes == [0, 1, 0])
        #expect(world.window == [1, 1])
        #expect(world.failures.count == 3)
        // Sent again, and closed again.
        world.take(last, until: 100)
        #expect(world.totals == [0, 1, 0])
        #expect(world.window == [1, 1])
        #expect(world.failures.count == 3)
        #expect(world.failureReport.unrecovered == 3)
    }

    @Test func `the root comes, and a parent that was forgotten stays away`() {
        let world = World()
        world.take([Self.span(.agent, 2, 1, "boss", from: 0, to: 2)], until: 40)
        world.take([
            Self.span(.llm, 4, 2, "gpt", from: 1, to: 40),
            Self.span(.workflow, 1, 0, "flow", from: 0, to: 41, isError: true),
        ])
        #expect(world.row?.state == .failed)
        #expect(world.window == [1, 1])
    }

    @Test func `a run that was taken for a failed one ends well when its root says so`() {
        let world = World()
        world.take([Self.span(.tool, 3, 1, "search", from: 1, to: 2, isError: true)], until: 40)
        #expect(world.totals == [0, 1, 0])
        #expect(world.window == [1, 1])
        #expect(world.failures.count == 2)
        world.take([Self.span(.agent, 1, 0, "boss", from: 0, to: 39)], until: 42)
        #expect(world.row?.state == .completed)
        #expect(world.totals == [1, 0, 0])
        #expect(world.minutes == [1, 0, 0])
        #expect(world.window == [1, 0])
        #expect(world.failures == ["tool search timeout recovered"])
        let report = world.failureReport
        #expect((report.total, report.held, report.recovered, report.unrecovered) == (1, 1, 1, 0))
        let runs = report.lastHour.first { $0.component == .workflow }
        #expect(runs?.failures == 0)
        #expect(runs?.attempts == 1)
        world.take(until: 100)
        #expect(world.row?.state == .completed)
    }

    @Test(arguments: [70.0, 400, 1_000, 2_000])
    func `a run is taken out of the window where it stands`(_ late: Double) {
        let world = World()
        world.take([Self.span(.agent, 2, 1, "boss", from: 0, to: 2)], until: late)
        #expect(world.window == [1, 0])
        world.take([Self.span(.workflow, 1, 0, "flow", from: 0, to: late, isError: true)])
        #expect(world.window == [1, 1])
        #expect(world.byWorkflow == ["flow": [1, 1]])
        let duration = world.analytics.window(3_600, now: world.now)?.overall.workflowDuration
        #expect(duration?.count == 1)
        world.take(until: late + 400)
        #expect(world.window == [1, 1])
    }

    @Test func `a run that goes on after it failed has not failed less`() {
        let world = World()
        world.take([Self.span(.tool, 3, 1, "search", from: 1, to: 2, isError: true)], until: 40)
        #expect(world.row?.state == .failed)
        world.take([Self.span(.tool, 4, 1, "search", from: 39, to: 40)], until: 41)
        #expect(world.row?.state == .running)
        world.take(until: 80)
        #expect(world.row?.state == .failed)
    }

    @Test func `only the latest runs without a root are remembered`() {
        var runs = CountedRuns(limit: 4)
        for trace in UInt64(1)...10 {
            var fact = AgentFact(.workflowEnded)
            fact.traceIDLow = trace
            runs.note(fact, now: trace)
        }
        func take(_ trace: UInt64) -> UInt64? {
            var fact = AgentFact(.workflowCorrected)
            fact.traceIDLow = trace
            return runs.take(fact)?.told
        }
        #expect(
            (UInt64(1)...11).map { take($0) } == [nil, nil, nil, nil, nil, nil, 7, 8, 9, 10, nil])
        #expect(take(10) == nil)
    }

    // MARK: people

    @Test func `a wait that comes after its agent is taken out of the agent's time`() {
        let world = World()
        world.take([
            Self.span(.tool, 3, 2, "shell", from: 1, to: 60),
            Self.span(.agent, 2, 0, "boss", from: 0, to: 100),
        ])
        #expect(world.analytics.fleet.totals.agentDuration == 100_000_000_000)
        world.take([
            Self.span(.humanWait, 4, 3, "ask", from: 10, to: 50),
            Self.span(.humanWait, 5, 3, "ask", from: 40, to: 55),
        ])
        #expect(world.analytics.fleet.totals.agentDuration == 55_000_000_000)
        let detail = world.analytics.fleet.workflow(0, 1, world.analytics.symbols, now: world.now)
        #expect(detail?.executions.first?.humanWait == 45_000_000_000)
    }

    @Test func `a wait is known although its trace was closed before its agent came`() {
        let world = World()
        world.take([Self.span(.humanWait, 4, 3, "ask", from: 10, to: 50)], until: 45)
        world.take([Self.span(.tool, 3, 2, "shell", from: 5, to: 52)], until: 90)
        world.take([Self.span(.agent, 2, 0, "boss", from: 0, to: 90)], until: 91)
        #expect(world.analytics.fleet.totals.agentDuration == 50_000_000_000)
        let agent = world.analytics.window(300, now: world.now)?.overall.agentDuration
        #expect(agent.map { ($0.longest * 1e-9).rounded() } == 50)
    }
}
