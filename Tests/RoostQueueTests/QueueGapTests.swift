import Foundation
import RoostCore
import Testing

@testable import RoostQueue

/// Older segments that lost their end, or are gone, while the queue was closed.
@Suite struct QueueGapTests {
    private static let size = RecordHead.bytes + 200

    /// A closed queue with 60 records of 3 items of signal 1, in at least four segments.
    private func closedQueue(_ change: (SegmentLog) throws -> Void = { _ in }) throws
        -> QueueFixture
    {
        let fixture = try QueueFixture()
        let log = try SegmentLog.open(fixture.fastSettings)
        for index in 0..<60 {
            _ = try log.keep(record(index, bytes: 200, signal: 1, items: 3)).get()
        }
        try change(log)
        log.close()
        try #require(fixture.segments.count >= 4)
        return fixture
    }

    private func first(_ name: String) throws -> Int {
        Int(try #require(SegmentFormat.id(ofFile: name)))
    }

    private func cut(_ fixture: QueueFixture, _ name: String, to size: Int) throws {
        try QueueFile(fixture.file(name), .write).truncate(to: size)
    }

    /// Opens twice; answers what the first found, and what is read then.
    private func reopen(
        _ fixture: QueueFixture
    ) throws -> (recovery: QueueRecovery, numbers: [Int]) {
        let log = try SegmentLog.open(fixture.fastSettings)
        let recovery = log.recovery
        let (records, lost) = try log.readAll(try #require(log.cursor("a")))
        #expect(lost.isEmpty)
        #expect(log.statistics().cursors[0].waiting.records == records.count)
        log.close()
        let again = try SegmentLog.open(fixture.fastSettings)
        again.close()
        #expect(again.recovery.damagedPlaces == 0 && again.recovery.gaps.isEmpty)
        #expect(again.recovery.damaged.isEmpty && again.recovery.tornBytes == 0)
        return (recovery, records.map(number))
    }

    enum Loss: CaseIterable { case middle, recordEnd, header, empty, deleted, garbage }

    @Test(arguments: Loss.allCases, [0, 1])
    func `counts what an older segment has lost, once`(_ loss: Loss, at place: Int) throws {
        let fixture = try closedQueue()
        let name = fixture.segments[place]
        let (begin, end) = (try first(name), try first(fixture.segments[place + 1]))
        var kept = 0
        switch loss {
        case .middle:
            kept = 5
            try cut(fixture, name, to: SegmentFormat.start + 5 * Self.size + 77)
        case .recordEnd:
            kept = 3
            try cut(fixture, name, to: SegmentFormat.start + 3 * Self.size)
        case .header: try cut(fixture, name, to: SegmentFormat.start + 20)
        case .empty: try cut(fixture, name, to: 0)
        case .deleted: try FileManager.default.removeItem(atPath: fixture.file(name))
        case .garbage: try fixture.write(name, payload(1, bytes: 2000))
        }
        let (recovery, numbers) = try reopen(fixture)
        let gone = Array((begin + kept)..<end)
        #expect(numbers == (1...60).filter { !gone.contains($0) }.map { $0 - 1 })
        #expect(recovery.gaps.map(\.records) == [gone.count])
        #expect(recovery.gaps.map(\.isExact) == [true])
        #expect(recovery.damaged.records == gone.count)
        #expect(recovery.damaged.items(1) == 3 * gone.count)
        #expect(recovery.damagedWaiting["a"]?.items(1) == 3 * gone.count)
        #expect(recovery.damagedPlaces + recovery.filesSetAside == 1)
        #expect(recovery.tornBytes == 0)
    }

    @Test func `says so when it cannot know the items`() throws {
        let fixture = try closedQueue()
        let names = fixture.segments
        for name in names[1...2] {
            try FileManager.default.removeItem(atPath: fixture.file(name))
        }
        let (recovery, _) = try reopen(fixture)
        let gone = try first(names[3]) - first(names[1])
        #expect(recovery.gaps.map(\.records) == [gone])
        #expect(recovery.gaps.map(\.isExact) == [false])
        // Those of the last one.
        #expect(recovery.damaged.items(1) == 3 * (try first(names[3]) - first(names[2])))
    }

    @Test func `what was done with in between is not missed`() throws {
        let fixture = try closedQueue { log in
            let cursor = try #require(log.cursor("a"))
            let records = try log.readAll(cursor).records
            // All but the first, and some at the end: whole segments in two groups.
            log.release(cursor, records[1..<20].map(\.sequence))
            log.release(cursor, records[35..<45].map(\.sequence))
            log.release(cursor, records[20..<30].map(\.sequence))
        }
        #expect(fixture.segments.count < 7)
        let log = try SegmentLog.open(fixture.fastSettings)
        #expect(log.recovery.gaps.isEmpty && log.recovery.damagedPlaces == 0)
        let cursor = try #require(log.cursor("a"))
        // And once more, when what kept it back is gone as well.
        let records = try log.readAll(cursor).records
        #expect(Set(records.map(number)).isSuperset(of: [0] + Array(30..<35) + Array(45..<60)))
        log.release(cursor, records.prefix { number(of: $0) < 45 }.map(\.sequence))
        log.close()
        let (recovery, numbers) = try reopen(fixture)
        #expect(recovery.gaps.isEmpty && recovery.damagedPlaces == 0)
        #expect(numbers.suffix(15) == Array(45..<60)[...])
    }

    @Test func `a program that was killed after any step misses nothing`() throws {
        let fixture = try QueueFixture()
        var settings = fixture.fastSettings
        settings.limitBytes = 64 << 10
        let log = try SegmentLog.open(settings)
        defer { log.close() }
        let cursor = try #require(log.cursor("a"))
        var out: [UInt64] = []
        for index in 0..<400 {
            _ = log.evict(untilBytes: index % 50 == 49 ? 20_000 : 60_000)
            _ = try log.keep(record(index, bytes: 500)).get()
            out += try log.next(cursor, maxBytes: 500).records.map(\.sequence)
            if index % 3 == 0 { out.removeAll { log.release(cursor, [$0]).records > 0 && $0 > 0 } }
            guard index % 10 == 0 else { continue }
            #expect(log.settle { _ in !log.shared.state.withLock(\.cursorsChanged) })
            let copy = try QueueFixture()
            for name in [CursorFile.name] + fixture.segments {
                guard let bytes = try? fixture.bytes(name) else { continue }
                try copy.write(name, bytes)
            }
            var copied = settings
            copied.path = copy.path
            let again = try SegmentLog.open(copied)
            #expect(again.recovery.gaps.isEmpty && again.recovery.damagedPlaces == 0)
            again.close()
        }
    }

    @Test func `whatever befalls one older segment, what is found and what is damaged add up`()
        throws
    {
        var numbers = Numbers(11)
        let whole = try closedQueue()
        let names = whole.segments
        for turn in 0..<300 {
            let fixture = try QueueFixture()
            for name in names + [CursorFile.name] {
                try fixture.write(name, try whole.bytes(name))
            }
            let name = names[.random(in: 0..<names.count - 1, using: &numbers)]
            var bytes = try whole.bytes(name)
            let place = Int.random(in: 0..<bytes.count, using: &numbers)
            switch turn % 4 {
            case 0: bytes.removeLast(bytes.count - place)
            case 1: bytes[place] ^= 1 << (turn / 4 % 8)
            case 2: bytes.removeSubrange(place..<min(bytes.count, place + 300))
            default:
                for index in place..<min(bytes.count, place + 700) { bytes[index] = 0 }
            }
            try fixture.write(name, bytes)
            let log = try SegmentLog.open(fixture.fastSettings)
            let (records, lost) = try log.readAll(try #require(log.cursor("a")))
            log.close()
            // Half a header says nothing of the segment before, which is whole.
            let damaged = log.recovery.damagedWaiting["a"] ?? QueueCounts()
            let items = records.count * 3 + lost.items(1) + damaged.items(1)
            #expect(items == 180, "turn \(turn), \(name) at \(place)")
            let again = try SegmentLog.open(fixture.fastSettings)
            #expect(again.recovery.gaps.isEmpty && again.recovery.damagedPlaces == 0)
            let found = try again.readAll(try #require(again.cursor("a"))).records.map(number)
            #expect(found == records.map(number))
            again.close()
        }
    }

    @Test func `reads the number of a header's items in both halves`() throws {
        var counts = QueueCounts()
        counts.add(5, of: 0)
        counts.add(70_000, of: 1)
        counts.add(1 << 20, of: 2)
        let before = SegmentBefore(812, counts)
        #expect(before.isOf(812) && !before.isOf(813))
        let header = SegmentHeader(id: 900, createdUnixNano: 1, salt: 2, before: before)
        var bytes = [UInt8](repeating: 0, count: SegmentFormat.start)
        unsafe bytes.withUnsafeMutableBytes { buffer in
            unsafe header.write(to: .init(rebasing: buffer[..<SegmentHeader.bytes]))
            unsafe header.write(to: .init(rebasing: buffer[SegmentHeader.bytes...]), copy: 1)
        }
        #expect(
            unsafe bytes.withUnsafeBytes { unsafe SegmentHeader.readBoth($0) } == .valid(header))
        let (items, isExact) = before.items(beside: QueueCounts(signal: 1, items: 1000, bytes: 1))
        #expect(items.items(0) == 5 && items.items(1) == 69_000 && !isExact)
        // One copy is not enough.
        bytes[20] ^= 1
        guard
            case .valid(let half) = unsafe bytes.withUnsafeBytes({
                unsafe SegmentHeader.readBoth($0)
            })
        else {
            Issue.record("not read")
            return
        }
        #expect(half.id == 900 && !half.before.isKnown)
    }
}
