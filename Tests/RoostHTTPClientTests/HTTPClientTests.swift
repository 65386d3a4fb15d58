import RoostCore
import Synchronization
import Testing

@testable import RoostHTTPClient

@Suite struct HTTPClientTests {
    private func post(_ url: String, _ parts: [[UInt8]]) -> ClientRequest {
        var request = ClientRequest(url: url)
        request.headers = [("Content-Type", "application/x-protobuf")]
        request.body = parts.map { ByteBlock($0).slice }
        return request
    }

    private func perform(_ request: ClientRequest) throws -> ClientAnswer {
        let client = try HTTPClient()
        defer {
            client.stop()
            client.join()
        }
        return client.perform(request)
    }

    @Test func `slices arrive joined, with the headers given and no Expect`() throws {
        let server = RawServer { connection, _ in
            guard let (head, body) = connection.readRequest() else { return }
            connection.answer("200 OK", "X-Head: yes\r\n", body: head + "\(body)")
        }
        defer { server.stop() }
        let answer = try perform(post(server.url + "/v1/traces", [[1, 2], [], [3]]))
        let text = String(decoding: answer.body, as: UTF8.self)
        #expect(answer.failure == nil && answer.httpStatus == 200 && answer.isUploadComplete)
        #expect(answer.header("x-head") == "yes")
        #expect(text.hasPrefix("POST /v1/traces HTTP/1.1\r\n") && text.hasSuffix("[1, 2, 3]"))
        #expect(text.contains("Content-Type: application/x-protobuf\r\n"))
        #expect(text.contains("User-Agent: Roost\r\n"))
        #expect(!text.contains("Expect") && !text.contains("Accept-Encoding"))
    }

    @Test func `a body of many megabytes arrives whole`() throws {
        let parts = (0..<5).map { [UInt8](repeating: UInt8($0), count: 1_500_001) }
        let server = RawServer { connection, _ in
            guard let (_, body) = connection.readRequest() else { return }
            connection.answer(body == parts.flatMap { $0 } ? "200 OK" : "400 Bad")
        }
        defer { server.stop() }
        #expect(try perform(post(server.url, parts)).httpStatus == 200)
    }

    @Test func `connections are used again, also after the server closed one`() throws {
        let closed = Latch(1)
        let server = RawServer { connection, number in
            while connection.readRequest() != nil {
                connection.answer("200 OK")
                if number > 1 { continue }
                connection.close()
                return closed.countDown()
            }
        }
        defer { server.stop() }
        let client = try HTTPClient()
        for _ in 0..<5 {
            #expect(client.perform(post(server.url, [[1]])).httpStatus == 200)
            // A request that crosses the end of its connection may be lost.
            closed.wait(untilMonotonic: .max)
        }
        #expect(server.connections == 2)
        client.stop()
        client.join()
    }

    @Test func `interim answers are passed over`() throws {
        let server = RawServer { connection, _ in
            _ = connection.readRequest()
            connection.write("HTTP/1.1 102 Processing\r\nRetry-After: 9\r\n\r\n")
            connection.answer("503 Busy", "Retry-After:  4 \r\n")
        }
        defer { server.stop() }
        let answer = try perform(post(server.url, [[1]]))
        #expect(answer.httpStatus == 503 && answer.header("retry-after") == "4")
        #expect(answer.headers.count { $0.name == "retry-after" } == 1)
    }

    @Test func `redirects are not followed`() throws {
        let server = RawServer { connection, _ in
            while connection.readRequest() != nil {
                connection.answer("307 Go", "Location: /x\r\n")
            }
        }
        defer { server.stop() }
        #expect(try perform(post(server.url, [[1]])).httpStatus == 307)
        #expect(server.connections == 1)
    }

    @Test func `an answer without end is broken off`() throws {
        let server = RawServer { connection, _ in
            _ = connection.readRequest()
            connection.write("HTTP/1.1 200 OK\r\n\r\n")
            for _ in 0..<100 { connection.write(String(repeating: "x", count: 1000)) }
        }
        defer { server.stop() }
        var request = post(server.url, [[1]])
        request.maxAnswerBytes = 5000
        let answer = try perform(request)
        #expect(answer.failure?.kind == .answerTooLarge && answer.body.count <= 5000)
    }

    @Test func `trailers without end are broken off`() throws {
        let server = RawServer { connection, _ in
            _ = connection.readRequest()
            connection.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n")
            for _ in 0..<2000 {
                connection.write("x: " + String(repeating: "v", count: 1000) + "\r\n")
            }
            connection.read(atLeast: 1)
        }
        defer { server.stop() }
        let answer = try perform(post(server.url, [[1]]))
        #expect(answer.failure?.kind == .malformedAnswer && answer.httpStatus == 200)
    }

    @Test func `what is not kept of an answer is read all the same`() throws {
        let server = RawServer { connection, _ in
            while connection.readRequest() != nil {
                connection.answer("200 OK", body: String(repeating: "x", count: 300_000))
            }
        }
        defer { server.stop() }
        let client = try HTTPClient()
        defer {
            client.stop()
            client.join()
        }
        var request = post(server.url, [[1]])
        request.maxKeptBytes = 16_000
        for _ in 0..<3 {
            let answer = client.perform(request)
            #expect(answer.failure == nil && answer.httpStatus == 200)
            #expect(answer.body.count == 16_000 && answer.droppedBytes == 284_000)
        }
        #expect(server.connections == 1)
    }

    /// Trouble, and the kind that it has to be told as.
    @Test func `each trouble is told by its kind`() throws {
        let closing = RawServer { connection, _ in _ = connection.readRequest() }
        let resetting = RawServer { connection, _ in
            _ = connection.readRequest()
            connection.reset()
        }
        let nonsense = RawServer { connection, _ in
            _ = connection.readRequest()
            connection.write("220 smtp.example ESMTP\r\n")
        }
        let cut = RawServer { connection, _ in
            _ = connection.readRequest()
            connection.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
        }
        let refusing = RawServer { _, _ in }
        refusing.stop()
        #expect(try perform(post(closing.url, [[1]])).failure?.kind == .connectionLost)
        #expect(try perform(post(resetting.url, [[1]])).failure?.kind == .connectionLost)
        #expect(try perform(post(nonsense.url, [[1]])).failure?.kind == .malformedAnswer)
        let partial = try perform(post(cut.url, [[1]]))
        #expect(partial.failure?.kind == .connectionLost && partial.httpStatus == 200)
        #expect(try perform(post(refusing.url, [[1]])).failure?.kind == .unreachable)
        for server in [closing, resetting, nonsense, cut] { server.stop() }
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n",
        "HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 400 Bad\r\nCont", "HTTP/1.1 413 Large\r\n",
        "HTTP/1.1 503 Busy\r\nRetry-After: 1", "HTTP/1.1 200",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n",
    ])
    func `an answer whose head is cut off is none`(head: String) throws {
        let server = RawServer { connection, _ in
            _ = connection.readRequest()
            connection.write(head)
        }
        defer { server.stop() }
        let answer = try perform(post(server.url, [[1]]))
        #expect(answer.failure != nil && answer.httpStatus == 0 && answer.headers.isEmpty)
    }

    @Test(arguments: ["ftp://127.0.0.1/x", "file:///etc/passwd", "http://", "nonsense://"])
    func `other protocols and broken addresses are not sent`(url: String) throws {
        let answer = try perform(post(url, [[1]]))
        #expect(answer.failure != nil && answer.httpStatus == 0)
    }

    @Test(arguments: ["a\r\nb: c", "a\nb", "a\0b"])
    func `a line break in a header is not sent, and not told`(value: String) throws {
        var request = post("http://127.0.0.1:9", [[1]])
        request.headers.append(("X-Secret", value))
        let failure = try perform(request).failure
        #expect(failure?.kind == .invalidRequest)
        #expect(failure?.text.contains(value) == false)
    }

    @Test(arguments: [(10_000, 9_700), (5_000, 4_700), (1_000, 938), (10, 10)])
    func `a connection is given up before the system gives up its name`(asked: Int, given: Int) {
        var request = ClientRequest(url: "http://127.0.0.1:1")
        request.timeout = .milliseconds(asked)
        #expect(request.connectMilliseconds == given)
        request.timeout = .seconds(60)
        request.connectTimeout = .milliseconds(asked)
        #expect(request.connectMilliseconds == given)
    }

    @Test func `a server that says nothing runs into the timeout`() throws {
        let done = Semaphore()
        let server = RawServer { _, _ in done.wait() }
        defer {
            done.signal()
            server.stop()
        }
        var request = post(server.url, [[1]])
        request.timeout = .milliseconds(50)
        #expect(try perform(request).failure?.kind == .timeout)
    }

    @Test func `stopping cancels what is under way`() throws {
        let (arrived, done) = (Semaphore(), Semaphore())
        let server = RawServer { connection, _ in
            _ = connection.readRequest()
            arrived.signal()
            done.wait()
        }
        let client = try HTTPClient()
        let answers = Mutex<[ClientFailure.Kind?]>([])
        client.send(post(server.url, [[1]])) { answer in
            answers.withLock { $0.append(answer.failure?.kind) }
        }
        arrived.wait()
        client.stop()
        client.join()
        client.send(post(server.url, [[1]])) { answer in
            answers.withLock { $0.append(answer.failure?.kind) }
        }
        #expect(answers.withLock { $0 } == [.cancelled, .cancelled])
        done.signal()
        server.stop()
    }

    @Test func `work runs on the client's thread when woken and when its time has come`() throws {
        let ran = Semaphore()
        let count = Atomic<Int>(0)
        let client = try HTTPClient { _, now in
            ran.signal()
            return count.wrappingAdd(1, ordering: .relaxed).newValue < 5 ? now + 1_000_000 : nil
        }
        for _ in 0..<5 { ran.wait() }
        client.wake()
        ran.wait()
        client.stop()
        client.join()
    }

    @Test func `work that runs before there is a client to know of sends all the same`() throws {
        let server = RawServer { connection, _ in
            _ = connection.readRequest()
            connection.answer("200 OK")
        }
        defer { server.stop() }
        let request = post(server.url, [[1]])
        let hasSent = Atomic(false)
        let answered = Semaphore()
        let status = Mutex<Int?>(nil)
        let known = Mutex<HTTPClient?>(nil)
        // Whoever makes the client knows of it only after its thread has begun.
        try known.withLock { known in
            known = try HTTPClient { client, _ in
                guard !hasSent.exchange(true, ordering: .relaxed) else { return nil }
                client.send(request) { answer in
                    status.withLock { $0 = answer.httpStatus }
                    answered.signal()
                }
                return nil
            }
            answered.wait()
        }
        #expect(status.withLock { $0 } == 200)
        known.withLock { $0 }?.stop()
        known.withLock { $0 }?.join()
    }

    @Test func `a gRPC peer that gives no window does not keep the thread busy`() throws {
        let server = RawServer { connection, _ in
            connection.read(atLeast: .max)
        }
        defer { server.stop() }
        let rounds = Atomic<Int>(0)
        let client = try HTTPClient { _, _ in
            rounds.wrappingAdd(1, ordering: .relaxed)
            return nil
        }
        var request = post(server.url, [[UInt8](repeating: 1, count: 1 << 20)])
        request.flavour = .grpc(compression: nil)
        request.timeout = .milliseconds(300)
        #expect(client.perform(request).failure?.kind == .timeout)
        client.stop()
        client.join()
        #expect(rounds.load(ordering: .relaxed) < 500)
    }
}

@Suite struct StallDetectorTests {
    @Test func `only many rounds without a byte are a stall`() {
        var stall = StallDetector()
        let quiet = (0...StallDetector.patience).map { _ in stall.note([5, 7]) }
        #expect(quiet.allSatisfy { !$0 })
        #expect(stall.note([5, 7]) == true)
        #expect(stall.note([5, 8]) == false)
    }

    @Test func `nothing under way is no stall`() {
        var stall = StallDetector()
        let idle = (0...100).map { _ in stall.note([]) }
        #expect(idle.allSatisfy { !$0 })
    }
}
