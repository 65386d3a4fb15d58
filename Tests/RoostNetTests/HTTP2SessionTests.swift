import RoostCompression
import RoostCore
import Testing

@testable import RoostNet

@Suite struct HTTP2SessionTests {
    private func frame(_ message: [UInt8], flag: UInt8 = 0) -> [UInt8] {
        let count = UInt32(message.count)
        return [flag] + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: count >> $0) } + message
    }

    private func start(
        _ bench: Bench
    ) throws -> (server: HTTP2Session, client: HTTP2TestClient) {
        let server = try #require(bench.http2())
        return (server, HTTP2TestClient(server))
    }

    @Test(arguments: [1, 3, 16, .max])
    func `answers a unary call with message and trailers`(_ pieces: Int) throws {
        let bench = Bench()
        bench.handler.answers = { head, body, responder in
            #expect(head.isGRPC && head.isHTTP2 && head.path == "/s/M")
            #expect(head.header("host") == "x")
            responder.send(.grpc(message: [9] + body.array))
        }
        let (_, client) = try start(bench)
        let id = client.call(frame([1, 2, 3]))
        client.talk(pieces: pieces)
        let answer = client.answer(id)
        #expect(answer.headers[":status"] == "200")
        #expect(answer.headers["content-type"] == "application/grpc")
        #expect(answer.body == frame([9, 1, 2, 3]))
        #expect(answer.trailers == ["grpc-status": "0"])
        #expect(answer.isClosed && answer.resetCode == nil)
        #expect(bench.budget.usedBytes == 0)
    }

    @Test func `owes nothing while every request is half there, and says since when`() throws {
        let bench = Bench()
        var waiting: Responder?
        bench.handler.answers = { _, _, responder in waiting = responder }
        let (server, client) = try start(bench)
        client.talk()
        #expect(server.unfinishedSince == nil && server.idleSince != nil)
        let first = client.call(frame([1])[..<3].map { $0 }, ends: false)
        client.talk()
        #expect(server.unfinishedSince == bench.clock.now && server.idleSince == nil)
        bench.clock.now += 5
        _ = client.call([], ends: false)
        client.talk()
        #expect(server.unfinishedSince == bench.clock.now - 5)
        client.upload(first, Array(frame([1])[3...]), ends: true)
        client.talk()
        // It waits for its answer.
        #expect(waiting != nil && server.unfinishedSince == nil)
        waiting?.send(.grpc(message: []))
        client.talk()
        #expect(server.unfinishedSince == bench.clock.now)
    }

    @Test func `takes bodies larger than a frame and calls side by side`() throws {
        let bench = Bench()
        bench.handler.answers = { _, _, responder in responder.send(.grpc(message: [])) }
        let (_, client) = try start(bench)
        let big = [UInt8](repeating: 7, count: 3_000_000)
        let ids = (0..<5).map { _ in client.call(frame(big)) }
        client.talk()
        #expect(bench.handler.bodies.map(\.count) == Array(repeating: big.count, count: 5))
        #expect(ids.allSatisfy { client.answer($0).trailers["grpc-status"] == "0" })
        #expect(bench.budget.usedBytes == 0)
    }

    @Test func `carries an error in the head alone`() throws {
        let bench = Bench()
        bench.handler.answers = { _, _, responder in
            responder.send(.grpc(code: 14, message: "später", details: [8, 14]))
        }
        let (_, client) = try start(bench)
        let id = client.call(frame([]))
        client.talk()
        let answer = client.answer(id)
        #expect(answer.headers["grpc-status"] == "14")
        #expect(answer.headers["grpc-message"] == "sp%C3%A4ter")
        #expect(answer.headers["grpc-status-details-bin"] == "CA4")
        #expect(answer.body.isEmpty && answer.trailers.isEmpty && answer.isClosed)
    }

    @Test func `inflates compressed messages and refuses what it cannot inflate`() throws {
        let bench = Bench()
        bench.handler.answers = { _, _, responder in responder.send(.grpc(message: [])) }
        let (_, client) = try start(bench)
        let zipped = compress([ByteBlock(Array("hello".utf8)).slice], .gzip).array
        let good = client.call(frame(zipped, flag: 1), [("grpc-encoding", "gzip")])
        let plain = client.call(frame([1]), [("grpc-encoding", "gzip")])
        let empty = client.call(frame([], flag: 1), [("grpc-encoding", "gzip")])
        let corrupt = client.call(frame([1, 2], flag: 1), [("grpc-encoding", "gzip")])
        let flagged = client.call(frame([1], flag: 1))
        let unknown = client.call(frame([1], flag: 1), [("grpc-encoding", "snappy")])
        client.talk()
        #expect(bench.handler.bodies == [Array("hello".utf8), [1], []])
        for id in [good, plain, empty] { #expect(client.answer(id).trailers["grpc-status"] == "0") }
        #expect(client.answer(corrupt).headers["grpc-status"] == "13")
        #expect(client.answer(flagged).headers["grpc-status"] == "13")
        #expect(client.answer(unknown).headers["grpc-status"] == "12")
        #expect(client.answer(unknown).headers["grpc-accept-encoding"] == "identity,gzip,zstd")
    }

    @Test func `refuses bodies that are not one message`() throws {
        let bench = Bench()
        let (_, client) = try start(bench)
        let bodies = [
            [], [0, 0], [0, 0, 0, 0, 9, 1], frame([1]) + frame([2]), frame([1], flag: 7),
        ]
        let ids = bodies.map { client.call($0) }
        client.talk()
        #expect(
            ids.map { client.answer($0).headers["grpc-status"] } == Array(repeating: "13", count: 5)
        )
        #expect(bench.handler.bodies.isEmpty)
        #expect(bench.budget.usedBytes == 0)
    }

    @Test func `says too large at the prefix, drops the rest, and resets at last`() throws {
        let bench = Bench { $0.maxRequestBytes = 1_000 }
        let (_, client) = try start(bench)
        let id = client.call([0, 0, 1, 0, 0], ends: false)
        client.talk()
        #expect(client.answer(id).headers["grpc-status"] == "8")
        #expect(bench.budget.usedBytes == 0)
        client.upload(id, [UInt8](repeating: 1, count: 900), ends: false)
        client.talk()
        #expect(client.answer(id).resetCode == nil)
        client.upload(id, [UInt8](repeating: 1, count: 900), ends: false)
        client.talk()
        #expect(client.answer(id).resetCode == 0)
    }

    @Test func `answers when the deadline passes, and drops the late answer`() throws {
        let bench = Bench()
        var kept: Responder?
        bench.handler.answers = { _, _, responder in kept = responder }
        let (server, client) = try start(bench)
        let id = client.call(frame([1]), [("grpc-timeout", "50m")])
        let bad = client.call(frame([1]), [("grpc-timeout", "soon")])
        client.talk()
        #expect(client.answer(bad).headers["grpc-status"] == "13")
        #expect(server.nextDeadline == bench.clock.now + 50)
        bench.clock.now += 50
        server.checkDeadlines(now: bench.clock.now)
        client.talk()
        #expect(client.answer(id).headers["grpc-status"] == "4")
        #expect(kept?.isGone == true)
        kept?.send(.grpc(message: []))
    }

    @Test func `times out a half body and ends its stream only`() throws {
        let bench = Bench()
        bench.handler.answers = { _, _, responder in responder.send(.grpc(message: [])) }
        let (server, client) = try start(bench)
        let half = client.call([0, 0, 0, 0, 9, 1], ends: false)
        client.talk()
        bench.clock.now += 30_000
        server.checkDeadlines(now: bench.clock.now)
        client.talk()
        // Not DEADLINE_EXCEEDED: the deadline that passed is not the caller's.
        #expect(client.answer(half).headers["grpc-status"] == "14")
        #expect(client.answer(half).isClosed)
        let next = client.call(frame([]))
        client.talk()
        #expect(client.answer(next).trailers["grpc-status"] == "0")
        #expect(bench.settings.counters.values.bodyTimeouts == 1)
    }

    @Test(arguments: ["application/grpc+json", "application/grpc-web", "application/grpcx"])
    func `answers 415 to the rest of gRPC's family`(_ type: String) throws {
        let bench = Bench()
        let (_, client) = try start(bench)
        let id = client.call(frame([]), type: type)
        client.talk()
        #expect(client.answer(id).headers[":status"] == "415")
    }

    @Test(arguments: ["application/grpc", "application/grpc+proto", "application/grpc;charset=x"])
    func `knows the content types of gRPC`(_ type: String) throws {
        let bench = Bench()
        bench.handler.answers = { _, _, responder in responder.send(.grpc(message: [])) }
        let (_, client) = try start(bench)
        let id = client.call(frame([]), type: type)
        client.talk()
        #expect(client.answer(id).trailers["grpc-status"] == "0")
    }

    @Test func `survives a peer that resets while the answer is being made`() throws {
        let bench = Bench()
        var kept: [Responder] = []
        bench.handler.answers = { _, _, responder in kept.append(responder) }
        let (server, client) = try start(bench)
        let ids = (0..<3).map { _ in client.call(frame([1])) }
        client.talk()
        client.cancel(ids[1])
        client.talk()
        #expect(kept.map(\.isGone) == [false, true, false])
        for responder in kept { responder.send(.grpc(message: [])) }
        client.talk()
        #expect(client.answer(ids[0]).trailers["grpc-status"] == "0")
        #expect(client.answer(ids[2]).trailers["grpc-status"] == "0")
        server.abandon()
        for responder in kept { responder.send(.grpc(message: [])) }
    }

    @Test func `serves plain HTTP, tolerates trailers, checks the content length`() throws {
        let bench = Bench()
        let (_, client) = try start(bench)
        let post = [
            (":method", "POST"), (":scheme", "http"), (":path", "/v1/traces?a"),
            (":authority", "x"),
        ]
        let good = client.request(
            post + [("content-length", "3")], body: [1, 2, 3], trailers: [("x-sum", "6")])
        let short = client.request(post + [("content-length", "4")], body: [1, 2, 3])
        client.talk()
        #expect(client.answer(good).body == [1, 2, 3])
        #expect(client.answer(good).headers["content-length"] == "3")
        #expect(client.answer(short).resetCode == 1)
        #expect(bench.handler.bodies == [[1, 2, 3]])
        #expect(bench.budget.usedBytes == 0)
    }

    @Test func `answers 431 to a header list above the limit and goes on`() throws {
        let bench = Bench { $0.maxHeaderBytes = 600 }
        bench.handler.answers = { _, _, responder in responder.send(.grpc(message: [])) }
        let (_, client) = try start(bench)
        let big = client.call(frame([]), [("x-big", String(repeating: "b", count: 600))])
        let good = client.call(frame([]))
        client.talk()
        #expect(client.answer(big).headers["grpc-status"] == "8")
        #expect(client.answer(good).trailers["grpc-status"] == "0")
    }

    @Test func `streams as the windows allow, waits for the source, cancels it on reset`() throws {
        let bench = Bench()
        let long = String(repeating: "x", count: 200_000)
        let source = PieceSource([long, long])
        source.isOpen = true
        var kept: Responder?
        bench.handler.answers = { _, _, responder in
            kept = responder
            responder.send(Response(status: 200, body: .stream(source)))
        }
        let (_, client) = try start(bench)
        let get = [
            (":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "x"),
        ]
        let id = client.request(get)
        client.talk()
        #expect(client.answer(id).body.count == 400_000 && !client.answer(id).isClosed)
        source.pieces = [Array("end".utf8)]
        kept?.resumeBody()
        client.talk()
        #expect(client.answer(id).body.count == 400_003)
        client.cancel(id)
        client.talk()
        #expect(source.isCancelled)
    }

    @Test func `an answer that is broken off ends its stream only`() throws {
        let bench = Bench()
        let source = PieceSource(["abc"])
        source.isOpen = true
        weak var held: MemoryReservation?
        var kept: [Responder] = []
        bench.handler.answers = { _, _, responder in
            kept.append(responder)
            guard kept.count == 1 else { return responder.send(Response(status: 204)) }
            var response = Response(status: 200, body: .stream(source))
            let holding = bench.budget.share("answers").reserve(10)
            held = holding
            response.holding = holding
            responder.send(response)
        }
        let (_, client) = try start(bench)
        let get = [
            (":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "x"),
        ]
        let id = client.request(get)
        client.talk()
        #expect(client.answer(id).body.count == 3 && held != nil)
        kept[0].breakOff()
        #expect(held == nil && source.isCancelled)
        client.talk()
        #expect(client.answer(id).isClosed && client.answer(id).resetCode == 8)
        let other = client.request(get)
        client.talk()
        #expect(client.answer(other).headers[":status"] == "204")
    }

    @Test func `says goodbye twice and finishes what it has`() throws {
        let bench = Bench()
        var kept: Responder?
        bench.handler.answers = { _, _, responder in kept = responder }
        let (server, client) = try start(bench)
        let id = client.call(frame([]))
        client.talk()
        server.beginDraining()
        client.talk()
        #expect(client.goaways == 1 && !server.mustClose)
        bench.clock.now += 100
        server.checkDeadlines(now: bench.clock.now)
        client.talk()
        #expect(client.goaways == 2 && !server.mustClose)
        kept?.send(.grpc(message: []))
        client.talk()
        #expect(client.answer(id).trailers["grpc-status"] == "0")
        #expect(server.mustClose)
    }

    @Test func `finishes what came before a goodbye and nothing after it, however it is cut`()
        throws
    {
        func get(_ stream: UInt8) -> [UInt8] {
            [0, 0, 6, 1, 5, 0, 0, 0, stream, 0x82, 0x86, 0x84, 0x41, 1, 0x78]
        }
        let goaway: [UInt8] = [0, 0, 8, 7, 0, 0, 0, 0, 0] + [UInt8](repeating: 0, count: 8)
        let settings: [UInt8] = [0, 0, 0, 4, 0, 0, 0, 0, 0]
        for before in [[], get(1)] {
            for pieces in [[before + goaway + get(3)], [before + goaway, get(3)]] {
                let bench = Bench()
                var asked = 0
                bench.handler.answers = { _, _, responder in
                    asked += 1
                    responder.send(Response(status: 200))
                }
                let server = try #require(bench.http2())
                for piece in [http2Preface + settings] + pieces {
                    unsafe piece.withUnsafeBytes { unsafe server.receive($0) }
                    _ = drained(server)
                }
                #expect(asked == (before.isEmpty ? 0 : 1) && server.mustClose)
            }
        }
    }

    @Test func `ends an idle connection, and one that floods it`() throws {
        let bench = Bench()
        let (server, client) = try start(bench)
        client.talk()
        bench.clock.now += 120_000
        server.checkDeadlines(now: bench.clock.now)
        client.talk()
        #expect(client.goaways == 1 && server.mustClose)

        let flooded = try #require(bench.http2())
        let ping: [UInt8] = [0, 0, 8, 6, 0, 0, 0, 0, 0] + [UInt8](repeating: 0, count: 8)
        let settings: [UInt8] = [0, 0, 0, 4, 0, 0, 0, 0, 0]
        let flood = http2Preface + settings + (0..<2_000).flatMap { _ in ping }
        unsafe flood.withUnsafeBytes { unsafe flooded.receive($0) }
        #expect(flooded.mustClose)
        #expect(bench.settings.counters.values.protocolErrors > 0)
    }

    @Test func `answers without memory as unavailable`() throws {
        let bench = Bench(memory: 30_000)
        let other = bench.settings.memory.reserve(20_000)
        let (_, client) = try start(bench)
        let id = client.call(frame([UInt8](repeating: 1, count: 20_000)))
        client.talk()
        #expect(client.answer(id).headers["grpc-status"] == "14")
        #expect(bench.budget.usedBytes == 20_000)
        withExtendedLifetime(other) {}
    }

    @Test func `streams and long heads are paid for, and refused when there is no memory`() throws {
        let bench = Bench(memory: 100_000)
        var kept: [Responder] = []
        bench.handler.answers = { _, _, responder in kept.append(responder) }
        let (server, client) = try start(bench)
        let calls = (0..<60).map { _ in client.call(frame([])) }
        client.talk()
        // The connection pays for 16 streams, the memory for one lot more.
        #expect(kept.count == 32)
        #expect(bench.budget.usedBytes == 16 * 4_096)
        for call in calls[32...] { #expect(client.answer(call).resetCode == 7) }
        for responder in kept { responder.send(.grpc(message: [])) }
        client.talk()
        let long = [("x-long", String(repeating: "b", count: 15_000))]
        let refused = (0..<4).map { _ in client.call(frame([]), long) }
        client.talk()
        #expect(client.answer(refused[0]).headers.isEmpty)
        #expect(client.answer(refused[3]).headers["grpc-status"] == "14")
        kept.last?.send(.grpc(message: []))
        server.abandon()
        #expect(bench.budget.usedBytes <= 16 * 4_096)
    }

    @Test func `a peer that has ended its side still gets its answers`() throws {
        let bench = Bench()
        var kept: Responder?
        bench.handler.answers = { _, _, responder in kept = responder }
        let (server, client) = try start(bench)
        let whole = client.call(frame([]))
        client.talk()
        server.peerEnded()
        #expect(!server.mustClose)
        kept?.send(.grpc(message: []))
        client.talk()
        #expect(client.answer(whole).trailers["grpc-status"] == "0")
        #expect(server.mustClose)
    }
}
