import Glibc
import RoostCore
import RoostIngest
import Testing

@testable import RoostStore

/// `store.size` holds for all files together, whatever comes and whoever reads.
@Suite(.serialized) struct StoreSizeTests {
    @Test(arguments: [16 << 20, 40 << 20, 256 << 20, 2 << 30, 1 << 50])
    func `the files' shares come to the size`(_ size: Int) {
        let shares = StoreShares(size: size)
        let indexOfLog = (shares.logPages / 4096 + 1) * 32_768
        let all = shares.databasePages * StoreSchema.pageBytes + shares.logBytes + indexOfLog
        #expect(all <= size)
        #expect(all > size / 100 * 98)
        #expect(shares.usedPages * StoreSchema.pageBytes > size / 10 * 6)
        // A transaction fits into the log after the one that has it moved, and into the database.
        let most = shares.pages(ofTransaction: shares.transactionBytes + shares.largestChunk)
        #expect(shares.checkpointPages + most <= shares.logPages)
        #expect(shares.transactionBytes >= 1 << 20)
    }

    private static let size = StoreShares.least

    private func smallStore(
        _ change: (inout StoreSettings) -> Void = { _ in }
    ) throws -> StoreHarness {
        try StoreHarness {
            $0.size = Self.size
            $0.mostOpenBytes = 4 << 20
            $0.queueBytes = 1 << 20
            change(&$0)
        }
    }

    /// Fills the store as fast as it takes what it is given; answers the most that its files had.
    private func fill(
        _ harness: StoreHarness, traces: ClosedRange<UInt64>, bytes: Int
    ) throws -> Int {
        let files = StoreFiles(folder: harness.folder)
        let note = noise(bytes)
        var most = 0
        for number in traces {
            let span = TestSpan(
                trace: number, start: number * 1000,
                attributes: [("note", note), ("n", noise(200))])
            let body = ByteBlock(request([span]))
            while !harness.store.offer(.traces, items: 1, body: body) { harness.store.flush() }
            most = max(most, files.bytes)
        }
        harness.store.flush()
        return max(most, files.bytes)
    }

    @Test(arguments: [4_000, 30_000, 700_000])
    func `files stay below the size while they are filled`(_ bytes: Int) throws {
        let harness = try smallStore()
        let last = UInt64(24_000_000 / bytes)
        let most = try fill(harness, traces: 1...last, bytes: bytes)
        #expect(most <= Self.size)
        #expect(most > Self.size / 4)
        #expect(harness.counts[.traces, .stored] == Int(last))
        #expect(try harness.ids { $0.limit = 1 } == [last])
        #expect(harness.store.status.failedWrites == 0)
    }

    @Test func `a disk that deletes slowly costs no trace`() throws {
        let harness = try smallStore { $0.deletesAtMost = 0 }
        let most = try fill(harness, traces: 1...4000, bytes: 4_000)
        #expect(most <= Self.size)
        #expect(harness.counts[.traces, .stored] == 4000)
        #expect(harness.store.status.failedWrites == 0)
    }

    /// They would fill a small store, since nothing deletes them while it runs.
    @Test func `names of operations have a share of the size`() throws {
        let harness = try smallStore()
        let most = StoreShares(size: Self.size).mostOperations
        func put(_ names: Range<UInt64>, _ name: String) {
            for first in stride(from: names.lowerBound, to: names.upperBound, by: 50) {
                harness.put(
                    (first..<first + 50).map {
                        TestSpan(trace: first + 1, id: $0 + 1, name: "\(name) \($0)")
                    }
                )
            }
            harness.store.flush()
        }
        put(0..<3000, "early")
        #expect(try harness.store.operations(service: "svc").count == most)
        harness.store.close(deadline: .max)
        harness.keepsFolder.store(true, ordering: .relaxed)
        let again = try StoreHarness(folder: harness.folder) { $0 = harness.settings }
        again.put([TestSpan(trace: 9000, name: "late")])
        again.store.flush()
        let names = try again.store.operations(service: "svc").map(\.name)
        #expect(names.count == most + 1)
        #expect(names.contains("late"))
    }

    @Test func `somebody who reads for long costs traces, not room`() throws {
        let harness = try smallStore()
        harness.put([TestSpan(trace: 1)])
        harness.store.flush()
        let reader = try SQLiteConnection(path: harness.path, mode: .read)
        try reader.run("BEGIN")
        #expect(try reader.number("SELECT count(*) FROM traces") == 1)
        let most = try fill(harness, traces: 2...300, bytes: 30_000)
        #expect(most <= Self.size)
        let stored = harness.counts[.traces, .stored]
        #expect(harness.counts[.traces, .dropped(.disk)] == 300 - stored)
        #expect(stored < 300)
        // What it reads is what it began with; then all goes on.
        #expect(try reader.number("SELECT count(*) FROM traces") == 1)
        try reader.run("COMMIT")
        harness.put([TestSpan(trace: 1000, attributes: [("note", noise(1000))])])
        harness.store.flush()
        #expect(harness.counts[.traces, .stored] == stored + 1)
    }

    /// Each has more steps already than come.
    @Test func `rows that are written anew are bounded like what is new`() throws {
        let harness = try StoreHarness(understanding: LongUnderstanding()) { $0.size = Self.size }
        let logs = (1...25 as ClosedRange<UInt64>).map { TestLog(trace: $0, event: "api_request") }
        var most = 0
        for _ in 0..<3 {
            harness.put(logs: logs)
            harness.store.flush()
            most = max(most, harness.logBytes)
        }
        var batch = ActivityBatch()
        for trace in UInt64(1)...25 {
            var step = Activity()
            step.traceIDHigh = traceHigh
            step.traceIDLow = trace
            batch.activities.append(step)
        }
        for _ in 0..<3 {
            #expect(harness.store.offer(batch))
            harness.store.flush()
            most = max(most, harness.logBytes)
        }
        #expect(harness.store.status.failedWrites == 0)
        #expect(harness.counts[.logs, .stored] == 75)
        #expect(try harness.ids().count == 25)
        #expect(most <= StoreShares(size: Self.size).logBytes)
    }

    @Test func `a span that cannot fit is left out and counted`() throws {
        let harness = try smallStore()
        let note = noise(6 << 20)
        harness.put([TestSpan(trace: 1)])
        harness.store.flush()
        harness.put([TestSpan(trace: 2, attributes: [("note", note)])])
        harness.store.flush()
        harness.put([TestSpan(trace: 3)])
        harness.store.flush()
        #expect(harness.counts[.traces, .dropped(.disk)] == 1)
        #expect(try harness.ids().sorted() == [1, 3])
        #expect(StoreFiles(folder: harness.folder).bytes <= Self.size)
    }
}

/// Finds 250 KB of steps in whatever there is.
private struct LongUnderstanding: TraceUnderstanding {
    func understand(
        traceIDHigh: UInt64, traceIDLow: UInt64, spans: [ByteBlock], logs: [ByteBlock],
        activities: [[UInt8]]
    ) -> UnderstoodTrace {
        var understood = TestUnderstanding().understand(
            traceIDHigh: traceIDHigh, traceIDLow: traceIDLow, spans: spans, logs: logs,
            activities: [])
        // Pages that stay as they are would not be written.
        understood.activities = [UInt8](repeating: .random(in: 0...255), count: 250_000)
        return understood
    }
}

extension StoreHarness {
    /// Of the log of changes.
    fileprivate var logBytes: Int {
        var status = stat()
        return unsafe stat(path + "-wal", &status) == 0 ? Int(status.st_size) : 0
    }
}
