import RoostCore
import RoostIngest
import Testing

@testable import RoostAnalytics
@testable import RoostWeb

@Suite struct LiveFilterTests {
    private func filter(_ json: String) throws -> Result<LiveFilter, LiveFault> {
        LiveFilter.read(try JSONValue(parsing: json.utf8))
    }

    private func message(_ kind: FleetEvent.Kind, trace: UInt64 = 1) -> LiveMessage {
        var symbols = Symbols()
        var batch = AgentFactBatch()
        batch.newTexts = [Array("writer".utf8), Array("report".utf8)]
        symbols.take(batch)
        var event = FleetEvent(kind)
        event.agent = 1
        event.workflow = 2
        event.traceIDLow = trace
        return LiveMessage(event, symbols)
    }

    @Test(arguments: [
        ("{}", true), (#"{"type":["agent.failed"]}"#, true), (#"{"type":["agent"]}"#, true),
        (#"{"type":["agent.*","tool"]}"#, true), (#"{"type":["agent.completed"]}"#, false),
        (#"{"type":[]}"#, true), (#"{"agent":"writer"}"#, true), (#"{"agent":["other"]}"#, false),
        (#"{"severity":["error"],"workflow":["report"]}"#, true),
        (#"{"severity":["info"]}"#, false), (#"{"workflow":["x"]}"#, false),
    ])
    func `a filter wants what it names`(json: String, wants: Bool) throws {
        #expect(try filter(json).get().wants(message(.agentFailed)) == wants)
    }

    @Test(arguments: [
        "[]", "3", #"{"kind":["x"]}"#, #"{"type":[1]}"#, #"{"type":["bogus.type"]}"#,
        #"{"type":["agent.failed","agents.*"]}"#, #"{"severity":["bad"]}"#,
        "{\"agent\":[" + (0...100).map { "\"\($0)\"" }.joined(separator: ",") + "]}",
    ])
    func `what is no filter is a fault`(json: String) throws {
        #expect(throws: LiveFault.self) { try filter(json).get() }
    }

    @Test func `types that there are, and what is said of others`() throws {
        for type in LiveMessage.types { _ = try filter(#"{"type":["\#(type)"]}"#).get() }
        #expect(LiveMessage.types.contains("budget.exceeded"))
        #expect(throws: Never.self) { try filter(#"{"type":["budget.*","llm"]}"#).get() }
        guard case .failure(let fault) = try filter(#"{"type":["bogus.type"]}"#) else {
            Issue.record("taken")
            return
        }
        #expect(fault.message.hasPrefix("there is no type bogus.type; there are workflow.started,"))
    }

    @Test func `the stream of a run is about that run`() {
        let filter = LiveFilter(trace: TraceID(high: 0, low: 7))
        #expect(filter.wants(message(.toolCalled, trace: 7)))
        #expect(!filter.wants(message(.toolCalled, trace: 8)))
    }
}

@Suite struct EventRingTests {
    private func ring(_ count: UInt64, limit: Int, first: UInt64 = 100) -> EventRing {
        var ring = EventRing(limit: limit, first: first)
        for number in 0..<count {
            var event = FleetEvent(.agentInvoked)
            event.id = first + 1 + number
            ring.append(event)
        }
        return ring
    }

    @Test(
        arguments: [
            (110, 0, []), (108, 0, [109, 110]), (104, 2, [107, 108, 109, 110]),
            (3, 6, [107, 108, 109, 110]), (999, 0, []),
        ] as [(UInt64, UInt64, [UInt64])])
    func `what came after an event, as far as it is kept`(
        id: UInt64, missed: UInt64, kept: [UInt64]
    ) {
        let found = ring(10, limit: 4).after(id)
        #expect(found.missed == missed)
        #expect(found.events.map(\.id) == kept)
    }

    @Test(arguments: [(3, true), (99, true), (100, false), (104, false), (999, false)])
    func `events of an earlier run are not counted`(id: UInt64, isEarlier: Bool) {
        #expect(ring(10, limit: 4).isEarlier(id) == isEarlier)
    }

    @Test func `an empty ring has nothing to tell`() {
        #expect(ring(0, limit: 4).after(3).events.isEmpty)
        #expect(ring(0, limit: 4).after(3).missed == 0)
    }
}
