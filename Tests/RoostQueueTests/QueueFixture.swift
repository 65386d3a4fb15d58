import Foundation
import Glibc
import RoostCore
import Synchronization
import Testing

@testable import RoostQueue

/// A folder for one test, gone with the object.
final class QueueFixture: Sendable {
    let path: String

    /// In memory where that is possible, since thousands of syncs are not what is tested.
    init(onDisk: Bool = false) throws {
        let memory = "/dev/shm"
        let isThere = !onDisk && FileManager.default.isWritableFile(atPath: memory)
        let parent = isThere ? memory : NSTemporaryDirectory()
        var template = Array((parent + "/queue-XXXXXX").utf8CString)
        path = unsafe String(cString: try #require(unsafe mkdtemp(&template)))
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Small segments, one cursor, nothing kept in memory, nothing tried for long.
    var settings: SegmentLogSettings {
        var settings = SegmentLogSettings(path: path, limitBytes: 8 << 20, cursors: ["a"])
        settings.segmentBytes = 4096
        settings.hotBytes = 0
        settings.readPatience = .zero
        settings.openTries = 0
        settings.openPause = .zero
        return settings
    }

    /// The same, without waiting for the disk.
    var fastSettings: SegmentLogSettings {
        var settings = settings
        settings.sync = .never
        return settings
    }

    func file(_ name: String) -> String { path + "/" + name }

    func bytes(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: file(name))))
    }

    func write(_ name: String, _ bytes: [UInt8]) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: file(name)))
    }

    var names: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
    }

    var segments: [String] { names.filter { $0.hasSuffix(SegmentFormat.suffix) } }

    var quarantined: [String] {
        ((try? FileManager.default.contentsOfDirectory(
            atPath: file(Quarantine.folder))) ?? []).sorted()
    }
}

/// Payloads that tell their number.
func payload(_ number: Int, bytes: Int = 100) -> [UInt8] {
    var generator = Numbers(UInt64(number) &+ 7)
    return (0..<max(8, bytes)).map { index in
        index < 8
            ? UInt8(truncatingIfNeeded: number >> (8 * index))
            : UInt8(truncatingIfNeeded: generator.next())
    }
}

func number(of record: StoredRecord) -> Int {
    record.slices.flatMap(\.array).prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
}

func record(_ number: Int, bytes: Int = 100, signal: UInt8 = 0, items: Int = 1) -> QueueRecord {
    QueueRecord(
        signal: signal, items: items, slices: [ByteBlock(payload(number, bytes: bytes)).slice])
}

/// The same numbers in every run. SplitMix64.
struct Numbers: RandomNumberGenerator {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

extension SegmentLog {
    /// Appends and waits for the answer.
    func keep(_ record: QueueRecord) -> Result<UInt64, AppendRefusal> {
        let latch = Latch(1)
        let answer = Mutex<Result<UInt64, AppendRefusal>?>(nil)
        let refusal = append(record) { result in
            answer.withLock { $0 = result }
            latch.countDown()
        }
        if let refusal { return .failure(refusal) }
        latch.wait(untilMonotonic: monotonicNanoseconds() + 20_000_000_000)
        return answer.withLock { $0 } ?? .failure(.failed("no answer"))
    }

    /// Everything that the cursor can read now; so many failures are passed over.
    func readAll(
        _ cursor: QueueCursor, maxBytes: Int = 1000, failures: Int = 0
    ) throws -> (records: [StoredRecord], lost: QueueCounts) {
        var records: [StoredRecord] = []
        var lost = QueueCounts()
        var failed = 0
        while true {
            do throws(QueueReadError) {
                let batch = try next(cursor, maxBytes: maxBytes)
                if batch.isEmpty { return (records, lost) }
                records += batch.records
                lost += batch.lost
            } catch {
                failed += 1
                if failed > failures { throw error }
            }
        }
    }

    /// Waits for the thread to have done what it was woken for.
    func settle(_ isSettled: (QueueStatistics) -> Bool) -> Bool {
        let deadline = monotonicNanoseconds() + 20_000_000_000
        while monotonicNanoseconds() < deadline {
            if isSettled(statistics()) { return true }
            sched_yield()
        }
        return false
    }
}
