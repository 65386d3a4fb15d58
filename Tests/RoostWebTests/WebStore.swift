import Glibc
import RoostAnalytics
import RoostCore
import RoostIngest
import RoostStore
import RoostWire
import Testing

@testable import RoostWeb

/// A store in a folder of its own, which is removed with it.
final class WebStore {
    let store: TraceStore
    let names = NameTable(NameSource())
    private let folder = "/tmp/roost-web-test-\(getpid())-\(UInt64.random(in: 0 ... .max))"

    init() throws {
        var settings = StoreSettings()
        settings.path = folder
        store = TraceStore(
            settings: settings, names: names,
            understanding: AgentUnderstanding(names: names, prices: nil), log: Log { _ in },
            count: { _, _, _ in })
        try store.open()
    }

    deinit {
        store.close(deadline: .max)
        for name in ["store.db", "store.db-wal", "store.db-shm"] {
            unsafe _ = unlink(folder + "/" + name)
        }
        unsafe _ = rmdir(folder)
    }

    var reader: TraceReader { TraceReader(names: names, prices: nil) }

    /// Stores a part of a trace: a span of `front`, and one of `service` that it called, with a note
    /// of so many bytes and as many empty events.
    func put(
        _ trace: TraceID, part: UInt64 = 0, calls service: String = "back", bytes: Int = 0,
        events: Int = 0
    ) {
        var writer = MessageWriter()
        for (place, service) in ["front", service].enumerated() {
            writer.message(1) { entry in
                entry.message(1) { $0.attribute(1, "service.name", service) }
                entry.message(2) { scope in
                    scope.message(2) { span in
                        let number = part * 2 + UInt64(place) + 1
                        span.bigEndian(1, trace.high, trace.low)
                        span.bigEndian(2, number)
                        if number > 1 { span.bigEndian(4, place == 0 ? 1 : number - 1) }
                        span.string(5, "work")
                        span.fixed64(7, 1_000_000_000 * trace.low)
                        span.fixed64(8, 1_000_000_000 * trace.low + 1_000)
                        if place > 0 {
                            span.attribute(9, "note", String(repeating: "x", count: bytes))
                            for _ in 0..<events { span.message(11) { _ in } }
                        }
                    }
                }
            }
        }
        #expect(store.offer(.traces, items: 2, body: ByteBlock(writer.bytes)))
        store.flush()
    }

    /// Stores a trace in which each of so many services, whose names have so many bytes, calls the
    /// next.
    func put(_ trace: TraceID, services count: Int, of bytes: Int) {
        var writer = MessageWriter()
        for number in 1...UInt64(count) {
            writer.message(1) { entry in
                let name = "\(trace.low) \(number) " + String(repeating: "x", count: bytes - 12)
                entry.message(1) { $0.attribute(1, "service.name", name) }
                entry.message(2) { scope in
                    scope.message(2) { span in
                        span.bigEndian(1, trace.high, trace.low)
                        span.bigEndian(2, number)
                        if number > 1 { span.bigEndian(4, number - 1) }
                        span.string(5, "work")
                        span.fixed64(7, 1_000_000_000 * trace.low)
                        span.fixed64(8, 1_000_000_000 * trace.low + 1_000)
                    }
                }
            }
        }
        #expect(store.offer(.traces, items: count, body: ByteBlock(writer.bytes)))
        store.flush()
    }
}

extension MessageWriter {
    fileprivate mutating func attribute(_ field: Int, _ key: String, _ value: String) {
        message(field) { pair in
            pair.string(1, key)
            pair.message(2) { $0.string(1, value) }
        }
    }
}
