import RoostCore
import RoostStore
import Testing

@testable import RoostWeb

@Suite struct JaegerTracesTests {
    private let web: WebStore
    private let budget = MemoryBudget(limitBytes: 16 << 20)
    /// Of 1 MiB that is set aside and 3 more; a trace takes six times its bytes.
    private let room: AnswerRoom
    private let small = TraceID(high: 1, low: 1)
    private let other = TraceID(high: 1, low: 2)
    private let large = TraceID(high: 1, low: 3)
    private let unknown = TraceID(high: 1, low: 4)
    private let eventful = TraceID(high: 1, low: 5)

    init() throws {
        web = try WebStore()
        room = AnswerRoom(budget: budget)
        web.put(small, bytes: 300 << 10)
        web.put(other)
        web.put(large, bytes: 800 << 10)
        web.put(eventful, events: 200_000)
    }

    private func traces() throws -> JaegerTraces {
        let lease = try #require(room.lease(APIContext.usualBytes))
        return JaegerTraces(store: web.store, names: web.names, lease: lease, isStored: true)
    }

    /// The ids of the traces in an answer, and its total.
    private func shown(_ wanted: [TraceID]) throws -> (ids: [String], left: [TraceID]) {
        let traces = try traces()
        var writer = JSONWriter(paidBy: traces.lease)
        writer.beginArray()
        let (written, left) = try traces.write(wanted, into: &writer)
        writer.endArray()
        let elements = try JSONValue(parsing: writer.bytes).array ?? []
        #expect(elements.count == written)
        return (elements.compactMap { $0["traceID"]?.string }, Array(left))
    }

    @Test func `all are written for which there is memory`() throws {
        let (ids, left) = try shown([small, unknown, other])
        #expect(ids == [small.text, other.text] && left.isEmpty)
    }

    @Test func `an answer ends before a trace for which there is no memory`() throws {
        let (ids, left) = try shown([unknown, small, large, other])
        #expect(ids == [small.text] && left == [large, other])
        #expect(try traces().count([large, unknown, other]) == 2)
    }

    @Test func `one that becomes much more than its bytes is not written either`() throws {
        let (ids, left) = try shown([small, eventful, other])
        #expect(ids == [small.text] && left == [eventful, other])
        #expect(budget.usedBytes <= 4 << 20)
        let error = #expect(throws: APIError.self) { try shown([eventful]) }
        #expect(error == .tooLarge("trace", eventful.text))
    }

    @Test func `one that never fits is not to be asked for again`() throws {
        let error = #expect(throws: APIError.self) { try shown([unknown, large, small]) }
        #expect(error == .tooLarge("trace", large.text))
    }

    @Test func `one that fits another time is`() throws {
        let held = budget.share("requests").reserve(12 << 20 - 1 << 20)
        let error = #expect(throws: APIError.self) { try shown([small]) }
        #expect(error == .noMemory)
        withExtendedLifetime(held) {}
    }
}
