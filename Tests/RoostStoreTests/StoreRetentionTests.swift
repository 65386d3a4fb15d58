import Glibc
import RoostCore
import RoostIngest
import Testing

@testable import RoostStore

@Suite struct StoreRetentionTests {
    /// A keeper without a thread, so that time is the test's.
    private final class Rig {
        let keeper: TraceKeeper
        let shared: StoreShared
        let folder = StoreHarness.newFolder()
        private let traces: OpenTraces
        private let logs: OpenLogGroups

        init(_ change: (inout StoreSettings) -> Void = { _ in }) throws {
            var settings = StoreSettings()
            settings.path = folder
            change(&settings)
            unsafe mkdir(folder, 0o700)
            shared = StoreShared(
                settings: settings, names: StoreHarness.names,
                understanding: TestUnderstanding(), memory: nil, log: Log { _ in },
                count: { _, _, _ in })
            keeper = try TraceKeeper(shared)
            traces = OpenTraces(settings)
            logs = OpenLogGroups(settings)
        }

        deinit { StoreHarness.remove(folder) }

        func store(_ spans: [TestSpan], arrived: UInt64) throws {
            unsafe request(spans).withUnsafeBytes { unsafe traces.add($0, now: 0) }
            let open = traces.takeAll().sorted { $0.key.low < $1.key.low }
            let bytes = open.reduce(0) { $0 + $1.bytes }
            _ = try keeper.transaction(bytes: bytes) { () throws(SQLiteError) in
                for trace in open { try keeper.store(trace, now: arrived) }
            }
        }

        func store(logs records: [TestLog], arrived: UInt64) throws {
            unsafe request(logs: records).withUnsafeBytes {
                unsafe logs.add($0, names: StoreHarness.names, now: 0)
            }
            let open = logs.takeAll()
            let bytes = open.reduce(0) { $0 + $1.bytes }
            _ = try keeper.transaction(bytes: bytes) { () throws(SQLiteError) in
                for group in open { try keeper.store(group, now: arrived) }
            }
        }

        /// Deletes all there is to delete; answers in how many steps.
        @discardableResult
        func tidy(now: UInt64) throws -> Int {
            var steps = 1
            while try keeper.deleteSome(now: now) { steps += 1 }
            return steps
        }

        func count(_ table: String) throws -> Int {
            try keeper.database.connection.number("SELECT count(*) FROM \(table)")
        }

        func traceNumbers() throws -> [UInt64] {
            let query = try keeper.database.connection.prepare("SELECT low FROM traces ORDER BY id")
            var numbers: [UInt64] = []
            while try query.step() { numbers.append(query.bits(0)) }
            return numbers
        }
    }

    @Test func `what is too old goes, by arrival`() throws {
        let rig = try Rig { $0.keep = 5_000 }
        for number in UInt64(1)...10 {
            // The sender's clock does not matter.
            try rig.store([TestSpan(trace: number, start: 99 - number)], arrived: number * 1000)
            try rig.store(logs: [TestLog(trace: number)], arrived: number * 1000)
        }
        try rig.tidy(now: 8500)
        #expect(try rig.traceNumbers() == [4, 5, 6, 7, 8, 9, 10])
        #expect(try rig.count("chunks") == 7)
        #expect(try rig.count("log_chunks") == 7)
        #expect(rig.keeper.deletedTraces == 3)
        #expect(rig.keeper.traces == 7)
        #expect(rig.keeper.oldest == 4000)
        try rig.tidy(now: 100_000)
        #expect(try rig.count("traces") == 0)
        #expect(try rig.count("chunks") == 0)
        #expect(try rig.count("log_chunks") == 0)
    }

    @Test func `what is too much goes, the oldest first`() throws {
        let rig = try Rig { $0.size = StoreShares.least }
        let note = noise(40_000)
        for number in UInt64(1)...600 {
            try rig.store(
                [TestSpan(trace: number, attributes: [("note", note)])], arrived: number)
            if number % 3 == 0 {
                try rig.store(logs: [TestLog(session: "s", body: noise(2000))], arrived: number)
            }
            if number % 20 == 0 { try rig.tidy(now: number) }
        }
        try rig.tidy(now: 600)
        let numbers = try rig.traceNumbers()
        #expect(numbers.count > 100)
        #expect(numbers.count < 500)
        #expect(numbers == (601 - UInt64(numbers.count)...600).map { $0 })
        let shares = rig.shared.bounds.shares
        #expect(rig.keeper.usedBytes <= shares.usedPages * StoreSchema.pageBytes)
        #expect(try rig.count("log_chunks") < 200)
        let pages = try rig.keeper.database.connection.number("PRAGMA page_count")
        #expect(pages <= shares.databasePages)
    }

    @Test func `a trace of many parts goes in several steps`() throws {
        let rig = try Rig { $0.keep = 10 }
        // Of so many bytes that they are not made one.
        let note = [("note", noise(20_000))]
        for part in UInt64(1)...200 {
            try rig.store(
                [TestSpan(trace: 1, id: part, parent: part - 1, attributes: note)], arrived: 1)
        }
        try rig.store([TestSpan(trace: 2)], arrived: 100)
        #expect(try rig.count("chunks") == 201)
        #expect(try rig.tidy(now: 50) >= 4)
        #expect(try rig.traceNumbers() == [2])
        #expect(try rig.count("chunks") == 1)
    }

    @Test func `the index forgets with the traces`() throws {
        let rig = try Rig { $0.keep = 10 }
        for number in UInt64(1)...1500 {
            try rig.store([TestSpan(trace: number, start: number)], arrived: number)
        }
        #expect(try rig.count("blocks") == 3)
        try rig.tidy(now: 1200)
        #expect(try rig.count("blocks") == 1)
        #expect(try rig.traceNumbers().first == 1190)
    }

    @Test func `ids of traces that have gone are forgotten by the segment`() throws {
        let rig = try Rig { $0.keep = 10 }
        for first in stride(from: UInt64(1), to: 20_000, by: 1000) {
            try rig.store((first..<first + 1000).map { TestSpan(trace: $0) }, arrived: first)
        }
        #expect(try rig.count("trace_ids") == 20_000)
        try rig.tidy(now: 17_020)
        let left = try rig.traceNumbers()
        #expect(left.first == 18_001 || left.first == 17_001)
        #expect(try rig.count("trace_ids") == 20_000 - 16_383)
        // One that has gone may come again; one that is there is found.
        try rig.store([TestSpan(trace: 5), TestSpan(trace: 19_999)], arrived: 19_001)
        #expect(try rig.count("traces") == left.count + 1)
    }

    @Test func `a file that became too large gives pages back`() throws {
        let rig = try Rig { $0.size = 64 << 20 }
        let note = noise(40_000)
        for number in UInt64(1)...500 {
            try rig.store(
                [TestSpan(trace: number, attributes: [("note", note)])], arrived: number)
        }
        let connection = rig.keeper.database.connection
        rig.shared.bounds.use(keep: .max, size: StoreShares.least)
        let most = rig.shared.bounds.shares.databasePages
        #expect(try connection.number("PRAGMA page_count") > most)
        try rig.tidy(now: 500)
        #expect(try connection.number("PRAGMA page_count") <= most)
        #expect(try connection.number("PRAGMA max_page_count") == most)
    }

    @Test func `a transaction that fails leaves nothing behind`() throws {
        let rig = try Rig { $0.mostPages = 18 }
        try rig.store([TestSpan(trace: 1)], arrived: 1)
        let large = (2...60).map { TestSpan(trace: $0, attributes: [("note", noise(8000))]) }
        let error = #expect(throws: SQLiteError.self) { try rig.store(large, arrived: 2) }
        #expect(error?.kind == .disk)
        #expect(try rig.traceNumbers() == [1])
        #expect(rig.keeper.traces == 1)
        // There is room again.
        try rig.keeper.database.connection.run("PRAGMA max_page_count = 100000")
        try rig.store(large, arrived: 3)
        #expect(try rig.traceNumbers() == (1...60).map { $0 })
        let reader = try ReaderDatabase(path: rig.folder + "/store.db", generation: 0)
        var query = TraceQuery()
        query.limit = 1000
        var search = try TraceSearch(query, reader, hold: 0)
        #expect(try search.run().traces.count == 60)
        #expect(try reader.find(TraceKey(high: traceHigh, low: 33)) != nil)
    }
}
