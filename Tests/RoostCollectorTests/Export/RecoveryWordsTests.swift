import RoostCore
import RoostQueue
import Synchronization
import Testing

@testable import RoostCollector

@Suite struct RecoveryWordsTests {
    /// The lines without their time.
    private func lines(_ tell: (Log) -> Void) -> [String] {
        let lines = Lines()
        tell(
            Log { line in lines.all.withLock { $0.append(String(decoding: line, as: UTF8.self)) } })
        return lines.all.withLock { $0 }
    }

    private final class Lines: Sendable {
        let all = Mutex<[String]>([])
    }

    private func lines(_ recovery: QueueRecovery) -> [String] {
        lines { $0.tell(recovery, waiting: QueueCounts(), exporter: "a", folder: "/q/a") }
    }

    private let aside = "damaged data in the queue was set aside into quarantine"
    private let left = "damaged data in the queue could not be set aside into quarantine"

    @Test func `a file that could not be moved was not set aside`() throws {
        var recovery = QueueRecovery()
        (recovery.filesUnreadable, recovery.damagedBytes, recovery.bytesLeft) = (1, 70, 70)
        recovery.quarantineFailure = "in the way"
        let lines = lines(recovery)
        let line = try #require(lines.first)
        #expect(lines.count == 1 && line.contains(left) && line.contains("places=1"))
        #expect(line.contains("bytes=70") && line.contains("in the way"))
    }

    @Test func `what is in quarantine and what is not are told apart`() {
        var recovery = QueueRecovery()
        (recovery.placesSetAside, recovery.placesLeft, recovery.damagedPlaces) = (2, 3, 5)
        (recovery.damagedBytes, recovery.bytesLeft) = (50, 30)
        let lines = lines(recovery)
        #expect(lines.count == 2)
        #expect(lines.first?.contains(aside) == true && lines.last?.contains(left) == true)
        #expect(lines.first?.contains("places=2 bytes=20") == true)
        #expect(lines.last?.contains("places=3 bytes=30") == true)
    }

    @Test func `of a file that is gone nothing was set aside`() {
        var recovery = QueueRecovery()
        recovery.damagedPlaces = 1
        #expect(lines(recovery).isEmpty)
    }

    @Test func `what was found while reading is set aside, or it is said why not`() {
        let set = lines { $0.tellDamage(items: 7, unsaved: nil, exporter: "a") }
        let kept = lines { $0.tellDamage(items: 7, unsaved: "no space", exporter: "a") }
        #expect(set.count == 1 && set.first?.contains(aside) == true)
        #expect(kept.count == 1 && kept.first?.contains(left) == true)
        #expect(kept.first?.contains("no space") == true)
    }
}
