import Glibc
import RoostAnalytics
import RoostCore
import RoostIngest
import RoostWire
import Synchronization
import Testing

@testable import RoostStore

/// A store in a folder of its own, which is removed with it.
final class StoreHarness: Sendable {
    let folder: String
    let settings: StoreSettings
    let store: TraceStore
    let counts: Counts
    let lines: Lines

    final class Counts: Sendable {
        private let values = Mutex<[String: Int]>([:])
        func add(_ signal: Signal, _ items: Int, _ outcome: StoreOutcome) {
            values.withLock { $0["\(signal) \(outcome)", default: 0] += items }
        }
        subscript(_ signal: Signal, _ outcome: StoreOutcome) -> Int {
            values.withLock { $0["\(signal) \(outcome)"] ?? 0 }
        }
    }

    final class Lines: Sendable {
        private let values = Mutex<[String]>([])
        func add(_ bytes: [UInt8]) {
            values.withLock { $0.append(String(decoding: bytes, as: UTF8.self)) }
        }
        var all: [String] { values.withLock { $0 } }
    }

    init(
        folder: String? = nil, understanding: any TraceUnderstanding = TestUnderstanding(),
        _ change: (inout StoreSettings) -> Void = { _ in }
    ) throws {
        let folder = folder ?? Self.newFolder()
        var settings = StoreSettings()
        settings.path = folder
        change(&settings)
        let counts = Counts()
        let lines = Lines()
        store = TraceStore(
            settings: settings, names: Self.names,
            understanding: understanding, log: Log { lines.add($0) },
            count: { counts.add($0, $1, $2) })
        self.folder = folder
        self.settings = settings
        self.counts = counts
        self.lines = lines
        try store.open()
    }

    deinit {
        store.close(deadline: .max)
        if !keepsFolder.load(ordering: .relaxed) { Self.remove(folder) }
    }

    static let names: NameTable = {
        var source = NameSource()
        source.attributes = [
            .session: ["session.id"], .eventName: ["event.name"], .prompt: ["prompt.id"],
        ]
        source.logEvents = ["api_request": NameEvent(kind: .llm)]
        return NameTable(source)
    }()

    let keepsFolder = Atomic<Bool>(false)
    var path: String { folder + "/store.db" }

    static func newFolder() -> String {
        "/tmp/roost-store-test-\(getpid())-\(UInt64.random(in: 0 ... .max))"
    }

    static func remove(_ folder: String) {
        guard let directory = unsafe opendir(folder) else { return }
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
                unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) {
                    unsafe String(cString: $0)
                }
            }
            if name != ".", name != ".." { unsafe _ = unlink(folder + "/" + name) }
        }
        unsafe closedir(directory)
        unsafe rmdir(folder)
    }

    func put(_ spans: [TestSpan]) {
        let body = ByteBlock(request(spans))
        #expect(store.offer(.traces, items: spans.count, body: body))
    }

    func put(logs: [TestLog]) {
        #expect(store.offer(.logs, items: logs.count, body: ByteBlock(request(logs: logs))))
    }

    /// Of every page, one after another.
    func idsOfAllPages(_ change: (inout TraceQuery) -> Void) throws -> [UInt64] {
        var query = TraceQuery()
        change(&query)
        var ids: [UInt64] = []
        repeat {
            let page = try store.traces(query)
            ids += page.traces.map(\.traceIDLow)
            query.cursor = page.cursor
        } while query.cursor != nil
        return ids
    }

    func ids(_ change: (inout TraceQuery) -> Void = { _ in }) throws -> [UInt64] {
        var query = TraceQuery()
        change(&query)
        return try store.traces(query).traces.map(\.traceIDLow)
    }
}

/// A span for tests.
struct TestSpan {
    var trace: UInt64
    var id: UInt64 = 1
    var parent: UInt64 = 0
    var name = "work"
    var service = "svc"
    /// Unix nanoseconds.
    var start: UInt64 = 1_000_000_000
    var duration: UInt64 = 1_000_000
    var isError = false
    var attributes: [(String, String)] = []
    /// The upper half of the trace's id.
    var high = traceHigh
}

struct TestLog {
    var trace: UInt64 = 0
    var session = ""
    var event = ""
    var body = "said"
    var service = "svc"
    var time: UInt64 = 1_000_000_000
    var attributes: [(String, String)] = []
    /// The upper half of the trace's id.
    var high = traceHigh
}

let traceHigh: UInt64 = 0xA

func request(_ spans: [TestSpan]) -> [UInt8] {
    var writer = MessageWriter()
    for span in spans {
        writer.message(1) { entry in
            entry.message(1) { $0.attribute(1, "service.name", span.service) }
            entry.message(2) { scope in
                scope.message(1) { $0.string(1, "tests") }
                scope.message(2) { item in
                    item.bigEndian(1, span.high, span.trace)
                    item.bigEndian(2, span.id)
                    if span.parent != 0 { item.bigEndian(4, span.parent) }
                    item.string(5, span.name)
                    item.varint(6, 3)
                    item.fixed64(7, span.start)
                    item.fixed64(8, span.start + span.duration)
                    for (key, value) in span.attributes { item.attribute(9, key, value) }
                    if span.isError { item.message(15) { $0.varint(3, 2) } }
                }
            }
        }
    }
    return writer.bytes
}

func request(logs: [TestLog]) -> [UInt8] {
    var writer = MessageWriter()
    for log in logs {
        writer.message(1) { entry in
            entry.message(1) { $0.attribute(1, "service.name", log.service) }
            entry.message(2) { scope in
                scope.message(1) { $0.string(1, "com.anthropic.claude_code.events") }
                scope.message(2) { item in
                    item.fixed64(1, log.time)
                    item.message(5) { $0.string(1, log.body) }
                    if !log.session.isEmpty { item.attribute(6, "session.id", log.session) }
                    if !log.event.isEmpty { item.attribute(6, "event.name", log.event) }
                    for (key, value) in log.attributes { item.attribute(6, key, value) }
                    if log.trace != 0 { item.bigEndian(9, log.high, log.trace) }
                }
            }
        }
    }
    return writer.bytes
}

extension MessageWriter {
    mutating func attribute(_ field: Int, _ key: String, _ value: String) {
        message(field) { pair in
            pair.string(1, key)
            pair.message(2) { $0.string(1, value) }
        }
    }
}

func spanCount(_ blocks: [ByteBlock]) -> Int {
    blocks.reduce(0) { sum, block in
        sum + (unsafe block.withBytes { unsafe countItems($0, signal: .traces) })
    }
}
