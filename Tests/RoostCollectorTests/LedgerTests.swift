import RoostWire
import Testing

@testable import RoostCollector

@Suite struct LedgerTests {
    @Test func `every snapshot adds up`() {
        let ledger = Ledger(exporters: ["a", "b", "c"])
        ledger.accept(
            signal: .traces, transport: .grpc, items: 10,
            dispositions: [.queued, .dropped(.queueFull), .notOffered])
        ledger.accept(
            signal: .traces, transport: .http, items: 5, dispositions: [.queued, .queued])
        ledger.answered(exporter: 0, signal: .traces, sent: 7, rejected: 3)
        ledger.dropped(exporter: 1, signal: .traces, items: 5, reason: .gaveUp)
        let snapshot = ledger.snapshot()
        #expect(snapshot.accepted(.traces) == 15)
        #expect(snapshot.accepted(.traces, .http) == 5)
        for exporter in snapshot.exporters {
            let sum =
                exporter.sent(.traces) + exporter.queued(.traces) + exporter.dropped(.traces)
            #expect(exporter.offered(.traces) == sum)
        }
        #expect(snapshot.exporters.map { $0.offered(.traces) } == [15, 15, 0])
        #expect(snapshot.exporters[0].queued(.traces) == 5)
        #expect(snapshot.exporters[0].dropped(.traces, .rejected) == 3)
    }

    @Test func `refusals are counted by items and by how often`() {
        let ledger = Ledger()
        ledger.refuse(signal: .logs, transport: .http, items: 0, reason: .undecodable)
        ledger.refuse(signal: .logs, transport: .http, items: 4, reason: .malformed)
        let snapshot = ledger.snapshot()
        #expect(snapshot.refusals(.logs, .http, .undecodable) == 1)
        #expect(snapshot.refused(.logs, .http, .undecodable) == 0)
        #expect(snapshot.refused(.logs, .http, .malformed) == 4)
        #expect(snapshot.refused(.logs, .grpc, .malformed) == 0)
    }

    @Test func `an exporter gets one index, and counts from when it came`() {
        let ledger = Ledger(exporters: ["a"])
        ledger.accept(signal: .logs, transport: .http, items: 2, dispositions: [.queued])
        #expect(ledger.exporterIndex(named: "b") == 1)
        #expect(ledger.exporterIndex(named: "a") == 0)
        ledger.recovered(exporter: 1, signal: .logs, items: 9)
        let counts = ledger.snapshot().exporters[1]
        #expect(counts.offered(.logs) == 9 && counts.queued(.logs) == 9)
        #expect(counts.recovered(.logs) == 9)
    }

    @Test func `names of reasons are unique labels`() {
        let names = [
            RefusalReason.allCases.map(\.name), DropReason.allCases.map(\.name),
            FailureReason.allCases.map(\.name),
        ]
        for list in names {
            #expect(Set(list).count == list.count)
            for name in list {
                #expect(name.utf8.allSatisfy { $0 == 0x5F || (0x61...0x7A).contains($0) })
            }
        }
    }
}
