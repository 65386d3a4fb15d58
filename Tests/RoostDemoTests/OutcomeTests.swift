import RoostHTTPClient
import RoostWire
import Testing

@testable import RoostDemo

@Suite struct OutcomeTests {
    @Test func `reads a partial success of both transports`() {
        var response = MessageWriter()
        response.message(1) { partial in
            partial.varint(1, 3)
            partial.string(2, "ids of no length")
        }
        let expected = Outcome.accepted(rejected: 3, message: "ids of no length")
        #expect(Outcome(http(200, response.bytes), over: .http) == expected)
        #expect(Outcome(grpc(0, response.bytes), over: .grpc) == expected)
        #expect(Outcome(http(200, []), over: .http) == .accepted(rejected: 0, message: ""))
        #expect(Outcome(grpc(0, []), over: .grpc) == .accepted(rejected: 0, message: ""))
    }

    @Test func `takes a response that is none as an empty one`() {
        #expect(
            Outcome(http(200, [0x0A, 0xFF, 1]), over: .http) == .accepted(rejected: 0, message: ""))
    }

    @Test func `takes a call with its message for a yes when its status is lost`() {
        var answer = grpc(0, [0x0A, 2, 8, 3])
        answer.headers = []
        answer.failure = ClientFailure(.statusLost, "x")
        #expect(Outcome(answer, over: .grpc) == .accepted(rejected: 3, message: ""))
    }

    @Test(arguments: [1, 4, 10, 11, 14, 15] as [Int32])
    func `repeats what gRPC says may pass`(_ status: Int32) {
        #expect(isLater(Outcome(grpc(status, []), over: .grpc)))
    }

    @Test(arguments: [2, 3, 5, 7, 8, 12, 13, 16] as [Int32])
    func `does not repeat what gRPC says will not`(_ status: Int32) {
        #expect(isRefused(Outcome(grpc(status, []), over: .grpc)))
    }

    @Test func `repeats an exhausted resource only when told when`() {
        var answer = grpc(8, [])
        answer.headers.append(("grpc-status-details-bin", "CAg"))
        #expect(isLater(Outcome(answer, over: .grpc)))
    }

    @Test func `waits as long as Retry-After says`() {
        var answer = http(503, [])
        answer.headers.append(("retry-after", "7"))
        #expect(Outcome(answer, over: .http) == .later(reason: "HTTP status 503", after: 7))
        #expect(isRefused(Outcome(http(400, []), over: .http)))
        #expect(isRefused(Outcome(http(404, []), over: .http)))
    }

    @Test func `repeats what never arrived`() {
        var answer = ClientAnswer()
        answer.failure = ClientFailure(.unreachable, "connection refused")
        #expect(Outcome(answer, over: .grpc) == .later(reason: "connection refused", after: nil))
        answer.failure = ClientFailure(.tls, "bad certificate")
        #expect(Outcome(answer, over: .http) == .refused(reason: "bad certificate"))
    }

    private func http(_ status: Int, _ body: [UInt8]) -> ClientAnswer {
        var answer = ClientAnswer()
        answer.httpStatus = status
        answer.body = body
        return answer
    }

    private func grpc(_ status: Int32, _ message: [UInt8]) -> ClientAnswer {
        var answer = http(200, [0, 0, 0, 0, UInt8(message.count)] + message)
        answer.headers = [("grpc-status", String(status))]
        return answer
    }

    private func isLater(_ outcome: Outcome) -> Bool {
        if case .later = outcome { true } else { false }
    }

    private func isRefused(_ outcome: Outcome) -> Bool {
        if case .refused = outcome { true } else { false }
    }
}
