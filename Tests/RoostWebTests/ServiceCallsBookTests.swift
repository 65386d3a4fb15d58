import RoostCore
import RoostStore
import Testing

@testable import RoostWeb

@Suite struct ServiceCallsBookTests {
    private static let mebibyte = 1 << 20
    /// Nanoseconds; traces began long before.
    private static let now: UInt64 = 1_000_000_000_000

    private let web: WebStore
    private let budget = MemoryBudget(limitBytes: 64 * mebibyte)
    /// Of 4 MiB that are set aside and 12 more.
    private let room: AnswerRoom
    private let book = ServiceCallsBook()
    private let trace = TraceID(high: 1, low: 1)

    init() throws {
        web = try WebStore()
        room = AnswerRoom(budget: budget)
    }

    private func source(of room: AnswerRoom) throws -> ServiceCallsSource {
        let lease = try #require(room.lease(ServiceCallsSource.ownBytes))
        return ServiceCallsSource(web.store, web.reader, lease, of: room)
    }

    private func refresh() throws { try book.refresh(source(of: room), now: Self.now) }

    private func update() throws { try book.update(source(of: room), now: Self.now) }

    /// Until then, as JSON; nil when the book does not know it all.
    private func calls(until: UInt64? = nil) -> String? {
        var query = TraceQuery()
        query.until = until
        guard let calls = book.calls(query) else { return nil }
        var writer = JSONWriter()
        writer.beginArray()
        _ = calls.write(into: &writer)
        writer.endArray()
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    private let once = #"[{"parent":"front","child":"back","callCount":1}]"#

    /// Takes all memory but what a look at the latest traces begins with.
    private func fill() -> [AnyObject?] {
        [
            budget.share("requests").reserve(48 * Self.mebibyte - budget.usedBytes),
            room.lease(4 * Self.mebibyte - ServiceCallsSource.ownBytes),
        ]
    }

    @Test func `what is read is paid for until it was counted`() throws {
        web.put(trace, bytes: Self.mebibyte)
        let lease = try #require(room.lease(ServiceCallsSource.ownBytes))
        let source = ServiceCallsSource(web.store, web.reader, lease, of: room)
        try book.refresh(source, now: Self.now)
        #expect(budget.usedBytes >= (4 + 2 + 6) * Self.mebibyte)
        #expect(calls() == once)
    }

    @Test func `a trace for which there is no memory is read when there is`() throws {
        web.put(trace)
        var held = fill()
        try refresh()
        #expect(calls() == "[]" && calls(until: Self.now / 2) == nil)
        held = []
        try refresh()
        #expect(calls() == once && calls(until: Self.now / 2) == once)
        withExtendedLifetime(held) {}
    }

    @Test func `a trace that goes on without memory for it stays as it was known`() throws {
        web.put(trace)
        try refresh()
        web.put(trace, part: 1)
        var held = fill()
        try refresh()
        #expect(calls() == once && calls(until: Self.now / 2) == nil)
        held = []
        try refresh()
        #expect(calls(until: Self.now / 2) == once.replacing("1}", with: "2}"))
        withExtendedLifetime(held) {}
    }

    @Test func `an update says that it has passed a trace over for want of memory`() throws {
        web.put(trace)
        try refresh()
        web.put(TraceID(high: 1, low: 2))
        var held = fill()
        try update()
        #expect(calls() == once && calls(until: Self.now / 2) == nil)
        held = []
        try update()
        let twice = once.replacing("1}", with: "2}")
        #expect(calls() == twice)
        try refresh()
        #expect(calls(until: Self.now / 2) == twice)
        withExtendedLifetime(held) {}
    }

    @Test func `long names of many services are kept up to a bound`() throws {
        for number in 1...6 as ClosedRange<UInt64> {
            web.put(TraceID(high: 1, low: number), services: 1_000, of: 450)
        }
        try refresh()
        let known = try #require(book.calls(TraceQuery()))
        #expect(known.byteCount <= ServiceCalls.mostBytes)
        #expect(book.byteCount <= ServiceCalls.mostBytes && book.byteCount > 0)
        // Of what was left out it is not said that there is nothing.
        #expect(calls(until: Self.now / 2) == nil)
    }

    @Test func `the first part of a trace is counted whatever it has`() throws {
        web.put(trace, bytes: 5 * Self.mebibyte)
        web.put(trace, part: 1, calls: "third", bytes: Self.mebibyte)
        let large = AnswerRoom(budget: MemoryBudget(limitBytes: 256 * Self.mebibyte))
        try book.refresh(source(of: large), now: Self.now)
        #expect(calls() == once)
    }

    @Test func `the beginning of a large trace is counted, and not read again`() throws {
        web.put(trace)
        web.put(trace, part: 1, calls: "third", bytes: 2 * Self.mebibyte)
        try refresh()
        #expect(calls() == once)
        web.put(trace, part: 2, calls: "third")
        // If it were read there would be no memory for it.
        let held = fill()
        try refresh()
        #expect(calls(until: Self.now / 2) == once)
        withExtendedLifetime(held) {}
    }
}
