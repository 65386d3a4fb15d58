import Foundation
import RoostCore
import Testing

@testable import RoostQueue

/// Segments in files that were other segments before, whose bytes lie behind the last record.
@Suite struct ReusedSegmentTests {
    private func settings(_ fixture: QueueFixture) -> SegmentLogSettings {
        var settings = fixture.settings
        settings.limitBytes = 32 << 20
        settings.segmentBytes = 1 << 20
        return settings
    }

    /// Keeps records until one is in a file that was used before; answers how many there were. All
    /// before that file are released.
    private func fill(
        _ log: SegmentLog, _ fixture: QueueFixture, bytes: Int
    ) throws -> Int {
        let cursor = try #require(log.cursor("a"))
        for number in 0..<2000 {
            _ = try log.keep(record(number, bytes: bytes)).get()
            if try isReused(fixture) { return number + 1 }
            let read = try log.readAll(cursor, maxBytes: 1 << 20).records
            log.release(cursor, read.map(\.sequence))
            // So that there is a spare before the next segment begins.
            if fixture.segments.count > 1 {
                #expect(log.settle { _ in fixture.segments.count == 1 })
            }
        }
        Issue.record("no file was used again")
        return 0
    }

    private func isReused(_ fixture: QueueFixture) throws -> Bool {
        guard let name = fixture.segments.last else { return false }
        let header = unsafe try fixture.bytes(name).withUnsafeBytes {
            unsafe SegmentHeader.readBoth($0)
        }
        guard case .valid(let header) = header else { return false }
        return header.isReused
    }

    /// What lies in the folder while the queue is open: what a kill would leave.
    private struct Left {
        var files: [String: [UInt8]] = [:]
        /// Of the newest segment, which was another one before.
        var name = ""
        /// Its records: numbers, and where they begin.
        var numbers: [Int] = []
        var places: [Int] = []
        var end = 0

        var newest: [UInt8] {
            get { files[name] ?? [] }
            set { files[name] = newValue }
        }
    }

    private static let bytes = 9_000

    /// Three groups of a record each, then `several` records at once, in a file that was used before.
    private func killed(_ several: Int = 3) throws -> Left? {
        let fixture = try QueueFixture(onDisk: true)
        defer { try? FileManager.default.removeItem(atPath: fixture.file("try")) }
        guard try QueueFile(fixture.file("try"), .create).setDirect(true) else { return nil }
        let log = try SegmentLog.open(settings(fixture))
        defer { log.close() }
        var next = try fill(log, fixture, bytes: Self.bytes)
        var left = Left()
        left.name = try #require(fixture.segments.last)
        left.numbers = [next - 1]
        for _ in 0..<2 {
            _ = try log.keep(record(next, bytes: Self.bytes)).get()
            left.numbers.append(next)
            next += 1
        }
        // Together, in one group or several.
        let latch = Latch(several)
        for _ in 0..<several {
            let refusal = log.append(record(next, bytes: Self.bytes)) { _ in latch.countDown() }
            #expect(refusal == nil)
            left.numbers.append(next)
            next += 1
        }
        latch.wait(untilMonotonic: monotonicNanoseconds() + 20_000_000_000)
        for name in fixture.names where name.hasSuffix(SegmentFormat.suffix) || name == "cursors" {
            left.files[name] = try fixture.bytes(name)
        }
        let each = RecordHead.bytes + Self.bytes
        left.places = left.numbers.indices.map { SegmentFormat.start + $0 * each }
        left.end = SegmentFormat.start + left.numbers.count * each
        #expect(left.newest.count > left.end + 2 * WriteBuffer.block)
        return left
    }

    /// Opens what was left; answers the numbers of what is read of the newest segment.
    private func open(_ left: Left) throws -> (numbers: [Int], recovery: QueueRecovery) {
        let fixture = try QueueFixture()
        for (name, bytes) in left.files { try fixture.write(name, bytes) }
        var first: QueueRecovery?
        var found: [Int] = []
        for _ in 0..<2 {
            let log = try SegmentLog.open(settings(fixture))
            let read = try log.readAll(try #require(log.cursor("a")), maxBytes: 1 << 20)
            for record in read.records {
                #expect(
                    record.slices.flatMap(\.array)
                        == payload(number(of: record), bytes: record.bytes))
            }
            let numbers = read.records.map(number).filter { left.numbers.contains($0) }
            // The second time everything is as the first left it.
            #expect(first == nil || numbers == found)
            #expect(first == nil || log.recovery.tornBytes == 0)
            #expect(first == nil || log.recovery.damagedPlaces == 0)
            found = numbers
            first = first ?? log.recovery
            log.close()
        }
        return (found, try #require(first))
    }

    @Test func `finds everything that was kept, and nothing of what was there before`() throws {
        guard let left = try killed() else { return }
        let (numbers, recovery) = try open(left)
        #expect(numbers == left.numbers)
        #expect(recovery.tornBytes == 0 && recovery.damagedPlaces == 0)
        #expect(recovery.filesSetAside == 0 && recovery.gaps.isEmpty)
    }

    @Test func `cuts off what a loss of power has left of the last write`() throws {
        guard var left = try killed(0) else { return }
        let whole = left.newest
        let last = try #require(left.places.last)
        // The disk had taken sectors up to `cut`; behind it is what was in the file before.
        for cut in stride(from: last / 512 * 512 + 512, to: left.end, by: 512) {
            for before in [UInt8(0xA7), 0] {
                left.newest = whole
                for index in max(cut, last)..<left.end { left.newest[index] = before }
                let (numbers, recovery) = try open(left)
                #expect(numbers == left.numbers.dropLast(), "cut at \(cut)")
                #expect(recovery.damagedPlaces == 0 && recovery.filesSetAside == 0)
                #expect(recovery.tornBytes > 0)
            }
        }
    }

    @Test func `sets aside what is damaged and has a record behind it`() throws {
        guard var left = try killed(0) else { return }
        let whole = left.newest
        for damaged in 0..<left.numbers.count - 1 {
            for offset in [3, 40, 700, Self.bytes] {
                left.newest = whole
                left.newest[left.places[damaged] + offset] ^= 8
                let (numbers, recovery) = try open(left)
                var expected = left.numbers
                expected.remove(at: damaged)
                #expect(numbers == expected)
                #expect(recovery.damagedPlaces == 1 && recovery.tornBytes == 0)
            }
        }
    }

    @Test func `a file that was to be a segment again and is not yet is removed`() throws {
        guard var left = try killed() else { return }
        let next = try #require(SegmentFormat.id(ofFile: left.name)) + 1000
        // Given its new name, and not written to; and one without a new name.
        var spare = left.newest
        spare.replaceSubrange(0..<SegmentFormat.start, with: SegmentHeader.spare.begin)
        left.files[SegmentFormat.fileName(next)] = spare
        left.files[SegmentFormat.spareName(3)] = spare
        let (numbers, recovery) = try open(left)
        #expect(recovery.filesSetAside == 0 && recovery.gaps.isEmpty)
        // The one before is an older one now, which was ended: what it had is known from no header.
        #expect(numbers == left.numbers)
    }

    @Test func `an older segment ends where its records do, whatever the file had before`() throws {
        guard var left = try killed() else { return }
        let fixture = try QueueFixture()
        var settings = settings(fixture)
        settings.passesPageCache = false
        for (name, bytes) in left.files { try fixture.write(name, bytes) }
        // What is appended goes into a segment of its own, whose header knows the one before.
        let log = try SegmentLog.open(settings)
        _ = try log.keep(record(5000)).get()
        log.close()
        let newest = try #require(fixture.segments.last)
        left.files[newest] = try fixture.bytes(newest)
        left.numbers.append(5000)
        // The older one as it was, with what the file had before: it is not cut when it is ended.
        let (numbers, recovery) = try open(left)
        #expect(numbers == left.numbers)
        #expect(recovery.damagedPlaces == 0 && recovery.gaps.isEmpty && recovery.tornBytes == 0)
        // The next header does not know what it had: nothing is missing by the numbers.
        let next = left.files[newest]
        left.files[newest]?[SegmentHeader.bytes + 3] ^= 1
        let (unknown, silent) = try open(left)
        #expect(unknown == left.numbers && silent.damagedPlaces == 0 && silent.gaps.isEmpty)
        // Its last record is gone, once so that the header tells it and once by the numbers.
        let last = try #require(left.places.last)
        left.newest[last + 9] ^= 1
        for header in [next, left.files[newest]] {
            left.files[newest] = header
            let (rest, found) = try open(left)
            #expect(rest == left.numbers.dropLast(2) + [5000])
            #expect(found.damagedPlaces == 1 && found.gaps.count == 1)
            #expect(found.gaps.first?.records == 1)
        }
    }

    @Test func `keeps one file at most, none when its room is needed, and none behind it`() throws {
        let fixture = try QueueFixture(onDisk: true)
        let log = try SegmentLog.open(settings(fixture))
        _ = try fill(log, fixture, bytes: 100_000)
        let cursor = try #require(log.cursor("a"))
        let spares = { fixture.names.filter(SegmentFormat.isSpare) }
        for number in 0..<60 { _ = try log.keep(record(number, bytes: 100_000)).get() }
        let read = try log.readAll(cursor, maxBytes: 1 << 20).records
        log.release(cursor, read.map(\.sequence))
        #expect(log.settle { _ in fixture.segments.count <= 1 })
        #expect(spares().count <= 1)
        // Full: nothing is left for a spare.
        var number = 0
        while case .success = log.keep(record(number, bytes: 100_000)) { number += 1 }
        #expect(number > 250)
        #expect(spares().isEmpty)
        let all = try fixture.segments.map { try fixture.bytes($0).count }.reduce(0, +)
        #expect(all <= 32 << 20)
        log.close()
        #expect(spares().isEmpty)
    }
}
