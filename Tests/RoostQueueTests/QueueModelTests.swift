import Foundation
import RoostCore
import Testing

@testable import RoostQueue

/// Long sequences of random calls, compared with a list of numbers.
@Suite struct QueueModelTests {
    private struct Reader {
        var next = 0
        var out: Set<Int> = []
        var waiting: Set<Int> = []
    }

    @Test(arguments: 0..<12)
    func `does what a list would do`(_ seed: Int) throws {
        let fixture = try QueueFixture()
        var settings = fixture.settings
        settings.cursors = ["a", "b"]
        settings.hotBytes = seed % 3 == 0 ? 0 : 3000 * (seed % 3)
        settings.sync = [.always, .interval(.milliseconds(1)), .never][seed / 2 % 3]
        var numbers = Numbers(UInt64(seed))
        var log = try SegmentLog.open(settings)
        var readers = [Reader(), Reader()]
        var appended = 0
        // Appended numbers are one below sequence numbers until the first reopening skips some.
        var sequences: [Int: UInt64] = [:]
        for _ in 0..<400 {
            let index = Int.random(in: 0..<2, using: &numbers)
            let cursor = try #require(log.cursor(settings.cursors[index]))
            switch Int.random(in: 0..<100, using: &numbers) {
            case 0..<40:
                for _ in 0..<Int.random(in: 1...4, using: &numbers) {
                    let bytes = Int.random(in: 8...1500, using: &numbers)
                    sequences[appended] = try log.keep(record(appended, bytes: bytes)).get()
                    for reader in readers.indices { readers[reader].waiting.insert(appended) }
                    appended += 1
                }
            case 40..<70:
                let batch = try log.next(cursor, maxBytes: .random(in: 1...4000, using: &numbers))
                #expect(batch.lost.isEmpty)
                for record in batch.records {
                    let number = number(of: record)
                    #expect(
                        number
                            == readers[index].waiting.filter {
                                $0 >= readers[index].next
                            }.min())
                    readers[index].next = number + 1
                    readers[index].out.insert(number)
                }
            case 70..<90:
                let some = readers[index].out.shuffled(using: &numbers).prefix(
                    .random(in: 0...8, using: &numbers))
                log.release(cursor, some.compactMap { sequences[$0] })
                readers[index].out.subtract(some)
                readers[index].waiting.subtract(some)
            case 90..<93:
                #expect(log.rewind(cursor).isEmpty)
                // Those released in between do not come back.
                readers[index].next = readers[index].out.min() ?? readers[index].next
                readers[index].out = []
            case 93..<96:
                let before = readers.map(\.waiting.count)
                let lost = log.evict(untilBytes: 20_000).map(\.lost.records)
                for reader in readers.indices where lost[reader] > 0 {
                    let gone = readers[reader].waiting.subtracting(readers[reader].out).sorted()
                        .prefix(lost[reader])
                    readers[reader].waiting.subtract(gone)
                }
                #expect(zip(before, lost).map { $0 - $1 } == readers.map(\.waiting.count))
                // Handed-out ones may be gone from the disk: let them be done with.
                for reader in readers.indices {
                    let handle = try #require(log.cursor(settings.cursors[reader]))
                    log.release(handle, through: .max)
                    readers[reader].waiting.subtract(readers[reader].out)
                    readers[reader].out = []
                }
            default:
                log.close()
                log = try SegmentLog.open(settings)
                #expect(log.recovery.damagedPlaces == 0 && log.recovery.tornBytes == 0)
                // What was released before something that was not is repeated.
                for reader in readers.indices {
                    let first = readers[reader].waiting.min() ?? appended
                    let end = appended
                    readers[reader].next = first
                    readers[reader].out = []
                    let onDisk = log.statistics().cursors[reader].waiting.records
                    #expect(onDisk >= readers[reader].waiting.count)
                    #expect(onDisk <= end - first)
                    let handle = try #require(log.cursor(settings.cursors[reader]))
                    let all = try log.readAll(handle).records
                    let found = Set(all.map(number))
                    #expect(found.isSuperset(of: readers[reader].waiting))
                    log.release(
                        handle,
                        all.filter { !readers[reader].waiting.contains(number(of: $0)) }
                            .map(\.sequence))
                    #expect(log.rewind(handle).isEmpty)
                }
            }
            for (reader, statistics) in zip(readers, log.statistics().cursors) {
                #expect(statistics.waiting.records == reader.waiting.count)
            }
        }
        log.close()
    }
}
