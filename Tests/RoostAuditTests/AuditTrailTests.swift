import RoostCore
import Testing

@testable import RoostAudit

@Suite struct AuditTrailTests {
    @Test func `numbers records in the order in which they are appended`() throws {
        let folder = try TrailFolder()
        let trail = try AuditTrail.open(folder.settings)
        let numbers = trail.appendAll(acts(50)).compactMap { try? $0.get() }
        trail.end()
        #expect(numbers == Array(1...50))
        #expect(try folder.lines(folder.files[0]).count == 50)
        let result = verifyAudit(folder: folder.path)
        #expect(result.isIntact && result.records == 50)
        #expect(result.firstSequence == 1 && result.lastSequence == 50)
    }

    @Test func `goes on where it ended`() throws {
        let folder = try TrailFolder()
        for _ in 0..<3 {
            let trail = try AuditTrail.open(folder.settings)
            trail.appendAll(acts(5))
            trail.end()
        }
        let result = verifyAudit(folder: folder.path)
        #expect(result.isIntact && result.lastSequence == 15 && result.files == 1)
    }

    @Test func `a line is what its description says`() throws {
        let folder = try TrailFolder()
        let trail = try AuditTrail.open(folder.settings)
        var record = act(details: .object([("tool", .string("Bash\n\"x\"")), ("n", .number(3))]))
        record.happened = 1_700_000_000_000_000_000
        trail.appendAll([record, AuditRecord(action: "a", result: "denied", source: .agent)])
        trail.end()
        let lines = try folder.lines(folder.files[0])
        let text = String(decoding: lines[0], as: UTF8.self)
        let first = try JSONValue(parsing: lines[0])
        let time = try #require(first["time"]?.string)
        let hash = try #require(first["hash"]?.string)
        let members =
            #"{"seq":1,"time":"\#(time)","agent":"writer","action":"tool.execute","user":"ada","#
            + #""result":"success","source":"api","session":"s-1","#
            + #""trace_id":"0af7651916cd43dd8448eb211c80319c","#
            + #""happened":"2023-11-14T22:13:20.000000000Z","#
            + #""details":{"tool":"Bash\n\"x\"","n":3},"prev":"\#(String(repeating: "0", count: 64))""#
        #expect(text == members + #","hash":"\#(hash)"}"#)
        let second = try JSONValue(parsing: lines[1])
        #expect(second["prev"]?.string == hash)
        #expect(second["agent"] == .null && second["details"] == .object([]))
    }

    @Test func `the hash is the SHA-256 of the line without it`() throws {
        // From: printf '{"seq":1,"a":2,"prev":"000…0"}' | sha256sum
        var bytes: [UInt8] = []
        let hash = AuditLine.write(
            sequence: 1, body: Array(#","a":2"#.utf8), previous: AuditLine.noHash, into: &bytes,
            SHA256())
        #expect(String(decoding: hash, as: UTF8.self) == golden)
        let line = bytes.span.extracting(0..<bytes.count - 1)
        #expect(AuditLine.link(line)?.hash == hash)
        #expect(AuditLine.sum(line, SHA256()) == hash)
    }

    @Test(arguments: [
        act("", "success"), act("a", "Success"), act("a", ""), act("a", "not ok"),
        act(String(repeating: "x", count: 257)), act(user: String(repeating: "ä", count: 257)),
        act(details: .array([])), act(details: .string("x")),
        act(details: .object([("x", .string(String(repeating: "y", count: 20_000)))])),
        AuditRecord(action: "a", result: "success", source: .api, traceID: "12"),
    ])
    func `refuses what is no record`(_ record: AuditRecord) throws {
        let folder = try TrailFolder()
        let trail = try AuditTrail.open(folder.settings)
        let answer = trail.appendAll([record])
        guard case .failure(.invalid) = answer[0] else { throw AuditOpenError("\(answer)") }
        trail.end()
        #expect(folder.files.isEmpty)
        #expect(trail.status.counts.failures == [.invalid: 1])
        #expect(trail.status.counts.completeness == 1)
    }

    @Test func `refuses and counts what is too much to wait`() throws {
        let folder = try TrailFolder()
        var settings = folder.settings
        settings.waitingBytes = 600
        let trail = try AuditTrail.open(settings)
        let answers = trail.appendAll(acts(200))
        trail.end()
        let taken = answers.count { (try? $0.get()) != nil }
        let refused = answers.count { $0 == .failure(.busy) }
        #expect(taken + refused == 200 && refused > 0)
        let status = trail.status
        #expect(status.records == taken && status.counts.failed == UInt64(refused))
        #expect(status.counts.completeness == Double(taken) / 200)
        #expect(verifyAudit(folder: folder.path).records == taken)
    }

    @Test func `numbers in the details are kept with every digit, on one line`() throws {
        let folder = try TrailFolder()
        let details =
            #"{"id":9007199254740993,"big":12345678901234567890123,"dup":1,"dup":2,"huge":1E400}"#
        let posted = details.replacing(",", with: " ,\n\t")
        let trail = try AuditTrail.open(folder.settings)
        let record = act(details: try JSONValue(parsing: posted.utf8))
        #expect(trail.appendAll([record]) == [.success(1)])
        let page = try trail.query(AuditQuery())
        trail.end()
        let line = try #require(page.records.first)
        #expect(String(decoding: line, as: UTF8.self).contains(#""details":\#(details),"prev""#))
        #expect(try folder.lines(folder.files[0]) == [line] && page.damaged == 0)
        let long = String(repeating: "9", count: AuditRecord.mostDetails)
        let tooLong = act(details: .object([("n", try JSONValue(parsing: long.utf8))]))
        #expect(throws: AuditRefusal.self) { try tooLong.check() }
    }

    @Test func `refuses everything once it is closed`() throws {
        let folder = try TrailFolder()
        let trail = try AuditTrail.open(folder.settings)
        trail.end()
        #expect(trail.appendAll(acts(1)) == [.failure(.closed)])
    }

    @Test func `nobody else appends to the same folder`() throws {
        let folder = try TrailFolder()
        let trail = try AuditTrail.open(folder.settings)
        #expect(throws: AuditOpenError.self) { try AuditTrail.open(folder.settings) }
        trail.end()
        try AuditTrail.open(folder.settings).end()
    }

    @Test func `counts by action and result, and together what is too much`() throws {
        let folder = try TrailFolder()
        var settings = folder.settings
        settings.countedPairs = 2
        let trail = try AuditTrail.open(settings)
        trail.appendAll([
            act("a"), act("b", "denied"), act("a"), act("c"), act("d"), act("b", "denied"),
        ])
        trail.end()
        let counts = trail.status.counts
        #expect(
            counts.pairs == [
                AuditCounts.Pair(action: "a", result: "success"): 2,
                AuditCounts.Pair(action: "b", result: "denied"): 2,
            ])
        #expect(counts.otherPairs == 2 && counts.appended == 6)
        #expect(counts.latencies.reduce(0, +) == 6)
    }

    @Test func `threads that append at once make one chain`() throws {
        let folder = try TrailFolder()
        let trail = try AuditTrail.open(folder.settings)
        let threads = (0..<4).compactMap { _ in
            NamedThread("append") { _ = trail.appendAll(acts(100)) }
        }
        for thread in threads { thread.join() }
        trail.end()
        let result = verifyAudit(folder: folder.path)
        #expect(result.isIntact && result.records == 400)
        #expect(trail.status.counts.groups < 400)
    }
}

private let golden = "14740027636b53a4520bc7ba6f617d2808b67378a6b71b8fcab3ac763c9c94e9"
