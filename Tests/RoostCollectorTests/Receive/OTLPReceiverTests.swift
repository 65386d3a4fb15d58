import RoostCore
import RoostIngest
import RoostMetrics
import RoostNet
import RoostWire
import Testing

@testable import RoostCollector

/// The receiver without sockets: heads and bodies in, answers out.
@Suite struct OTLPReceiverTests {
    private let ledger = Ledger()
    private let lifecycle = Lifecycle()
    private let receiver: OTLPReceiver
    private let loop: EventLoop

    init() throws {
        let budget = MemoryBudget(limitBytes: 1 << 20)
        var enable = Config.Enable()
        enable.logs = false
        let shared = IntakeShared(
            ledger: ledger,
            exports: ExportService(
                destinations: [], ledger: ledger, budget: budget, log: Log { _ in }),
            series: SeriesStore(), switches: Switches(enable),
            redaction: RedactionInForce(Config.Redact(), names: NamesFile.builtIn),
            lifecycle: lifecycle,
            memory: budget.share("copies"), maxRequestBytes: 1 << 20, names: nil, isReady: { true })
        loop = try EventLoop(name: "test")
        receiver = OTLPReceiver(
            intake: Intake(
                shared: shared, loop: loop,
                spanMetrics: SpanMetricsShard(bounds: .standard, limit: SeriesLimit(10)),
                agents: AgentInbox(
                    AgentAccounts(settings: AgentTrackerSettings(), prices: nil, wake: WakeUp()))),
            origins: CORSOrigins(allowed: ["https://app.example"]), credentials: Credentials([]))
    }

    private func head(
        _ method: String, _ path: String, type: String? = "application/x-protobuf",
        origin: String? = nil
    ) -> RequestHead {
        var headers: [(String, String)] = []
        if let type { headers.append(("content-type", type)) }
        if let origin { headers.append(("origin", origin)) }
        return RequestHead(method: method, target: path, headers: headers)
    }

    private func refusal(_ head: RequestHead) throws -> Response {
        guard case .answer(let response) = receiver.admit(head) else {
            throw Unexpected()
        }
        return response
    }

    private func answer(_ head: RequestHead, _ body: [UInt8]) throws -> Response {
        guard case .read = receiver.admit(head) else { throw Unexpected() }
        var answer: Response?
        receiver.handle(head, body: ByteBlock(body), responder: Responder { answer = $0 })
        return try #require(answer)
    }

    private struct Unexpected: Error {}

    private func text(_ response: Response) -> String {
        guard case .bytes(let bytes) = response.body else { return "" }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test(arguments: [
        ("POST", "/v1/nothing", "application/json", 404),
        ("GET", "/v1/traces", "application/json", 405),
        ("POST", "/v1/traces", "text/plain", 415),
        ("POST", "/v1/logs", "application/json", 404),
    ])
    func `refuses before the body what it does not serve`(
        _ method: String, _ path: String, _ type: String, _ status: Int
    ) throws {
        let response = try refusal(head(method, path, type: type))
        #expect(response.status == status)
    }

    @Test func `answers an empty request with an empty success in its encoding`() throws {
        let protobuf = try answer(head("POST", "/v1/traces"), [])
        #expect(protobuf.status == 200)
        #expect(text(protobuf) == "")
        let json = try answer(
            head("POST", "/v1/traces", type: "Application/JSON; charset=utf-8"), Array("{}".utf8))
        #expect(text(json) == "{}")
        #expect(ledger.snapshot().acceptedRequests(.traces, .http) == 2)
    }

    @Test func `names field and byte of what cannot be decoded`() throws {
        let response = try answer(
            head("POST", "/v1/traces", type: "application/json"),
            Array(#"{"resourceSpans":[{"scopeSpans":7}]}"#.utf8))
        #expect(response.status == 400)
        #expect(text(response).contains("resourceSpans[0].scopeSpans"))
        #expect(text(response).contains("type.googleapis.com/google.rpc.BadRequest"))
        #expect(ledger.snapshot().refusals(.traces, .http, .undecodable) == 1)
        #expect(ledger.snapshot().accepted(.traces) == 0)
    }

    @Test func `cuts out the malformed span and keeps the other`() throws {
        let span = { (id: String) in
            #"{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"\#(id)","name":"x"}"#
        }
        let body =
            #"{"resourceSpans":[{"scopeSpans":[{"spans":["#
            + "\(span("00")),\(span("eee19b7ec3c1b174"))]}]}]}"
        let response = try answer(
            head("POST", "/v1/traces", type: "application/json"), Array(body.utf8))
        #expect(response.status == 200)
        #expect(text(response).contains(#""rejectedSpans":"1""#))
        #expect(ledger.snapshot().accepted(.traces) == 1)
        #expect(ledger.snapshot().refused(.traces, .http, .malformed) == 1)
    }

    @Test func `turns away what comes while draining, with a delay`() throws {
        lifecycle.enter(.draining)
        let response = try refusal(head("POST", "/v1/traces"))
        #expect(response.status == 503)
        #expect(response.headers.contains { $0.0 == "retry-after" })
        #expect(ledger.snapshot().refusals(.traces, .http, .draining) == 1)
    }

    @Test func `lets a page from an allowed origin send, and no other`() throws {
        let allowed = try refusal(
            head("OPTIONS", "/v1/traces", type: nil, origin: "https://app.example"))
        #expect(allowed.status == 204)
        #expect(
            allowed.headers.contains {
                $0 == "access-control-allow-origin" && $1 == "https://app.example"
            })
        let foreign = try refusal(
            head("OPTIONS", "/v1/traces", type: nil, origin: "https://evil.example"))
        #expect(foreign.status == 405)
    }
}
