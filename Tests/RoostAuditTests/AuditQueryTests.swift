import RoostCore
import Testing

@testable import RoostAudit

extension AuditQuery {
    init(
        action: String? = nil, agent: String? = nil, user: String? = nil, result: String? = nil,
        limit: Int = 100, cursor: UInt64? = nil
    ) {
        self.init()
        self.action = action
        self.agent = agent
        self.user = user
        self.result = result
        self.limit = limit
        self.cursor = cursor
    }
}

extension AuditPage {
    var numbers: [Int] {
        records.compactMap { try? JSONValue(parsing: $0)["seq"]?.number.map { Int($0) } }
    }
}

@Suite struct AuditQueryTests {
    @Test func `a line begins behind the newline before it, wherever that is`() {
        for byte: UInt8 in [0x00, 0x0B, 0x61, 0x8A, 0xFF] {
            for place in 0..<20 {
                var bytes = [UInt8](repeating: byte, count: 20)
                bytes[place] = 0x0A
                for end in 0...bytes.count {
                    let start = AuditScan.lineStart(bytes, endingAt: end)
                    #expect(start == (place < end ? place + 1 : 0), "\(byte) \(place) \(end)")
                }
                bytes[0] = 0x0A
                #expect(AuditScan.lineStart(bytes, endingAt: 20) == place + 1)
            }
        }
    }

    /// Records in memory, or in files only.
    static let memories = [4 << 20, 1]

    private func trail(_ folder: TrailFolder, _ recentBytes: Int) throws -> AuditTrail {
        var settings = folder.settings
        settings.recentBytes = recentBytes
        settings.fileBytes = 3000
        let trail = try AuditTrail.open(settings)
        trail.appendAll(
            (0..<60).map { index in
                act(
                    index % 2 == 0 ? "read" : "write", index % 3 == 0 ? "denied" : "success",
                    agent: index % 5 == 0 ? "a \"b\"" : nil, user: "u\(index % 7)")
            }, together: false)
        return trail
    }

    @Test(arguments: memories)
    func `answers newest first, by every filter`(_ memory: Int) throws {
        let folder = try TrailFolder()
        let trail = try trail(folder, memory)
        defer { trail.end() }
        let all = try trail.query(AuditQuery(limit: 1000))
        #expect(all.numbers.count == trail.status.records)
        #expect(all.numbers == all.numbers.sorted(by: >))
        #expect(try trail.query(AuditQuery(action: "read")).records.count == 30)
        #expect(try trail.query(AuditQuery(action: "rea")).records.isEmpty)
        #expect(try trail.query(AuditQuery(agent: "a \"b\"")).records.count == 12)
        #expect(try trail.query(AuditQuery(user: "u3")).records.count == 9)
        #expect(try trail.query(AuditQuery(result: "denied")).records.count == 20)
        #expect(try trail.query(AuditQuery(action: "read", result: "denied")).records.count == 10)
        #expect(try trail.query(AuditQuery(action: "audit.seal")).records.count > 3)
    }

    @Test(arguments: memories)
    func `pages follow each other without a gap`(_ memory: Int) throws {
        let folder = try TrailFolder()
        let trail = try trail(folder, memory)
        defer { trail.end() }
        let whole = try trail.query(AuditQuery(action: "write", limit: 1000)).numbers
        var parts: [Int] = []
        var cursor: UInt64?
        repeat {
            let page = try trail.query(AuditQuery(action: "write", limit: 7, cursor: cursor))
            parts += page.numbers
            cursor = page.cursor
        } while cursor != nil
        #expect(parts == whole && whole.count == 30)
    }

    @Test(arguments: memories)
    func `finds records of a time`(_ memory: Int) throws {
        let folder = try TrailFolder()
        let trail = try trail(folder, memory)
        defer { trail.end() }
        let all = try trail.query(AuditQuery(limit: 1000)).records
        let times = try all.map { record in
            let text = try #require(try JSONValue(parsing: record)["time"]?.string)
            return try #require(unixNanoseconds(rfc3339: text))
        }
        var query = AuditQuery(limit: 1000)
        query.since = times[40]
        query.until = times[20]
        let fit = times.filter { $0 >= times[40] && $0 <= times[20] }.count
        #expect(fit >= 21)
        #expect(try trail.query(query).records.count == fit)
        query.since = times[0] + 1
        query.until = nil
        #expect(try trail.query(query).records.isEmpty)
    }

    @Test func `a trail that was opened again answers the same`() throws {
        let folder = try TrailFolder()
        let first = try trail(folder, 4 << 20)
        let before = try first.query(AuditQuery(limit: 1000)).records
        first.end()
        let again = try AuditTrail.open(folder.settings)
        defer { again.end() }
        #expect(try again.query(AuditQuery(limit: 1000)).records == before)
    }

    /// In memory, where the newest file is in order by itself.
    @Test func `finds what was recorded before the clock was set back`() throws {
        let folder = try TrailFolder()
        var settings = folder.settings
        settings.fileBytes = 1
        settings.keep = nil
        let shared = AuditShared(settings) { _ in }
        let writer = try AuditWriter(settings, shared)
        let second: UInt64 = 1_000_000_000
        for time in [2000, 2010, 1000, 1010, 1020] as [UInt64] {
            _ = try writer.write([act("at \(time)").body()], at: time * second)
        }
        writer.close()
        let trail = try AuditTrail.open(settings)
        defer { trail.end() }
        let book = shared.book.withLock { $0 }
        trail.shared.book.withLock { $0 = book }
        var query = AuditQuery(agent: "writer")
        for (since, count) in [(2005, 1), (1500, 2), (1015, 3), (900, 5)] as [(UInt64, Int)] {
            query.since = since * second
            #expect(try trail.query(query).records.count == count)
            let summary = try trail.summary(
                query, since: since * second, until: 3000 * second, slots: 1)
            #expect(summary.agents["writer"]?.records == count)
        }
    }

    @Test func `says how to narrow a query that reads too much`() throws {
        let folder = try TrailFolder()
        var settings = folder.settings
        settings.recentBytes = 1
        settings.fileBytes = 3000
        settings.bytesPerQuery = 10_000
        let trail = try AuditTrail.open(settings)
        defer { trail.end() }
        trail.appendAll(acts(5) + [act("rare")] + acts(200), together: false)
        #expect(throws: AuditQueryError.self) { try trail.query(AuditQuery(action: "rare")) }
        do throws(AuditQueryError) {
            _ = try trail.query(AuditQuery(action: "rare"))
        } catch {
            #expect(error.message.contains("since") && error.message.contains("cursor="))
        }
        // What was found before that point is a page with a cursor.
        let page = try trail.query(AuditQuery(limit: 1000))
        #expect(page.records.count > 10 && page.cursor != nil)
    }

    @Test func `leaves out a record that was changed, and says so`() throws {
        let folder = try TrailFolder()
        let first = try trail(folder, 4 << 20)
        first.end()
        let name = folder.files[2]
        var lines = try folder.lines(name)
        lines[1][60] ^= 1
        try folder.putLines(lines, name)
        let again = try AuditTrail.open(folder.settings)
        defer { again.end() }
        let page = try again.query(AuditQuery(limit: 1000))
        #expect(page.records.count == again.status.records - 1 && page.damaged == 1)
    }
}
