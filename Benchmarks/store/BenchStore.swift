import Glibc
import RoostAnalytics
import RoostCore
import RoostIngest
import RoostStore
import RoostWire

/// Fills a store with traces of 20 spans and asks it what the API asks:
/// `bench-store [TRACES] [FOLDER] [MEBIBYTES]`; with 0 traces it asks the store that is in the folder
/// already, and leaves it there. MEBIBYTES is the size of the store, which is not bounded without.
/// Prints CPU seconds of the store's thread per million spans, bytes per trace, and the median and
/// longest time of each question in milliseconds.
@main struct BenchStore {
    static let spansPerTrace = 20

    static func main() throws {
        let arguments = CommandLine.arguments
        let count = arguments.count > 1 ? Int(arguments[1]) ?? 100_000 : 100_000
        let folder = arguments.count > 2 ? arguments[2] : "/tmp/roost-bench-store-\(getpid())"
        var settings = StoreSettings()
        settings.path = folder
        settings.size = (arguments.count > 3 ? Int(arguments[3]) ?? 65_536 : 65_536) << 20
        settings.keep = .max
        let names = names
        let store = TraceStore(
            settings: settings, names: names,
            understanding: AgentUnderstanding(names: names, prices: nil), log: Log(),
            count: { _, _, _ in })
        let opening = monotonicNanoseconds()
        try store.open()
        print("opened in \((monotonicNanoseconds() &- opening) / 1_000_000) ms")
        if count > 0 { fill(store, count) }
        try ask(store)
        store.close(deadline: .max)
        guard count > 0 else { return }
        for end in ["", "-wal", "-shm"] { unsafe _ = unlink(folder + "/store.db" + end) }
        unsafe rmdir(folder)
    }

    // MARK: filling

    private static let week: UInt64 = 7 * 86_400 * 1_000_000_000
    private static let begin: UInt64 = 1_790_000_000_000_000_000

    private static func fill(_ store: TraceStore, _ count: Int) {
        var requests = TraceRequests(
            spansPerTrace: spansPerTrace, step: week / UInt64(count), begin: begin)
        let (process, own) = (processCPUNanoseconds(), threadCPUNanoseconds())
        let wall = monotonicNanoseconds()
        var begun = 0
        var spans = 0
        var bytes = 0
        while true {
            let most = min(count - begun, TraceRequests.tracesAtOnce)
            let request = requests.request(most: most)
            begun += most
            guard request.spans > 0 else { break }
            spans += request.spans
            bytes += request.bytes.count
            let body = ByteBlock(request.bytes)
            while !store.offer(.traces, items: request.spans, body: body) { usleep(1000) }
        }
        store.flush()
        let cpu = processCPUNanoseconds() &- process &- (threadCPUNanoseconds() &- own)
        let seconds = Double(monotonicNanoseconds() &- wall) / 1e9
        let status = store.status
        print(
            "\(count) traces, \(spans) spans of \(bytes / max(spans, 1)) bytes in "
                + "\(rounded(seconds)) s")
        print("store CPU-s per million spans: \(rounded(Double(cpu) / 1e3 / Double(spans)))")
        print("bytes per trace: \(status.usedBytes / max(status.traces, 1))")
        print("file: \(status.fileBytes >> 20) MiB, traces: \(status.traces)")
        print("resident: \(residentMebibytes()) MiB")
    }

    // MARK: asking

    private static func ask(_ store: TraceStore) throws {
        let middle = begin + week / 2
        let questions: [(String, (inout TraceQuery) -> Void)] = [
            ("newest", { _ in }), ("newest 1000", { $0.limit = 1000 }),
            ("service", { $0.service = "service-7" }), ("service, rare", { $0.service = "rare" }),
            ("service, unknown", { $0.service = "nobody" }),
            (
                "operation",
                {
                    $0.service = "service-7"; $0.span.operation = "execute_tool"
                }
            ),
            ("workflow", { $0.workflow = "workflow-7" }),
            ("agent", { $0.agent = "agent-7" }), ("session", { $0.session = "conversation-5" }),
            ("status error", { $0.status = .error }), ("status ok", { $0.status = .ok }),
            ("status running", { $0.status = .running }),
            ("min_duration 5 s", { $0.minDuration = 5_000_000_000 }),
            ("min_duration 1 h", { $0.minDuration = 3_600_000_000_000 }),
            ("max_duration 1 ms", { $0.maxDuration = 1_000_000 }),
            ("since", { $0.since = middle }), ("until", { $0.until = middle }),
            ("until the first", { $0.until = begin + 1 }),
            (
                "service and since",
                {
                    $0.service = "service-7"; $0.since = middle
                }
            ),
            (
                "service, rare, and since",
                {
                    $0.service = "rare"; $0.since = middle
                }
            ),
            (
                "agent and status",
                {
                    $0.agent = "agent-7"; $0.status = .error
                }
            ),
            (
                "service, agent, status, min_duration",
                {
                    $0.service = "service-7"
                    $0.agent = "agent-7"
                    $0.status = .error
                    $0.minDuration = 60_000_000_000
                }
            ),
            (
                "tag",
                {
                    $0.service = "service-7"; $0.span.tags = [.init("thread.id", "140007")]
                }
            ),
        ]
        print("question: found, median ms, longest ms")
        for (name, change) in questions {
            var query = TraceQuery()
            change(&query)
            var times: [Double] = []
            var found = "?"
            for _ in 0..<15 {
                let start = monotonicNanoseconds()
                do { found = "\(try store.traces(query).traces.count)" } catch {
                    found = "\(error)"
                }
                times.append(Double(monotonicNanoseconds() &- start) / 1e6)
            }
            times.sort()
            print("  \(name): \(found), \(rounded(times[7])), \(rounded(times[14]))")
        }
        let page = try store.traces(TraceQuery())
        guard let last = page.traces.last else { return }
        var times: [Double] = []
        for _ in 0..<15 {
            let start = monotonicNanoseconds()
            _ = try store.trace(high: last.traceIDHigh, low: last.traceIDLow)
            times.append(Double(monotonicNanoseconds() &- start) / 1e6)
        }
        times.sort()
        print("  one trace: \(rounded(times[7])), \(rounded(times[14]))")
    }

    private static func rounded(_ value: Double) -> Double { (value * 100).rounded() / 100 }

    private static func residentMebibytes() -> Int {
        guard let text = readFile("/proc/self/statm", limit: 4096) else { return 0 }
        let words = String(decoding: text, as: UTF8.self).split(separator: " ")
        return words.count > 1 ? (Int(words[1]) ?? 0) * 4 / 1024 : 0
    }

    private static var names: NameTable {
        var source = NameSource()
        source.attributes = [
            .kind: ["gen_ai.operation.name"], .workflow: ["gen_ai.workflow.name"],
            .agent: ["gen_ai.agent.name"], .modelRequested: ["gen_ai.request.model"],
            .modelAnswered: ["gen_ai.response.model"], .provider: ["gen_ai.provider.name"],
            .tool: ["gen_ai.tool.name"], .session: ["gen_ai.conversation.id"],
            .inputTokens: ["gen_ai.usage.input_tokens"],
            .outputTokens: ["gen_ai.usage.output_tokens"], .callID: ["gen_ai.response.id"],
            .arguments: ["gen_ai.tool.call.arguments"],
        ]
        source.kinds["gen_ai.operation.name"] = [
            .llm: ["chat"], .tool: ["execute_tool"], .agent: ["invoke_agent"],
            .workflow: ["invoke_workflow"],
        ]
        return NameTable(source)
    }
}
