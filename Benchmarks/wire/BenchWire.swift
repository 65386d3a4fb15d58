import CAllocations
import Foundation
import RoostCollector
import RoostCore
import RoostIngest
import RoostWire

/// Measures the reader from another target, as RoostIngest uses it: nanoseconds of CPU and
/// allocations per request. Run with `swift run -c release bench-wire [trace-request-file [part-of-a-name]]`.
@main
struct BenchWire {
    static let spans = 512
    /// Only what has this in its name is measured.
    nonisolated(unsafe) private static var only = ""

    static func main() throws {
        if CommandLine.arguments.count > 2 { unsafe only = CommandLine.arguments[2] }
        if CommandLine.arguments.count > 1 {
            // Only what agents cost, for the trace request in a file.
            let path = CommandLine.arguments[1]
            return try measureAgents(ByteBlock([UInt8](Data(contentsOf: URL(filePath: path)))))
        }
        let body = agentRequest(spans: spans)
        print("request of \(spans) agent spans, \(body.count / spans) bytes a span")
        let block = ByteBlock(body)
        try unsafe block.withBytes { bytes in
            try measure("validate, visitor uses name, kind, status, times") {
                var visitor = SpanTotals()
                var rejections = Rejections()
                _ = unsafe try readTraces(bytes, visitor: &visitor, rejections: &rejections)
                unsafe sink &+= visitor.nanoseconds &+ visitor.names &+ visitor.errors
            }
            try measure("the same, and each attribute compared with two keys") {
                var visitor = AttributeTotals()
                var rejections = Rejections()
                _ = unsafe try readTraces(bytes, visitor: &visitor, rejections: &rejections)
                unsafe sink &+= visitor.tokens &+ visitor.agents
            }
            try measure("validate only") {
                var visitor = NoVisitor()
                var rejections = Rejections()
                let items = unsafe try readTraces(
                    bytes, visitor: &visitor, rejections: &rejections)
                unsafe sink &+= UInt64(items)
            }
            try measure("count items") {
                unsafe sink &+= UInt64(unsafe countItems(bytes, signal: .traces))
            }
            try measure("split into pieces of 64 KiB") {
                unsafe sink &+= UInt64(unsafe split(bytes, signal: .traces, maxBytes: 65_536).count)
            }
        }
        try measureAgents(block)
        try measureReframing(body)
        try measureRedaction(body)
        let points = ByteBlock(metricsRequest(points: 500))
        try measure("500 points of a sum, 5 attributes, \(points.count / 500) bytes", of: 500) {
            var visitor = PointTotals()
            var rejections = Rejections()
            _ = unsafe try points.withBytes { bytes in
                unsafe try readMetrics(bytes, visitor: &visitor, rejections: &rejections)
            }
            unsafe sink &+= visitor.sum
        }
        let records = ByteBlock(logsRequest(records: 512))
        try measure("512 log records, 4 attributes, \(records.count / 512) bytes", of: 512) {
            var visitor = NoVisitor()
            var rejections = Rejections()
            let items = unsafe try records.withBytes { bytes in
                unsafe try readLogs(bytes, visitor: &visitor, rejections: &rejections)
            }
            unsafe sink &+= UInt64(items)
        }
        if unsafe sink == 1 { print() }
    }

    /// Keeps the compiler from leaving the work out.
    nonisolated(unsafe) static var sink: UInt64 = 0

    /// What agents cost on top of the notes for span metrics: names, then accounts. `block` holds a
    /// trace request.
    private static func measureAgents(_ block: ByteBlock) throws {
        let table = NameTable(NamesFile.builtIn)
        let scan = TraceScan()
        try measure("notes of spans") { try scan.read(block) }
        try measure("the same, and an activity of each span") {
            try scan.read(block, names: table)
        }
        try scan.read(block, names: table)
        let items = scan.itemCount
        var tracker = AgentTracker(AgentTrackerSettings(), prices: PriceBook())
        var now: UInt64 = 0
        func count(_ batch: inout ActivityBatch) {
            now += 1_000_000
            tracker.take(&batch, now: now, unixNow: 1_790_000_000_000_000_000 + now)
        }
        try measure("accounts of activities that came before", of: items) {
            count(&scan.activities)
        }
        var traces = try NewTraces(block)
        try measure("other ids for a request", of: items) { traces.renew() }
        for tells in [false, true] {
            if tells { tracker.tellFacts() }
            var room = AgentFactBatch()
            let name = "accounts of new traces" + (tells ? ", facts told" : "")
            try measure(name + ", with other ids, notes and activities", of: items) {
                traces.renew()
                try scan.read(traces.block, names: table)
                count(&scan.activities)
                room = tracker.takeFacts(room: room)
                room.removeAll()
            }
        }
        let records = ByteBlock(logsRequest(records: spans))
        let logs = LogScan()
        try measure("log records, none of them an agent's") {
            try logs.read(records, names: table)
        }
    }

    /// Every fourth span has a broken id.
    private static func measureReframing(_ good: [UInt8]) throws {
        var body = good
        var count = 0
        // A span begins with its trace id: tag 0x0A, length 16.
        for index in 1..<body.count - 18
        where body[index] == 0x0A && body[index + 1] == 16 && body[index + 18] == 0x12 {
            count += 1
            if count % 4 == 0 { for place in 2..<18 { body[index + place] = 0 } }
        }
        let block = ByteBlock(body)
        var rejections = Rejections()
        var visitor = NoVisitor()
        _ = unsafe try block.withBytes { bytes in
            unsafe try readTraces(bytes, visitor: &visitor, rejections: &rejections)
        }
        try measure("re-frame without every fourth span (\(rejections.count) cut)") {
            unsafe sink &+= UInt64(reframe(block, without: rejections).count)
        }
    }

    private static func measureRedaction(_ body: [UInt8]) throws {
        let block = ByteBlock(body)
        let memory = MemoryBudget(limitBytes: 64 << 20).share("redaction")
        func measure(
            _ name: String, _ block: ByteBlock, _ change: (inout RedactionSettings) -> Void
        ) throws {
            var settings = RedactionSettings()
            change(&settings)
            let redactor = Redactor(settings)
            try self.measure("redaction: " + name) {
                guard redactor.concerns(block) else { return }
                if case .redacted(let new, _) = redactor.redact(
                    block, signal: .traces, memory: memory)
                {
                    unsafe sink &+= UInt64(new.count)
                }
            }
        }
        try measure("defaults, nothing to redact", block) { _ in }
        try measure("defaults and e-mail, nothing to redact", block) { $0.values.insert(.email) }
        try measure("defaults and cards", block) { $0.values.insert(.card) }
        try measure("defaults and one key", block) { $0.keys = ["password"] }
        let pattern = RedactionSettings.Pattern(
            name: "employee", expression: try RedactionPattern("EMP-[0-9]{6}"), action: .replace)
        try measure("defaults and one pattern", block) { $0.patterns = [pattern] }
        // A key in one span of 64: the text of one attribute becomes one.
        var dirty = body
        let model = Array("research-planner".utf8)
        var seen = 0
        var index = 0
        while index < dirty.count - model.count {
            if dirty[index...].starts(with: model) {
                seen += 1
                if seen % 64 == 0 {
                    dirty.replaceSubrange(
                        index..<index + model.count, with: Array(("AS" + "IA234567890ABC").utf8))
                }
            }
            index += 1
        }
        try measure("defaults, something like a key in 1 of 64", ByteBlock(dirty)) { _ in }
    }

    /// The fastest of 15 rounds of CPU time, and allocations per request.
    private static func measure(
        _ name: String, of items: Int = spans, _ work: () throws -> Void
    ) throws {
        guard unsafe only.isEmpty || name.contains(only) else { return }
        let repeats = 400
        var best = UInt64.max
        try work()
        let before = roost_allocations()
        for _ in 0..<15 {
            let start = threadCPUNanoseconds()
            for _ in 0..<repeats { try work() }
            best = min(best, threadCPUNanoseconds() - start)
        }
        let perItem = Double(best) / Double(repeats * items)
        let allocated = Double(roost_allocations() - before) / Double(15 * repeats)
        print(
            "\(Double(Int(perItem * 10)) / 10) ns/item, \(allocated) allocations/request: \(name)")
    }
}

struct SpanTotals: TraceVisitor {
    var nanoseconds: UInt64 = 0
    var names: UInt64 = 0
    var errors: UInt64 = 0

    mutating func span(_ span: SpanView) {
        nanoseconds &+= span.endTimeUnixNano &- span.startTimeUnixNano
        names &+= UInt64(span.name.count) &+ UInt64(truncatingIfNeeded: span.kind)
        if span.statusCode == 2 { errors &+= 1 }
    }
}

struct AttributeTotals: TraceVisitor {
    var tokens: UInt64 = 0
    var agents: UInt64 = 0

    mutating func spanAttribute(_ key: WireBytes, _ value: AnyValueView) {
        if key.equals("gen_ai.usage.input_tokens") {
            tokens &+= UInt64(bitPattern: value.intValue)
        } else if key.equals("gen_ai.agent.name") {
            agents &+= UInt64(value.stringBytes.count)
        }
    }
}

struct PointTotals: MetricsVisitor {
    var sum: UInt64 = 0

    mutating func numberPoint(_ point: NumberPointView) {
        if case .int(let value) = point.value { sum &+= UInt64(bitPattern: value) }
    }
}
