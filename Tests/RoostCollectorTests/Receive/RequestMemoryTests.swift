import RoostCore
import RoostIngest
import RoostMetrics
import RoostNet
import RoostWire
import Testing

@testable import RoostCollector

/// What a request that takes too much is told: later, or never.
@Suite struct RequestMemoryTests {
    private func json(bytes: Int) -> [UInt8] {
        let name = String(repeating: "x", count: bytes)
        return Array(
            (#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"#
                + #""traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","#
                + #""name":"\#(name)"}]}]}]}"#).utf8)
    }

    /// One well-formed span, and one without ids that is cut out.
    private func half(bytes: Int) -> [UInt8] {
        func field(_ tag: UInt8, _ payload: [UInt8]) -> [UInt8] {
            var length = payload.count
            var prefix = [tag]
            while length > 127 {
                prefix.append(UInt8(length & 127) | 128)
                length >>= 7
            }
            return prefix + [UInt8(length)] + payload
        }
        let name = field(0x2A, [UInt8](repeating: 0x78, count: bytes))
        let span =
            field(0x0A, [UInt8](repeating: 1, count: 16))
            + field(0x12, [UInt8](repeating: 1, count: 8)) + name
        let spans = field(0x12, span) + field(0x12, [])
        return field(0x0A, field(0x12, spans))
    }

    @Test func `JSON that never fits beside its protobuf is refused for good`() throws {
        let test = try Fixture(memory: 1 << 20)
        let response = try test.answer(json(bytes: 600_000))
        #expect(response.status == 413)
        #expect(!response.headers.contains { $0.0 == "retry-after" })
        guard case .bytes(let bytes) = response.body else { return }
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(text.contains("bytes of memory") && !text.contains("RetryInfo"))
        #expect(test.ledger.snapshot().refusals(.traces, .http, .tooLarge) == 1)
        #expect(test.budget.usedBytes == 0)
    }

    @Test func `JSON that would fit into an empty memory may come again`() throws {
        let test = try Fixture(memory: 2 << 20)
        let share = test.budget.share("other")
        let other = share.reserve(1_200_000)
        let response = try test.answer(json(bytes: 600_000))
        #expect(response.status == 503)
        #expect(response.headers.contains { $0.0 == "retry-after" })
        #expect(test.ledger.snapshot().refusals(.traces, .http, .memory) == 1)
        #expect(other != nil)
        // What is set aside never comes back.
        let full = try Fixture(memory: 2 << 20)
        full.budget.share("other").setAside(1_200_000)
        #expect(try full.answer(json(bytes: 600_000)).status == 413)
        let free = try Fixture(memory: 2 << 20)
        #expect(try free.answer(json(bytes: 600_000)).status == 200)
    }

    @Test func `a gRPC request whose rest never fits beside it is RESOURCE_EXHAUSTED`() throws {
        let test = try Fixture(memory: 1 << 20)
        let response = try test.answer(half(bytes: 600_000), grpc: true)
        #expect(response.grpc?.code == 8)
        #expect(response.grpc?.details == [])
        let free = try Fixture(memory: 2 << 20)
        #expect(try free.answer(half(bytes: 600_000), grpc: true).grpc?.code == 0)
    }

    @Test func `a request that is longer than a whole queue is refused for good`() throws {
        let test = try Fixture(memory: 64 << 20, queue: 100_000)
        let response = try test.answer(half(bytes: 200_000), grpc: true)
        #expect(response.grpc?.code == 8)
        #expect(response.grpc?.message.contains("100000 bytes") == true)
        #expect(test.ledger.snapshot().refused(.traces, .grpc, .tooLarge) == 2)
        #expect(try test.answer(half(bytes: 90_000), grpc: true).grpc?.code == 0)
        let full = try test.answer(half(bytes: 90_000), grpc: true)
        #expect(full.grpc?.code == 14)
    }
}

/// A receiver with a memory of its own.
private struct Fixture {
    let budget: MemoryBudget
    let ledger = Ledger(exporters: ["a"])
    private let receiver: OTLPReceiver

    /// `queue` is the room of a destination that is never reached; 0 for no destination.
    init(memory: Int, queue: Int = 0) throws {
        budget = MemoryBudget(limitBytes: memory)
        let destinations = queue == 0 ? [] : [settings { $0.queue.capacityBytes = queue }]
        let shared = IntakeShared(
            ledger: ledger,
            exports: ExportService(
                destinations: destinations, ledger: ledger, budget: budget, log: Log { _ in }),
            series: SeriesStore(), switches: Switches(Config.Enable()),
            redaction: RedactionInForce(Config.Redact(), names: NamesFile.builtIn),
            lifecycle: Lifecycle(), memory: budget.share("copies"), maxRequestBytes: 1 << 20,
            names: nil, isReady: { true })
        receiver = OTLPReceiver(
            intake: Intake(
                shared: shared, loop: try EventLoop(name: "test"),
                spanMetrics: SpanMetricsShard(bounds: .standard, limit: SeriesLimit(10)),
                agents: AgentInbox(AgentAccounts(settings: AgentTrackerSettings(), prices: nil))),
            origins: CORSOrigins(allowed: []), credentials: Credentials([]))
    }

    func answer(_ body: [UInt8], grpc: Bool = false) throws -> Response {
        let head = RequestHead(
            method: "POST",
            target: grpc
                ? "/opentelemetry.proto.collector.trace.v1.TraceService/Export" : "/v1/traces",
            headers: [("content-type", grpc ? "application/grpc" : "application/json")],
            isHTTP2: grpc, isGRPC: grpc)
        let reservation = try #require(budget.share("requests").reserve(body.count))
        var answer: Response?
        receiver.handle(
            head, body: ByteBlock(body, reservation: reservation),
            responder: Responder { answer = $0 })
        return try #require(answer)
    }
}
