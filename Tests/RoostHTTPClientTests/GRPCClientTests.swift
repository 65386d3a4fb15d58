import Glibc
import RoostCore
import RoostNet
import Synchronization
import Testing

@testable import RoostHTTPClient

/// Unary gRPC calls to `RoostNet`'s server on loopback.
@Suite struct GRPCClientTests {
    private final class Echo: RequestHandler {
        func admit(_ head: RequestHead) -> BodyPolicy { .read }

        func handle(_ head: RequestHead, body: ByteBlock, responder: Responder) {
            if head.pathIs("/refuse") {
                return responder.send(
                    .grpc(code: 8, message: "too much – really", details: [1, 2, 3]))
            }
            responder.send(.grpc(message: body.array))
        }

        func answer(to fault: RequestFault, head: RequestHead) -> Response {
            .grpc(code: fault.grpcCode, message: fault.message)
        }
    }

    /// A server on its own thread for as long as `body` runs.
    private func withServer(_ body: (_ url: String, _ client: HTTPClient) throws -> Void) throws {
        let loop = try EventLoop(name: "echo")
        let address = try BoundAddress.reserve(ListenAddress(host: "127.0.0.1", port: 0))
        let settings = ServerSettings(
            connections: ConnectionLimit(100),
            memory: MemoryBudget(limitBytes: 256 << 20).share("test"))
        let server = try HTTPServer(
            loop: loop, address: address, settings: settings, handler: Echo())
        let thread = NamedThread("echo") { loop.run() }
        let client = try HTTPClient()
        defer {
            client.stop()
            client.join()
            server.closeAll()
            loop.stop()
            thread?.join()
        }
        try body("http://\(address.address)", client)
    }

    private func call(_ url: String, _ bytes: [UInt8]) -> ClientRequest {
        var request = ClientRequest(url: url)
        request.flavour = .grpc(compression: nil)
        request.body = [ByteBlock(bytes).slice]
        return request
    }

    @Test func `a hundred calls in a row are answered`() throws {
        try withServer { url, client in
            for step in 0..<100 {
                let bytes = [UInt8](repeating: UInt8(step), count: step * 1000)
                let answer = client.perform(call(url + "/echo", bytes))
                #expect(answer.failure == nil && answer.grpcStatus == 0, "call \(step)")
                #expect(answer.grpcMessage.map(Array.init) == bytes)
            }
        }
    }

    @Test func `calls at the same time do not mix`() throws {
        try withServer { url, client in
            let left = Atomic<Int>(50)
            let wrong = Atomic<Int>(0)
            let done = Semaphore()
            for step in 0..<50 {
                let bytes = [UInt8](repeating: UInt8(step), count: 20_000)
                client.send(call(url + "/echo", bytes)) { answer in
                    if answer.grpcMessage.map(Array.init) != bytes {
                        wrong.wrappingAdd(1, ordering: .relaxed)
                    }
                    if left.wrappingSubtract(1, ordering: .relaxed).newValue == 0 { done.signal() }
                }
            }
            done.wait()
            #expect(wrong.load(ordering: .relaxed) == 0)
        }
    }

    private static let mark: [UInt8] = [0xFE, 0xDC, 0xBA, 0x98]

    /// Answers any call with these frames and then ends the connection, or keeps it until the client
    /// does.
    private func withRawServer(
        _ frames: [UInt8], ends: Bool, _ body: (ClientAnswer) throws -> Void
    ) throws {
        let server = RawServer { connection, _ in
            connection.read(until: Self.mark)
            connection.write(frames)
            if ends { connection.finish() }
            connection.read(atLeast: 1 << 20)
        }
        let client = try HTTPClient()
        defer {
            client.stop()
            client.join()
            server.stop()
        }
        try body(client.perform(call(server.url + "/x", Self.mark)))
    }

    private func frame(_ type: UInt8, _ flags: UInt8, stream: UInt8, _ bytes: [UInt8]) -> [UInt8] {
        [0, 0, UInt8(bytes.count), type, flags, 0, 0, 0, stream] + bytes
    }

    private func literal(_ name: String, _ value: String) -> [UInt8] {
        [0, UInt8(name.utf8.count)] + Array(name.utf8) + [UInt8(value.utf8.count)]
            + Array(value.utf8)
    }

    /// SETTINGS, HEADERS and DATA; `isEnd` when nothing follows.
    private func answerFrames(isEnd: Bool) -> [UInt8] {
        frame(4, 0, stream: 0, [])
            + frame(1, 4, stream: 1, [0x88] + literal("content-type", "application/grpc"))
            + frame(0, isEnd ? 1 : 0, stream: 1, [0, 0, 0, 0, 0])
    }

    private func trailers(_ code: Int) -> [UInt8] {
        frame(1, 5, stream: 1, literal("grpc-status", String(code)))
    }

    private let goAway: [UInt8] = [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]

    @Test(arguments: [0, 14], [(true, true), (true, false), (false, true)])
    func `a status is not known when the end of the connection came with it and took it`(
        code: Int, ending: (goesAway: Bool, ends: Bool)
    ) throws {
        let frames = answerFrames(isEnd: false) + trailers(code) + (ending.goesAway ? goAway : [])
        try withRawServer(frames, ends: ending.ends) { answer in
            // One of both: later versions of libcurl lose nothing.
            #expect(
                answer.failure == nil && answer.grpcStatus == Int32(code)
                    || answer.failure?.kind == (ending.goesAway ? .statusLost : .connectionLost)
                        && answer.grpcStatus == nil
            )
        }
    }

    @Test(arguments: [2, 8])
    func `of a stream that is reset it is known that all of the request was handed over`(
        code: UInt8
    ) throws {
        let frames = frame(4, 0, stream: 0, []) + frame(3, 0, stream: 1, [0, 0, 0, code])
        try withRawServer(frames, ends: false) { answer in
            #expect(answer.failure?.kind == .streamReset(code: Int(code)))
            #expect(answer.isUploadComplete && answer.httpStatus == 0)
        }
    }

    /// How an answer may come to its end behind a GOAWAY that was there before it.
    enum Ending: CaseIterable, Sendable {
        case trailers, trailersWithoutMessage, trailersAlone, reset, cut

        /// What becomes of it with a libcurl that loses trailers then.
        var failure: ClientFailure.Kind? {
            switch self {
            case .trailers: .statusLost
            case .trailersAlone: nil
            case .trailersWithoutMessage, .reset, .cut: .connectionLost
            }
        }

        var grpcStatus: Int32? {
            switch self {
            case .trailers: 0
            case .trailersWithoutMessage, .trailersAlone: 3
            case .reset, .cut: nil
            }
        }
    }

    @Test(arguments: Ending.allCases)
    func `an answer behind GOAWAY is known to be whole when it has its message and its end`(
        _ ending: Ending
    ) throws {
        let head = frame(1, 4, stream: 1, [0x88] + literal("content-type", "application/grpc"))
        let message = frame(0, 0, stream: 1, [0, 0, 0, 0, 2, 10, 0])
        let status = [0x88] + literal("content-type", "application/grpc")
        let flights: [[UInt8]] =
            switch ending {
            case .trailers: [head, message, trailers(0)]
            case .trailersWithoutMessage: [head, trailers(3)]
            case .trailersAlone: [frame(1, 5, stream: 1, status + literal("grpc-status", "3"))]
            case .reset: [head, message, frame(3, 0, stream: 1, [0, 0, 0, 2])]
            case .cut: [head, message]
            }
        let server = RawServer { connection, _ in
            connection.read(until: Self.mark)
            connection.write(frame(4, 0, stream: 0, []) + goAway)
            for flight in flights {
                // One by one, as they come from a server that thinks in between.
                usleep(50_000)
                connection.write(flight)
            }
            usleep(50_000)
            connection.finish()
            connection.read(atLeast: 1 << 20)
        }
        let client = try HTTPClient()
        defer {
            client.stop()
            client.join()
            server.stop()
        }
        let answer = client.perform(call(server.url + "/x", Self.mark))
        #expect(
            answer.failure == nil && answer.grpcStatus == ending.grpcStatus
                && answer.grpcStatus != nil
                || answer.failure?.kind == ending.failure && answer.grpcStatus == nil)
        #expect(server.connections == 1)
    }

    @Test func `a status that was never sent is no trouble of the connection`() throws {
        try withRawServer(answerFrames(isEnd: true), ends: false) { answer in
            #expect(answer.failure == nil && answer.httpStatus == 200 && answer.grpcStatus == nil)
        }
    }

    @Test func `a stream that the server refuses is not sent again without the caller`() throws {
        let refusal = frame(4, 0, stream: 0, []) + frame(3, 0, stream: 1, [0, 0, 0, 7])
        let server = RawServer { connection, _ in
            connection.read(until: Self.mark)
            connection.write(refusal)
            connection.read(atLeast: 1 << 20)
        }
        let client = try HTTPClient()
        defer {
            client.stop()
            client.join()
            server.stop()
        }
        let answer = client.perform(call(server.url + "/x", Self.mark))
        #expect(answer.failure?.kind == .streamReset(code: 7))
        // Later versions of libcurl may use connections again, and then try once more.
        #expect(server.connections <= 2)
    }

    @Test func `the same on a connection that ends may be`() throws {
        try withRawServer(answerFrames(isEnd: true) + goAway, ends: true) { answer in
            #expect(answer.failure?.kind == .statusLost)
        }
    }

    @Test func `an error comes with its message and details`() throws {
        try withServer { url, client in
            let answer = client.perform(call(url + "/refuse", [1]))
            #expect(answer.grpcStatus == 8 && answer.failure == nil)
            #expect(answer.grpcStatusMessage == "too much – really")
            #expect(answer.grpcStatusDetails == [1, 2, 3])
        }
    }
}
