import RoostCompression
import RoostCore
import Testing

@testable import RoostNet

/// What bodies may take of the memory, and what is told to those that get none.
@Suite struct BodyMemoryTests {
    private func post(_ length: Int, coding: String = "") -> String {
        "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: \(length)\r\n\(coding)\r\n"
    }

    private func feed(_ session: any ProtocolSession, _ bytes: [UInt8]) -> String {
        unsafe bytes.withUnsafeBytes { unsafe session.receive($0) }
        return String(decoding: drained(session), as: UTF8.self)
    }

    @Test(arguments: [0, 1])
    func `large bodies that are announced and do not come keep nobody else's out`(_ sent: Int) {
        let bench = Bench(memory: 64 << 20)
        let idle = (0..<750).map { _ in
            let session = bench.http1()
            #expect(exchange(session, post(16 << 20)) == "")
            if sent > 0 { #expect(feed(session, [UInt8](repeating: 1, count: sent)) == "") }
            return session
        }
        // An eighth of the memory, and four KiB for each.
        #expect(bench.budget.usedBytes <= sent * ((8 << 20) + 750 * (4 << 10)))
        let body = [UInt8](repeating: 7, count: 16 << 20)
        for _ in 0..<3 {
            let honest = bench.http1()
            _ = exchange(honest, post(body.count))
            var answer = ""
            for start in stride(from: 0, to: body.count, by: 256 << 10) {
                answer += feed(honest, Array(body[start..<start + (256 << 10)]))
            }
            #expect(answer.hasPrefix("HTTP/1.1 200"))
        }
        for session in idle { session.abandon() }
        #expect(bench.budget.usedBytes == 0)
        let share = bench.settings.memory
        #expect(share.beginPromise(8 << 20), "all promises have ended")
    }

    @Test func `a promise of room ends when half of it is full`() {
        let bench = Bench(memory: 8 << 20)
        let sessions = (0..<4).map { _ in bench.http1() }
        for session in sessions {
            _ = exchange(session, post(1 << 20))
            _ = feed(session, [UInt8](repeating: 1, count: 512 << 10))
        }
        #expect(bench.budget.usedBytes == 4 << 20)
        for session in sessions {
            _ = feed(session, [UInt8](repeating: 1, count: 512 << 10))
        }
        #expect(bench.handler.bodies.map(\.count) == Array(repeating: 1 << 20, count: 4))
    }

    @Test func `what no memory could hold is told at once, and for good`() throws {
        let bench = Bench(memory: 1 << 20)
        #expect(exchange(bench.http1(), post(2 << 20)).hasPrefix("HTTP/1.1 413 "))
        #expect(bench.handler.faults == [.beyondMemory(bytes: 2 << 20)])

        let chunked = bench.http1()
        var answer = exchange(
            chunked, "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
        for _ in 0..<16 where answer.isEmpty {
            answer = feed(
                chunked, Array("10000\r\n".utf8) + [UInt8](repeating: 1, count: 1 << 16) + [13, 10])
        }
        #expect(answer.hasPrefix("HTTP/1.1 413 "))

        let server = try #require(bench.http2())
        let client = HTTP2TestClient(server)
        let id = client.call([0, 0, 0x20, 0, 0], ends: false)
        client.talk()
        #expect(client.answer(id).headers["grpc-status"] == "8")
        #expect(bench.budget.usedBytes == 0)
    }

    @Test func `a body that only fits alone is asked for again, one that never fits is not`() {
        let small = compress([ByteBlock([UInt8](repeating: 0, count: 700_000)).slice], .gzip).array
        let large = compress([ByteBlock([UInt8](repeating: 0, count: 1_100_000)).slice], .gzip)
            .array
        let bench = Bench(memory: 1 << 20)
        func answer(_ body: [UInt8]) -> String {
            let session = bench.http1()
            _ = exchange(session, post(body.count, coding: "content-encoding: gzip\r\n"))
            return feed(session, body)
        }
        let other = bench.settings.memory.reserve(500_000)
        #expect(other != nil)
        #expect(answer(small).hasPrefix("HTTP/1.1 503 "))
        #expect(answer(large).hasPrefix("HTTP/1.1 413 "))
        #expect(bench.handler.faults.first == .noMemory)
        withExtendedLifetime(other) {}

        let free = Bench(memory: 1 << 20)
        let session = free.http1()
        _ = exchange(session, post(small.count, coding: "content-encoding: gzip\r\n"))
        #expect(feed(session, small).hasPrefix("HTTP/1.1 200 "))
    }
}
