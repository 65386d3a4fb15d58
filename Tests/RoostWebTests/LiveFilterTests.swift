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
        "{\"agent\":\"" + String(repeating: "x", count: 257) + "\"}",
        "{\"workflow\":[\"a" + String(repeating: "\u{301}", count: 256) + "\"]}",
        "{\"agent\":["
            + (0..<50).map { "\"\($0)" + String(repeating: "x", count: 200) + "\"" }
            .joined(separator: ",") + "]}",
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

    @Test func `what is said of a fault is short`() throws {
        let long = "a" + String(repeating: "\u{301}", count: 60_000)
        for json in ["{\"\(long)\":[]}", "{\"type\":\"\(long)\"}", "{\"severity\":\"\(long)\"}"] {
            guard case .failure(let fault) = try filter(json) else {
                Issue.record("taken")
                continue
            }
            #expect(fault.message.utf8.count < 1_000)
        }
    }

    @Test func `names of the length that parameters may have are taken`() throws {
        let name = String(repeating: "\u{E9}", count: 256)
        #expect(try filter("{\"agent\":\"\(name)\"}").get().agents?.count == 1)
    }

    @Test func `names are bytes: one that only looks alike is not wanted`() throws {
        var symbols = Symbols()
        var batch = AgentFactBatch()
        batch.newTexts = [Array("caf\u{E9}".utf8)]
        symbols.take(batch)
        var event = FleetEvent(.agentFailed)
        (event.agent, event.workflow) = (1, 1)
        let message = LiveMessage(event, symbols)
        for key in ["agent", "workflow"] {
            #expect(try filter("{\"\(key)\":\"caf\u{E9}\"}").get().wants(message))
            #expect(try !filter("{\"\(key)\":\"cafe\u{301}\"}").get().wants(message))
        }
    }

    @Test func `the stream of a run is about that run`() {
        let filter = LiveFilter(trace: TraceID(high: 0, low: 7))
        #expect(filter.wants(message(.toolCalled, trace: 7)))
        #expect(!filter.wants(message(.toolCalled, trace: 8)))
    }
}

@Suite struct LiveGroupsTests {
    /// Every combination of a few names, and no name.
    private let filters: [LiveFilter] = {
        var filters: [LiveFilter] = []
        let names: [Set<ExactText>?] = [nil, ["a"], ["b"], ["a", "b"], ["", "c"]]
        for workflows in names {
            for agents in names {
                for trace in [nil, TraceID(high: 0, low: 1), TraceID(high: 0, low: 2)] {
                    filters.append(LiveFilter(agents: agents, workflows: workflows, trace: trace))
                }
            }
        }
        return filters
    }()

    private func messages() -> [LiveMessage] {
        var symbols = Symbols()
        var batch = AgentFactBatch()
        batch.newTexts = ["a", "b", "c"].map { Array($0.utf8) }
        symbols.take(batch)
        var messages: [LiveMessage] = []
        for workflow in 0...3 as ClosedRange<Int32> {
            for agent in 0...3 as ClosedRange<Int32> {
                for trace in 0...3 as ClosedRange<UInt64> {
                    var event = FleetEvent(.toolCalled)
                    (event.workflow, event.agent, event.traceIDLow) = (workflow, agent, trace)
                    messages.append(LiveMessage(event, symbols))
                }
            }
        }
        return messages
    }

    @Test func `finds for each message those whose filter wants it, each once`() {
        var groups = LiveGroups()
        func check(_ known: [LiveFilter]) {
            for message in messages() {
                var found: [LiveFilter] = []
                groups.forEach(wanting: message) { found.append($0.filter) }
                #expect(found.count == Set(found).count)
                #expect(Set(found) == Set(known.filter { $0.wants(message) }))
            }
        }
        for filter in filters { #expect(groups.group(filter) === groups.group(filter)) }
        check(filters)
        let kept = filters.enumerated().filter { $0.offset % 3 == 1 }.map(\.element)
        for filter in filters where !kept.contains(filter) { groups.remove(groups.group(filter)) }
        check(kept)
        #expect(groups.all.count == kept.count)
        for filter in kept { groups.remove(groups.group(filter)) }
        check([])
        #expect(groups.isEmpty)
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

    @Test(
        arguments: [(3, false), (99, false), (100, true), (104, true), (110, true), (111, false)])
    func `events after one that this run did not tell are not counted`(id: UInt64, isKnown: Bool) {
        #expect(ring(10, limit: 4).knows(id) == isKnown)
    }

    @Test func `of many the oldest come first`() {
        #expect(ring(10, limit: 4).after(104, most: 3).events.map(\.id) == [107, 108, 109])
        #expect(ring(10, limit: 4).after(104, most: 3).missed == 2)
        #expect(ring(10, limit: 4).after(109, most: 3).events.map(\.id) == [110])
    }

    @Test(
        arguments: [
            (105..<107, []), (105..<109, [107, 108]), (108..<110, [108, 109]),
            (109..<999, [109, 110]), (111..<999, []), (108..<108, []),
        ] as [(Range<UInt64>, [UInt64])])
    func `a part of what is kept is found by its numbers`(ids: Range<UInt64>, kept: [UInt64]) {
        #expect(ring(10, limit: 4).events(in: ids).map(\.id) == kept)
        #expect(ring(10, limit: 99).events(in: ids).map(\.id) == ids.filter { $0 <= 110 })
    }

    @Test func `an empty ring has nothing to tell`() {
        #expect(ring(0, limit: 4).after(3).events.isEmpty)
        #expect(ring(0, limit: 4).events(in: 3..<999).isEmpty)
        #expect(ring(0, limit: 4).after(3).missed == 0)
    }
}
