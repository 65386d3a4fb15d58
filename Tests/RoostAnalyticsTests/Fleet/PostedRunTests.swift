import RoostCore
import RoostIngest
import Testing

@testable import RoostAnalytics

/// Runs that programs tell with `POST events`.
@Suite struct PostedRunTests {
    /// A world behind a folder of events.
    private final class Posts {
        let world = FleetTrackerTests.World()
        var folder = EventFolder(seed: 7)

        /// Takes in events of one request, each `type` or `type {payload}`, then lets time pass.
        func post(_ events: String..., whose: String? = nil, until: Double = 0) throws {
            var batch = ActivityBatch()
            for text in events {
                let parts = text.split(separator: " ", maxSplits: 1)
                let payload = parts.count > 1 ? String(parts[1]) : "{}"
                let whose = whose ?? #""trace_id":"00000000000000000000000000000001""#
                let json = #"{"event_type":"\#(parts[0])","payload":\#(payload),\#(whose)}"#
                folder.fold(
                    try PostedEvent(try JSONValue(parsing: json.utf8), now: world.now), into: &batch
                )
            }
            world.take(&batch, until: until)
        }

        var totals: FleetTotals { world.fleet.totals }
        var execution: WorkflowDetail.Execution? {
            world.fleet.workflow(0, 1, world.symbols, now: world.now)?.executions.first
        }
    }

    private static let start = [
        #"workflow.started {"workflow":"demo"}"#, #"agent.invoked {"agent":{"name":"w"}}"#,
    ]

    @Test(arguments: [
        ("workflow.completed", WorkflowState.completed), ("workflow.failed", .failed),
    ])
    func `a run is over when its workflow is, and stays held`(
        end: String, state: WorkflowState
    ) throws {
        let posts = Posts()
        try posts.post(Self.start[0], Self.start[1], until: 1)
        #expect(posts.world.row?.state == .running)
        try posts.post(#"agent.completed {"agent":"w"}"#, #"\#(end) {"workflow":"demo"}"#)
        #expect(posts.world.row?.state == state)
        #expect(posts.world.row?.workflow == "demo")
        #expect(posts.world.row?.duration == 1_000_000_000)
        posts.world.take([], until: 45)
        #expect(posts.world.row?.state == state)
        #expect(posts.totals.workflowsStarted == 1)
        #expect(posts.totals.workflowsCompleted == (state == .completed ? 1 : 0))
        #expect(posts.totals.workflowsFailed == (state == .failed ? 1 : 0))
        #expect(posts.world.active == [0, 0, 0])
        #expect(posts.world.events.filter { $0.kind.text == end }.count == 1)
    }

    @Test func `what ends after its workflow is counted and does not open the run again`() throws {
        let posts = Posts()
        try posts.post(Self.start[0], Self.start[1], until: 1)
        try posts.post(#"workflow.completed {"workflow":"demo"}"#, until: 2)
        #expect(posts.world.row?.state == .completed)
        #expect(posts.world.active == [0, 0, 0])
        try posts.post(#"agent.completed {"agent":"w"}"#, until: 3)
        #expect(posts.world.row?.state == .completed)
        #expect(posts.totals.agentRunsCompleted == 1)
        posts.world.take([], until: 45)
        #expect(posts.world.row?.state == .completed)
        #expect(posts.totals.workflowsCompleted == 1)
    }

    @Test func `a workflow within another ends without ending it`() throws {
        let posts = Posts()
        try posts.post(
            #"workflow.started {"workflow":"outer"}"#, #"workflow.started {"workflow":"inner"}"#)
        try posts.post(#"workflow.completed {"workflow":"inner"}"#, until: 1)
        #expect(posts.world.row?.state == .running)
        try posts.post(#"workflow.failed {"workflow":"outer"}"#, until: 45)
        #expect(posts.world.row?.state == .failed)
        #expect(posts.totals.workflowsFailed == 1)
    }

    @Test func `a session that goes on after a workflow stays held`() throws {
        let posts = Posts()
        let whose = #""session_id":"s""#
        try posts.post(Self.start[0], whose: whose, until: 1)
        try posts.post(#"workflow.failed {"workflow":"demo"}"#, whose: whose, until: 2)
        #expect(posts.world.row?.state == .failed)
        try posts.post(Self.start[0], whose: whose, until: 3)
        #expect(posts.world.row?.state != .failed)
        try posts.post(#"workflow.completed {"workflow":"demo"}"#, whose: whose)
        #expect(posts.world.row?.state == .completed)
        try posts.post(#"agent.invoked {"agent":"w"}"#, whose: whose, until: 4)
        try posts.post(#"agent.completed {"agent":"w"}"#, whose: whose, until: 50)
        #expect(posts.world.row?.state == .completed)
        #expect(posts.totals.workflowsStarted == 1)
    }

    private static let used =
        #"agent.completed {"agent":"w","tokens":{"input":30,"output":10},"cost":0.25}"#

    @Test func `what an agent says it used stands with its run at once`() throws {
        let posts = Posts()
        try posts.post(Self.start[0], Self.start[1], until: 1)
        try posts.post(Self.used, until: 2)
        #expect(posts.execution?.tokens == 40)
        #expect(posts.execution?.cost == 0.25)
        let event = try #require(posts.world.events.last { $0.kind == .agentCompleted })
        #expect((event.tokens, event.cost) == (40, 0.25))
        try posts.post(#"workflow.completed {"workflow":"demo"}"#)
        let over = try #require(posts.world.events.last { $0.kind == .workflowCompleted })
        #expect((over.tokens, over.cost) == (40, 0.25))
        posts.world.take([], until: 45)
        #expect((posts.world.row?.tokens, posts.world.row?.cost) == (40, 0.25))
        #expect(posts.totals.tokens == 40)
        #expect(posts.totals.unpricedCalls == 0)
        #expect(posts.execution?.tokens == 40)
    }

    @Test func `what calls below told counts once, and the agent's event says what was posted`()
        throws
    {
        let posts = Posts()
        try posts.post(Self.start[0], Self.start[1], until: 1)
        let call = #"llm.completed {"agent":"w","model":"m","tokens":{"input":30},"cost":0.2}"#
        try posts.post(call, Self.used, until: 2)
        let event = try #require(posts.world.events.last { $0.kind == .agentCompleted })
        #expect((event.tokens, event.cost) == (40, 0.25))
        posts.world.take([], until: 45)
        #expect((posts.world.row?.tokens, posts.world.row?.cost) == (30, 0.2))
        #expect((posts.execution?.tokens, posts.execution?.cost) == (30, 0.2))
        #expect(posts.totals.tokens == 30)
    }

    @Test func `a workflow that says itself what it used`() throws {
        let posts = Posts()
        try posts.post(Self.start[0], until: 1)
        try posts.post(#"workflow.completed {"workflow":"demo","tokens":7,"cost":0.5}"#, until: 45)
        let event = try #require(posts.world.events.last { $0.kind == .workflowCompleted })
        #expect((event.tokens, event.cost) == (7, 0.5))
        #expect((posts.world.row?.tokens, posts.world.row?.cost) == (7, 0.5))
        #expect(posts.totals.tokens == 7)
    }

    @Test func `the account of an agent's span stands with its run when it is believed`() throws {
        let world = FleetTrackerTests.World()
        let make = FleetTrackerTests.span(.agent, 1, 0, "boss", from: 0, to: 6)
        world.take(
            [
                { batch in
                    var activity = make(&batch)
                    activity.tokens.input = 12
                    activity.reportedCost = 0.5
                    activity.flags.insert(.usageIsAggregate)
                    return activity
                }
            ], until: 45)
        let detail = world.fleet.workflow(0, 1, world.symbols, now: world.now)
        #expect(detail?.executions.map(\.tokens) == [12])
        #expect(detail?.executions.map(\.cost) == [0.5])
        #expect(detail?.row.tokens == 12)
    }

    @Test func `an agent alone is over when nothing more comes of it`() throws {
        let posts = Posts()
        try posts.post(#"agent.invoked {"agent":"w"}"#, until: 1)
        try posts.post(#"agent.completed {"agent":"w"}"#, until: 45)
        #expect(posts.world.row?.state == .completed)
        #expect(posts.totals.workflowsCompleted == 1)
    }
}
