import Glibc
import RoostCore
import Testing

@testable import RoostNet

/// What a reader sees of an answer that does not come to its end: never one that looks whole.
@Suite struct CutAnswerTests {
    /// `/break` breaks off all answers before it; others have no end: `/slow` has nothing more after a
    /// few bytes, and of others there is more than the system takes.
    private func handler() -> TestHandler {
        let handler = TestHandler()
        var kept: [Responder] = []
        handler.answers = { head, _, responder in
            guard head.path != "/break" else {
                for one in kept { one.breakOff() }
                return responder.send(Response(status: 200))
            }
            kept.append(responder)
            let slow = PieceSource(["half an answer"])
            slow.isOpen = true
            responder.send(
                Response(status: 200, body: .stream(head.path == "/slow" ? slow : .stuck())))
        }
        return handler
    }

    private func ask(_ path: String, _ version: String, _ port: UInt16) throws -> RawClient {
        let client = try RawClient(port)
        client.takeLittle()
        client.send("GET \(path) HTTP/\(version)\r\nhost: x\r\n\r\n")
        return client
    }

    @Test(arguments: ["/slow", "/stuck"], ["1.0", "1.1"])
    func `what is broken off is reset at once, read or not`(
        _ path: String, _ version: String
    ) throws {
        let settings = Bench().settings
        try withServer(handler(), settings: settings) { _, _, port in
            let reader = try ask(path, version, port)
            #expect(reader.read(count: 12).hasPrefix("HTTP/1.1 200"))
            if path == "/stuck" { #expect(eventually { settings.buffers.usedBytes > 0 }) }
            let other = try RawClient(port)
            other.send("GET /break HTTP/1.1\r\nhost: x\r\n\r\n")
            #expect(other.read(until: "\r\n\r\n").hasPrefix("HTTP/1.1 200"))
            // Its memory and its place, before it reads anything.
            #expect(eventually { settings.counters.values.connectionsOpen == 1 })
            #expect(settings.buffers.usedBytes == 0)
            #expect(settings.counters.values.writeTimeouts == (path == "/stuck" ? 1 : 0))
            #expect(reader.readToEnd().error == ECONNRESET)
        }
    }

    @Test(arguments: ["/slow", "/stuck"], ["1.0", "1.1"])
    func `a server that is closed resets what is half there`(
        _ path: String, _ version: String
    ) throws {
        let settings = Bench().settings
        try withServer(handler(), settings: settings) { _, server, port in
            let reader = try ask(path, version, port)
            #expect(reader.read(count: 12).hasPrefix("HTTP/1.1 200"))
            server.closeAll()
            #expect(reader.readToEnd().error == ECONNRESET)
        }
    }

    @Test func `what is not read in time is reset`() throws {
        var settings = Bench().settings
        settings.writeTimeout = .milliseconds(50)
        let counters = settings.counters
        try withServer(handler(), settings: settings) { _, _, port in
            let reader = try ask("/stuck", "1.0", port)
            #expect(eventually { counters.values.writeTimeouts == 1 })
            #expect(eventually { counters.values.connectionsOpen == 0 })
            #expect(reader.readToEnd().error == ECONNRESET)
        }
    }

    @Test func `what is whole ends in order`() throws {
        let handler = TestHandler()
        handler.answers = { _, _, responder in
            responder.send(
                Response(
                    status: 200,
                    body: .stream(CountingSource(left: 8 << 20, asked: Counter()))))
        }
        try withServer(handler) { _, _, port in
            let reader = try RawClient(port)
            reader.send("GET / HTTP/1.0\r\n\r\n")
            let end = reader.readToEnd()
            #expect(end.count > 8 << 20 && end.error == 0)
        }
    }
}
