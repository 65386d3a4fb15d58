import RoostCore
import RoostIngest
import RoostMetrics
import RoostNet
import RoostWire
import Testing

@testable import RoostCollector

/// Requests that tell of more steps of agents than are noted at a time.
@Suite struct ManyActivitiesTests {
    private static let table = NameTable(NamesFile.builtIn)
    private let memory = MemoryBudget(limitBytes: 64 << 20).share("test")

    /// Results of tools, each at a time of its own.
    private func results(_ count: Int) -> ByteBlock {
        var writer = MessageWriter()
        writer.message(1) { entry in
            entry.message(2) { scope in
                for number in 1...count {
                    scope.message(2) { record in
                        record.fixed64(1, 1_790_000_000_000_000_000 + UInt64(number))
                        record.string(12, "codex.tool_result")
                    }
                }
            }
        }
        return ByteBlock(writer.bytes)
    }

    /// Calls of a model in another dialect than the conventions'.
    private func calls(_ count: Int) -> ByteBlock {
        var writer = MessageWriter()
        writer.message(1) { entry in
            entry.message(2) { scope in
                for number in 1...count {
                    scope.message(2) { span in
                        span.bigEndian(1, 7, UInt64(number))
                        span.bigEndian(2, UInt64(number))
                        span.message(9) { pair in
                            pair.string(1, "openinference.span.kind")
                            pair.message(2) { $0.string(1, "LLM") }
                        }
                        span.message(9) { pair in
                            pair.string(1, "llm.model_name")
                            pair.message(2) { $0.string(1, "gpt-\(number % 7)") }
                        }
                    }
                }
            }
        }
        return ByteBlock(writer.bytes)
    }

    private func read(
        _ body: ByteBlock, _ signal: Signal, isReadInParts: Bool = false, normalizes: Bool = false
    ) throws -> ReadRequest {
        try RequestReader.read(
            body, signal: signal, encoding: .protobuf, scan: TraceScan(), logs: LogScan(),
            names: Self.table, isReadInParts: isReadInParts, maxBytes: 64 << 20,
            redactor: Redactor(RedactionSettings()), normalizes: normalizes, memory: memory)
    }

    @Test func `few are noted while a request is read`() throws {
        let few = try #require(try read(results(1_000), .logs).logs)
        #expect(few.activities.activities.count == 1_000 && !few.hasTooManyActivities)
        let scan = try #require(try read(calls(1_000), .traces).scan)
        #expect(scan.activities.activities.count == 1_000 && !scan.hasTooManyActivities)
    }

    @Test func `many are not`() throws {
        let many = try #require(try read(results(40_000), .logs).logs)
        #expect(many.activities.activities.capacity < 12_000)
        #expect(many.itemCount == 40_000 && many.hasTooManyActivities && many.activities.isEmpty)
        let scan = try #require(try read(calls(20_000), .traces, normalizes: true).scan)
        #expect(scan.activities.activities.capacity < 12_000)
        #expect(scan.itemCount == 20_000 && scan.hasTooManyActivities && scan.activities.isEmpty)
        let large = try read(results(40_000), .logs, isReadInParts: true)
        #expect(large.logs?.activities.isEmpty == true && large.items == 40_000)
    }

    @Test(arguments: [Signal.logs, .traces])
    func `they are handed over in parts, all of them`(_ signal: Signal) {
        let body = signal == .logs ? results(40_000) : calls(20_000)
        var (parts, activities, most) = (0, 0, 0)
        walkActivities(of: body, signal: signal, names: Self.table, atOnce: 100_000) { batch in
            parts += 1
            activities += batch.activities.count
            most = max(most, batch.byteCount)
        }
        #expect(activities == (signal == .logs ? 40_000 : 20_000))
        #expect(parts > 20 && most < 104_000)
    }

    @Test func `spans get their names however many there are`() throws {
        let body = calls(3_000)
        let scan = try #require(try read(body, .traces).scan)
        let noted = try #require(
            normalizeSpans(body, activities: scan.activities, memory: memory))
        #expect(noted.count > body.count)
        let read = try #require(normalizeSpans(body, names: Self.table, memory: memory))
        #expect(read.array == noted.array)
        let many = try self.read(calls(20_000), .traces, normalizes: true)
        #expect(many.body.count > calls(20_000).count + 20_000 * 20)
    }

    @Test func `all of a request of many are counted`() throws {
        let accounts = AgentAccounts(settings: AgentTrackerSettings(), prices: nil)
        let ledger = Ledger()
        let budget = MemoryBudget(limitBytes: 64 << 20)
        let shared = IntakeShared(
            ledger: ledger,
            exports: ExportService(
                destinations: [], ledger: ledger, budget: budget, log: Log { _ in }),
            series: SeriesStore(), switches: Switches(Config.Enable()),
            redaction: RedactionInForce(Config.Redact(), names: NamesFile.builtIn),
            lifecycle: Lifecycle(), memory: memory, maxRequestBytes: 64 << 20,
            names: Self.table, isReady: { true })
        let intake = Intake(
            shared: shared, loop: try EventLoop(name: "test"),
            spanMetrics: SpanMetricsShard(bounds: .standard, limit: SeriesLimit(10)),
            agents: AgentInbox(accounts))
        let body = results(20_000)
        #expect(body.count < Intake.largeBodyBytes)
        intake.take(body, signal: .logs, encoding: .protobuf, transport: .http) { _ in }
        let calls = accounts.withTracker { tracker in
            tracker.tick(now: .max / 2, unixNow: 1)
            return tracker.snapshot.values(of: "roost_tool_calls_total").reduce(0) { $0 + $1.1 }
        }
        #expect(calls == 20_000)
    }
}
