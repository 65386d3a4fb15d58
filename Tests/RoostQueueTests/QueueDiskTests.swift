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
