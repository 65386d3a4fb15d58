import RoostCompression
import RoostCore

@testable import RoostNet

/// Everything that a protocol session needs but a socket, and a record of what it asked for.
final class NetBench: SessionHost, RequestHandler, WebSocketHandler {
    let budget = MemoryBudget(limitBytes: 8 << 20)
    private(set) var context: ServerContext?
    let clock = Clock()
    let unwrittenBytes = 0

    /// What reached the handler, in order.
    private(set) var seen: [String] = []
    private var late: [Responder] = []
    private var sockets: [WebSocket] = []

    final class Clock { var now: UInt64 = 1_000 }

    static let maxRequestBytes = 64 << 10

    init() {
        var settings = ServerSettings(
            connections: ConnectionLimit(4), memory: budget.share("requests"))
        settings.maxRequestBytes = NetBench.maxRequestBytes
        settings.maxHeaderBytes = 2 << 10
        settings.maxTargetBytes = 256
        settings.maxConcurrentStreams = 20
        settings.webSockets = ConnectionLimit(2)
        let clock = clock
        context = ServerContext(settings: settings, handler: self, loop: nil) { clock.now }
    }

    /// Ends the circle of this, the context and itself.
    func close() {
        late = []
        sockets = []
        context = nil
        promise(budget.usedBytes == 0, "\(budget.usedBytes) bytes are still reserved")
    }

    func sessionHasOutput() {}

    // MARK: RequestHandler

    func admit(_ head: RequestHead) -> BodyPolicy {
        let headers = head.headers.map { "\($0.name)=\($0.value)" }.joined(separator: "|")
        seen.append(
            "\(head.method) \(head.path) \(head.query) \(head.contentLength ?? -1) \(headers)")
        switch head.path {
        case "/no": return .answer(Response(status: 404, body: .bytes([0x6E, 0x6F])))
        case "/ws":
            var acceptance = WebSocketAcceptance(self)
            acceptance.maxMessageBytes = 1 << 10
            acceptance.maxUnsentBytes = 4 << 10
            return .upgrade(acceptance)
        default: return .read
        }
    }

    func handle(_ head: RequestHead, body: ByteBlock, responder: Responder) {
        promise(body.count <= NetBench.maxRequestBytes, "a body above the limit")
        seen.append("body \(body.array)")
        switch head.path {
        case "/late": late.append(responder)
        case "/stream":
            responder.send(
                Response(status: 200, body: .stream(Stream(pieces: 3, isStalling: false))))
        case "/stall":
            responder.send(
                Response(status: 200, body: .stream(Stream(pieces: 3, isStalling: true))))
            late.append(responder)
        default: responder.send(Response(status: 200, body: .bytes(body.array)))
        }
    }

    func answer(to fault: RequestFault, head: RequestHead) -> Response {
        // Of several in one head the one that is met first is told, which depends on the pieces.
        if case .malformed = fault {
            seen.append("malformed")
            return Response(status: fault.status)
        }
        seen.append("fault \(fault)")
        return Response(status: fault.status, body: .bytes(Array(fault.message.utf8)))
    }

    /// Answers what waits, or gets its stream going again.
    func answerLate() {
        let waiting = late
        late = []
        for responder in waiting {
            responder.send(Response(status: 202, headers: [("x-late", "1")]))
            responder.resumeBody()
        }
    }

    private final class Stream: BodySource {
        private var pieces: Int
        private var isStalling: Bool

        init(pieces: Int, isStalling: Bool) {
            self.pieces = pieces
            self.isStalling = isStalling
        }

        func next(into bytes: inout [UInt8]) -> Bool {
            defer { isStalling = isStalling && pieces % 2 == 0 }
            pieces -= 1
            if !isStalling { bytes.append(contentsOf: repeatElement(0x73, count: 9_000)) }
            return pieces > 0
        }
    }

    // MARK: WebSocketHandler

    func opened(_ socket: WebSocket) {
        seen.append("opened")
        sockets.append(socket)
    }

    func received(_ text: [UInt8], on socket: WebSocket) {
        seen.append("text \(text)")
        _ = socket.send(WebSocketMessage(text: text))
        if text == [0x62, 0x79, 0x65] { socket.close(code: 4_000, reason: "bye") }
    }

    func closed(_ socket: WebSocket, code: UInt16) {
        seen.append("closed \(code)")
        sockets.removeAll { $0 === socket }
    }
}

/// One connection's protocol, and what its host does for it.
final class NetSession {
    private(set) var session: any ProtocolSession
    private(set) var output: [UInt8] = []

    init(_ session: any ProtocolSession) { self.session = session }

    func receive(_ bytes: UnsafeRawBufferPointer) {
        guard !session.mustClose else { return }
        unsafe session.receive(bytes)
        follow()
    }

    func drain() {
        var buffer = OutputBuffer(reserving: 1_024)
        var rounds = 0
        repeat {
            buffer.removeAll()
            session.drain(into: &buffer)
            unsafe output.append(contentsOf: buffer.bytes)
            rounds += 1
            promise(rounds < 100_000, "output without an end")
        } while follow() || !buffer.isEmpty
    }

    @discardableResult
    private func follow() -> Bool {
        guard let next = session.successor else { return false }
        session = next
        return true
    }

    func end() {
        session.peerEnded()
        drain()
        session.abandon()
        promise(session.mustClose, "it lives on after its end")
    }
}
