import RoostCore
import RoostWire
import Testing

@testable import RoostStore

/// One request holds no more than may be held, whatever is in it.
@Suite struct OpenBoundsTests {
    /// What was held at most, and what was handed over.
    private final class Held {
        var bytes = 0
        var count = 0
        var spans = 0
        var traces: Set<UInt64> = []
    }

    private func hold(_ body: [UInt8], _ settings: StoreSettings) -> Held {
        let open = OpenTraces(settings)
        let held = Held()
        open.store = { taken in
            held.bytes = max(held.bytes, taken.reduce(open.bytes) { $0 + $1.bytes })
            held.count = max(held.count, open.count + taken.count)
            held.spans += taken.reduce(0) { $0 + $1.spans }
            held.traces.formUnion(taken.map(\.key.low))
        }
        unsafe body.withUnsafeBytes { unsafe open.add($0, now: 0) }
        #expect(open.count <= settings.mostOpenTraces && open.bytes <= settings.mostOpenBytes)
        open.store(open.takeAll())
        return held
    }

    /// Spans of as few bytes as can be, each of another trace.
    private func distinctTraces(_ count: UInt64) -> [UInt8] {
        var writer = MessageWriter()
        writer.message(1) { entry in
            entry.message(2) { scope in
                for number in 1...count {
                    scope.message(2) { item in
                        item.bigEndian(1, traceHigh, number)
                        item.bigEndian(2, number)
                    }
                }
            }
        }
        return writer.bytes
    }

    /// Each span with a scope of its own.
    private func distinctScopes(_ count: UInt64, ofTraces traces: UInt64) -> [UInt8] {
        var writer = MessageWriter()
        writer.message(1) { entry in
            for number in 1...count {
                entry.message(2) { scope in
                    scope.message(1) { $0.string(1, "scope \(number)") }
                    scope.message(2) { item in
                        item.bigEndian(1, traceHigh, number % traces)
                        item.bigEndian(2, number)
                        item.string(5, "work")
                    }
                }
            }
        }
        return writer.bytes
    }

    @Test func `spans of very many traces`() {
        let settings = StoreSettings()
        let held = hold(distinctTraces(200_000), settings)
        #expect(held.spans == 200_000 && held.traces.count == 200_000)
        #expect(held.count <= settings.mostOpenTraces + 1)
        #expect(held.bytes <= settings.mostOpenBytes + 2000)
    }

    @Test(arguments: [1, 50, 20_000])
    func `spans with a scope each`(_ traces: UInt64) {
        var settings = StoreSettings()
        settings.mostOpenBytes = 4 << 20
        let held = hold(distinctScopes(20_000, ofTraces: traces), settings)
        #expect(held.spans == 20_000)
        #expect(held.bytes <= settings.mostOpenBytes + 2000)
        #expect(held.bytes > settings.mostOpenBytes / 20)
    }

    @Test func `operations are told apart however many there are`() {
        let header = ChunkHeader(resource: [], scope: [])
        func number(_ name: String) -> Int? {
            unsafe Array(name.utf8).withUnsafeBufferPointer {
                unsafe header.operationNumber(
                    WireBytes(base: $0.baseAddress!, count: $0.count), kind: 1)
            }
        }
        for _ in 0..<3 {
            for name in 0..<100 { #expect(number("name \(name)") == (name < 64 ? name : nil)) }
        }
        let long = ChunkHeader(resource: [], scope: [])
        for name in 100..<120 {
            _ = unsafe Array(("\(name)" + noise(400)).utf8).withUnsafeBufferPointer {
                unsafe long.operationNumber(
                    WireBytes(base: $0.baseAddress!, count: $0.count), kind: 1)
            }
        }
        #expect(long.operations.reduce(0) { $0 + $1.name.utf8.count } <= 4096)
    }

    @Test func `log records of very many traces`() {
        let settings = StoreSettings()
        let logs = OpenLogGroups(settings)
        var (records, most) = (0, 0)
        logs.store = { taken in
            most = max(most, taken.reduce(logs.bytes) { $0 + $1.bytes })
            records += taken.reduce(0) { $0 + $1.records }
        }
        let body = request(
            logs: (1...40_000).map { TestLog(trace: $0, session: $0 % 3 == 0 ? "s" : "") })
        unsafe body.withUnsafeBytes { unsafe logs.add($0, names: StoreHarness.names, now: 0) }
        #expect(logs.bytes <= settings.mostOpenBytes / 4)
        #expect(most > 0 && most <= settings.mostOpenBytes / 4 + 2000)
        logs.store(logs.takeAll())
        #expect(records == 40_000)
    }

    /// Items of so many traces under one resource, whose unknown field has so many bytes.
    private func shared(
        header bytes: Int, _ signal: Signal, traces: UInt64, then more: [UInt8] = []
    ) -> [UInt8] {
        var writer = MessageWriter()
        writer.message(1) { entry in
            entry.bytes(15, [UInt8](repeating: 1, count: bytes))
            entry.message(2) { scope in
                for number in 1...traces {
                    scope.message(2) { item in
                        item.bigEndian(signal == .logs ? 9 : 1, traceHigh, number)
                        if signal == .traces { item.bigEndian(2, number) }
                    }
                }
            }
        }
        return writer.bytes + more
    }

    @Test(arguments: [Signal.logs, .traces])
    func `a header that is too large costs what stands in it`(_ signal: Signal) throws {
        let harness = try StoreHarness()
        let more = signal == .logs ? request(logs: [TestLog()]) : request([TestSpan(trace: 5_000)])
        for bytes in [300 << 10, 3 << 20] {
            let body = shared(header: bytes, signal, traces: 500, then: more)
            #expect(harness.store.offer(signal, items: 501, body: ByteBlock(body)))
        }
        harness.store.flush()
        #expect(harness.counts[signal, .dropped(.disk)] == 1_000)
        #expect(harness.counts[signal, .stored] == 2)
    }

    @Test(arguments: [Signal.logs, .traces])
    func `one request has headers written so often and no more`(_ signal: Signal) {
        var settings = StoreSettings()
        settings.mostOpenBytes = 2 << 20
        let body = shared(header: 100_000, signal, traces: 2_000)
        var (items, headers, leftOut) = (0, 0, 0)
        unsafe body.withUnsafeBytes { bytes in
            if signal == .logs {
                let logs = OpenLogGroups(settings)
                logs.store = {
                    for group in $0 {
                        (items, headers) = (items + group.records, headers + group.headerBytes)
                    }
                }
                unsafe logs.add(bytes, names: StoreHarness.names, now: 0)
                leftOut = logs.leftOut
                logs.store(logs.takeAll())
            } else {
                let traces = OpenTraces(settings)
                traces.store = {
                    for trace in $0 {
                        (items, headers) = (items + trace.spans, headers + trace.headerBytes)
                    }
                }
                unsafe traces.add(bytes, now: 0)
                leftOut = traces.leftOut
                traces.store(traces.takeAll())
            }
        }
        #expect(items + leftOut == 2_000)
        #expect(items > 20 && headers < (2 << 20) + 17 * body.count)
    }

    @Test func `steps of agents are held with what they take to be understood`() {
        var writer = MessageWriter()
        writer.message(1) { entry in
            entry.message(2) { scope in
                for _ in 0..<100_000 { scope.message(2) { $0.string(12, "api_request") } }
            }
        }
        let logs = OpenLogGroups(StoreSettings())
        var (records, most) = (0, 0)
        logs.store = { taken in
            for group in taken {
                records += group.records
                most = max(most, group.records)
            }
        }
        unsafe writer.bytes.withUnsafeBytes {
            unsafe logs.add($0, names: StoreHarness.names, now: 0)
        }
        logs.store(logs.takeAll())
        #expect(records == 100_000 && most < 10_000)
    }

    @Test func `all of a request that is too much to be held is stored`() throws {
        let harness = try StoreHarness { $0.mostOpenTraces = 400 }
        let body = distinctTraces(3000)
        #expect(harness.store.offer(.traces, items: 3000, body: ByteBlock(body)))
        harness.put(logs: (1...3000).map { TestLog(trace: $0 % 100, session: "\($0 % 7)") })
        harness.store.flush()
        #expect(harness.counts[.traces, .stored] == 3000)
        #expect(harness.counts[.logs, .stored] == 3000)
        #expect(harness.store.status.traces == 3000)
    }
}
