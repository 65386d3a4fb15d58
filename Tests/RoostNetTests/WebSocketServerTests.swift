import Glibc
import RoostCore
import Synchronization
import Testing

@testable import RoostNet

/// WebSockets over real connections.
@Suite struct WebSocketServerTests {
    /// A server whose sockets a test reaches through its loop.
    private struct Live {
        let thread: LoopThread
        let server: HTTPServer
        let settings: ServerSettings
        let budget: MemoryBudget
        let sockets: Sockets
        let port: UInt16

        func client() throws -> RawClient {
            let client = try RawClient(port)
            client.send(WebSocketBench.handshake)
            #expect(client.read(until: "\r\n\r\n").hasPrefix("HTTP/1.1 101 "))
            return client
        }
    }

    private func withLive(
        heartbeat: Duration = .seconds(30), _ body: (Live) throws -> Void
    ) throws {
        let budget = MemoryBudget(limitBytes: 64 << 20)
        let settings = ServerSettings(
            connections: ConnectionLimit(64), memory: budget.share("test"))
        let sockets = Sockets()
        let handler = TestHandler()
        handler.admits = { head in
            guard head.pathIs("/live") else { return .read }
            var acceptance = WebSocketAcceptance(sockets)
            acceptance.heartbeat = heartbeat
            return .upgrade(acceptance)
        }
        handler.answers = { _, _, responder in
            responder.fromAnyThread.send(Response(status: 200))
        }
        let bound = try BoundAddress.reserve(ListenAddress(host: "127.0.0.1", port: 0))
        let thread = try LoopThread()
        let server = try HTTPServer(
            loop: thread.loop, address: bound, settings: settings, handler: handler)
        defer { thread.stop(server) }
        try body(
            Live(
                thread: thread, server: server, settings: settings, budget: budget,
                sockets: sockets, port: bound.address.port))
        server.closeAll()
        #expect(eventually { settings.webSockets.open == 0 && budget.usedBytes == 0 })
    }

    @Test func `sends one message to all, from another thread, and hears them`() throws {
        try withLive { live in
            let clients = try (0..<5).map { _ in try live.client() }
            let message = WebSocketMessage(text: "to all")
            let sockets = live.sockets
            #expect(live.thread.on { sockets.send(message) } == 5)
            for client in clients { #expect(client.read(until: "to all").hasSuffix("\u{6}to all")) }
            clients[2].send(clientText("hello"))
            #expect(clients[2].read(until: "hello").hasSuffix("\u{5}hello"))
            clients[0].abort()
            #expect(eventually { live.settings.webSockets.open == 4 })
            #expect(live.thread.on { sockets.send(message) } == 4)
        }
    }

    @Test func `messages that come in one piece leave others their turn`() throws {
        try withLive { live in
            let other = try live.client()
            let eager = try live.client()
            let sockets = live.sockets
            let messages = (0..<1_000).flatMap { clientText("a\($0)") }
            eager.send(messages + clientText("last"))
            #expect(eventually { sockets.eagerMessages.value > 0 })
            other.send(clientText("hello"))
            #expect(other.read(until: "hello").hasSuffix("\u{5}hello"))
            #expect(sockets.eagerMessages.value < 800)
            // All are heard, in their order.
            let heard = eager.read(until: "last").split(separator: "a").dropFirst()
            #expect(heard.compactMap { Int($0.prefix { $0.isNumber }) } == Array(0..<1_000))
        }
    }

    @Test func `a slow peer loses messages and delays nobody`() throws {
        try withLive { live in
            let slow = try live.client()
            let quick = try live.client()
            let sockets = live.sockets
            // A size whose bytes are ASCII; of the frame one byte is not, which is read as three.
            let message = WebSocketMessage(text: [UInt8](repeating: 0x61, count: 0x17070))
            let readBytes = message.byteCount + 2
            let end = WebSocketMessage(text: "the end")
            var taken = 0
            while taken < 400, live.thread.on({ sockets.send(message) }) == 2 {
                #expect(quick.read(count: message.byteCount).utf8.count == readBytes)
                taken += 1
            }
            #expect(taken < 400)
            #expect((live.thread.on { sockets.mostUnsent } ?? 0) > 256 << 10)
            #expect(live.budget.usedBytes < 500_000)
            // What it reads at last is whole messages.
            #expect(slow.read(count: taken * message.byteCount).utf8.count == taken * readBytes)
            #expect(eventually { live.thread.on { sockets.mostUnsent } == 0 })
            #expect(live.thread.on { sockets.send(end) } == 2)
        }
    }

    @Test func `gives a silent peer up and drains the others`() throws {
        try withLive(heartbeat: .milliseconds(20)) { live in
            let silent = try live.client()
            #expect(eventually { live.settings.webSockets.open == 0 })
            #expect(silent.read().utf8.count >= 4)
            #expect(live.settings.counters.values.idleTimeouts == 1)
        }
        try withLive { live in
            let client = try live.client()
            let drained = Signal()
            live.server.drain { drained.fire() }
            #expect(client.read().hasSuffix("the server is stopping"))
            client.send(clientFrame(8, [0x03, 0xE9]))
            client.end()
            #expect(drained.wait())
        }
    }

    @Test func `a handshake and a frame behind a request that is answered later are served`() throws
    {
        try withLive { live in
            let client = try RawClient(live.port)
            let later = "GET /later HTTP/1.1\r\nHost: x\r\n\r\n"
            client.send(
                Array((later + later + WebSocketBench.handshake).utf8) + clientText("hello"))
            let answer = client.read(until: "hello")
            #expect(
                answer.split(separator: "HTTP/1.1 ").map { $0.prefix(3) } == ["200", "200", "101"])
            #expect(answer.hasSuffix("\u{5}hello"))
        }
    }
}

/// Sockets of one loop, which sends what it hears back.
private final class Sockets: WebSocketHandler, @unchecked Sendable {
    // Sendable: used on the loop only.
    private var open: [WebSocket] = []
    /// Those that begin with an a; each takes a while.
    let eagerMessages = Counter()

    func opened(_ socket: WebSocket) { open.append(socket) }

    func received(_ text: [UInt8], on socket: WebSocket) {
        if text.first == UInt8(ascii: "a") {
            usleep(500)
            eagerMessages.add(1)
        }
        _ = socket.send(WebSocketMessage(text: text))
    }

    func closed(_ socket: WebSocket, code: UInt16) { open.removeAll { $0 === socket } }

    /// To how many it goes.
    func send(_ message: WebSocketMessage) -> Int { open.filter { $0.send(message) }.count }

    var mostUnsent: Int { open.map(\.unsentBytes).max() ?? 0 }
}
