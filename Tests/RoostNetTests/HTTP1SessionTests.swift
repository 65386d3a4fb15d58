import RoostCompression
import RoostCore
import Testing

@testable import RoostNet

@Suite struct HTTP1SessionTests {
    private let get = "GET /a HTTP/1.1\r\nhost: x\r\n\r\n"

    @Test func `answers a request with its length and keeps the connection`() {
        let bench = Bench()
        let session = bench.http1()
        let answer = exchange(
            session, "POST /v1/traces?x=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
        #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n"))
        #expect(answer.hasSuffix("\r\n\r\nabc"))
        #expect(!session.mustClose)
    }

    @Test func `reads the same however the bytes are cut`() {
        let text =
            "POST /p?q=1&r HTTP/1.1\r\nHost: x\r\nX-Long:  a value \r\nEmpty:\r\n"
            + "Transfer-Encoding: chunked\r\n\r\n3;e=1\r\nabc\r\n4\r\ndefg\r\n0\r\nT: t\r\n\r\n"
        for size in 1...text.utf8.count {
            let bench = Bench()
            var seen: [(name: String, value: String)] = []
            bench.handler.admits = { head in
                #expect(head.method == "POST" && head.path == "/p" && head.query == "q=1&r")
                seen = head.headers
                return .read
            }
            let session = bench.http1()
            var rest = Substring(text)
            while !rest.isEmpty {
                _ = exchange(session, String(rest.prefix(size)))
                rest = rest.dropFirst(size)
            }
            #expect(bench.handler.bodies == [Array("abcdefg".utf8)])
            #expect(seen.map(\.name) == ["host", "x-long", "empty", "transfer-encoding"])
            #expect(seen.map(\.value) == ["x", "a value", "", "chunked"])
        }
    }

    @Test func `answers pipelined requests in their order, also when the first is slow`() {
        let bench = Bench()
        var waiting: Responder?
        bench.handler.answers = { head, _, responder in
            if head.pathIs("/slow") {
                waiting = responder
            } else {
                responder.send(Response(status: 404))
            }
        }
        let session = bench.http1()
        #expect(exchange(session, "GET /slow HTTP/1.1\r\nhost: x\r\n\r\n" + get) == "")
        #expect(bench.handler.bodies.count == 1)
        waiting?.send(Response(status: 202))
        let answer = String(decoding: drained(session), as: UTF8.self)
        #expect(answer.contains("202 Accepted"))
        #expect(answer.contains("404 Not Found"))
        #expect(waiting?.isGone == true)
        #expect(bench.outputNotes == 1)
    }

    @Test func `what waits behind a late answer is parsed where the host drains, and not before`() {
        let bench = Bench()
        var waiting: [Responder] = []
        bench.handler.answers = { _, _, responder in waiting.append(responder) }
        let session = bench.http1()
        #expect(exchange(session, get + get + get) == "")
        for count in 1...3 {
            #expect(waiting.count == count)
            waiting[count - 1].send(Response(status: 200, body: .bytes([0x30 + UInt8(count)])))
            #expect(waiting.count == count && bench.outputNotes == count)
            #expect(String(decoding: drained(session), as: UTF8.self).hasSuffix("\r\n\(count)"))
        }
        #expect(session.idleSince != nil && !session.mustClose)
    }

    @Test func `half a request behind a late answer is not waited for when its peer has ended`() {
        let bench = Bench()
        var waiting: Responder?
        bench.handler.answers = { _, _, responder in waiting = responder }
        let session = bench.http1()
        let half = "POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\na"
        #expect(exchange(session, get + half) == "")
        session.peerEnded()
        #expect(!session.mustClose)
        waiting?.send(Response(status: 200))
        #expect(String(decoding: drained(session), as: UTF8.self).hasPrefix("HTTP/1.1 200"))
        #expect(session.mustClose && bench.handler.bodies.count == 1)
    }

    @Test func `a stream that has something while its request is read is not flushed from there`() {
        let bench = Bench()
        let source = PieceSource(["a"])
        source.isOpen = true
        bench.handler.answers = { _, _, responder in
            responder.send(Response(status: 200, body: .stream(source)))
            responder.resumeBody()
        }
        let session = bench.http1()
        #expect(exchange(session, get).hasSuffix("1\r\na\r\n"))
        #expect(bench.outputNotes == 0)
    }

    @Test func `a connection that ends while a request is answered reads no further one`() {
        let bench = Bench()
        let session = bench.http1()
        bench.handler.answers = { _, _, responder in
            responder.send(Response(status: 200))
            session.abandon()
        }
        #expect(exchange(session, get + get).isEmpty == false)
        #expect(bench.handler.bodies.count == 1 && session.mustClose)
        #expect(exchange(session, get).isEmpty && bench.handler.bodies.count == 1)
    }

    @Test(arguments: [
        "POST / HTTP/1.1\r\nhost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
        "POST / HTTP/1.1\r\nhost: x\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
        "POST / HTTP/1.1\r\nhost: x\r\nContent-Length: 3, 3\r\n\r\nabc",
        "POST / HTTP/1.1\r\nhost: x\r\nContent-Length: +3\r\n\r\nabc",
        "POST / HTTP/1.1\r\nhost: x\r\nContent-Length : 3\r\n\r\nabc",
        "POST / HTTP/1.1\r\nhost: x\r\nContent-Length:\r\n\r\nabc",
        "POST / HTTP/1.1\r\nhost: x\r\nContent-Length: 3 3\r\n\r\nabc",
        "POST / HTTP/1.1\r\nhost: x\r\nContent-Length: 99999999999999999999999x\r\n\r\nabc",
        "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: x\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        "GET / HTTP/1.1\r\nhost: x\r\nA: b\r\n c\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: x\r\nhost: y\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/2.0\r\nhost: x\r\n\r\n", "GET /\r\n\r\n",
        "\u{16}\u{3}\u{1} garbage",
    ])
    func `refuses what could be read in two ways, and closes`(_ text: String) {
        let bench = Bench()
        let session = bench.http1()
        let answer = exchange(session, text)
        #expect(answer.hasPrefix("HTTP/1.1 400 Bad Request"))
        #expect(answer.contains("connection: close"))
        #expect(bench.handler.bodies.isEmpty)
        _ = exchange(session, get)
        #expect(bench.handler.bodies.isEmpty)
        #expect(bench.budget.usedBytes == 0)
    }

    @Test func `refuses heads and targets above their limits`() {
        let bench = Bench {
            $0.maxHeaderBytes = 100; $0.maxTargetBytes = 20
        }
        let long = String(repeating: "a", count: 101)
        #expect(exchange(bench.http1(), "GET /\(long) HTTP/1.1\r\n").contains(" 414 "))
        #expect(exchange(bench.http1(), "GET / HTTP/1.1\r\nx: \(long)").contains(" 431 "))
        #expect(exchange(bench.http1(), "GET / HTTP/1.1\r\n\(long)").contains(" 431 "))
        // The same for a target that is bad as well, in one piece or two.
        #expect(exchange(bench.http1(), "GET \(long)$x").contains(" 414 "))
        let inTwo = bench.http1()
        #expect((exchange(inTwo, "GET \(long)") + exchange(inTwo, "$x")).contains(" 414 "))
        #expect(exchange(bench.http1(), "GET aaaa$x").contains(" 400 "))
    }

    @Test func `several cookie fields are one list, other fields are joined with commas`() {
        let head = RequestHead(
            method: "GET", target: "/",
            headers: [("cookie", "a=1"), ("x", "1"), ("cookie", "b=2"), ("x", "2")])
        #expect(head.header("cookie") == "a=1; b=2")
        #expect(head.header(named: "x") == "1, 2")
    }

    @Test func `a handler may take less than other requests have, as sent or inflated`() throws {
        let bench = Bench()
        bench.handler.admits = { _ in .readUpTo(bytes: 10) }
        let post = "POST / HTTP/1.1\r\nhost: x\r\n"
        let ten = "0123456789"
        #expect(
            exchange(bench.http1(), post + "content-length: 10\r\n\r\n" + ten).contains(" 200 "))
        #expect(exchange(bench.http1(), post + "content-length: 11\r\n\r\n").contains(" 413 "))
        let chunks = "transfer-encoding: chunked\r\n\r\na\r\n" + ten + "\r\n"
        #expect(exchange(bench.http1(), post + chunks + "0\r\n\r\n").contains(" 200 "))
        #expect(exchange(bench.http1(), post + chunks + "1\r\nx\r\n").contains(" 413 "))
        #expect(bench.handler.bodies.count == 2)
        #expect(bench.handler.faults == [.tooLarge(limit: 10), .tooLarge(limit: 10)])

        bench.handler.admits = { _ in .readUpTo(bytes: 100) }
        let zipped = compress([ByteBlock([UInt8](repeating: 0, count: 101)).slice], .gzip).array
        let session = bench.http1()
        let head = post + "content-encoding: gzip\r\ncontent-length: \(zipped.count)\r\n\r\n"
        _ = exchange(session, head)
        unsafe zipped.withUnsafeBytes { unsafe session.receive($0) }
        #expect(String(decoding: drained(session), as: UTF8.self).contains(" 413 "))
        #expect(bench.handler.faults.last == .tooLarge(limit: 100))
        #expect(bench.budget.usedBytes == 0)
    }

    @Test func `says 100 only when the body is wanted`() {
        let bench = Bench()
        let head =
            "POST /a HTTP/1.1\r\nhost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
        let session = bench.http1()
        #expect(exchange(session, head) == "HTTP/1.1 100 Continue\r\n\r\n")
        #expect(exchange(session, "abc").hasPrefix("HTTP/1.1 200"))

        bench.handler.admits = { _ in .answer(Response(status: 401)) }
        let refused = exchange(bench.http1(), head)
        #expect(refused.hasPrefix("HTTP/1.1 401"))
        #expect(refused.contains("connection: close"))

        bench.handler.admits = { _ in .read }
        let other = head.replacing("100-continue", with: "200-maybe")
        #expect(exchange(bench.http1(), other).hasPrefix("HTTP/1.1 417"))
    }

    @Test func `answers too large at the head, and while a chunked body grows`() {
        let bench = Bench { $0.maxRequestBytes = 10 }
        let told = exchange(
            bench.http1(), "POST / HTTP/1.1\r\nhost: x\r\nContent-Length: 11\r\n\r\n")
        #expect(told.hasPrefix("HTTP/1.1 413"))
        let grown = exchange(
            bench.http1(),
            "POST / HTTP/1.1\r\nhost: x\r\nTransfer-Encoding: chunked\r\n\r\nb\r\nabcdefghijk\r\n")
        #expect(grown.hasPrefix("HTTP/1.1 413"))
        #expect(bench.handler.faults == [.tooLarge(limit: 10), .tooLarge(limit: 10)])
        #expect(bench.budget.usedBytes == 0)
    }

    @Test func `answers without memory and gives back what it held`() {
        let bench = Bench(memory: 20_000)
        let other = bench.settings.memory.reserve(15_000)
        let session = bench.http1()
        let answer = exchange(
            session,
            "POST / HTTP/1.1\r\nhost: x\r\nContent-Length: 9000\r\n\r\n"
                + String(repeating: "x", count: 5_001))
        #expect(answer.hasPrefix("HTTP/1.1 503"))
        // A short rest is read and dropped, so the connection can go on.
        _ = exchange(session, String(repeating: "x", count: 3_999))
        #expect(exchange(session, get).hasPrefix("HTTP/1.1 200"))
        #expect(bench.budget.usedBytes == 15_000)
        withExtendedLifetime(other) {}
    }

    @Test func `inflates a gzip body and refuses other codings`() {
        let bench = Bench()
        let body = compress([ByteBlock(Array("hello".utf8)).slice], .gzip).array
        let session = bench.http1()
        _ = exchange(
            session,
            "POST / HTTP/1.1\r\nhost: x\r\nContent-Encoding: gzip\r\n"
                + "Content-Length: \(body.count)\r\n\r\n")
        unsafe body.withUnsafeBytes { unsafe session.receive($0) }
        #expect(bench.handler.bodies == [Array("hello".utf8)])
        let other = exchange(
            bench.http1(),
            "POST / HTTP/1.1\r\nhost: x\r\nContent-Encoding: br\r\nContent-Length: 1\r\n\r\nx")
        #expect(other.hasPrefix("HTTP/1.1 415"))
    }

    @Test func `streams in chunks only when output is drained, raw and closing in 1 dot 0`() {
        let bench = Bench()
        var source = PieceSource(["abc", "0123456789abcdef"])
        bench.handler.answers = { _, _, responder in
            responder.send(Response(status: 200, body: .stream(source)))
        }
        let answer = exchange(bench.http1(), get)
        #expect(answer.contains("transfer-encoding: chunked\r\n"))
        #expect(answer.hasSuffix("\r\n\r\n3\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n"))

        source = PieceSource(["abc", "def"])
        let old = bench.http1()
        #expect(exchange(old, "GET / HTTP/1.0\r\n\r\n").hasSuffix("\r\n\r\nabcdef"))
        #expect(old.mustClose)

        source = PieceSource(["abc"])
        let head = exchange(bench.http1(), "HEAD / HTTP/1.1\r\nhost: x\r\n\r\n")
        #expect(head.hasSuffix("\r\n\r\n"))
        #expect(source.isCancelled && source.asked == 0)
    }

    @Test func `knows that its peer has half an answer`() {
        let bench = Bench()
        let source = PieceSource(["abc"])
        source.isOpen = true
        var kept: Responder?
        bench.handler.answers = { _, _, responder in
            kept = responder
            responder.send(Response(status: 200, body: .stream(source)))
        }
        let session = bench.http1()
        #expect(!session.isMidAnswer)
        #expect(exchange(session, "GET / HTTP/1.0\r\n\r\n").hasSuffix("abc"))
        #expect(session.isMidAnswer && !session.mustClose)
        source.isOpen = false
        kept?.resumeBody()
        #expect(drained(session).isEmpty && session.mustClose && !session.isMidAnswer)
        // All is drained, and the socket has not taken it.
        bench.unwrittenBytes = 1
        #expect(session.isMidAnswer && !session.isBrokenOff)
    }

    @Test func `what an answer holds is let go of when its last piece has left, or never will`() {
        let bench = Bench()
        let source = PieceSource(["abc"])
        source.isOpen = true
        weak var held: MemoryReservation?
        var kept: Responder?
        bench.handler.answers = { _, _, responder in
            kept = responder
            var response = Response(status: 200, body: .stream(source))
            let holding = bench.budget.share("answers").reserve(10)
            held = holding
            response.holding = holding
            responder.send(response)
        }
        let session = bench.http1()
        #expect(exchange(session, get).hasSuffix("3\r\nabc\r\n") && held != nil)
        source.isOpen = false
        source.pieces = [Array("de".utf8)]
        kept?.resumeBody()
        #expect(drained(session) == Array("2\r\nde\r\n0\r\n\r\n".utf8) && held == nil)

        source.isOpen = true
        let other = bench.http1()
        _ = exchange(other, get)
        #expect(held != nil)
        other.abandon()
        #expect(held == nil)
    }

    @Test func `an answer that is broken off is not ended, and holds nothing any more`() {
        let bench = Bench()
        let source = PieceSource(["abc"])
        source.isOpen = true
        weak var held: MemoryReservation?
        var kept: Responder?
        bench.handler.answers = { _, _, responder in
            kept = responder
            var response = Response(status: 200, body: .stream(source))
            let holding = bench.budget.share("answers").reserve(10)
            held = holding
            response.holding = holding
            responder.send(response)
        }
        let session = bench.http1()
        #expect(exchange(session, get + get).hasSuffix("3\r\nabc\r\n") && held != nil)
        let notes = bench.outputNotes
        kept?.breakOff()
        #expect(held == nil && source.isCancelled)
        #expect(session.mustClose && bench.outputNotes == notes + 1)
        #expect(session.isBrokenOff && session.isMidAnswer)
        #expect(drained(session).isEmpty && bench.handler.bodies.count == 1)
        kept?.breakOff()
        kept?.resumeBody()
        #expect(drained(session).isEmpty)
    }

    @Test func `waits for a source that has nothing yet, and cancels it when the peer is gone`() {
        let bench = Bench()
        let source = PieceSource(["a"])
        source.isOpen = true
        var kept: Responder?
        bench.handler.answers = { _, _, responder in
            kept = responder
            responder.send(Response(status: 200, body: .stream(source)))
        }
        let session = bench.http1()
        #expect(exchange(session, get).hasSuffix("1\r\na\r\n"))
        let asked = source.asked
        #expect(drained(session).isEmpty && source.asked == asked)
        source.pieces = [Array("bc".utf8)]
        kept?.resumeBody()
        #expect(drained(session) == Array("2\r\nbc\r\n".utf8))
        session.abandon()
        #expect(source.isCancelled)
    }

    @Test func `times out silent connections, half heads, half bodies and idle ones`() {
        let bench = Bench()
        let silent = bench.http1()
        bench.clock.now += 10_000
        silent.checkDeadlines(now: bench.clock.now)
        #expect(silent.mustClose)

        let halfHead = bench.http1()
        _ = exchange(halfHead, "GET / HTTP/1.1\r\nho")
        bench.clock.now += 10_000
        halfHead.checkDeadlines(now: bench.clock.now)
        #expect(String(decoding: drained(halfHead), as: UTF8.self).hasPrefix("HTTP/1.1 408"))
        #expect(halfHead.mustClose)

        let halfBody = bench.http1()
        _ = exchange(halfBody, "POST / HTTP/1.1\r\nhost: x\r\nContent-Length: 9\r\n\r\nabc")
        #expect(halfBody.nextDeadline == bench.clock.now + 30_000)
        bench.clock.now += 30_000
        halfBody.checkDeadlines(now: bench.clock.now)
        #expect(String(decoding: drained(halfBody), as: UTF8.self).hasPrefix("HTTP/1.1 408"))
        #expect(halfBody.mustClose)

        let idle = bench.http1()
        _ = exchange(idle, get)
        bench.clock.now += 119_999
        idle.checkDeadlines(now: bench.clock.now)
        #expect(!idle.mustClose)
        bench.clock.now += 1
        idle.checkDeadlines(now: bench.clock.now)
        #expect(idle.mustClose)

        let counted = bench.settings.counters.values
        #expect(counted.headerTimeouts == 2)
        #expect(counted.bodyTimeouts == 1)
        #expect(counted.idleTimeouts == 1)
        #expect(bench.budget.usedBytes == 0)
    }

    @Test func `drains by closing after the answer under way`() {
        let bench = Bench()
        var waiting: Responder?
        bench.handler.answers = { _, _, responder in waiting = responder }
        let session = bench.http1()
        _ = exchange(session, get)
        session.beginDraining()
        #expect(!session.mustClose)
        waiting?.send(Response(status: 200))
        #expect(String(decoding: drained(session), as: UTF8.self).contains("connection: close"))
        #expect(session.mustClose)

        let idle = bench.http1()
        idle.beginDraining()
        #expect(idle.mustClose)
    }

    @Test func `drops an answer that comes after the peer is gone`() {
        let bench = Bench()
        var waiting: Responder?
        bench.handler.answers = { _, _, responder in waiting = responder }
        let session = bench.http1()
        _ = exchange(session, get)
        session.abandon()
        #expect(waiting?.isGone == true)
        waiting?.send(Response(status: 200))
        #expect(drained(session).isEmpty)
    }

    @Test func `keeps control characters out of header values`() {
        let bench = Bench()
        bench.handler.answers = { _, _, responder in
            responder.send(Response(status: 200, headers: [("x-echo", "a\r\nset-cookie: b")]))
        }
        #expect(exchange(bench.http1(), get).contains("x-echo: a  set-cookie: b\r\n"))
    }

    @Test func `pauses a flood of pipelined requests until output has left`() {
        let bench = Bench()
        bench.handler.answers = { _, _, responder in
            responder.send(
                Response(status: 200, body: .bytes([UInt8](repeating: 0x41, count: 100_000))))
        }
        let session = bench.http1()
        let flood = String(repeating: get, count: 20)
        var text = flood
        text.withUTF8 { unsafe session.receive(UnsafeRawBufferPointer($0)) }
        #expect(bench.handler.bodies.count == 1)
        #expect(session.heldBytes > 100_000)
        _ = drained(session)
        #expect(bench.handler.bodies.count == 20)
        #expect(session.heldBytes < 1_000)
    }

    @Test(arguments: [
        // Bytes behind a chunk's data, where its line must end.
        "Transfer-Encoding: chunked\r\n\r\n3\r\nabcXX0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\rX0\r\n\r\n",
        // Line feeds alone.
        "Transfer-Encoding: chunked\r\n\r\n3;a=\n\r\nabc\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n3\rXabc\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n0\r\nT: t\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n0\r\n\rX",
        // Sizes that are none.
        "Transfer-Encoding: chunked\r\n\r\n\r\nabc\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n11111111111111111\r\nabc\r\n0\r\n\r\n",
        // Trailers that are no fields.
        "Transfer-Encoding: chunked\r\n\r\n0\r\nbad name: t\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n0\r\na: b\r\nb(d: t\r\n\r\n",
        // Codings, lengths and lines that two readers could take for two things.
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "X-A:\r\n folded\r\nContent-Length: 3\r\n\r\nabc",
        "X-A: b\r\n\tfolded\r\nContent-Length: 3\r\n\r\nabc",
        "Content-Length: 3\r\n\rXabc",
    ])
    func `refuses what two readers could take for two requests`(_ rest: String) {
        let text = "POST /p HTTP/1.1\r\nhost: x\r\n" + rest
        for size in [1, 7, text.utf8.count] {
            let bench = Bench()
            let session = bench.http1()
            var answer = ""
            var left = Substring(text)
            while !left.isEmpty {
                answer += exchange(session, String(left.prefix(size)))
                left = left.dropFirst(size)
            }
            #expect(answer.hasPrefix("HTTP/1.1 400"), "\(size): \(answer.prefix(60))")
            #expect(answer.contains("connection: close"))
            #expect(bench.handler.bodies.isEmpty)
            #expect(session.mustClose)
        }
    }

    @Test func `takes lengths with zeros in front and refuses those beyond any number`() {
        let bench = Bench()
        let zeros =
            "POST / HTTP/1.1\r\nhost: x\r\nContent-Length: 00000000000000000000003\r\n\r\nabc"
        #expect(exchange(bench.http1(), zeros).hasPrefix("HTTP/1.1 200"))
        for digits in [18, 19, 20, 21, 40] {
            let many = String(repeating: "9", count: digits)
            let answer = exchange(
                bench.http1(), zeros.replacing("00000000000000000000003", with: many))
            #expect(answer.hasPrefix("HTTP/1.1 413"))
            #expect(answer.contains("connection: close"))
        }
        #expect(bench.handler.bodies == [Array("abc".utf8)])
    }

    @Test func `takes blanks around a length, however the bytes are cut`() {
        let text = "POST / HTTP/1.1\r\nhost: x\r\ncontent-LENGTH:\t 3\t \r\n\r\nabc"
        for size in 1...text.utf8.count {
            let bench = Bench()
            let session = bench.http1()
            var rest = Substring(text + get)
            while !rest.isEmpty {
                _ = exchange(session, String(rest.prefix(size)))
                rest = rest.dropFirst(size)
            }
            #expect(bench.handler.bodies == [Array("abc".utf8), []])
        }
    }

    @Test func `a target that is a whole URL says whom the request is for`() {
        let bench = Bench()
        var seen: [String?] = []
        bench.handler.admits = { head in
            seen.append(head.authority)
            #expect(head.path == "/a" && head.method == "PROPFIND")
            return .read
        }
        _ = exchange(bench.http1(), "PROPFIND http://y:1/a HTTP/1.1\r\nhost: x\r\n\r\n")
        _ = exchange(bench.http1(), "PROPFIND /a HTTP/1.1\r\nhost: x\r\n\r\n")
        #expect(seen == ["y:1", "x"])
    }

    @Test func `a long announcement takes no memory while others need it`() {
        let bench = Bench(memory: 100_000)
        let head = "POST / HTTP/1.1\r\nhost: x\r\nContent-Length: 90000\r\n\r\na"
        let sessions = (0..<10).map { _ in bench.http1() }
        for session in sessions { #expect(exchange(session, head) == "") }
        #expect(bench.budget.usedBytes < 100_000)
        let post = "POST / HTTP/1.1\r\nhost: x\r\nContent-Length: 3\r\n\r\nabc"
        #expect(exchange(bench.http1(), post).hasPrefix("HTTP/1.1 503") == false)
        for session in sessions { session.abandon() }
        #expect(bench.budget.usedBytes == 0)
    }
}
