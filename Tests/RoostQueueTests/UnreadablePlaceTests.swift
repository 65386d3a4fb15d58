import Foundation
import Glibc
import RoostCore
import Synchronization
import Testing

@testable import RoostQueue

/// A disk that does not give some bytes of a segment: EIO.
@Suite struct UnreadablePlaceTests {
    private static let size = RecordHead.bytes + 200
    /// Records in the segment with the bad place, before it.
    private static let before = 3

    /// A queue of 60 records of 3 items of signal 1 in several segments.
    private func filled(_ settings: SegmentLogSettings) throws -> SegmentLog {
        let log = try SegmentLog.open(settings)
        for index in 0..<60 {
            _ = try log.keep(record(index, bytes: 200, signal: 1, items: 3)).get()
        }
        return log
    }

    /// Of a segment, or of its fourth record.
    enum Place { case header, head, payload }

    /// With a bad place in the segment `name`.
    private func withBad<Result>(
        _ place: Place, _ name: String, _ body: () throws -> Result
    ) rethrows -> Result {
        let record = SegmentFormat.start + Self.before * Self.size
        let start =
            switch place {
            case .header: 40
            case .head: record + 20
            case .payload: record + 100
            }
        return try QueueFile.$unreadable.withValue(
            { $0.contains(name) ? start..<start + 10 : nil }, operation: body)
    }

    /// Like `readAll`, with as many tries as are needed.
    private func readAll(
        _ log: SegmentLog, _ cursor: String = "a", maxBytes: Int = 100_000
    ) throws -> (records: [StoredRecord], lost: QueueCounts, unsaved: String?) {
        let cursor = try #require(log.cursor(cursor))
        var (records, lost, unsaved): ([StoredRecord], QueueCounts, String?) = ([], .init(), nil)
        for _ in 0..<1000 {
            do throws(QueueReadError) {
                let batch = try log.next(cursor, maxBytes: maxBytes)
                if batch.isEmpty { return (records, lost, unsaved) }
                records += batch.records
                lost += batch.lost
                unsaved = batch.quarantineFailure ?? unsaved
            } catch {
                sched_yield()
            }
        }
        Issue.record("the disk is still asked")
        return (records, lost, unsaved)
    }

    private func numbers(_ names: [String], of index: Int) throws -> Range<Int> {
        let first = try names.map { Int(try #require(SegmentFormat.id(ofFile: $0))) - 1 } + [60]
        return first[index]..<first[index + 1]
    }

    private func isThere(_ fixture: QueueFixture, _ name: String, _ bytes: [UInt8]) -> Bool {
        (try? fixture.bytes(name)) == bytes
    }

    private func isInQuarantine(_ fixture: QueueFixture, _ name: String, _ bytes: [UInt8]) -> Bool {
        guard let moved = fixture.quarantined.first(where: { $0.hasPrefix(name) }) else {
            return false
        }
        return isThere(fixture, Quarantine.folder + "/" + moved, bytes)
    }

    // MARK: found while reading

    @Test(arguments: [0, 1, 3], [Place.head, .payload])
    func `a file with a bad place goes to quarantine when all are done with it`(
        _ index: Int, _ place: Place
    ) throws {
        let fixture = try QueueFixture()
        var settings = fixture.fastSettings
        settings.cursors = ["a", "b"]
        let log = try filled(settings)
        defer { log.close() }
        let names = fixture.segments
        let (name, held) = (names[index], try numbers(names, of: index))
        let bytes = try fixture.bytes(name)
        try withBad(place, name) {
            for cursor in ["a", "b"] {
                let (records, lost, unsaved) = try readAll(log, cursor)
                let gone = held.dropFirst(Self.before)
                #expect(records.map(number) == (0..<60).filter { !gone.contains($0) })
                #expect(lost.records == gone.count && lost.items(1) == 3 * gone.count)
                #expect(unsaved == nil)
            }
        }
        // Still wanted by both.
        #expect(fixture.quarantined.isEmpty && isThere(fixture, name, bytes))
        #expect(log.statistics().damagedPlaces == 1)
        log.release(try #require(log.cursor("a")), through: .max)
        #expect(log.settle { _ in !log.shared.state.withLock(\.cursorsChanged) })
        #expect(fixture.quarantined.isEmpty && isThere(fixture, name, bytes))
        // All but the very first, so that what is moved may lie between others.
        let cursor = try #require(log.cursor("b"))
        log.release(cursor, Array(2...60))
        if index == 0 { log.release(cursor, [1]) }
        #expect(log.settle { _ in fixture.quarantined.count == 1 })
        #expect(isInQuarantine(fixture, name, bytes))
        log.close()
        let again = try SegmentLog.open(settings)
        defer { again.close() }
        #expect(again.recovery.damagedPlaces == 0 && again.recovery.gaps.isEmpty)
    }

    @Test(arguments: [0, 1])
    func `a file that cannot be moved to quarantine stays, and counts`(_ index: Int) throws {
        let fixture = try QueueFixture()
        let log = try filled(fixture.fastSettings)
        defer { log.close() }
        let name = fixture.segments[index]
        let bytes = try fixture.bytes(name)
        try fixture.write(Quarantine.folder, [1])
        let (records, lost, unsaved) = try withBad(.head, name) { try readAll(log) }
        #expect(records.count + lost.records == 60 && unsaved?.contains(name) == true)
        let cursor = try #require(log.cursor("a"))
        // Between others that are there, and then before all.
        if index > 0 {
            log.release(cursor, Array(2...60))
            #expect(log.settle { $0.segments <= 2 })
            #expect(isThere(fixture, name, bytes))
        }
        log.release(cursor, through: .max)
        #expect(log.settle { $0.segments <= 1 })
        _ = try log.keep(record(60)).get()
        #expect(isThere(fixture, name, bytes))
        #expect(log.settle { $0.bytes >= bytes.count })
        #expect(log.settle { $0.lastFailure?.contains(name) == true })
        try FileManager.default.removeItem(atPath: fixture.file(Quarantine.folder))
        #expect(log.settle { _ in fixture.quarantined.count == 1 })
        #expect(isInQuarantine(fixture, name, bytes))
        #expect(log.settle { $0.bytes < bytes.count })
        #expect(!fixture.segments.contains(name))
    }

    @Test func `a file with a bad place that is evicted goes to quarantine`() throws {
        let fixture = try QueueFixture()
        let log = try filled(fixture.fastSettings)
        defer { log.close() }
        let name = fixture.segments[0]
        let bytes = try fixture.bytes(name)
        _ = try withBad(.head, name) { try readAll(log) }
        _ = log.evict(untilBytes: 8192)
        #expect(log.settle { _ in fixture.quarantined.count == 1 })
        #expect(isInQuarantine(fixture, name, bytes))
    }

    @Test func `what was handed out of a segment with a bad place comes again after a restart`()
        throws
    {
        let fixture = try QueueFixture()
        let log = try filled(fixture.fastSettings)
        let names = fixture.segments
        let (name, held) = (names[1], try numbers(names, of: 1))
        let lost = try withBad(.head, name) { try readAll(log).lost }
        #expect(lost.records == held.count - Self.before)
        log.release(try #require(log.cursor("a")), Array(1...UInt64(held.lowerBound + 1)))
        log.close()
        // A disk that was only passing through a bad hour.
        let copy = try QueueFixture()
        for file in [CursorFile.name] + fixture.segments {
            try copy.write(file, try fixture.bytes(file))
        }
        let healed = try SegmentLog.open(copy.fastSettings)
        defer { healed.close() }
        #expect(try readAll(healed).records.map(number) == Array(held.lowerBound + 1..<60))
        // One that is as bad as before.
        let gone = held.dropFirst(Self.before)
        try withBad(.head, name) {
            for turn in 0..<2 {
                let again = try SegmentLog.open(fixture.fastSettings)
                defer { again.close() }
                let found = try readAll(again)
                #expect(
                    found.records.map(number)
                        == (held.lowerBound + 1..<60).filter { !gone.contains($0) })
                #expect(found.lost.isEmpty)
                #expect(again.recovery.damaged.items(1) == (turn == 0 ? 3 * gone.count : 0))
            }
        }
    }

    @Test func `a disk that gives nothing for a while costs nothing`() throws {
        let fixture = try QueueFixture()
        var settings = fixture.fastSettings
        settings.readPatience = .seconds(60)
        let log = try filled(settings)
        defer { log.close() }
        let cursor = try #require(log.cursor("a"))
        QueueFile.$unreadable.withValue({ _ in 0..<Int.max }) {
            for _ in 0..<50 {
                #expect(throws: QueueReadError.self) { try log.next(cursor, maxBytes: 1000) }
            }
        }
        let (records, lost, _) = try readAll(log)
        #expect(records.map(number) == Array(0..<60) && lost.isEmpty)
        #expect(log.statistics().damagedPlaces == 0)
    }

    @Test func `a folder that is away for a while costs nothing`() throws {
        let fixture = try QueueFixture()
        var settings = fixture.fastSettings
        settings.readPatience = .seconds(60)
        let log = try filled(settings)
        defer { log.close() }
        let cursor = try #require(log.cursor("a"))
        let away = fixture.path + "-away"
        try FileManager.default.moveItem(atPath: fixture.path, toPath: away)
        for _ in 0..<50 {
            #expect(throws: QueueReadError.self) { try log.next(cursor, maxBytes: 1000) }
        }
        try FileManager.default.moveItem(atPath: away, toPath: fixture.path)
        let (records, lost, _) = try readAll(log)
        #expect(records.map(number) == Array(0..<60) && lost.isEmpty)
        #expect(log.statistics().damagedPlaces == 0)
    }

    @Test func `a bad place is given up though memory is short between two looks at it`() throws {
        let fixture = try QueueFixture()
        let log = try filled(fixture.fastSettings)
        defer { log.close() }
        let cursor = try #require(log.cursor("a"))
        let budget = MemoryBudget(limitBytes: 1 << 20)
        let share = budget.share("test")
        let gone = try numbers(fixture.segments, of: 0).dropFirst(Self.before)
        try withBad(.head, fixture.segments[0]) {
            let first = try log.next(cursor, maxBytes: 4096, share: share)
            #expect(first.records.count == Self.before)
            for _ in 0..<2 {
                #expect(throws: QueueReadError.self) {
                    try log.next(cursor, maxBytes: 4096, share: share)
                }
                budget.setLimit(1)
                #expect(throws: QueueReadError.noMemory) {
                    try log.next(cursor, maxBytes: 4096, share: share)
                }
                budget.setLimit(1 << 20)
            }
            let last = try log.next(cursor, maxBytes: 4096, share: share)
            #expect(last.lost.records == gone.count)
        }
    }

    /// In the newest segment, all of it, and a part of the one before too.
    @Test(arguments: [4, 12, 20])
    func `what is in memory is not lost behind what the disk does not give`(_ kept: Int) throws {
        let fixture = try QueueFixture()
        var settings = fixture.fastSettings
        settings.hotBytes = kept * Self.size
        let log = try filled(settings)
        defer { log.close() }
        try #require(numbers(fixture.segments, of: 3) == 48..<60)
        let (records, lost, _) = try QueueFile.$unreadable.withValue({ _ in 0..<Int.max }) {
            try readAll(log)
        }
        #expect(records.map(number) == Array(60 - kept..<60))
        #expect(lost.records == 60 - kept && lost.items(1) == 3 * (60 - kept))
        #expect(log.statistics().cursors[0].waiting.records == kept)
        log.release(try #require(log.cursor("a")), through: .max)
        #expect(log.statistics().cursors[0].waiting.isEmpty)
        #expect(log.settle { $0.segments <= 1 })
        _ = try log.keep(record(60)).get()
        #expect(try readAll(log).records.map(number) == [60])
    }

    @Test func `each place in a row that is given up is tried for twice as long`() {
        var failures = ReadFailures()
        var now: UInt64 = 5
        for patience in [100, 200, 400, 800, 1600, 1600] as [UInt64] {
            for _ in 0..<5 { failures.note(at: now) }
            #expect(!failures.areEnough(at: now + patience - 1, patience: 100))
            now += patience
            #expect(failures.areEnough(at: now, patience: 100))
            failures.giveUp()
        }
        failures.end()
        for _ in 0..<2 { failures.note(at: now) }
        #expect(!failures.areEnough(at: now + 1000, patience: 100))
        failures.note(at: now)
        #expect(failures.areEnough(at: now + 100, patience: 100))
    }

    // MARK: found when it is opened

    @Test(arguments: [0, 1, 3], [Place.header, .head])
    func `opening keeps what lies before a bad place, and counts the rest once`(
        _ index: Int, _ place: Place
    ) throws {
        let fixture = try QueueFixture()
        try filled(fixture.fastSettings).close()
        let names = fixture.segments
        let (name, held) = (names[index], try numbers(names, of: index))
        try #require(held.count > Self.before)
        let bytes = try fixture.bytes(name)
        let gone = Array(held.dropFirst(place == .header ? 0 : Self.before))
        try withBad(place, name) {
            let log = try SegmentLog.open(fixture.fastSettings)
            defer { log.close() }
            let waiting = log.statistics().cursors[0].waiting
            #expect(waiting.records == 60 - gone.count)
            #expect(log.recovery.filesUnreadable == 1)
            // Nothing says what the newest one held.
            let known = index == names.count - 1 ? 0 : 3 * gone.count
            #expect(log.recovery.damagedWaiting["a"]?.items(1) ?? 0 == known)
            let (records, lost, _) = try readAll(log)
            #expect(records.map(number) == (0..<60).filter { !gone.contains($0) })
            #expect(lost.isEmpty)
            log.release(try #require(log.cursor("a")), through: .max)
            #expect(log.statistics().cursors[0].waiting.isEmpty)
            #expect(!log.hasMore(try #require(log.cursor("a"))))
            #expect(log.settle { $0.segments == 0 && isInQuarantine(fixture, name, bytes) })
            _ = try log.keep(record(99)).get()
        }
        let again = try SegmentLog.open(fixture.fastSettings)
        defer { again.close() }
        #expect(again.recovery.damagedPlaces == 0 && again.recovery.gaps.isEmpty)
        #expect(try readAll(again).records.map(number) == [99])
    }

    /// So many reads of its file meet it.
    @Test(arguments: 1...8, [Place.header, .head])
    func `a bad place that is good again when it is looked at once more costs nothing`(
        _ reads: Int, _ place: Place
    ) throws {
        let fixture = try QueueFixture()
        try filled(fixture.fastSettings).close()
        let name = fixture.segments[1]
        var settings = fixture.fastSettings
        settings.openTries = 8
        let left = Mutex(reads)
        let start = place == .header ? 40 : SegmentFormat.start + Self.before * Self.size + 20
        let log = try QueueFile.$unreadable.withValue({ path in
            guard path.contains(name) else { return nil }
            return left.withLock { left in
                defer { left -= 1 }
                return left > 0 ? start..<start + 10 : nil
            }
        }) {
            try SegmentLog.open(settings)
        }
        defer { log.close() }
        #expect(left.withLock { $0 } < 0)
        #expect(log.recovery.filesUnreadable == 0 && log.recovery.damaged.isEmpty)
        #expect(try readAll(log).records.map(number) == Array(0..<60))
    }

    @Test func `a segment that the disk does not give at all goes to quarantine, and counts`()
        throws
    {
        let fixture = try QueueFixture()
        try filled(fixture.fastSettings).close()
        let names = fixture.segments
        let name = names[1]
        let gone = try numbers(names, of: 1)
        try FileManager.default.moveItem(
            atPath: fixture.file(name), toPath: fixture.file("intact"))
        try FileManager.default.createSymbolicLink(
            atPath: fixture.file(name), withDestinationPath: "intact")
        let log = try SegmentLog.open(fixture.fastSettings)
        #expect(log.recovery.damagedWaiting["a"]?.items(1) == 3 * gone.count)
        #expect(log.recovery.gaps.map(\.isExact) == [true])
        #expect(try readAll(log).records.map(number) == (0..<60).filter { !gone.contains($0) })
        #expect(log.settle { _ in fixture.quarantined.contains { $0.hasPrefix(name) } })
        log.close()
        let again = try SegmentLog.open(fixture.fastSettings)
        defer { again.close() }
        #expect(again.recovery.damaged.isEmpty && again.recovery.filesUnreadable == 0)
    }

    @Test func `a bad place in the newest file is not taken for its end, if that was used before`()
        throws
    {
        let fixture = try QueueFixture()
        try filled(fixture.fastSettings).close()
        let names = fixture.segments
        let name = try #require(names.last)
        var bytes = try fixture.bytes(name)
        guard
            case .valid(let header) = unsafe bytes.withUnsafeBytes({
                unsafe SegmentHeader.readBoth($0)
            })
        else { throw CancellationError() }
        let reused = SegmentHeader(
            id: header.id, createdUnixNano: header.createdUnixNano, salt: header.salt,
            before: header.before, isReused: true)
        bytes.replaceSubrange(0..<SegmentFormat.start, with: reused.begin)
        try fixture.write(name, bytes)
        try withBad(.head, name) {
            let log = try SegmentLog.open(fixture.fastSettings)
            defer { log.close() }
            #expect(log.recovery.tornBytes == 0 && isThere(fixture, name, bytes))
            let read = try numbers(names, of: names.count - 1).prefix(Self.before)
            #expect(try readAll(log).records.last.map(number) == read.last)
        }
    }

    @Test func `numbers behind a bad place of the newest segment are not given again`() throws {
        let fixture = try QueueFixture()
        try filled(fixture.fastSettings).close()
        let name = try #require(fixture.segments.last)
        try withBad(.head, name) {
            let log = try SegmentLog.open(fixture.fastSettings)
            _ = try log.keep(record(60)).get()
            log.close()
        }
        let again = try SegmentLog.open(fixture.fastSettings)
        defer { again.close() }
        #expect(again.recovery.gaps.isEmpty)
        let records = try readAll(again).records
        #expect(records.map(number) == Array(0...60))
        #expect(records.map(\.sequence) == records.map(\.sequence).sorted())
    }
}
