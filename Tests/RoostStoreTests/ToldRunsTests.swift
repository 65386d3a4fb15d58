import RoostAnalytics
import RoostCore
import RoostIngest
import Testing

@testable import RoostStore

/// Runs that posted events tell of, while they go on and when they are over.
@Suite struct ToldRunsTests {
    private static let trace = #""trace_id":"00000000000000000000000000000001""#

    /// A store, and what brings beginnings and ends together before it.
    private final class Telling {
        private(set) var harness: StoreHarness
        private let path = StoreHarness.newFolder()
        private var folder = EventFolder(seed: 3)
        private var time: UInt64 = 5_000_000_000

        init() throws { harness = try Self.open(path) }

        deinit { StoreHarness.remove(path) }

        private static func open(_ path: String) throws -> StoreHarness {
            let harness = try StoreHarness(
                folder: path,
                understanding: AgentUnderstanding(names: StoreHarness.names, prices: nil))
            harness.keepsFolder.store(true, ordering: .relaxed)
            return harness
        }

        /// Each is written before the next one comes, a second later.
        func tell(_ type: String, _ payload: String, _ more: String = "") throws {
            let json =
                #"{"event_type":"\#(type)","payload":{\#(payload)},\#(ToldRunsTests.trace)\#(more)}"#
            var batch = ActivityBatch()
            folder.fold(
                try PostedEvent(try JSONValue(parsing: json.utf8), now: time), into: &batch)
            time += 1_000_000_000
            #expect(harness.store.offer(batch))
            harness.store.flush()
        }

        func restartStore() throws {
            harness.store.close(deadline: .max)
            harness = try Self.open(path)
        }

        func stored() throws -> StoredTrace {
            try #require(try harness.store.trace(high: 0, low: 1))
        }

        func summary() throws -> TraceSummary { try stored().summary }

        func document() throws -> TraceDocument {
            TraceReader(names: StoreHarness.names, prices: nil).document(
                chunks: [], activities: ActivityBatch(unpacking: try stored().activities),
                traceIDHigh: 0, traceIDLow: 1)
        }
    }

    @Test func `what was announced is running, by its name, session and user`() throws {
        let run = try Telling()
        try run.tell("workflow.started", #""workflow":"tale""#, #","session_id":"s","user_id":"u""#)
        try run.tell("agent.invoked", #""agent":"poet""#)
        try run.tell("llm.completed", #""agent":"poet","model":"m","duration_ms":200"#)
        let summary = try run.summary()
        #expect(summary.status == .running)
        #expect(summary.hasAnnounced)
        #expect(summary.outcome == .abandoned)
        #expect([summary.workflow, summary.session, summary.user] == ["tale", "s", "u"])
        #expect(try run.harness.ids { $0.session = "s" } == [1])
        let document = try run.document()
        #expect(document.steps.map(\.isPending) == [true, true, false])
        #expect(document.steps.map(\.parent) == [nil, 0, 1])
        #expect(TraceSummary(of: document).status == .running)
    }

    @Test func `an end takes the place of its beginning, also when that is long stored`() throws {
        let run = try Telling()
        try run.tell("workflow.started", #""workflow":"tale""#, #","session_id":"s","user_id":"u""#)
        try run.tell("agent.invoked", #""agent":"poet","run_id":"r""#)
        try run.restartStore()
        try run.tell("agent.completed", #""run_id":"r","tokens":9"#)
        #expect(try run.summary().status == .running)
        try run.restartStore()
        try run.tell("workflow.completed", "")
        let summary = try run.summary()
        #expect(summary.status == .ok)
        #expect(!summary.hasAnnounced)
        #expect([summary.workflow, summary.session, summary.user] == ["tale", "s", "u"])
        #expect(summary.agents == ["events", "poet"])
        #expect((summary.spans, summary.duration, summary.tokens) == (2, 3_000_000_000, 9))
        #expect(try run.document().steps.map(\.name) == ["workflow.completed", "agent.completed"])
        #expect(ActivityBatch(unpacking: try run.stored().activities)?.activities.count == 2)
    }

    @Test func `a run goes on with what is announced after its end`() throws {
        let run = try Telling()
        for (name, end) in [("one", "completed"), ("two", "failed")] {
            try run.tell("workflow.started", #""workflow":"\#(name)""#)
            #expect(try run.summary().status == .running)
            #expect(TraceSummary(of: try run.document()).status == .running)
            try run.tell("workflow.\(end)", #""workflow":"\#(name)""#)
            #expect(try run.summary().status == (end == "failed" ? .error : .ok))
            #expect(TraceSummary(of: try run.document()).status == (try run.summary().status))
        }
    }

    @Test func `what was announced before the end of its workflow does not keep it running`() throws
    {
        let run = try Telling()
        try run.tell("workflow.started", #""workflow":"tale""#)
        try run.tell("agent.invoked", #""agent":"poet""#)
        try run.tell("workflow.completed", #""workflow":"tale""#)
        #expect(try run.summary().status == .ok)
    }

    @Test func `the end of a workflow within another ends no run`() throws {
        let run = try Telling()
        try run.tell("workflow.started", #""workflow":"outer""#)
        try run.tell("workflow.started", #""workflow":"inner""#)
        try run.tell("workflow.completed", #""workflow":"inner""#)
        #expect(try run.summary().status == .running)
        try run.tell("workflow.failed", #""workflow":"outer""#)
        #expect(try run.summary().status == .error)
        #expect(try run.summary().workflow == "outer")
    }
}
