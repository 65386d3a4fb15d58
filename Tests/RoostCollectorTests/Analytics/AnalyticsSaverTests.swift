import Foundation
import Glibc
import RoostAnalytics
import RoostCore
import RoostIngest
import Testing

@testable import RoostCollector

@Suite struct AnalyticsSaverTests {
    /// A folder whose disk does not take what analytics write, until somebody reads it.
    private final class StalledFolder {
        let path: String
        var file: AnalyticsFile { AnalyticsFile(folder: path) }

        init() throws {
            path = "/tmp/roost-saver-test-\(getpid())-\(UInt64.random(in: 0 ... .max))"
            unsafe mkdir(path, 0o750)
            let made = unsafe mkfifo(file.path + ".new", 0o640)
            try #require(made == 0)
        }

        /// The first writer goes on, and is told that this cannot be synced.
        func letGo() throws {
            let reader = unsafe open(file.path + ".new", O_RDONLY)
            try #require(reader >= 0)
            var bytes = [UInt8](repeating: 0, count: 4_096)
            while unsafe read(reader, &bytes, bytes.count) > 0 {}
            close(reader)
        }

        deinit { try? FileManager.default.removeItem(atPath: path) }
    }

    private func memory(_ size: Int, of byte: UInt8) -> AnalyticsMemory {
        AnalyticsMemory(baselines: [UInt8](repeating: byte, count: size), costs: [byte])
    }

    private func soon() -> UInt64 { monotonicNanoseconds() &+ 10_000_000_000 }

    @Test func `nobody waits for a disk that stands still, and the latest is what is kept`() throws
    {
        let folder = try StalledFolder()
        let saver = AnalyticsSaver(folder.file, log: Log(level: .error))
        for byte in UInt8(1)...5 { saver.put(memory(100, of: byte)) }
        #expect(saver.latest() == memory(100, of: 5))
        #expect(!saver.finish(deadline: monotonicNanoseconds() &+ 10_000_000))
        try folder.letGo()
        #expect(saver.finish(deadline: soon()))
        #expect(folder.file.read() == memory(100, of: 5))
        #expect(saver.latest() == memory(100, of: 5))
    }

    @Test func `many at once leave a whole file`() async throws {
        let folder = try StalledFolder()
        try FileManager.default.removeItem(atPath: folder.file.path + ".new")
        let saver = AnalyticsSaver(folder.file, log: Log(level: .error))
        await withTaskGroup { group in
            for byte in UInt8(1)...4 {
                group.addTask {
                    for _ in 0..<50 { saver.put(memory(Int(byte) * 100_000, of: byte)) }
                }
            }
        }
        #expect(saver.finish(deadline: soon()))
        let kept = folder.file.read()
        let byte = try #require(kept.costs?.first)
        #expect(kept == memory(Int(byte) * 100_000, of: byte))
    }

    @Test func `what is turned off and on again knows what it knew, whatever the disk does`() throws
    {
        let folder = try StalledFolder()
        let service = AnalyticsService(
            isOn: true, began: 5_000, rules: AnalyticsRules(), folder: folder.path,
            log: Log(level: .error))
        let known = try #require(service.read { $0.memory })
        service.save(now: 1, isLast: true)
        service.turn(on: false)
        service.turn(on: true)
        #expect(service.read { $0.memory } == known)
        service.save(now: 2, isLast: true)
        try folder.letGo()
        service.finishSaving(deadline: soon())
        #expect(folder.file.read() == known)
    }
}
