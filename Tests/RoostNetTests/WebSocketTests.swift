import RoostCore
import Testing

@testable import RoostNet

@Suite struct WebSocketTests {
    // MARK: The handshake

    @Test func `answers the handshake of the specification's example`() {
        let bench = WebSocketBench()
        let answer = bench.exchange(WebSocketBench.handshake)
        #expect(answer.hasPrefix("HTTP/1.1 101 Switching Protocols\r\n"))
        #expect(answer.contains("\r\nupgrade: websocket\r\nconnection: upgrade\r\n"))
        #expect(answer.contains("\r\nsec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"))
        #expect(answer.hasSuffix("\r\n\r\n"))
        #expect(!answer.contains("content-length") && !answer.contains("protocol:"))
        #expect(bench.handler.socket?.isOpen == true)
        #expect(bench.session is WebSocket)
    }

    @Test(arguments: ["", "abc", String(repeating: "a", count: 119)])
    func `hashes texts of any length`(_ text: String) {
        let known = [
            "": "da39a3ee5e6b4b0d3255bfef95601890afd80709",
            "abc": "a9993e364706816aba3e25717850c26c9cd0d89d",
            String(repeating: "a", count: 119): "ee971065aaa017e0632a8ca6c77bb3bf8b1dfc56",
        ]
        let hex = sha1(Array(text.utf8)).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
        #expect(hex.joined() == known[text])
    }

    @Test func `agrees on the subprotocol that the handler names`() {
        let bench = WebSocketBench { _ in
        } _: {
            $0.subprotocol = "roost.v1"
        }
        let answer = bench.exchange(WebSocketBench.handshake)
        #expect(answer.contains("\r\nsec-websocket-protocol: roost.v1\r\n"))
    }

    @Test func `takes a handshake and frames however they are cut`() {
        let bytes = Array(WebSocketBench.handshake.utf8) + clientText("hello") + clientText("more")
        for size in [1, 2, 3, 7, 50, 200, bytes.count - 3, bytes.count] {
            let bench = WebSocketBench()
            var answer: [UInt8] = []
            for start in stride(from: 0, to: bytes.count, by: size) {
                answer += bench.exchange(Array(bytes[start..<min(start + size, bytes.count)]))
            }
            #expect(bench.handler.texts == ["hello", "more"], "cut in \(size)")
            #expect(String(decoding: answer, as: UTF8.self).hasSuffix("\r\n\r\n"))
        }
    }

    @Test func `answers the requests before a handshake first`() {
        let bench = WebSocketBench()
        let upgrades = bench.bench.handler.admits
        bench.bench.handler.admits = { $0.pathIs("/live") ? upgrades($0) : .read }
        var slow: Responder?
        bench.bench.handler.answers = { _, _, responder in slow = responder }
        bench.handler.onOpened = { _ = $0.send(WebSocketMessage(text: "first")) }
        let get = "GET /slow HTTP/1.1\r\nhost: x\r\n\r\n"
        #expect(bench.exchange(get + WebSocketBench.handshake) == "")
        slow?.send(Response(status: 200, body: .bytes(Array("done".utf8))))
        let answer = String(decoding: bench.output(), as: UTF8.self)
        #expect(answer.hasPrefix("HTTP/1.1 200 OK"))
        #expect(answer.contains("doneHTTP/1.1 101"))
        #expect(answer.hasSuffix("\r\n\r\n\u{FFFD}\u{5}first"))
    }

    @Test(arguments: [
        ("Upgrade: websocket\r\n", "", 426), ("Upgrade: websocket", "Upgrade: h2c", 426),
        ("Connection: Upgrade", "Connection: keep-alive", 426), ("Version: 13", "Version: 8", 426),
        ("GET /live HTTP/1.1", "GET /live HTTP/1.0", 426), ("GET", "POST", 400),
        ("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ=", 400),
        ("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZ???", 400),
        ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "", 400),
        ("Origin: http://example.com", "Content-Length: 5", 400),
    ])
    func `refuses what is no handshake`(_ part: String, _ other: String, _ status: Int) {
        let bench = WebSocketBench()
        let answer = bench.exchange(WebSocketBench.handshake.replacing(part, with: other))
        #expect(answer.hasPrefix("HTTP/1.1 \(status) "))
        #expect(answer.contains("sec-websocket-version: 13") == (status == 426))
        #expect(answer.contains("\r\nupgrade: websocket") == (status == 426))
        #expect(bench.handler.socket == nil)
        #expect(bench.bench.settings.webSockets.open == 0)
    }

    @Test(arguments: [
        ("Upgrade: websocket", "Upgrade: h2c, WebSocket"),
        ("Connection: Upgrade", "Connection: keep-alive,\tupgrade"),
    ])
    func `finds the words in lists, whatever their case`(_ part: String, _ other: String) {
        let answer = WebSocketBench().exchange(
            WebSocketBench.handshake.replacing(part, with: other))
        #expect(answer.hasPrefix("HTTP/1.1 101 "))
    }

    @Test func `takes no more sockets than it may`() {
        let first = WebSocketBench { $0.webSockets = ConnectionLimit(1) }.open()
        let second = first.bench.http1()
        #expect(exchange(second, WebSocketBench.handshake).hasPrefix("HTTP/1.1 503 "))
        first.session.abandon()
        #expect(first.handler.closedCodes == [1006])
        _ = exchange(second, WebSocketBench.handshake)
        #expect(second.successor is WebSocket)
        #expect(first.bench.settings.webSockets.open == 1)
    }

    // MARK: Messages

    @Test func `joins the frames of a message, with control frames between them`() {
        let bench = WebSocketBench().open()
        let answer = bench.exchange(
            clientFrame(1, Array("Hel".utf8), isFinal: false) + clientFrame(9, [1, 2])
                + clientFrame(0, [], isFinal: false) + clientFrame(10)
                + clientFrame(0, Array("lo".utf8)) + clientText(""))
        #expect(bench.handler.texts == ["Hello", ""])
        #expect(answer == [0x8A, 2, 1, 2])
    }

    @Test(arguments: [0, 1, 125, 126, 127, 65_535, 65_536, 200_000])
    func `frames a message once for all`(_ size: Int) {
        let message = WebSocketMessage(text: [UInt8](repeating: 0x61, count: size))
        let head: [UInt8] =
            size < 126
            ? [0x81, UInt8(size)]
            : size < 65_536
                ? [0x81, 126, UInt8(size >> 8), UInt8(size & 255)]
                : [
                    0x81, 127, 0, 0, 0, 0, 0, UInt8(size >> 16), UInt8(size >> 8 & 255),
                    UInt8(size & 255),
                ]
        for _ in 0..<2 {
            let bench = WebSocketBench().open()
            #expect(bench.handler.socket?.send(message) == true)
            #expect(bench.output() == head + [UInt8](repeating: 0x61, count: size))
            #expect(bench.handler.socket?.unsentBytes == 0)
        }
        #expect(message.byteCount == head.count + size)
    }

    @Test func `takes messages up to its limit, in one frame or in many`() {
        let bench = WebSocketBench().open()
        let most = [UInt8](repeating: 0x61, count: 64 << 10)
        #expect(bench.exchange(clientFrame(1, most)) == [])
        let half = Array(most[..<(32 << 10)])
        _ = bench.exchange(clientFrame(1, half, isFinal: false) + clientFrame(0, half))
        #expect(bench.handler.texts.map(\.utf8.count) == [64 << 10, 64 << 10])
        #expect(bench.session.heldBytes < 1_000)

        let answer = bench.exchange(
            clientFrame(1, most, isFinal: false) + clientFrame(0, [0x61]) + clientText("late"))
        #expect(answer == closeFrame(1009, "a message is longer than 65536 bytes"))
        #expect(bench.session.mustClose)
        #expect(bench.handler.closedCodes == [1009])
        #expect(bench.handler.texts.count == 2)
    }

    @Test func `refuses a frame that announces too much before it comes`() {
        let bench = WebSocketBench().open()
        let head = clientFrame(1, [UInt8](repeating: 0, count: 65_537)).prefix(15)
        #expect(
            bench.exchange(Array(head)) == closeFrame(1009, "a message is longer than 65536 bytes"))
        let huge: [UInt8] = [0x81, 0xFF, 0x7F] + [UInt8](repeating: 0xFF, count: 12)
        #expect(WebSocketBench().open().exchange(huge).prefix(4) == [0x88, 38, 0x03, 0xF1])
    }

    struct Breach: Sendable {
        let code: UInt16
        let frames: [[UInt8]]

        init(_ code: UInt16, _ frames: [UInt8]...) {
            self.code = code
            self.frames = frames
        }
    }

    @Test(arguments: [
        Breach(1002, clientFrame(1, [0x68, 0x69], isMasked: false)),
        Breach(1002, clientFrame(1, reserved: 4)), Breach(1002, clientFrame(9, reserved: 1)),
        Breach(1002, clientFrame(3)), Breach(1002, clientFrame(11)), Breach(1002, clientFrame(0)),
        Breach(1002, clientFrame(1, isFinal: false), clientFrame(1)),
        Breach(1002, clientFrame(1, isFinal: false), clientFrame(2)),
        Breach(1002, clientFrame(9, isFinal: false)),
        Breach(1002, clientFrame(9, [UInt8](repeating: 0, count: 126))),
        // A length that fits into fewer bytes.
        Breach(1002, [0x81, 0xFE, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        Breach(1002, clientFrame(8, [3])), Breach(1002, clientFrame(8, [0x03, 0xED])),
        Breach(1002, clientFrame(8, [0, 0])), Breach(1007, clientFrame(8, [0x03, 0xE8, 0xFF])),
        Breach(1003, clientFrame(2, [1])), Breach(1007, clientFrame(1, [0xC3, 0x28])),
        Breach(1007, clientFrame(1, [0xED, 0xA0, 0x80])),
        Breach(1007, clientFrame(1, [0xC3], isFinal: false), clientFrame(0, [0x28])),
    ])
    func `ends a connection that breaks the rules, and says which`(_ breach: Breach) {
        let bench = WebSocketBench().open()
        let answer = bench.exchange(breach.frames.flatMap { $0 } + clientText("ignored"))
        #expect(answer.count >= 4 && answer[0] == 0x88)
        #expect(answer.dropFirst(2).prefix(2) == closeFrame(breach.code).suffix(2))
        #expect(Int(answer[1]) == answer.count - 2)
        #expect(bench.session.mustClose)
        #expect(bench.handler.closedCodes == [breach.code])
        #expect(bench.handler.texts.isEmpty)
        #expect(bench.exchange(clientText("ignored")) == [])
    }

    @Test func `takes a text whose scalars are cut by frames`() {
        let bench = WebSocketBench().open()
        _ = bench.exchange(
            clientFrame(1, [0xE2, 0x82], isFinal: false) + clientFrame(0, [0xAC]))
        #expect(bench.handler.texts == ["€"])
    }

    // MARK: Slow peers

    @Test func `drops messages for a peer that does not read, and takes them again when it does`() {
        let bench = WebSocketBench { _ in
        } _: {
            $0.maxUnsentBytes = 10_000
        }.open()
        let message = WebSocketMessage(text: [UInt8](repeating: 0x61, count: 1_000))
        let sent = (0..<100).filter { _ in bench.handler.socket?.send(message) == true }
        #expect(sent.count == 10)
        #expect((10_000..<11_100).contains(bench.handler.socket?.unsentBytes ?? 0))
        #expect(bench.output().count == 10 * message.byteCount)
        #expect(bench.handler.socket?.unsentBytes == 0)

        bench.bench.unwrittenBytes = 10_001
        #expect(bench.handler.socket?.send(message) == false)
        bench.bench.unwrittenBytes = 10_000
        #expect(bench.handler.socket?.send(message) == true)
    }

    @Test func `says once that all has left, when it was asked for that`() {
        let bench = WebSocketBench().open()
        let message = WebSocketMessage(text: [UInt8](repeating: 0x61, count: 40_000))
        for _ in 0..<4 { _ = bench.handler.socket?.put(message) }
        bench.handler.socket?.tellWhenSent()
        var output = OutputBuffer(reserving: 1_024)
        // In two pieces; the second one has left when a third is asked for.
        for told in [0, 0, 1, 1] {
            output.removeAll()
            bench.session.drain(into: &output)
            #expect(bench.handler.sentCount == told)
        }
        _ = bench.handler.socket?.send(message)
        _ = bench.output()
        #expect(bench.handler.sentCount == 1)
    }

    @Test func `many small messages are bounded, too`() {
        let bench = WebSocketBench().open()
        let message = WebSocketMessage(text: "")
        let sent = (0..<20_000).filter { _ in bench.handler.socket?.send(message) == true }
        #expect(sent.count < 8_000)
        #expect(bench.session.heldBytes <= (256 << 10) + 200)
    }

    @Test func `a message that is longer than the bound goes when nothing waits`() {
        let bench = WebSocketBench { _ in
        } _: {
            $0.maxUnsentBytes = 10
        }.open()
        let message = WebSocketMessage(text: [UInt8](repeating: 0x61, count: 300_000))
        #expect(bench.handler.socket?.send(message) == true)
        #expect(bench.handler.socket?.send(message) == false)
        #expect(bench.output().count == message.byteCount)
    }

    // MARK: Heartbeats

    @Test func `asks for a sign of life and gives up after silence`() {
        let bench = WebSocketBench().open()
        #expect(bench.session.nextDeadline == bench.bench.clock.now + 30_000)
        #expect(bench.pass(29_999) == [])
        #expect(bench.pass(1) == [0x89, 0])
        #expect(bench.exchange(clientFrame(10)) == [])
        #expect(bench.pass(30_000) == [0x89, 0])
        #expect(bench.pass(30_000) == [0x89, 0])
        #expect(!bench.session.mustClose)
        #expect(bench.pass(30_000) == [])
        #expect(bench.session.mustClose)
        #expect(bench.handler.closedCodes == [1006])
        #expect(bench.bench.settings.counters.values.idleTimeouts == 1)
    }

    @Test func `pings when told to, and answers a flood of them with no more than it is`() {
        let bench = WebSocketBench().open()
        bench.handler.socket?.ping()
        #expect(bench.output() == [0x89, 0])
        let flood = (0..<40_000).flatMap { _ in clientFrame(9) }
        unsafe flood.withUnsafeBytes { unsafe bench.session.receive($0) }
        #expect(!bench.session.wantsInput)
        #expect(bench.session.heldBytes <= flood.count)
        #expect(bench.output().count == 80_000)
        #expect(bench.session.wantsInput && bench.session.heldBytes < 1_000)
    }

    // MARK: Goodbyes

    @Test func `answers the peer's goodbye and ends`() {
        let bench = WebSocketBench().open()
        let answer = bench.exchange(
            clientFrame(8, [0x03, 0xE9] + Array("bye".utf8)) + clientText("late"))
        #expect(answer == closeFrame(1001))
        #expect(bench.session.mustClose)
        #expect(bench.handler.closedCodes == [1001] && bench.handler.texts.isEmpty)
        #expect(bench.handler.socket?.send(WebSocketMessage(text: "late")) == false)
        bench.session.abandon()
        #expect(bench.handler.closedCodes == [1001])

        let silent = WebSocketBench().open()
        #expect(silent.exchange(clientFrame(8)) == [0x88, 0])
        #expect(silent.handler.closedCodes == [1005])
    }

    @Test func `says goodbye after what waits, and waits for the peer's`() {
        let bench = WebSocketBench().open()
        let socket = bench.handler.socket
        _ = socket?.send(WebSocketMessage(text: "last"))
        socket?.close(code: 1000, reason: "enough")
        socket?.close(code: 1001)
        #expect(socket?.isOpen == false)
        #expect(bench.output() == [0x81, 4] + Array("last".utf8) + closeFrame(1000, "enough"))
        #expect(!bench.session.mustClose && bench.handler.closedCodes.isEmpty)
        // What was under way is read and let go.
        #expect(bench.exchange(clientText("late") + clientFrame(9)) == [])
        #expect(bench.exchange(clientFrame(8, [0x03, 0xE8])) == [])
        #expect(bench.session.mustClose)
        #expect(bench.handler.closedCodes == [1000] && bench.handler.texts.isEmpty)
    }

    @Test func `does not wait for ever for the peer's goodbye`() {
        let bench = WebSocketBench().open()
        bench.handler.socket?.close(code: 1000)
        _ = bench.output()
        #expect(bench.session.nextDeadline == bench.bench.clock.now + 5_000)
        _ = bench.pass(5_000)
        #expect(bench.session.mustClose && bench.handler.closedCodes == [1006])
    }

    @Test func `a long reason is cut between scalars`() {
        let bench = WebSocketBench().open()
        bench.handler.socket?.close(code: 4000, reason: String(repeating: "é", count: 100))
        let frame = bench.output()
        #expect(frame == closeFrame(4000, String(repeating: "é", count: 61)))
    }

    @Test func `draining sends everybody away`() {
        let bench = WebSocketBench().open()
        _ = bench.handler.socket?.send(WebSocketMessage(text: "dropped"))
        bench.session.beginDraining()
        #expect(bench.output() == closeFrame(1001, "the server is stopping"))
        #expect(bench.session.nextDeadline == bench.bench.clock.now + 500)
        _ = bench.exchange(clientFrame(8, [0x03, 0xE9]))
        #expect(bench.session.mustClose && bench.bench.settings.webSockets.open == 0)

        let late = WebSocketBench()
        late.session.beginDraining()
        #expect(late.session.mustClose)
    }

    @Test func `a peer that ended before its handshake is answered is let go`() {
        let bench = WebSocketBench()
        let upgrades = bench.bench.handler.admits
        bench.bench.handler.admits = { $0.pathIs("/live") ? upgrades($0) : .read }
        var slow: Responder?
        bench.bench.handler.answers = { _, _, responder in slow = responder }
        _ = bench.exchange("GET / HTTP/1.1\r\nhost: x\r\n\r\n" + WebSocketBench.handshake)
        bench.session.peerEnded()
        slow?.send(Response(status: 200))
        _ = bench.output()
        #expect(bench.session.mustClose && bench.handler.closedCodes == [1006])
    }

    @Test func `a peer that ends without a word is closed with 1006`() {
        let bench = WebSocketBench().open()
        bench.session.peerEnded()
        #expect(bench.session.mustClose && bench.handler.closedCodes == [1006])
        #expect(bench.output() == [])
    }

    @Test func `a handler may close and send from inside its calls`() {
        let bench = WebSocketBench()
        bench.handler.onOpened = { _ = $0.send(WebSocketMessage(text: "a")) }
        bench.handler.onText = { socket, text in
            #expect(socket.send(WebSocketMessage(text: text)))
            socket.close()
        }
        let answer = bench.exchange(
            Array(WebSocketBench.handshake.utf8) + clientText("b") + clientText("c"))
        #expect(answer.suffix(10) == [0x81, 1, 0x61, 0x81, 1, 0x62, 0x88, 2, 0x03, 0xE8])
        #expect(bench.handler.texts == ["b"])
    }

    // MARK: Anything

    @Test func `survives random bytes and bent frames`() {
        var random = SplitMix(state: 6455)
        for round in 0..<2_000 {
            let bench = WebSocketBench().open()
            var bytes: [UInt8]
            if round.isMultiple(of: 2) {
                bytes = (0..<Int(random.next() % 300)).map { _ in
                    UInt8(truncatingIfNeeded: random.next())
                }
            } else {
                bytes = (0..<6).flatMap { _ in
                    clientFrame(
                        [0, 1, 1, 8, 9, 10][Int(random.next() % 6)],
                        (0..<Int(random.next() % 140)).map { _ in UInt8(random.next() % 128) },
                        isFinal: random.next() % 3 > 0)
                }
                for _ in 0..<(random.next() % 4) where !bytes.isEmpty {
                    bytes[Int(random.next() % UInt64(bytes.count))] ^= 1 << UInt8(random.next() % 8)
                }
            }
            let cut = Int(random.next() % UInt64(bytes.count + 1))
            var answer = bench.exchange(Array(bytes[..<cut]))
            answer += bench.exchange(Array(bytes[cut...]))
            #expect(answer.count <= bytes.count + 140)
            #expect(bench.session.heldBytes < 70_000)
            bench.session.abandon()
            #expect(bench.handler.closedCodes.count == 1)
            #expect(bench.bench.settings.webSockets.open == 0)
        }
    }
}

/// Numbers that look random and are the same in every run.
struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }
}
