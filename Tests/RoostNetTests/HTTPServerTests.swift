import Glibc
import RoostCore
import Synchronization
import Testing

@testable import RoostNet

@Suite struct HTTPServerTests {
    private let get = "GET /a HTTP/1.1\r\nhost: x\r\n\r\n"

    @Test func `serves both protocols on one port`() throws {
        try withServer { _, _, port in
            let old = try RawClient(port)
            old.send("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nhi")
            #expect(old.read(until: "hi").hasPrefix("HTTP/1.1 200 OK"))
            let new = try RawClient(port)
            new.send(Array(http2Preface.prefix(10)))
            new.send(Array(http2Preface.dropFirst(10)) + [0, 0, 0, 4, 0, 0, 0, 0, 0])
            // SETTINGS of 18 bytes, a WINDOW_UPDATE and the acknowledgement, in some order.
            #expect(new.read(count: 49).utf8.count >= 49)
        }
    }

    @Test func `shares one port among loops`() throws {
        let bound = try BoundAddress.reserve(ListenAddress(host: "127.0.0.1", port: 0))
        let threads = [try LoopThread(), try LoopThread()]
        let servers = try threads.map {
            try HTTPServer(
                loop: $0.loop, address: bound, settings: Bench().settings, handler: TestHandler())
        }
        for _ in 0..<8 {
            let client = try RawClient(bound.address.port)
            client.send(get)
            #expect(client.read(until: "\r\n\r\n").hasPrefix("HTTP/1.1 200"))
        }
        threads[0].stop(servers[0])
        threads[1].stop(servers[1])
    }

    @Test func `a loop that was stopped does not hold the time against its clients`() throws {
        let budget = MemoryBudget(limitBytes: 1 << 20)
        var settings = ServerSettings(
            connections: ConnectionLimit(8), memory: budget.share("test"))
        settings.bodyTimeout = .milliseconds(200)
        let counters = settings.counters
        try withServer(settings: settings) { thread, _, port in
            let client = try RawClient(port)
            client.send(
                "POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n")
            #expect(client.read(until: "\r\n\r\n").hasPrefix("HTTP/1.1 100"))
            let (stopped, goesOn) = (Semaphore(), Semaphore())
            thread.loop.post {
                stopped.signal()
                goesOn.wait()
            }
            stopped.wait()
            // Longer than the deadline and than any turn of a loop takes.
            usleep(1_600_000)
            client.send("h")
            goesOn.signal()
            // What is left of the deadline still holds.
            #expect(counters.values.bodyTimeouts == 0)
            client.send("i")
            #expect(client.read(until: "hi").hasPrefix("HTTP/1.1 200"))
            #expect(counters.values.bodyTimeouts == 0)
        }
    }

    @Test func `closes connections above the cap and counts them`() throws {
        let budget = MemoryBudget(limitBytes: 1 << 20)
        let settings = ServerSettings(
            connections: ConnectionLimit(1), memory: budget.share("test"))
        try withServer(settings: settings) { _, _, port in
            let first = try RawClient(port)
            first.send(
                "POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 1\r\n\r\n")
            #expect(first.read(until: "\r\n\r\n").hasPrefix("HTTP/1.1 100"))
            // One with a request under way stays.
            let second = try RawClient(port)
            #expect(second.read() == "")
            #expect(settings.counters.values.connectionsRefused == 1)
            #expect(settings.counters.values.connectionsOpen == 1)
        }
        #expect(settings.connections.open == 0)
    }

    @Test func `an idle connection gives way to a new one`() throws {
        let budget = MemoryBudget(limitBytes: 1 << 20)
        let settings = ServerSettings(
            connections: ConnectionLimit(2), memory: budget.share("test"))
        try withServer(settings: settings) { _, _, port in
            let clients = try (0..<6).map { _ in
                let client = try RawClient(port)
                client.send(get)
                #expect(client.read(until: "\r\n\r\n").hasPrefix("HTTP/1.1 200"))
                return client
            }
            #expect(clients[0].read() == "")
            #expect(settings.counters.values.connectionsRefused == 0)
            #expect(settings.counters.values.connectionsOpen == 2)
        }
    }

    @Test(arguments: [
        Array("GET /a HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\nX".utf8),
        Array(WebSocketBench.handshake.utf8) + clientFrame(8, []),
    ])
    func `a connection whose peer has only to end it gives way`(_ last: [UInt8]) throws {
        let handler = TestHandler()
        handler.admits = { head in
            head.pathIs("/live") ? .upgrade(WebSocketAcceptance(TestSocketHandler())) : .read
        }
        let settings = ServerSettings(
            connections: ConnectionLimit(1),
            memory: MemoryBudget(limitBytes: 1 << 20).share("test"))
        try withServer(handler, settings: settings) { _, _, port in
            let client = try RawClient(port)
            client.send(last)
            // All is said, and it stays.
            #expect(client.read().hasPrefix("HTTP/1.1 "))
            let newcomer = try RawClient(port)
            newcomer.send(get)
            #expect(newcomer.read(until: "\r\n\r\n").hasPrefix("HTTP/1.1 200"))
        }
    }

    @Test func `one that is closed is not kept as one that would give way`() throws {
        let settings = settings(connections: 2)
        try withServer(settings: settings) { thread, server, port in
            let clients = try (0..<2).map { _ in try RawClient(port) }
            #expect(eventually { settings.counters.values.connectionsOpen == 2 })
            let newcomer = try RawClient(port)
            #expect(eventually { settings.counters.values.connectionsAccepted == 3 })
            #expect(thread.on { server.givingWay.count } == 1)
            for client in clients { client.end() }
            #expect(eventually { settings.counters.values.connectionsOpen == 1 })
            #expect(thread.on { server.givingWay.count } == 0)
            newcomer.end()
        }
    }

    /// A request of which a byte is missing; the server waits for it.
    private func half(_ port: UInt16) throws -> RawClient {
        let client = try RawClient(port)
        client.send(
            "POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 1\r\n\r\n")
        #expect(client.read(until: "\r\n\r\n").hasPrefix("HTTP/1.1 100"))
        return client
    }

    private func settings(connections: Int) -> ServerSettings {
        var settings = ServerSettings(
            connections: ConnectionLimit(connections),
            memory: MemoryBudget(limitBytes: 1 << 20).share("test"))
        settings.unfinishedGiveWay = true
        return settings
    }

    @Test func `where that is allowed, the oldest request that is not whole gives way`() throws {
        let settings = settings(connections: 2)
        try withServer(settings: settings) { thread, _, port in
            let old = try half(port)
            // The loop's clock has to tell them apart.
            usleep(20_000)
            let young = try half(port)
            let newcomer = try RawClient(port)
            newcomer.send(get)
            #expect(newcomer.read(until: "\r\n\r\n").hasPrefix("HTTP/1.1 200"))
            #expect(old.read() == "")
            #expect(settings.counters.values.connectionsRefused == 1)
            // One that is idle goes first; it is when the loop knows that its answer was written, and
            // who gives way is found out once a millisecond.
            for _ in 0..<3 { _ = thread.on { true } }
            usleep(20_000)
            let other = try RawClient(port)
            other.send(get)
            #expect(other.read(until: "\r\n\r\n").hasPrefix("HTTP/1.1 200"))
            #expect(newcomer.read() == "")
            young.send("a")
            #expect(young.read(until: "a").hasPrefix("HTTP/1.1 200"))
        }
    }

    @Test func `a request that is refused before its body has come gives way, too`() throws {
        let handler = TestHandler()
        handler.admits = { head in
            head.pathIs("/no") ? .answer(Response(status: 404, body: .bytes([0x6E]))) : .read
        }
        try withServer(handler, settings: settings(connections: 1)) { _, _, port in
            let refused = try RawClient(port)
            refused.send("POST /no HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\r\n")
            #expect(refused.read(until: "n").hasPrefix("HTTP/1.1 404"))
            let client = try RawClient(port)
            client.send(get)
            #expect(client.read(until: "\r\n\r\n").hasPrefix("HTTP/1.1 200"))
        }
    }

    @Test func `a request that is whole and not answered gives way to nobody`() throws {
        let handler = TestHandler()
        let arrived = Signal()
        let held = Mutex<RemoteResponder?>(nil)
        handler.answers = { _, _, responder in
            held.withLock { $0 = responder.fromAnyThread }
            arrived.fire()
        }
        let settings = settings(connections: 1)
        try withServer(handler, settings: settings) { _, _, port in
            let client = try RawClient(port)
            client.send(get)
            #expect(arrived.wait())
            #expect(try RawClient(port).read() == "")
            #expect(settings.counters.values.connectionsRefused == 1)
            held.withLock { $0 }?.send(Response(status: 200))
            #expect(client.read(until: "\r\n\r\n").hasPrefix("HTTP/1.1 200"))
        }
    }

    @Test func `requests that come in one piece leave others their turn`() throws {
        let handler = TestHandler()
        let answered = Counter()
        handler.answers = { head, _, responder in
            if head.pathIs("/a") {
                usleep(500)
                answered.add(1)
            }
            responder.send(Response(status: 200))
        }
        try withServer(handler) { _, _, port in
            let other = try RawClient(port)
            let ask = get.replacing("/a", with: "/b")
            other.send(ask)
            #expect(other.read(until: "\r\n\r\n").hasPrefix("HTTP/1.1 200"))
            let eager = try RawClient(port)
            eager.send(String(repeating: get, count: 1_500))
            #expect(eventually { answered.value > 0 })
            other.send(ask)
            #expect(other.read(until: "\r\n\r\n").hasPrefix("HTTP/1.1 200"))
            #expect(answered.value < 1_000)
            // And each of them is answered, though its peer has ended its side.
            #expect(shutdown(eager.descriptor, CInt(SHUT_WR)) == 0)
            #expect(eager.read().split(separator: "HTTP/1.1 200").count == 1_500)
        }
    }

    @Test func `so do those that are answered in pieces`() throws {
        let handler = TestHandler()
        let answered = Counter()
        handler.answers = { head, _, responder in
            guard head.pathIs("/a") else { return responder.send(Response(status: 200)) }
            usleep(500)
            answered.add(1)
            responder.send(Response(status: 200, body: .stream(PieceSource(["one", "two"]))))
        }
        try withServer(handler) { _, _, port in
            let other = try RawClient(port)
            let eager = try RawClient(port)
            eager.send(String(repeating: get, count: 1_500))
            #expect(eventually { answered.value > 0 })
            other.send(get.replacing("/a", with: "/b"))
            #expect(other.read(until: "\r\n\r\n").hasPrefix("HTTP/1.1 200"))
            #expect(answered.value < 1_000)
            #expect(shutdown(eager.descriptor, CInt(SHUT_WR)) == 0)
            #expect(eager.read().split(separator: "HTTP/1.1 200").count == 1_500)
        }
    }

    /// A head that asks for `/a` on a stream, with all of its request; RFC 9113 §6.2, RFC 7541 §6.
    private func head(stream: Int) -> [UInt8] {
        [0, 0, 9, 1, 5, 0, 0, UInt8(stream >> 8), UInt8(stream & 0xFF)]
            + [0x82, 0x86, 0x01, 1, 0x78, 0x04, 2, 0x2F, 0x61]
    }

    @Test func `so do those of many streams, of which none is late or cancelled by that`() throws {
        let handler = TestHandler()
        let answered = Counter()
        handler.answers = { head, _, responder in
            if head.pathIs("/a") {
                usleep(1_000)
                answered.add(1)
            }
            responder.send(Response(status: 200))
        }
        var settings = Bench().settings
        settings.bodyTimeout = .milliseconds(20)
        try withServer(handler, settings: settings) { _, _, port in
            let other = try RawClient(port)
            let eager = try RawClient(port)
            eager.send(
                http2Preface + [0, 0, 0, 4, 0, 0, 0, 0, 0]
                    + (0..<250).flatMap { head(stream: 2 * $0 + 1) })
            #expect(shutdown(eager.descriptor, CInt(SHUT_WR)) == 0)
            #expect(eventually { answered.value > 0 })
            other.send(get.replacing("/a", with: "/b"))
            #expect(other.read(until: "\r\n\r\n").hasPrefix("HTTP/1.1 200"))
            #expect(answered.value < 200)
            let (count, error) = eager.readToEnd()
            #expect(count > 250 * 9 && error == 0)
            #expect(answered.value == 250 && settings.counters.values.bodyTimeouts == 0)
        }
    }

    @Test func `requests that wait may have the half of the memory that is kept for requests`()
        throws
    {
        let handler = TestHandler()
        handler.answers = { _, _, responder in
            usleep(500)
            responder.send(Response(status: 200))
        }
        let budget = MemoryBudget(limitBytes: 1 << 20)
        let settings = ServerSettings(
            connections: ConnectionLimit(4), memory: budget.share("test"))
        let others = budget.share("others").reserve(600 << 10)
        #expect(others != nil)
        try withServer(handler, settings: settings) { _, _, port in
            let eager = try RawClient(port)
            eager.send(String(repeating: get, count: 600))
            #expect(shutdown(eager.descriptor, CInt(SHUT_WR)) == 0)
            #expect(eager.read().split(separator: "HTTP/1.1 200").count == 600)
        }
        #expect(settings.counters.values.connectionsRefused == 0)
        withExtendedLifetime(others) {}
    }

    @Test func `answers from another thread`() throws {
        let handler = TestHandler()
        handler.answers = { _, body, responder in
            let remote = responder.fromAnyThread
            let count = body.count
            startThread {
                remote.send(Response(status: 200, body: .bytes(Array("got \(count)".utf8))))
            }
        }
        try withServer(handler) { _, _, port in
            let client = try RawClient(port)
            client.send("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nhi")
            #expect(client.read(until: "got 2").contains("200 OK"))
        }
    }

    @Test func `pulls a stream only as fast as the peer reads`() throws {
        let handler = TestHandler()
        let total = 32 << 20
        let asked = Counter()
        handler.answers = { _, _, responder in
            responder.send(
                Response(status: 200, body: .stream(CountingSource(left: total, asked: asked))))
        }
        try withServer(handler) { thread, _, port in
            let client = try RawClient(port)
            client.send("GET / HTTP/1.0\r\n\r\n")
            // A second connection is served while the first does not read.
            let other = try RawClient(port)
            other.send("HEAD / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            #expect(other.read().hasPrefix("HTTP/1.1 200"))
            #expect(asked.value < total)
            let text = client.read()
            #expect(text.utf8.count > total)
            #expect(asked.value == total)
        }
    }

    @Test func `closes on a peer that does not read its answer`() throws {
        let handler = TestHandler()
        handler.answers = { _, _, responder in
            responder.send(
                Response(
                    status: 200,
                    body: .stream(CountingSource(left: 1 << 30, asked: Counter()))))
        }
        var settings = Bench().settings
        settings.writeTimeout = .milliseconds(50)
        try withServer(handler, settings: settings) { _, _, port in
            let client = try RawClient(port)
            client.send(get)
            let counters = settings.counters
            let done = Signal()
            startThread {
                while counters.values.writeTimeouts == 0 { usleep(5_000) }
                done.fire()
            }
            #expect(done.wait())
        }
    }

    @Test func `draining does not wait for an HTTP/2 peer that was asked nothing of`() throws {
        try withServer { thread, server, port in
            let client = try RawClient(port)
            client.send(http2Preface + [0, 0, 0, 4, 0, 0, 0, 0, 0])
            #expect(client.read(count: 49).utf8.count >= 49)
            let drained = Signal()
            server.drain { drained.fire() }
            // It never closes its side.
            #expect(drained.wait())
            #expect(client.read().utf8.count >= 34, "two GOAWAY frames")
        }
    }

    /// More than the system takes for a client that does not read.
    private static let large = [UInt8](repeating: 0x41, count: 16 << 20)

    @Test func `what a peer leaves unread is part of the memory`() throws {
        let handler = TestHandler()
        handler.answers = { _, _, responder in
            responder.send(Response(status: 200, body: .bytes(HTTPServerTests.large)))
        }
        let budget = MemoryBudget(limitBytes: 64 << 20)
        let settings = ServerSettings(
            connections: ConnectionLimit(4), memory: budget.share("test"))
        try withServer(handler, settings: settings) { _, _, port in
            let client = try RawClient(port)
            client.send(String(repeating: get, count: 3))
            #expect(eventually { budget.usedBytes > 64 << 10 })
            let last = get.replacing("host: x", with: "host: x\r\nconnection: close")
            client.send(last)
            #expect(client.read().utf8.count > 4 * HTTPServerTests.large.count)
            #expect(eventually { budget.usedBytes == 0 })
            #expect(settings.counters.values.connectionsRefused == 0)
        }
    }

    @Test func `a peer that leaves more unread than there is memory for is closed`() throws {
        let handler = TestHandler()
        handler.answers = { _, _, responder in
            responder.send(Response(status: 200, body: .bytes(HTTPServerTests.large)))
        }
        let budget = MemoryBudget(limitBytes: 100_000)
        let settings = ServerSettings(
            connections: ConnectionLimit(4), memory: budget.share("test"))
        try withServer(handler, settings: settings) { _, _, port in
            let client = try RawClient(port)
            client.send(String(repeating: get, count: 3))
            #expect(eventually { settings.counters.values.connectionsRefused == 1 })
            #expect(eventually { settings.connections.open == 0 })
            #expect(budget.usedBytes == 0)
        }
    }

    @Test func `buffers may have a budget of their own`() throws {
        let handler = TestHandler()
        handler.answers = { _, _, responder in
            responder.send(Response(status: 200, body: .bytes(HTTPServerTests.large)))
        }
        let full = MemoryBudget(limitBytes: 100_000)
        let buffers = MemoryBudget(limitBytes: 64 << 20)
        var settings = ServerSettings(
            connections: ConnectionLimit(4), memory: full.share("test"))
        settings.buffers = buffers.share("buffers")
        try withServer(handler, settings: settings) { _, _, port in
            let client = try RawClient(port)
            client.send(String(repeating: get, count: 3))
            #expect(eventually { buffers.usedBytes > 64 << 10 })
            client.send(get.replacing("host: x", with: "host: x\r\nconnection: close"))
            #expect(client.read().utf8.count > 4 * HTTPServerTests.large.count)
            #expect(eventually { buffers.usedBytes == 0 })
            #expect(full.usedBytes == 0 && settings.counters.values.connectionsRefused == 0)
        }
    }

    @Test func `survives peers that reset at any moment`() throws {
        let handler = TestHandler()
        let held = Mutex<[RemoteResponder]>([])
        handler.answers = { _, _, responder in
            held.withLock { $0.append(responder.fromAnyThread) }
        }
        let budget = MemoryBudget(limitBytes: 64 << 20)
        let settings = ServerSettings(
            connections: ConnectionLimit(64), memory: budget.share("test"))
        try withServer(handler, settings: settings) { _, _, port in
            for round in 0..<20 {
                let client = try RawClient(port)
                client.send(
                    round.isMultiple(of: 2)
                        ? get : "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nabc")
                client.abort()
            }
            let last = try RawClient(port)
            last.send("BAD\r\n\r\n")
            #expect(last.read().hasPrefix("HTTP/1.1 400"))
            for responder in held.withLock({ $0 }) { responder.send(Response(status: 200)) }
        }
        #expect(budget.usedBytes == 0)
        #expect(settings.connections.open == 0)
    }

    @Test func `a connection that was reset before it was accepted is not served`() throws {
        let handler = TestHandler()
        let budget = MemoryBudget(limitBytes: 1 << 20)
        let settings = ServerSettings(connections: ConnectionLimit(8), memory: budget.share("test"))
        try withServer(handler, settings: settings) { thread, _, port in
            let (stopped, goesOn) = (Semaphore(), Semaphore())
            thread.loop.post {
                stopped.signal()
                goesOn.wait()
            }
            stopped.wait()
            let gone = try RawClient(port)
            gone.send("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nhi")
            gone.abort()
            let client = try RawClient(port)
            client.send(get)
            goesOn.signal()
            #expect(client.read(until: "\r\n\r\n").hasPrefix("HTTP/1.1 200"))
            client.end()
            #expect(eventually { settings.connections.open == 0 && budget.usedBytes == 0 })
            #expect(settings.counters.values.connectionsAccepted == 1)
        }
        #expect(handler.bodies == [[]])
    }

    @Test func `drains: refuses newcomers, finishes what is under way, then says so`() throws {
        let handler = TestHandler()
        let held = Mutex<RemoteResponder?>(nil)
        let arrived = Signal()
        handler.answers = { _, _, responder in
            held.withLock { $0 = responder.fromAnyThread }
            arrived.fire()
        }
        try withServer(handler) { thread, server, port in
            let idle = try RawClient(port)
            let busy = try RawClient(port)
            busy.send(get)
            #expect(arrived.wait())
            let drained = Signal()
            server.drain { drained.fire() }
            #expect(idle.read() == "")
            idle.end()
            #expect(throws: RawClient.ClientError.self) { try RawClient(port) }
            held.withLock { $0 }?.send(Response(status: 200))
            let answer = busy.read()
            #expect(answer.hasPrefix("HTTP/1.1 200") && answer.contains("connection: close"))
            busy.end()
            #expect(drained.wait())
        }
    }
}
