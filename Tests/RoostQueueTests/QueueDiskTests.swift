import Foundation
import Glibc
import RoostCore
import Testing

@testable import RoostQueue

/// A disk that does not take everything.
@Suite struct QueueDiskTests {
    @Test func `begins another file where files may not grow, and refuses what is larger`() async {
        await #expect(processExitsWith: .success) {
            let fixture = try QueueFixture()
            var limit = rlimit(rlim_cur: 20_000, rlim_max: rlim_t.max)
            try #require(unsafe setrlimit(__rlimit_resource_t(1), &limit) == 0)
            var settings = fixture.settings
            settings.segmentBytes = 1 << 20
            let log = try SegmentLog.open(settings)
            for index in 0..<50 { _ = try log.keep(record(index, bytes: 3000)).get() }
            guard case .failure(.noSpace) = log.keep(record(50, bytes: 30_000)) else {
                try #require(Bool(false))
                return
            }
            try #require(log.statistics().lastFailure != nil)
            _ = try log.keep(record(50, bytes: 3000)).get()
            try #require(log.statistics().lastFailure == nil)
            log.close()
            let again = try SegmentLog.open(settings)
            try #require(again.recovery.tornBytes == 0 && again.recovery.damagedPlaces == 0)
            let cursor = try #require(again.cursor("a"))
            try #require(again.readAll(cursor).records.map(number) == Array(0...50))
            again.close()
        }
    }

    @Test func `gives nothing up while there are no descriptors`() async {
        await #expect(processExitsWith: .success) {
            let fixture = try QueueFixture()
            let log = try SegmentLog.open(fixture.fastSettings)
            for index in 0..<60 { _ = try log.keep(record(index, bytes: 200)).get() }
            let cursor = try #require(log.cursor("a"))
            var limit = rlimit()
            try #require(unsafe getrlimit(__rlimit_resource_t(7), &limit) == 0)
            var none = limit
            none.rlim_cur = 0
            try #require(unsafe setrlimit(__rlimit_resource_t(7), &none) == 0)
            var failures = 0
            for _ in 0..<10 {
                do throws(QueueReadError) {
                    _ = try log.next(cursor, maxBytes: 1000)
                } catch {
                    failures += 1
                }
            }
            try #require(unsafe setrlimit(__rlimit_resource_t(7), &limit) == 0)
            try #require(failures == 10 && log.statistics().readFailures == 10)
            let (records, lost) = try log.readAll(cursor)
            try #require(records.map(number) == Array(0..<60) && lost.isEmpty)
            log.close()
        }
    }

    @Test func `reads what lies before a place that the disk does not give`() throws {
        let fixture = try QueueFixture()
        var settings = fixture.fastSettings
        settings.segmentBytes = 1 << 20
        let log = try SegmentLog.open(settings)
        defer { log.close() }
        for index in 0..<20 { _ = try log.keep(record(index, bytes: 200)).get() }
        let cursor = try #require(log.cursor("a"))
        let bad = SegmentFormat.start + 7 * (RecordHead.bytes + 200) + 60
        try QueueFile.$unreadable.withValue({ _ in bad..<bad + 1 }) {
            let batch = try log.next(cursor, maxBytes: 100_000)
            #expect(batch.records.map(number) == Array(0..<7))
            #expect(throws: QueueReadError.self) { try log.next(cursor, maxBytes: 100_000) }
        }
        #expect(try log.readAll(cursor).records.map(number) == Array(7..<20))
    }

    /// A queue of several segments, of which the disk does not give one: ELOOP.
    private func queueWithoutOne(
        _ index: Int
    ) throws -> (fixture: QueueFixture, log: SegmentLog, name: String) {
        let fixture = try QueueFixture()
        let log = try SegmentLog.open(fixture.fastSettings)
        for index in 0..<60 { _ = try log.keep(record(index, bytes: 200, items: 2)).get() }
        let name = fixture.segments[index]
        try FileManager.default.moveItem(
            atPath: fixture.file(name), toPath: fixture.file("intact"))
        try FileManager.default.createSymbolicLink(
            atPath: fixture.file(name), withDestinationPath: "intact")
        return (fixture, log, name)
    }

    /// Like `readAll`, with a few tries.
    private func readAll(
        _ log: SegmentLog
    ) throws -> (records: [StoredRecord], lost: QueueCounts, unsaved: String?) {
        let cursor = try #require(log.cursor("a"))
        var (records, lost, unsaved): ([StoredRecord], QueueCounts, String?) = ([], .init(), nil)
        var failures = 0
        while failures < 1000 {
            do throws(QueueReadError) {
                let batch = try log.next(cursor, maxBytes: 1000)
                if batch.isEmpty { return (records, lost, unsaved) }
                records += batch.records
                lost += batch.lost
                unsaved = batch.quarantineFailure ?? unsaved
            } catch {
                failures += 1
                sched_yield()
            }
        }
        Issue.record("the disk is still asked")
        return (records, lost, unsaved)
    }

    @Test(arguments: [0, 1, 3])
    func `moves a segment that the disk does not give to quarantine`(_ index: Int) throws {
        let (fixture, log, name) = try queueWithoutOne(index)
        let (records, lost, unsaved) = try readAll(log)
        #expect(records.count + lost.records == 60 && lost.records > 10)
        #expect(lost.allItems == 2 * lost.records && unsaved == nil)
        #expect(log.settle { _ in fixture.quarantined.count == 1 })
        #expect(fixture.quarantined.first?.hasPrefix(name) == true)
        #expect(log.statistics().damagedPlaces == 1)
        let cursor = try #require(log.cursor("a"))
        // The last ones first, so that what was given up lies between others.
        let sequences = records.map(\.sequence)
        log.release(cursor, sequences.dropFirst())
        #expect(log.settle { $0.segments <= 1 + (index == 0 ? 0 : 1) })
        log.close()
        let again = try SegmentLog.open(fixture.fastSettings)
        defer { again.close() }
        #expect(again.recovery.damagedPlaces == 0 && again.recovery.gaps.isEmpty)
        #expect(fixture.quarantined.count == 1)
    }

    @Test func `ends the segment in use before it is given up`() throws {
        let (fixture, log, name) = try queueWithoutOne(0)
        defer { log.close() }
        let last = try #require(fixture.segments.last)
        try FileManager.default.removeItem(atPath: fixture.file(name))
        try FileManager.default.moveItem(
            atPath: fixture.file("intact"), toPath: fixture.file(name))
        try FileManager.default.moveItem(
            atPath: fixture.file(last), toPath: fixture.file("intact"))
        try FileManager.default.createSymbolicLink(
            atPath: fixture.file(last), withDestinationPath: "intact")
        let (records, lost, _) = try readAll(log)
        #expect(records.count + lost.records == 60 && !lost.isEmpty)
        #expect(log.settle { _ in fixture.quarantined.count == 1 })
        _ = try log.keep(record(60)).get()
        #expect(try log.readAll(try #require(log.cursor("a"))).records.map(number) == [60])
    }

    @Test func `says what of a segment is in no quarantine`() throws {
        let (fixture, log, name) = try queueWithoutOne(1)
        defer { log.close() }
        try fixture.write(Quarantine.folder, [1])
        let (_, lost, unsaved) = try readAll(log)
        #expect(!lost.isEmpty && unsaved?.contains(name) == true)
        let (other, log2, gone) = try queueWithoutOne(1)
        defer { log2.close() }
        try FileManager.default.removeItem(atPath: other.file(gone))
        let missing = try readAll(log2)
        #expect(!missing.lost.isEmpty && missing.unsaved?.contains(gone) == true)
        #expect(fixture.segments.contains(name))
    }

    @Test(.enabled(if: geteuid() == 0 && QueueDiskTests.canMount))
    func `refuses when the disk is full and goes on when there is room`() throws {
        let fixture = try QueueFixture()
        try #require(Self.run("mount", ["-t", "tmpfs", "-o", "size=256k", "queue", fixture.path]))
        defer { _ = Self.run("umount", ["-l", fixture.path]) }
        var settings = fixture.settings
        settings.segmentBytes = 1 << 20
        let log = try SegmentLog.open(settings)
        var kept = 0
        while kept < 1000, case .success = log.keep(record(kept, bytes: 3000)) { kept += 1 }
        #expect(kept > 50 && kept < 100)
        guard case .failure(let refusal) = log.keep(record(kept, bytes: 3000)),
            case .noSpace = refusal
        else {
            Issue.record("the disk was not full")
            return
        }
        #expect(refusal.isRetryable && log.statistics().lastFailure != nil)
        let cursor = try #require(log.cursor("a"))
        let read = try log.readAll(cursor).records
        #expect(read.map(number) == Array(0..<kept))
        log.release(cursor, read.map(\.sequence))
        #expect(log.settle { _ in fixture.segments.isEmpty })
        for index in 0..<20 { _ = try log.keep(record(index, bytes: 3000)).get() }
        #expect(log.statistics().lastFailure == nil)
        log.close()
        let again = try SegmentLog.open(settings)
        defer { again.close() }
        #expect(again.recovery.tornBytes == 0 && again.recovery.found.records == 20)
    }

    private static let canMount = run(
        "sh",
        [
            "-c", "d=$(mktemp -d) && mount -t tmpfs none $d && umount $d; s=$?; rmdir $d; exit $s",
        ])

    private static func run(_ program: String, _ arguments: [String]) -> Bool {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [program] + arguments
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }
}
