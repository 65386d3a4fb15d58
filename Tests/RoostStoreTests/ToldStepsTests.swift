import RoostAnalytics
import RoostCore
import RoostIngest
import Testing

@testable import RoostStore

/// Steps that are told without spans and log records, as posted events are.
@Suite struct ToldStepsTests {
    private static func steps(_ events: String..., folder: inout EventFolder) throws
        -> ActivityBatch
    {
        var batch = ActivityBatch()
        for event in events {
            folder.fold(
                try PostedEvent(try JSONValue(parsing: event.utf8), now: 5_000_000_000),
                into: &batch)
        }
        return batch
    }

    private static let trace =
        #""trace_id":"00000000000000000000000000000001","session_id":"s""#

    private func open(_ folder: String) throws -> StoreHarness {
        let harness = try StoreHarness(
            folder: folder,
            understanding: AgentUnderstanding(names: StoreHarness.names, prices: nil))
        harness.keepsFolder.store(true, ordering: .relaxed)
        return harness
    }

    /// A question waits for the writer as long as somebody would who sits in front of it; a busy
    /// machine may need longer.
    private static func held(_ harness: StoreHarness) throws -> StoredTrace? {
        for _ in 0..<50 {
            if let trace = try harness.store.trace(high: 0, low: 1) { return trace }
        }
        return nil
    }

    @Test func `they are a trace, which more is added to and which a restart keeps`() throws {
        let path = StoreHarness.newFolder()
        defer { StoreHarness.remove(path) }
        var folder = EventFolder(seed: 3)
        do {
            let harness = try open(path)
            let first = try Self.steps(
                #"{"event_type":"workflow.started","payload":{"workflow":"demo"},\#(Self.trace)}"#,
                #"{"event_type":"agent.completed","payload":{"agent":"w","tokens":9,"cost":0.5},\#(Self.trace)}"#,
                folder: &folder)
            #expect(harness.store.offer(first))
            let held = try #require(try Self.held(harness))
            #expect(held.summary.spans == 2)
            #expect(held.summary.agents == ["events", "w"])
            let more = try Self.steps(
                #"{"event_type":"workflow.failed","payload":{"workflow":"demo"},\#(Self.trace)}"#,
                #"{"event_type":"tool.failed","payload":{"agent":"x","tool":"t"},"trace_id":"00000000000000000000000000000002"}"#,
                folder: &folder)
            #expect(harness.store.offer(more))
            harness.store.flush()
            #expect(try harness.ids { $0.session = "s" } == [1])
            #expect(Set(try harness.ids()) == [1, 2])
            harness.store.close(deadline: .max)
        }
        let harness = try open(path)
        #expect(Set(try harness.ids()) == [1, 2])
        let stored = try #require(try harness.store.trace(high: 0, low: 1))
        #expect(stored.summary.spans == 2)
        #expect(stored.summary.workflow == "demo")
        #expect(stored.summary.tokens == 9)
        #expect(stored.summary.cost == 0.5)
        #expect(stored.summary.status == .error)
        #expect(ActivityBatch(unpacking: stored.activities)?.activities.count == 2)
    }

    @Test func `they are refused when there is no room`() throws {
        let harness = try StoreHarness { $0.queueBytes = 1 }
        var folder = EventFolder(seed: 3)
        let batch = try Self.steps(
            #"{"event_type":"agent.completed","payload":{"agent":"w"},\#(Self.trace)}"#,
            folder: &folder)
        #expect(harness.store.reserve(bytes: 2))
        #expect(!harness.store.offer(batch))
        harness.store.giveBack(bytes: 2)
        #expect(harness.store.offer(batch))
        harness.store.flush()
        #expect(try harness.ids() == [1])
        let status = harness.store.status
        #expect(status.offeredSteps == 2)
        #expect(status.droppedSteps == [.queueFull: 1])
    }

    @Test func `those of a trace that has spans are counted, and not kept`() throws {
        let harness = try StoreHarness()
        harness.put([TestSpan(trace: 1, name: "first"), TestSpan(trace: 1, id: 2, name: "second")])
        harness.store.flush()
        var folder = EventFolder(seed: 3)
        let id = #""trace_id":"000000000000000a0000000000000001""#
        let batch = try Self.steps(
            #"{"event_type":"agent.completed","payload":{"agent":"w"},\#(id)}"#,
            #"{"event_type":"tool.failed","payload":{"agent":"w","tool":"t"},\#(id)}"#,
            #"{"event_type":"agent.completed","payload":{"agent":"w"},\#(Self.trace)}"#,
            folder: &folder)
        #expect(harness.store.offer(batch))
        harness.store.flush()
        #expect(try harness.store.trace(high: traceHigh, low: 1)?.summary.spans == 2)
        let status = harness.store.status
        #expect((status.offeredSteps, status.supersededSteps) == (3, 2))
        #expect(status.droppedSteps.isEmpty)
    }

    @Test func `of a trace with very many the first are kept, and the sums of all`() throws {
        let harness = try StoreHarness(
            understanding: AgentUnderstanding(names: StoreHarness.names, prices: nil))
        var folder = EventFolder(seed: 3)
        var offered = 0
        var rounds = 0
        while rounds < 3 {
            let batch = try Self.batch(of: 5_000, from: offered, folder: &folder)
            offered += batch.activities.count
            #expect(harness.store.offer(batch))
            harness.store.flush()
            try #require(offered < 200_000)
            if harness.store.status.summedSteps > 0 { rounds += 1 }
        }
        let stored = try #require(try harness.store.trace(high: 0, low: 1))
        let kept = try #require(ActivityBatch(unpacking: stored.activities)).activities.count
        #expect(stored.summary.spans == offered)
        #expect(harness.store.status.summedSteps == UInt64(offered - kept))

        var document = TraceReader(names: StoreHarness.names, prices: nil).document(
            chunks: [], activities: ActivityBatch(unpacking: stored.activities), traceIDHigh: 0,
            traceIDLow: 1, most: 100)
        document.note(whole: stored.summary)
        #expect(document.steps.count == 100)
        #expect(document.omitted == offered - 100)
        #expect(document.whole?.spans == offered)

        // One that is announced there is counted with its end.
        for type in ["called", "completed"] {
            let step = try Self.steps(
                #"{"event_type":"tool.\#(type)","payload":{"tool":"t"},\#(Self.trace)}"#,
                folder: &folder)
            #expect(harness.store.offer(step))
            harness.store.flush()
        }
        #expect(try harness.store.trace(high: 0, low: 1)?.summary.spans == offered + 1)
    }

    @Test func `questions about a long session put off no other`() throws {
        let harness = try StoreHarness(
            understanding: AgentUnderstanding(names: StoreHarness.names, prices: nil))
        var folder = EventFolder(seed: 3)
        #expect(harness.store.offer(try Self.batch(of: 10_000, from: 0, folder: &folder)))
        harness.store.flush()
        let other = try Self.steps(
            #"{"event_type":"tool.failed","payload":{"tool":"t"},"trace_id":"00000000000000000000000000000002"}"#,
            folder: &folder)
        #expect(harness.store.offer(other))
        var next = 10_000
        while try harness.ids().count < 2, next < 10_100 {
            #expect(harness.store.offer(try Self.batch(of: 1, from: next, folder: &folder)))
            next += 1
            _ = try harness.store.trace(high: 0, low: 1)
        }
        #expect(Set(try harness.ids()) == [1, 2])
    }

    private static func batch(
        of count: Int, from first: Int, folder: inout EventFolder
    ) throws -> ActivityBatch {
        var batch = ActivityBatch()
        for number in first..<first + count {
            let event =
                #"{"event_type":"tool.completed","payload":{"tool":"t\#(number)"},\#(trace)}"#
            folder.fold(
                try PostedEvent(try JSONValue(parsing: event.utf8), now: 5_000_000_000),
                into: &batch)
        }
        return batch
    }

    @Test func `what a full disk or the end costs of them is counted`() throws {
        let harness = try StoreHarness {
            $0.mostPages = 24
            $0.size = 1 << 30
        }
        var folder = EventFolder(seed: 3)
        var offered: UInt64 = 0
        while harness.store.status.droppedSteps[.disk] == nil, offered < 200_000 {
            var batch = ActivityBatch()
            for _ in 0..<1_000 {
                batch.append(
                    try Self.steps(
                        #"{"event_type":"agent.completed","payload":{"agent":"w\#(offered)"}}"#,
                        folder: &folder))
                offered += 1
            }
            #expect(harness.store.offer(batch))
            harness.store.flush()
        }
        // Some of the last batch may have fitted.
        #expect(harness.store.status.droppedSteps[.disk] ?? 0 > 0)
        #expect(harness.store.status.offeredSteps == offered)
        harness.store.close(deadline: .max)
        let last = try Self.steps(
            #"{"event_type":"agent.completed","payload":{"agent":"w"}}"#, folder: &folder)
        #expect(!harness.store.offer(last))
        #expect(harness.store.status.droppedSteps[.shutdown] == 1)
    }
}
