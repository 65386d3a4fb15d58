import Foundation
import RoostCore
import Synchronization
import Testing

@testable import RoostQueue

@Suite struct SegmentLogTests {
    @Test(arguments: [QueueSync.always, .interval(.milliseconds(5)), .never])
    func `gives back what it kept, also after it was opened again`(_ sync: QueueSync) throws {
        let fixture = try QueueFixture()
        var settings = fixture.settings
        settings.sync = sync
        let log = try SegmentLog.open(settings)
        for index in 0..<100 {
            #expect(
                log.keep(record(index, bytes: index * 17, signal: UInt8(index % 3), items: index))
                    == .success(UInt64(index + 1)))
        }
        log.close()
        log.close()
        #expect(log.keep(record(1)) == .failure(.closed))
        let again = try SegmentLog.open(settings)
        defer { again.close() }
        #expect(again.recovery.found.records == 100)
        #expect(again.recovery.found.allItems == 4950)
        #expect(again.recovery.damagedPlaces == 0 && again.recovery.tornBytes == 0)
        let (records, lost) = try again.readAll(try #require(again.cursor("a")))
        #expect(lost.isEmpty)
        #expect(records.map(\.sequence) == (1...100).map(UInt64.init))
        for (index, record) in records.enumerated() {
            #expect(record.slices.flatMap(\.array) == payload(index, bytes: index * 17))
            #expect(record.signal == UInt8(index % 3) && record.items == index)
        }
    }

    @Test func `deletes a segment when every cursor has released it`() throws {
        let fixture = try QueueFixture()
        var settings = fixture.settings
        settings.cursors = ["a", "b"]
        let log = try SegmentLog.open(settings)
        defer { log.close() }
        for index in 0..<100 { _ = log.keep(record(index, bytes: 500)) }
        let (a, b) = (try #require(log.cursor("a")), try #require(log.cursor("b")))
        let before = fixture.segments.count
        #expect(before > 10)
        log.release(a, try log.readAll(a).records.map(\.sequence))
        #expect(log.statistics().segments == before)
        let read = try log.readAll(b).records
        // In any order; the last ones first.
        log.release(b, read.suffix(60).reversed().map(\.sequence))
        #expect(log.settle { $0.segments < before })
        log.release(b, through: 100)
        #expect(log.statistics().cursors.allSatisfy { $0.waiting.isEmpty })
        #expect(log.settle { $0.segments <= 1 })
        #expect(log.settle { _ in fixture.segments.count <= 1 })
    }

    @Test func `goes on where a cursor was, and repeats what was not released`() throws {
        let fixture = try QueueFixture()
        do {
            let log = try SegmentLog.open(fixture.settings)
            for index in 0..<50 { _ = log.keep(record(index)) }
            let cursor = try #require(log.cursor("a"))
            let read = try log.readAll(cursor).records
            log.release(cursor, read.prefix(20).map(\.sequence))
            log.release(cursor, [31, 32])
            log.close()
        }
        let log = try SegmentLog.open(fixture.settings)
        defer { log.close() }
        #expect(log.statistics().cursors[0].waiting.records == 30)
        let cursor = try #require(log.cursor("a"))
        #expect(try log.readAll(cursor).records.map(number) == Array(20..<50))
    }

    @Test func `writes where a cursor is, whatever else happens and when nothing does`() throws {
        let fixture = try QueueFixture()
        let log = try SegmentLog.open(fixture.settings)
        defer { log.close() }
        let cursor = try #require(log.cursor("a"))
        func isWritten(_ sequence: UInt64) -> Bool {
            (try? CursorFile.look(fixture.path))
                == .positions([CursorFile.Position(name: "a", sequence: sequence)])
        }
        for round in 0..<20 as Range<UInt64> {
            for index in 0..<5 { _ = log.keep(record(index)) }
            for sequence in try log.readAll(cursor).records.map(\.sequence) {
                log.release(cursor, [sequence])
            }
            // Without waiting, and at rest.
            if round % 3 > 0 { #expect(log.settle { _ in isWritten(round * 5 + 6) }) }
            if round % 3 == 2 {
                #expect(log.settle { _ in log.shared.state.withLock(\.isResting) })
            }
        }
        #expect(log.settle { _ in isWritten(101) })
    }

    @Test func `refuses what does not fit, and takes it when there is room`() throws {
        let fixture = try QueueFixture()
        var settings = fixture.settings
        settings.limitBytes = 64 << 10
        let log = try SegmentLog.open(settings)
        defer { log.close() }
        #expect(log.keep(record(0, bytes: 64 << 10)) == .failure(.tooLarge(limit: 65_392)))
        var kept = 0
        while case .success = log.keep(record(kept, bytes: 1000)) { kept += 1 }
        #expect(log.keep(record(kept, bytes: 1000)) == .failure(.full))
        #expect(kept > 50 && log.statistics().bytes <= 64 << 10)
        let cursor = try #require(log.cursor("a"))
        log.release(cursor, through: try #require(log.readAll(cursor).records.last).sequence)
        #expect(log.settle { $0.bytes < 8192 })
        _ = try #require(try? log.keep(record(1, bytes: 1000)).get())
    }

    @Test func `ends a segment whose leavings are in the way of a large record`() throws {
        let fixture = try QueueFixture()
        var settings = fixture.settings
        settings.limitBytes = 64 << 10
        let log = try SegmentLog.open(settings)
        defer { log.close() }
        let cursor = try #require(log.cursor("a"))
        for index in 0..<100 {
            _ = try log.keep(record(index, bytes: 200)).get()
            log.release(cursor, through: try #require(log.readAll(cursor).records.last).sequence)
            _ = try log.keep(record(index, bytes: 65_300)).get()
            log.release(cursor, through: try #require(log.readAll(cursor).records.last).sequence)
        }
    }

    @Test func `keeps reserved room for who reserved it`() throws {
        let fixture = try QueueFixture()
        var settings = fixture.settings
        settings.limitBytes = 64 << 10
        let log = try SegmentLog.open(settings)
        defer { log.close() }
        #expect(log.reserve(40_000) == nil)
        #expect(log.reserve(40_000) == .full)
        #expect(log.keep(record(1, bytes: 40_000)) == .failure(.full))
        let done = Latch(1)
        #expect(
            log.append(record(1, bytes: 30_000), reserved: 40_000) { _ in done.countDown() } == nil)
        #expect(done.wait(untilMonotonic: monotonicNanoseconds() + 20_000_000_000))
        #expect(log.statistics().reservedBytes == 0)
        #expect(log.reserve(20_000) == nil)
        log.giveBack(20_000)
        #expect(log.statistics().reservedBytes == 0)
    }

    @Test(arguments: [0, 1 << 20])
    func `evicts the oldest and says what each cursor lost`(_ hotBytes: Int) throws {
        let fixture = try QueueFixture()
        var settings = fixture.settings
        settings.cursors = ["a", "b"]
        settings.hotBytes = hotBytes
        let log = try SegmentLog.open(settings)
        defer { log.close() }
        for index in 0..<100 { _ = log.keep(record(index, bytes: 500, signal: 1, items: 2)) }
        let (a, b) = (try #require(log.cursor("a")), try #require(log.cursor("b")))
        let out = try log.next(a, maxBytes: 1500).records
        #expect(out.count == 3)
        let lost = Dictionary(
            uniqueKeysWithValues: log.evict(untilBytes: 20_000).map { ($0.cursor, $0.lost) })
        let statistics = log.statistics()
        #expect(statistics.bytes <= 20_000 && statistics.bytes > 10_000)
        let gone = try #require(lost["b"]).records
        #expect(gone > 50 && lost["b"]?.items(1) == gone * 2 && lost["b"]?.items(0) == 0)
        // Those that a holds are not lost.
        #expect(lost["a"]?.records == gone - 3)
        #expect(try log.readAll(b).records.map(number) == Array(gone..<100))
        #expect(try log.readAll(a).records.map(number) == Array(gone..<100))
        #expect(log.release(a, out.map(\.sequence)).records == 3)
        #expect(log.statistics().cursors[0].waiting.records == 100 - gone)
    }

    @Test func `adds and removes cursors while it runs`() throws {
        let fixture = try QueueFixture()
        let log = try SegmentLog.open(fixture.settings)
        for index in 0..<30 { _ = log.keep(record(index)) }
        let late = try #require(log.addCursor("late"))
        #expect(log.addCursor("late") === late)
        for index in 30..<40 { _ = log.keep(record(index)) }
        #expect(try log.readAll(late).records.map(number) == Array(30..<40))
        #expect(log.removeCursor("a").records == 40)
        #expect(log.removeCursor("a").isEmpty)
        log.close()
        var settings = fixture.settings
        settings.cursors = ["new"]
        let again = try SegmentLog.open(settings)
        defer { again.close() }
        // The folder knows it, and keeps its data although nobody asks for it.
        #expect(again.statistics().cursors.map(\.name).sorted() == ["late", "new"])
        let dormant = try #require(again.statistics().cursors.first { $0.name == "late" })
        #expect(!dormant.isConfigured && dormant.waiting.records == 10)
        #expect(try again.readAll(try #require(again.cursor("new"))).records.isEmpty)
        #expect(again.removeCursor("late").records == 10)
        #expect(again.settle { $0.segments == 0 })
    }

    @Test(arguments: [0, 1 << 20])
    func `hands out again what a reader forgot`(_ hotBytes: Int) throws {
        let fixture = try QueueFixture()
        var settings = fixture.settings
        settings.hotBytes = hotBytes
        let log = try SegmentLog.open(settings)
        defer { log.close() }
        for index in 0..<50 { _ = log.keep(record(index, bytes: 300)) }
        let cursor = try #require(log.cursor("a"))
        var read: [StoredRecord] = []
        while read.count < 30 { read += try log.next(cursor, maxBytes: 600).records }
        log.release(cursor, [1, 2, 5, 20])
        #expect(log.rewind(cursor).isEmpty)
        let rest = try log.readAll(cursor).records.map(\.sequence)
        #expect(rest == (1...50).filter { ![1, 2, 5, 20].contains($0) })
        log.release(cursor, through: 50)
        #expect(log.statistics().cursors[0].waiting.isEmpty)
    }

    @Test func `does not hand out again what was released while it was read again`() throws {
        let fixture = try QueueFixture()
        let log = try SegmentLog.open(fixture.settings)
        defer { log.close() }
        for index in 0..<3 { _ = log.keep(record(index)) }
        let cursor = try #require(log.cursor("a"))
        _ = try log.readAll(cursor)
        log.release(cursor, [2, 3])
        _ = log.rewind(cursor)
        #expect(try log.next(cursor, maxBytes: 1).records.map(\.sequence) == [1])
        log.release(cursor, [1])
        #expect(try log.readAll(cursor).records.isEmpty)
        #expect(log.statistics().cursors[0].waiting.isEmpty)
    }

    @Test func `reserves what it reads and says when there is no room`() throws {
        let fixture = try QueueFixture()
        let log = try SegmentLog.open(fixture.settings)
        defer { log.close() }
        for index in 0..<3 { _ = log.keep(record(index, bytes: 100_000)) }
        let budget = MemoryBudget(limitBytes: 250_000)
        let share = budget.share("queue")
        let cursor = try #require(log.cursor("a"))
        var first = Optional(try log.next(cursor, maxBytes: 100_000, share: share))
        #expect(first?.records.count == 1 && budget.usedBytes > 100_000)
        var second = Optional(try log.next(cursor, maxBytes: 100_000, share: share))
        #expect(throws: QueueReadError.noMemory) {
            try log.next(cursor, maxBytes: 100_000, share: share)
        }
        first = nil
        #expect(second?.records.count == 1)
        second = nil
        #expect(try log.next(cursor, maxBytes: 100_000, share: share).records.count == 1)
    }

    @Test func `reads less at once where there is not memory for more`() throws {
        let fixture = try QueueFixture()
        var settings = fixture.fastSettings
        settings.segmentBytes = 1 << 20
        let log = try SegmentLog.open(settings)
        defer { log.close() }
        for index in 0..<300 { _ = try log.keep(record(index, bytes: 1000)).get() }
        let budget = MemoryBudget(limitBytes: 150_000)
        let share = budget.share("queue")
        let cursor = try #require(log.cursor("a"))
        var read = 0
        while read < 300 {
            let batch = try log.next(cursor, maxBytes: 1 << 20, share: share)
            #expect(batch.records.map(number) == Array(read..<read + batch.records.count))
            read += batch.records.count
            guard !batch.isEmpty else { break }
        }
        #expect(read == 300)
        _ = log.rewind(cursor)
        _ = share.takeUp(to: budget.limitBytes)
        #expect(throws: QueueReadError.noMemory) {
            try log.next(cursor, maxBytes: 1 << 20, share: share)
        }
        #expect(log.statistics().lastFailure?.contains("no memory") == true)
    }

    @Test func `one record that is never released does not end reading`() throws {
        let fixture = try QueueFixture()
        var settings = fixture.fastSettings
        settings.segmentBytes = 1 << 20
        let log = try SegmentLog.open(settings)
        defer { log.close() }
        let cursor = try #require(log.cursor("a"))
        var read = 0
        for index in 0..<70_000 {
            #expect(log.append(record(index, bytes: 8)) { _ in } == nil)
            guard index % 1000 == 999 else { continue }
            #expect(log.settle { $0.waitingRecords == 0 })
            while true {
                let records = try log.next(cursor, maxBytes: 1 << 20).records
                guard !records.isEmpty else { break }
                read += records.count
                log.release(cursor, records.map(\.sequence).filter { $0 > 1 })
            }
        }
        #expect(read == 70_000)
        #expect(log.statistics().cursors[0].waiting.records == 1)
        #expect(log.statistics().cursors[0].position == 1)
        // What was released in between stays so.
        _ = log.rewind(cursor)
        #expect(try log.readAll(cursor, maxBytes: 1 << 20).records.map(\.sequence) == [1])
        log.release(cursor, [1, 2])
        #expect(log.statistics().cursors[0].waiting.isEmpty)
    }

    @Test func `who holds too much reads on when it has released something`() throws {
        let fixture = try QueueFixture()
        var settings = fixture.fastSettings
        settings.segmentBytes = 1 << 20
        let log = try SegmentLog.open(settings)
        defer { log.close() }
        let cursor = try #require(log.cursor("a"))
        for index in 0..<70_000 { #expect(log.append(record(index, bytes: 8)) { _ in } == nil) }
        #expect(log.settle { $0.waitingRecords == 0 })
        let held = try log.readAll(cursor, maxBytes: 8000).records.count
        #expect(held >= 65_536 && held < 70_000)
        #expect(!log.hasMore(cursor))
        log.release(cursor, 1000...2000)
        #expect(log.hasMore(cursor))
        log.release(cursor, through: .max)
        let rest = try log.readAll(cursor, maxBytes: 8000).records.count
        #expect(held + rest == 70_000 && !log.hasMore(cursor))
    }

    @Test func `refuses more than may wait for the disk`() throws {
        let fixture = try QueueFixture()
        var settings = fixture.settings
        settings.waitingBytes = 1000
        settings.gather = .seconds(3600)
        let log = try SegmentLog.open(settings)
        _ = log.keep(record(0))
        let answered = Mutex(0)
        let wait = { @Sendable (_: Result<UInt64, AppendRefusal>) in answered.withLock { $0 += 1 } }
        #expect(log.append(record(1, bytes: 800), then: wait) == nil)
        #expect(log.append(record(2, bytes: 800), then: wait) == .busy)
        #expect(answered.withLock { $0 } == 0)
        log.close()
        #expect(answered.withLock { $0 } == 1)
    }

    @Test func `commits what several threads append at the same time, each once`() throws {
        let fixture = try QueueFixture()
        var settings = fixture.settings
        settings.segmentBytes = 64 << 10
        settings.hotBytes = 100_000
        let log = try SegmentLog.open(settings)
        let (threads, each) = (6, 300)
        let done = Latch(threads * each)
        let acknowledged = Mutex<[Int: UInt64]>([:])
        let writers = (0..<threads).compactMap { thread in
            NamedThread("writer") {
                for index in 0..<each {
                    let number = thread * each + index
                    let refusal = log.append(record(number, bytes: 50 + number % 2000)) { result in
                        if case .success(let sequence) = result {
                            acknowledged.withLock { $0[number] = sequence }
                        }
                        done.countDown()
                    }
                    if refusal != nil { done.countDown() }
                }
            }
        }
        let cursor = try #require(log.cursor("a"))
        var read: [StoredRecord] = []
        let deadline = monotonicNanoseconds() + 60_000_000_000
        while read.count < threads * each, monotonicNanoseconds() < deadline {
            let batch = try log.next(cursor, maxBytes: 20_000)
            #expect(batch.lost.isEmpty)
            read += batch.records
            log.release(cursor, batch.records.map(\.sequence))
        }
        #expect(done.wait(untilMonotonic: deadline))
        for writer in writers { writer.join() }
        let numbers = Dictionary(read.map { (number(of: $0), $0.sequence) }) { first, _ in first }
        #expect(read.count == threads * each && numbers == acknowledged.withLock { $0 })
        #expect(read.map(\.sequence) == read.map(\.sequence).sorted())
        for record in read {
            let number = number(of: record)
            #expect(record.slices.flatMap(\.array) == payload(number, bytes: 50 + number % 2000))
        }
        let statistics = log.statistics()
        #expect(statistics.commits < threads * each && statistics.waitingBytes == 0)
        log.close()
    }

    @Test func `keeps no file open of which everything has been read`() throws {
        for isInMemory in [false, true] {
            let fixture = try QueueFixture()
            var settings = fixture.fastSettings
            do {
                let log = try SegmentLog.open(settings)
                for index in 0..<40 { _ = log.keep(record(index, bytes: 200)) }
                log.close()
            }
            if isInMemory { settings.hotBytes = 1 << 20 }
            let log = try SegmentLog.open(settings)
            defer { log.close() }
            let cursor = try #require(log.cursor("a"))
            var read: [StoredRecord] = []
            while let hasMore = log.nextInMemory(cursor, maxBytes: 1000, waits: true)?.hasMore,
                hasMore
            {
                read += try log.next(cursor, maxBytes: 1000).records
            }
            #expect(read.map(number) == Array(0..<40))
            #expect(cursor.reader.withLock { $0.file == nil })
        }
    }
}
