import Foundation
import RoostCore
import Testing

@testable import RoostQueue

/// What a loss of power or a bad disk can leave behind.
@Suite struct QueueDamageTests {
    /// A closed queue with `count` records in one segment, none of them read.
    private func closedQueue(_ count: Int, bytes: Int = 40) throws -> QueueFixture {
        let fixture = try QueueFixture()
        let log = try SegmentLog.open(fixture.fastSettings)
        for index in 0..<count { _ = try log.keep(record(index, bytes: bytes)).get() }
        log.close()
        try #require(fixture.segments.count == 1)
        return fixture
    }

    /// Opens, reads everything, and appends one more, which must come out as well.
    private func reopen(
        _ fixture: QueueFixture
    ) throws -> (recovery: QueueRecovery, numbers: [Int], lost: QueueCounts) {
        let log = try SegmentLog.open(fixture.fastSettings)
        defer { log.close() }
        _ = try log.keep(record(99)).get()
        let (records, lost) = try log.readAll(try #require(log.cursor("a")))
        #expect(records.last.map(number) == 99)
        for record in records.dropLast() {
            #expect(record.slices.flatMap(\.array) == payload(number(of: record), bytes: 40))
        }
        #expect(log.statistics().cursors[0].waiting.records == records.count)
        return (log.recovery, records.dropLast().map(number), lost)
    }

    @Test func `opens a segment cut at every byte`() throws {
        let fixture = try closedQueue(4)
        let name = fixture.segments[0]
        let whole = try fixture.bytes(name)
        let size = RecordHead.bytes + 40
        #expect(whole.count == SegmentFormat.start + 4 * size)
        for cut in 0...whole.count {
            let copy = try QueueFixture()
            try copy.write(name, Array(whole[..<cut]))
            try copy.write(CursorFile.name, try fixture.bytes(CursorFile.name))
            let (recovery, numbers, lost) = try reopen(copy)
            let left = max(0, cut - SegmentFormat.start) / size
            #expect(numbers == Array(0..<left), "cut at \(cut)")
            #expect(lost.isEmpty && recovery.damagedPlaces == 0 && recovery.filesSetAside == 0)
            #expect(
                recovery.tornBytes
                    == (cut < SegmentFormat.start ? cut : (cut - SegmentFormat.start) % size))
            #expect(copy.quarantined.isEmpty)
        }
    }

    @Test func `loses one record at most to any flipped byte, and keeps a copy of it`() throws {
        let fixture = try closedQueue(4)
        let name = fixture.segments[0]
        let whole = try fixture.bytes(name)
        let size = RecordHead.bytes + 40
        for place in whole.indices {
            let copy = try QueueFixture()
            var damaged = whole
            damaged[place] ^= 1 << (place % 8)
            try copy.write(name, damaged)
            try copy.write(CursorFile.name, try fixture.bytes(CursorFile.name))
            for turn in 0..<2 {
                let log = try SegmentLog.open(copy.fastSettings)
                let recovery = log.recovery
                let (records, lost) = try log.readAll(try #require(log.cursor("a")))
                log.close()
                let isHeader = place < SegmentFormat.start
                let hit = (place - SegmentFormat.start) / size
                #expect(
                    records.map(number) == (0..<4).filter { isHeader || $0 != hit },
                    "flipped \(place)")
                #expect(lost.isEmpty && recovery.tornBytes == 0 && recovery.filesSetAside == 0)
                // The second time it is known already.
                #expect(recovery.damagedPlaces == (isHeader || turn > 0 ? 0 : 1))
                #expect(copy.quarantined.count == (isHeader ? 0 : 1))
                guard !isHeader else { continue }
                let start = SegmentFormat.start + hit * size
                let kept = try copy.bytes(Quarantine.folder + "/" + copy.quarantined[0])
                #expect(kept == Array(damaged[start..<start + size]))
            }
        }
    }

    @Test func `opens where nothing can be set aside, and counts all the same`() throws {
        let fixture = try closedQueue(4)
        let name = fixture.segments[0]
        var bytes = try fixture.bytes(name)
        bytes[SegmentFormat.start + RecordHead.bytes + 5] ^= 1
        try fixture.write(name, bytes)
        try fixture.write(Quarantine.folder, [1])
        for _ in 0..<2 {
            let log = try SegmentLog.open(fixture.fastSettings)
            let (records, _) = try log.readAll(try #require(log.cursor("a")))
            log.close()
            #expect(records.map(number) == [1, 2, 3])
            #expect(log.recovery.damagedPlaces == 1 && log.recovery.damaged.records == 1)
            #expect(log.recovery.quarantineFailure?.contains("quarantine") == true)
            #expect(log.recovery.placesLeft == 1 && log.recovery.placesSetAside == 0)
            #expect(log.recovery.bytesLeft == log.recovery.damagedBytes)
        }
        // The same for a whole file.
        for place in 0..<SegmentFormat.start { bytes[place] = 0xFF }
        try fixture.write(name, bytes)
        for _ in 0..<2 {
            let log = try SegmentLog.open(fixture.fastSettings)
            defer { log.close() }
            #expect(log.recovery.filesUnreadable == 1 && log.recovery.filesSetAside == 0)
            #expect(log.recovery.damagedBytes == bytes.count)
            #expect(log.recovery.bytesLeft == bytes.count)
            #expect(fixture.segments.contains(name))
        }
        try FileManager.default.removeItem(atPath: fixture.file(Quarantine.folder))
        let log = try SegmentLog.open(fixture.fastSettings)
        defer { log.close() }
        #expect(log.recovery.filesSetAside == 1 && log.recovery.quarantineFailure == nil)
        #expect(fixture.quarantined.count == 1)
    }

    @Test func `finds damage in older segments when it reads them, for every cursor`() throws {
        for isHead in [false, true] {
            let fixture = try QueueFixture()
            var settings = fixture.settings
            settings.cursors = ["a", "b"]
            do {
                let log = try SegmentLog.open(settings)
                for index in 0..<60 { _ = log.keep(record(index, bytes: 200, signal: 2, items: 3)) }
                log.close()
            }
            let name = fixture.segments[1]
            var bytes = try fixture.bytes(name)
            let size = RecordHead.bytes + 200
            let start = SegmentFormat.start + 2 * size
            bytes[start + (isHead ? 4 : 60)] ^= 0x10
            try fixture.write(name, bytes)
            let log = try SegmentLog.open(settings)
            defer { log.close() }
            let first = Int(try #require(SegmentFormat.id(ofFile: name))) - 1
            for cursor in ["a", "b"] {
                let (records, lost) = try log.readAll(try #require(log.cursor(cursor)))
                #expect(records.map(number) == (0..<60).filter { $0 != first + 2 })
                // With its head gone it is found by opening, and was never counted.
                #expect(lost.records == (isHead ? 0 : 1) && lost.items(2) == (isHead ? 0 : 3))
            }
            #expect(fixture.quarantined.count == 1)
            #expect(log.statistics().damagedPlaces == (isHead ? 0 : 1))
            #expect(log.recovery.damagedPlaces == (isHead ? 1 : 0))
            for cursor in log.statistics().cursors { #expect(cursor.waiting.records == 59) }
            for cursor in ["a", "b"] {
                log.release(try #require(log.cursor(cursor)), through: .max)
            }
            #expect(log.settle { $0.segments <= 1 })
        }
    }

    @Test func `counts what vanished from a segment while the queue was open`() throws {
        let fixture = try QueueFixture()
        let log = try SegmentLog.open(fixture.fastSettings)
        defer { log.close() }
        for index in 0..<60 { _ = log.keep(record(index, bytes: 200)) }
        let name = fixture.segments[1]
        var bytes = try fixture.bytes(name)
        let size = RecordHead.bytes + 200
        // The head of one record, and everything from another one on.
        bytes[SegmentFormat.start + size] ^= 1
        try fixture.write(name, Array(bytes[..<(SegmentFormat.start + 8 * size + 10)]))
        try FileManager.default.removeItem(atPath: fixture.file(fixture.segments[2]))
        let first = Int(try #require(SegmentFormat.id(ofFile: name))) - 1
        let each = (bytes.count - SegmentFormat.start) / size
        // A file that is gone is given up when it has been looked for three times.
        let (records, lost) = try log.readAll(try #require(log.cursor("a")), failures: 2)
        let gone = Set([first + 1] + Array(first + 8..<first + 2 * each))
        #expect(records.map(number) == (0..<60).filter { !gone.contains($0) })
        #expect(lost.records == gone.count && lost.allItems == gone.count)
        #expect(log.statistics().cursors[0].waiting.records == 60 - gone.count)
    }

    @Test func `counts what vanished from the segment in use, and goes on with what comes`() throws
    {
        let fixture = try QueueFixture()
        let log = try SegmentLog.open(fixture.fastSettings)
        defer { log.close() }
        let cursor = try #require(log.cursor("a"))
        for index in 0..<8 { _ = try log.keep(record(index, items: 3)).get() }
        let name = try #require(fixture.segments.first)
        let size = RecordHead.bytes + 100
        try QueueFile(fixture.file(name), .write).truncate(to: SegmentFormat.start + 5 * size + 9)
        let (records, lost) = try log.readAll(cursor)
        #expect(records.map(number) == Array(0..<5))
        #expect(lost.records == 3 && lost.allItems == 9)
        #expect(log.nextInMemory(cursor, maxBytes: 1, waits: true)?.hasMore == false)
        log.release(cursor, through: .max)
        #expect(log.statistics().cursors[0].waiting.isEmpty)
        #expect(log.statistics().damagedPlaces == 1)
        _ = try log.keep(record(8)).get()
        let next = try log.readAll(cursor)
        #expect(next.records.map(number) == [8] && next.lost.isEmpty)
    }

    @Test func `counts each of very many damaged places once`() throws {
        let fixture = try QueueFixture()
        var settings = fixture.fastSettings
        settings.segmentBytes = 1 << 20
        do {
            let log = try SegmentLog.open(settings)
            for index in 0..<1100 { _ = try log.keep(record(index, bytes: 40, items: 2)).get() }
            log.close()
        }
        let name = fixture.segments[0]
        var bytes = try fixture.bytes(name)
        let size = RecordHead.bytes + 40
        for index in 5..<1055 { bytes[SegmentFormat.start + index * size + 60] ^= 1 }
        try fixture.write(name, bytes)
        let log = try SegmentLog.open(settings)
        defer { log.close() }
        #expect(log.recovery.damaged.allItems == 2100)
        #expect(log.recovery.damagedWaiting["a"]?.records == 1050)
        #expect(log.recovery.placesLeft == 50 && log.recovery.quarantineFailure != nil)
        let cursor = try #require(log.cursor("a"))
        #expect(log.statistics().cursors[0].waiting.records == 50)
        let (records, lost) = try log.readAll(cursor)
        #expect(records.map(number) == Array(0..<5) + Array(1055..<1100) && lost.isEmpty)
        log.release(cursor, through: .max)
        #expect(log.statistics().cursors[0].waiting == QueueCounts())
        #expect(log.settle { $0.segments == 0 })
    }

    @Test func `steps over a run of damaged records and bytes that only look like a record`() throws
    {
        // A payload with the file of another queue in it.
        let other = try closedQueue(3)
        let foreign = try other.bytes(other.segments[0])
        let fixture = try QueueFixture()
        var settings = fixture.settings
        settings.segmentBytes = 64 << 10
        let log = try SegmentLog.open(settings)
        for _ in 0..<5 {
            _ = try log.keep(
                QueueRecord(signal: 0, items: 1, slices: [ByteBlock(foreign).slice])
            ).get()
        }
        log.close()
        let name = fixture.segments[0]
        var bytes = try fixture.bytes(name)
        let size = RecordHead.bytes + foreign.count
        for index in 1...2 { bytes[SegmentFormat.start + index * size] ^= 1 }
        try fixture.write(name, bytes)
        let again = try SegmentLog.open(settings)
        defer { again.close() }
        let (records, _) = try again.readAll(try #require(again.cursor("a")))
        #expect(records.map(\.sequence) == [1, 4, 5])
        #expect(again.recovery.damagedBytes == 2 * size)
    }

    @Test func `starts from the last whole place of a torn cursor file`() throws {
        let fixture = try QueueFixture()
        var settings = fixture.settings
        settings.cursorSync = .zero
        let log = try SegmentLog.open(settings)
        for index in 0..<20 { _ = log.keep(record(index)) }
        let cursor = try #require(log.cursor("a"))
        _ = try log.readAll(cursor)
        for sequence in 1...10 as ClosedRange<UInt64> {
            log.release(cursor, [sequence])
            _ = log.keep(record(0))
        }
        log.close()
        let whole = try fixture.bytes(CursorFile.name)
        let segments = try fixture.segments.map { ($0, try fixture.bytes($0)) }
        var damages = (0..<whole.count).filter { $0 % 509 == 0 || $0 % 16_384 < 60 }.map {
            Array(whole[..<$0])
        }
        for place in 0..<100 {
            var bytes = whole
            bytes[place % 50 + place / 50 * 16_384] ^= 0x40
            damages.append(bytes)
        }
        for damaged in damages + [[]] {
            let copy = try QueueFixture()
            for (name, bytes) in segments { try copy.write(name, bytes) }
            try copy.write(CursorFile.name, damaged)
            let log = try SegmentLog.open(copy.fastSettings)
            defer { log.close() }
            let numbers = try log.readAll(try #require(log.cursor("a"))).records.map(\.sequence)
            let first = try #require(numbers.first)
            // What was not released is there, and nothing is missing in between.
            #expect(first <= 11 && numbers == Array(first...30))
            #expect(log.recovery.cursorsLost == (damaged.allSatisfy { $0 == 0 } || first == 1))
        }
    }

    @Test func `refuses a newer format and touches nothing`() throws {
        let fixture = try closedQueue(3)
        let torn = try fixture.bytes(fixture.segments[0]).dropLast(5)
        try fixture.write(fixture.segments[0], Array(torn))
        var header = [UInt8](repeating: 0, count: 200)
        unsafe header.withUnsafeMutableBytes { buffer in
            let copy = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[..<48])
            unsafe SegmentHeader(id: 9, createdUnixNano: 1, salt: 2).write(to: copy)
            unsafe copy.put(UInt16(3), at: 8)
            unsafe copy.put(XXHash64.of(UnsafeRawBufferPointer(rebasing: copy[..<40])), at: 40)
        }
        try fixture.write(SegmentFormat.fileName(9), header)
        let names = fixture.names
        let error = #expect(throws: QueueOpenError.self) {
            try SegmentLog.open(fixture.fastSettings)
        }
        #expect(
            error
                == .version(file: fixture.file(SegmentFormat.fileName(9)), found: 3, known: 2))
        #expect(fixture.names == names)
        #expect(try fixture.bytes(fixture.segments[0]) == Array(torn))
    }

    @Test func `leaves other files alone`() throws {
        let fixture = try closedQueue(3)
        for name in ["lock", "1.segment", "00000000000000000001.segment~", "x.segment"] {
            try fixture.write(name, [1, 2, 3])
        }
        try FileManager.default.createDirectory(
            atPath: fixture.file(SegmentFormat.fileName(77)), withIntermediateDirectories: false)
        #expect(try reopen(fixture).numbers == [0, 1, 2])
        for name in ["lock", "1.segment", "00000000000000000001.segment~", "x.segment"] {
            #expect(try fixture.bytes(name) == [1, 2, 3])
        }
    }

    @Test func `opens whatever lies in a segment file`() throws {
        let fixture = try closedQueue(4)
        let name = fixture.segments[0]
        let whole = try fixture.bytes(name)
        var numbers = Numbers(42)
        for round in 0..<300 {
            let copy = try QueueFixture()
            var bytes: [UInt8]
            switch round % 3 {
            case 0:
                bytes = (0..<Int.random(in: 0...2000, using: &numbers)).map { _ in
                    UInt8.random(in: 0...255, using: &numbers)
                }
            case 1:
                bytes = whole
                for _ in 0..<Int.random(in: 1...30, using: &numbers) {
                    bytes[Int.random(in: bytes.indices, using: &numbers)] =
                        UInt8.random(in: 0...255, using: &numbers)
                }
            default:
                // Pieces of the file in any order.
                bytes = Array(whole[..<SegmentFormat.start])
                for _ in 0..<Int.random(in: 1...20, using: &numbers) {
                    let start = Int.random(in: whole.indices, using: &numbers)
                    bytes += whole[start..<min(whole.count, start + 120)]
                }
            }
            try copy.write(name, bytes)
            if round % 2 == 0 { try copy.write(CursorFile.name, bytes) }
            let (_, found, _) = try reopen(copy)
            #expect(found == found.sorted() && Set(found).isSubset(of: Set(0..<4)))
        }
    }
}
