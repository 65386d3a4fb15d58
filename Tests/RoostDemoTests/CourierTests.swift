import RoostHTTPClient
import RoostWire
import Synchronization
import Testing

@testable import RoostDemo

/// Stands for the client: keeps what was sent and answers when the test says so.
private final class FakeClient: Sendable {
    private typealias Answer = @Sendable (ClientAnswer) -> Void
    private let open = Mutex<[Answer]>([])

    func send(_ request: ClientRequest, then: @escaping @Sendable (ClientAnswer) -> Void) {
        open.withLock { $0.append(then) }
    }

    var waiting: Int { open.withLock { $0.count } }

    func answer(_ status: Int, retryAfter: String? = nil) {
        var answer = ClientAnswer()
        answer.httpStatus = status
        if let retryAfter { answer.headers = [("retry-after", retryAfter)] }
        open.withLock { $0.removeFirst() }(answer)
    }
}

@Suite struct CourierTests {
    private let client = FakeClient()

    @Test func `keeps at most eight requests on their way`() throws {
        let courier = try makeCourier()
        for _ in 0..<20 { courier.send(request(items: 1)) }
        #expect(client.waiting == 8)
        for _ in 0..<20 { client.answer(200) }
        #expect(courier.isIdle)
        #expect(courier.delivery[.traces].sent == 20)
        #expect(courier.delivery.isWhole)
    }

    @Test func `counts what is refused for good`() throws {
        let courier = try makeCourier()
        courier.send(request(items: 5))
        client.answer(400)
        #expect(courier.delivery[.traces].refused == 5)
        #expect(courier.delivery.firstFault == "HTTP status 400")
        #expect(!courier.delivery.isWhole)
    }

    @Test func `sends again what may pass, not before its time`() throws {
        let courier = try makeCourier()
        courier.send(request(items: 5))
        client.answer(503, retryAfter: "20")
        courier.pump()
        #expect(client.waiting == 0)
        #expect(!courier.isIdle)
        courier.giveUp()
        #expect(courier.isIdle)
        #expect(courier.delivery[.traces].lost == 5)
        #expect(courier.delivery.firstFault == "HTTP status 503")
    }

    private func makeCourier() throws -> Courier {
        let client = client
        return Courier(options: try DemoOptions(["--protocol", "http/protobuf"])) {
            client.send($0, then: $1)
        }
    }

    private func request(items: Int) -> EncodedRequest {
        EncodedRequest(signal: .traces, items: items, bytes: [1, 2, 3])
    }
}
