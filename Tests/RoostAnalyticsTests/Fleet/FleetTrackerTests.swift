import RoostCore
import RoostIngest
import Testing

@testable import RoostAnalytics

/// The fleet and the failures behind a real tracker.
@Suite struct FleetTrackerTests {
    final class World {
        var tracker = AgentTracker(AgentTrackerSettings())
        var fleet = Fleet()
        var failures = Failures()
        var symbols = Symbols()
        var events: [FleetEvent] = []
        /// Seconds since the start.
        var clock = 0.0

        init() { tracker.tellFacts() }

        private var monotonic: UInt64 { 1_000_000_000_000 &+ UInt64(clock * 1e9) }
        var now: UInt64 { FleetBench.time(clock) }

        /// Takes in a batch, then lets time pass until `until`.
        func take(_ activities: [(inout ActivityBatch) -> Activity], until: Double = 0) {
            var batch = ActivityBatch()
            for make in activities {
                let activity = make(&batch)
                batch.activities.append(activity)
            }
            take(&batch, until: until)
        }

        func take(_ batch: inout ActivityBatch, until: Double) {
            tracker.take(&batch, now: monotonic, unixNow: now)
            fetch()
            while clock < until {
                clock += 1
                tracker.tick(now: monotonic, unixNow: now)
                fetch()
                fleet.tick(now: now, events: &events)
                failures.tick(now: now, fleet: fleet)
            }
        }

        private func fetch() {
            let batch = tracker.takeFacts(room: AgentFactBatch())
            symbols.take(batch)
            for fact in batch.facts {
                fleet.take(fact, symbols, now: now, events: &events)
                failures.take(fact, symbols, now: now, fleet: fleet)
            }
        }

        var row: WorkflowRow? { fleet.list(WorkflowFilter(), symbols, now: now).rows.first }
        var failure: FailureRow? {
            failures.report(FailureFilter(), symbols, now: now).rows.first
        }
        var active: [Int] { [fleet.activeWorkflows, fleet.activeAgents, fleet.announced] }
    }

    static func span(
        _ kind: ActivityKind, _ span: UInt64, _ parent: UInt64, _ name: String, from start: Double,
        to end: Double, isPending: Bool = false, isError: Bool = false
    ) -> (inout ActivityBatch) -> Activity {
        { batch in
            var activity = Activity()
            activity.kind = kind
            activity.phase = isPending ? .pending : .finished
            activity.traceIDLow = 1
            activity.spanID = span
            activity.parentSpanID = parent
            activity.start = FleetBench.time(start)
            activity.end = FleetBench.time(end)
            activity.name = batch.add(Array(name.utf8))
            activity.service = batch.add(Array("service".utf8))
            if kind == .agent { activity.agent = batch.add(Array(name.utf8)) }
            if kind == .tool { activity.tool = batch.add(Array(name.utf8)) }
            if kind == .llm {
                activity.modelAnswered = batch.add(Array(name.utf8))
                activity.tokens.input = 10
                activity.reportedCost = 0.5
            }
            if isError {
                activity.status = .error
                activity.errorType = batch.add(Array("timeout".utf8))
            }
            return activity
        }
    }

    @Test func `a trace that comes whole`() throws {
        let world = World()
        world.take([
            Self.span(.tool, 3, 1, "search", from: 1, to: 2, isError: true),
            Self.span(.tool, 4, 1, "search", from: 3, to: 4),
            Self.span(.llm, 2, 1, "gpt", from: 4, to: 5),
            Self.span(.agent, 1, 0, "boss", from: 0, to: 6),
        ])
        let row = try #require(world.row)
        #expect((row.state, row.workflow, row.retries) == (.completed, "boss", 1))
        #expect((row.tokens, row.cost, row.agentRuns) == (10, 0.5, 1))
        #expect(world.active == [0, 0, 0])
        #expect(world.failure?.strategy == .retry)
    }

    @Test func `children first, then their root`() throws {
        let world = World()
        world.take([Self.span(.llm, 2, 1, "gpt", from: 1, to: 2)], until: 5)
        #expect(world.row?.state == .running)
        #expect(world.row?.tokens == 10)
        world.take([Self.span(.llm, 3, 1, "gpt", from: 3, to: 4)], until: 6)
        world.take([Self.span(.agent, 1, 0, "boss", from: 0, to: 6)], until: 50)
        let row = try #require(world.row)
        #expect((row.state, row.tokens, row.cost, row.calls) == (.completed, 20, 1, 2))
        #expect(world.fleet.totals.tokens == 20)
        #expect(world.active == [0, 0, 0])
    }

    @Test func `an announced root that ends after a long silence`() throws {
        let world = World()
        world.take([Self.span(.agent, 1, 0, "boss", from: 0, to: 0, isPending: true)], until: 100)
        #expect(world.row?.state == .pending)
        world.take(
            [Self.span(.tool, 2, 1, "search", from: 90, to: 0, isPending: true)], until: 450)
        #expect(world.row?.state == .running)
        #expect(world.active == [1, 1, 2])
        #expect(world.row?.stuck != nil)
        world.take([Self.span(.tool, 2, 1, "search", from: 90, to: 450)], until: 455)
        #expect(world.row?.stuck == nil)
        world.take([Self.span(.agent, 1, 0, "boss", from: 0, to: 456)], until: 500)
        #expect(world.row?.state == .completed)
        #expect(world.row?.duration == 456_000_000_000)
        #expect(world.active == [0, 0, 0])
    }

    @Test func `an announced root that never ends`() {
        let world = World()
        world.take([
            Self.span(.agent, 1, 0, "boss", from: 0, to: 0, isPending: true),
            Self.span(.llm, 2, 1, "gpt", from: 1, to: 2),
        ])
        world.take([], until: 3_700)
        #expect(world.row?.state == .abandoned)
        #expect(world.active == [0, 0, 0])
        #expect(world.fleet.totals.workflowsCompleted == 0)
    }

    @Test func `an announced workflow with agents of one name within each other`() {
        let world = World()
        world.take(
            [
                Self.span(.workflow, 1, 0, "flow", from: 0, to: 0, isPending: true),
                Self.span(.agent, 2, 1, "boss", from: 1, to: 0, isPending: true),
                Self.span(.agent, 3, 2, "boss", from: 2, to: 0, isPending: true),
            ], until: 1)
        #expect(world.active == [1, 2, 3])
        world.take(
            [
                Self.span(.agent, 3, 2, "boss", from: 2, to: 3),
                Self.span(.agent, 2, 1, "boss", from: 1, to: 4),
                Self.span(.workflow, 1, 0, "flow", from: 0, to: 5),
            ], until: 2)
        #expect(world.row?.state == .completed)
        #expect(world.active == [0, 0, 0])
        world.take([], until: 50)
        #expect(world.row?.state == .completed)
        #expect(world.row?.agentRuns == 1)
    }

    @Test(arguments: [true, false])
    func `a root that comes after more steps than are held`(_ isLate: Bool) throws {
        let world = World()
        let calls = (2...300 as ClosedRange<UInt64>).map { id in
            Self.span(.llm, id, 1, "gpt", from: Double(id), to: Double(id) + 1)
        }
        let root = Self.span(.agent, 1, 0, "boss", from: 0, to: 400)
        world.take(isLate ? calls : calls + [root], until: 1)
        if isLate { world.take([root], until: 50) }
        let row = try #require(world.row)
        #expect((row.state, row.calls, row.agentRuns) == (.completed, 299, 1))
        #expect((row.tokens, row.cost) == (2_990, 149.5))
        let detail = try #require(world.fleet.workflow(0, 1, world.symbols, now: world.now))
        #expect(detail.timeline.count + detail.folded == 300)
        #expect(detail.timeline.contains { $0.spanID == 1 })
    }

    @Test(arguments: [false, true])
    func `what a tool does that is told twice is not done beside it`(_ isWhole: Bool) throws {
        let world = World()
        let steps = [
            Self.span(.llm, 4, 3, "gpt", from: 20, to: 80),
            Self.span(.tool, 3, 2, "research", from: 10, to: 90),
            Self.span(.tool, 2, 1, "research", from: 10, to: 90),
            Self.span(.agent, 1, 0, "boss", from: 0, to: 100),
        ]
        if isWhole {
            world.take(steps)
        } else {
            for step in steps { world.take([step], until: world.clock + 1) }
        }
        world.take([], until: 50)
        let detail = try #require(world.fleet.workflow(0, 1, world.symbols, now: world.now))
        #expect(detail.row.toolCalls == 1)
        #expect(detail.concurrency.total == 60_000_000_000)
        #expect(detail.concurrency.mostAtOnce == 1)
    }

    @Test func `a call below a request that is no activity`() {
        let world = World()
        world.take(
            [
                Self.span(.llm, 2, 1, "gpt", from: 1, to: 2),
                Self.span(.other, 1, 0, "POST /chat", from: 0, to: 3),
            ], until: 50)
        #expect(world.row?.state == .completed)
        #expect(world.row?.workflow == "POST /chat")
    }

    @Test func `calls whose parents never come`() {
        let world = World()
        world.take([Self.span(.llm, 2, 1, "gpt", from: 1, to: 2)], until: 50)
        #expect(world.row?.state == .abandoned)
        #expect(world.row?.tokens == 10)
        #expect(world.active == [0, 0, 0])
    }
}
