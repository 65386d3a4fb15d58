import RoostCore
import Synchronization
import Testing

@testable import RoostQueue

/// Records that are kept and not decided about, and room that is made.
@Suite struct HeldRecordTests {
    private func keep(
        _ log: SegmentLog, _ number: Int, bytes: Int = 100, held: Bool = true,
        makesRoom: Bool = false
    ) throws -> UInt64 {
        let latch = Latch(1)
        let answer = Mutex<Result<UInt64, AppendRefusal>?>(nil)
        let refusal = log.append(
            record(number, bytes: bytes), isHeld: held, makesRoom: makesRoom
        ) { result in
            answer.withLock { $0 = result }
            latch.countDown()
        }
        if let refusal { throw refusal }
        latch.wait(untilMonotonic: monotonicNanoseconds() + 20_000_000_000)
        return try answer.withLock { try #require($0) }.get()
    }

    @Test(arguments: [0, 8 << 20])
    func `readers stop before what is held, and pass over what was withdrawn`(_ hot: Int) throws {
        let fixture = try QueueFixture()
        var settings = fixture.fastSettings
        settings.hotBytes = hot
        let log = try SegmentLog.open(settings)
        defer { log.close() }
        let cursor = try #require(log.cursor("a"))
        let first = try keep(log, 1, held: false)
        let second = try keep(log, 2)
        let third = try keep(log, 3)
        _ = try keep(log, 4, held: false)
        #expect(try log.readAll(cursor).records.map(number) == [1])
        #expect(log.nextInMemory(cursor, maxBytes: 1000, waits: true)?.hasMore == false)
        log.confirm([third])
        #expect(try log.readAll(cursor).records.isEmpty)
        log.withdraw([second])
        #expect(try log.readAll(cursor).records.map(number) == [3, 4])
        log.release(cursor, [first, third, third + 1])
        #expect(log.statistics().cursors[0].waiting.isEmpty)
        #expect(log.rewind(cursor).isEmpty)
        #expect(try log.readAll(cursor).records.isEmpty)
    }

    @Test func `after a kill what was held is a record like any other`() throws {
        let fixture = try QueueFixture()
        let log = try SegmentLog.open(fixture.settings)
        _ = try keep(log, 1)
        _ = try keep(log, 2)
        log.close()
        let again = try SegmentLog.open(fixture.settings)
        defer { again.close() }
        #expect(try again.readAll(#require(again.cursor("a"))).records.map(number) == [1, 2])
    }

    @Test func `a segment of nothing but withdrawn records goes`() throws {
        let fixture = try QueueFixture()
        let log = try SegmentLog.open(fixture.fastSettings)
        defer { log.close() }
        var sequences: [UInt64] = []
        for index in 0..<40 { sequences.append(try keep(log, index, bytes: 500)) }
        #expect(log.statistics().segments > 3)
        log.withdraw(sequences)
        #expect(log.settle { $0.segments <= 1 })
        #expect(log.statistics().cursors[0].waiting.isEmpty)
    }

    @Test func `in memory and from the disk every record comes once`() throws {
        let fixture = try QueueFixture()
        var settings = fixture.fastSettings
        settings.hotBytes = 2000
        let log = try SegmentLog.open(settings)
        defer { log.close() }
        let cursor = try #require(log.cursor("a"))
        var read: [Int] = []
        for index in 0..<300 {
            _ = try keep(log, index, held: false)
            guard index % 7 == 0 else { continue }
            if let found = log.nextInMemory(cursor, maxBytes: 500, waits: true) {
                read += found.records.map(number)
                if found.hasMore, index % 3 == 0 {
                    read += try log.next(cursor, maxBytes: 500).records.map(number)
                }
            }
        }
        read += try log.readAll(cursor).records.map(number)
        #expect(read == Array(0..<300))
    }

    @Test func `who makes room puts out the oldest segments and says what was lost`() throws {
        let fixture = try QueueFixture()
        var settings = fixture.fastSettings
        settings.limitBytes = 64 << 10
        let lost = Mutex(QueueCounts())
        let log = try SegmentLog.open(settings, onCommit: {}) { eviction in
            lost.withLock { lost in for (_, counts) in eviction.lost { lost += counts } }
        }
        defer { log.close() }
        for index in 0..<500 {
            _ = try keep(log, index, bytes: 500, held: false, makesRoom: true)
            #expect(log.statistics().bytes <= settings.limitBytes)
        }
        // One that needs almost everything, with the segment in use in the way.
        _ = try keep(log, 500, bytes: 60_000, held: false, makesRoom: true)
        #expect(log.statistics().bytes <= settings.limitBytes)
        let cursor = try #require(log.cursor("a"))
        let rest = try log.readAll(cursor, maxBytes: 100_000).records
        #expect(rest.last.map(number) == 500)
        #expect(rest.count + lost.withLock(\.records) == 501)
    }

    @Test func `what was handed out of segments that were put out is told, and counts as held`()
        throws
    {
        let fixture = try QueueFixture()
        var settings = fixture.fastSettings
        settings.limitBytes = 64 << 10
        let gone = Mutex((before: UInt64(0), lost: 0))
        let log = try SegmentLog.open(settings, onCommit: {}) { eviction in
            let lost = eviction.lost.reduce(0) { $0 + $1.lost.records }
            gone.withLock { $0 = (eviction.before, $0.lost + lost) }
        }
        defer { log.close() }
        let cursor = try #require(log.cursor("a"))
        for index in 0..<20 { _ = try keep(log, index, bytes: 500, held: false) }
        // Up to the middle of a segment, which stays open.
        let out = try log.next(cursor, maxBytes: 5000).records
        for index in 20..<300 {
            _ = try keep(log, index, bytes: 500, held: false, makesRoom: true)
        }
        #expect(cursor.reader.withLock { $0.file == nil })
        let (before, lost) = gone.withLock { $0 }
        #expect(out.allSatisfy { $0.sequence < before })
        #expect(log.statistics().evictedBytes == out.count * (500 + RecordHead.bytes))
        #expect(log.statistics().cursors[0].waiting.records == 300 - lost)
        let rest = try log.readAll(cursor).records
        #expect(rest.first?.sequence == before && rest.last.map(number) == 299)
        #expect(rest.count + out.count + lost == 300)
        log.release(cursor, out.map(\.sequence))
        #expect(log.statistics().evictedBytes == 0)
    }

    @Test func `a queue is made smaller and larger while it is open`() throws {
        let fixture = try QueueFixture()
        let log = try SegmentLog.open(fixture.fastSettings)
        defer { log.close() }
        for index in 0..<100 { _ = try keep(log, index, bytes: 2000, held: false) }
        log.use(
            limitBytes: 100_000, sync: .always, gather: .zero, waitingBytes: 50_000)
        #expect(log.reserve(100) == .full)
        #expect(try log.readAll(#require(log.cursor("a"))).records.count == 100)
        log.use(limitBytes: 1 << 20, sync: .always, gather: .zero, waitingBytes: 50_000)
        #expect(try keep(log, 100) > 0)
        #expect(log.settle { $0.syncs > 0 })
    }

    @Test func `what lies in a folder is counted without a change`() throws {
        let fixture = try QueueFixture()
        let log = try SegmentLog.open(fixture.fastSettings)
        for index in 0..<20 { _ = try keep(log, index, bytes: 500, held: false) }
        let cursor = try #require(log.cursor("a"))
        let read = try log.next(cursor, maxBytes: 2000).records
        log.release(cursor, read.map(\.sequence))
        log.close()
        let before = try fixture.segments.map { try fixture.bytes($0) }
        #expect(QueueInspection(fixture.path)?.waiting.records == 20 - read.count)
        #expect(try fixture.segments.map { try fixture.bytes($0) } == before)
        #expect(QueueInspection("/nonexistent") == nil)
        var asked = 0
        let stopped = QueueInspection(fixture.path) {
            asked += 1
            return asked > 5
        }
        #expect(stopped == nil && asked == 6)
    }
}
