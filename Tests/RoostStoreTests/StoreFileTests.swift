import Glibc
import RoostAnalytics
import RoostCore
import Testing

@testable import RoostStore

@Suite struct StoreFileTests {
    private func fill(_ harness: StoreHarness, _ traces: ClosedRange<UInt64>) {
        for number in traces {
            harness.put([
                TestSpan(trace: number, start: number * 1000, attributes: [("note", noise(400))])
            ])
        }
        harness.store.flush()
    }

    @Test func `what was stored is there when the store is opened again`() throws {
        let folder = StoreHarness.newFolder()
        do {
            let first = try StoreHarness(folder: folder)
            fill(first, 1...600)
            first.keepsFolder.store(true, ordering: .relaxed)
            first.store.close(deadline: .max)
        }
        let second = try StoreHarness(folder: folder)
        fill(second, 601...610)
        #expect(try second.ids { $0.limit = 1000 } == (1...610).reversed())
        #expect(second.store.status.traces == 610)
        #expect(try second.store.trace(high: traceHigh, low: 5)?.summary.spans == 1)
    }

    @Test func `what was stored survives an end without closing`() throws {
        let harness = try StoreHarness()
        fill(harness, 1...100)
        // The files as a power cut leaves them: the log of changes has not been copied.
        let folder = StoreHarness.newFolder()
        try #require(unsafe mkdir(folder, 0o700) == 0)
        for end in ["", "-wal"] {
            let bytes = try #require(readFile(harness.path + end, limit: 1 << 30))
            write(bytes, to: folder + "/store.db" + end)
        }
        let second = try StoreHarness(folder: folder)
        #expect(try second.ids { $0.limit = 1000 } == (1...100).reversed())
    }

    @Test(arguments: [2, 3, 10])
    func `pages that are damaged make a new database begin`(_ page: Int) throws {
        let folder = StoreHarness.newFolder()
        do {
            let first = try StoreHarness(folder: folder)
            fill(first, 1...600)
            first.keepsFolder.store(true, ordering: .relaxed)
            first.store.close(deadline: .max)
        }
        let second = try StoreHarness(folder: folder)
        damage(second.path, fromPage: page)
        // A question or the writer itself meets the damage.
        _ = try? second.ids { $0.limit = 1000 }
        _ = try? second.store.services()
        for number in UInt64(1)...600 { _ = try? second.store.trace(high: traceHigh, low: number) }
        fill(second, 1000...1001)
        fill(second, 1002...1003)
        // Those before went to whichever database there was.
        #expect(try second.ids().prefix(2) == [1003, 1002])
        #expect(second.lines.all.contains { $0.contains("was set aside; a new one begins") })
    }

    @Test func `a database of another program is set aside`() throws {
        let folder = StoreHarness.newFolder()
        try #require(unsafe mkdir(folder, 0o700) == 0)
        do {
            let other = try SQLiteConnection(path: folder + "/store.db", mode: .write)
            try other.run("CREATE TABLE things (a)")
        }
        let harness = try StoreHarness(folder: folder)
        fill(harness, 1...1)
        #expect(try harness.ids() == [1])
        #expect(harness.lines.all.contains { $0.contains("a database of another program") })
    }

    @Test func `a database of a later version is not touched`() throws {
        let folder = StoreHarness.newFolder()
        do {
            let first = try StoreHarness(folder: folder)
            first.keepsFolder.store(true, ordering: .relaxed)
            first.store.close(deadline: .max)
            let connection = try SQLiteConnection(path: first.path, mode: .write)
            try connection.run("INSERT INTO migrations VALUES (7, 0, 'x')")
        }
        defer { StoreHarness.remove(folder) }
        #expect(throws: StoreError.tooNew(path: folder + "/store.db", version: 7)) {
            let second = try StoreHarness(folder: folder)
            second.keepsFolder.store(true, ordering: .relaxed)
        }
    }

    @Test func `each step of the layout is taken once`() throws {
        let folder = StoreHarness.newFolder()
        try #require(unsafe mkdir(folder, 0o700) == 0)
        defer { StoreHarness.remove(folder) }
        let steps = ["CREATE TABLE a (x)", "CREATE TABLE b (x); INSERT INTO b VALUES (1)"]
        for count in [1, 2, 2] {
            let connection = try SQLiteConnection(path: folder + "/store.db", mode: .write)
            try StoreSchema.migrate(connection, steps.prefix(count).map { .init($0) })
            #expect(try connection.number("SELECT count(*) FROM migrations") == count)
        }
        let connection = try SQLiteConnection(path: folder + "/store.db", mode: .write)
        #expect(try connection.number("SELECT count(*) FROM b") == 1)
    }

    @Test func `a database of the first layout is brought up to date`() throws {
        let folder = StoreHarness.newFolder()
        try #require(unsafe mkdir(folder, 0o700) == 0)
        do {
            let connection = try SQLiteConnection(path: folder + "/store.db", mode: .write)
            try connection.run("PRAGMA page_size = 8192; PRAGMA auto_vacuum = INCREMENTAL")
            try StoreSchema.migrate(connection, Array(StoreSchema.migrations.prefix(1)))
            let insert = try connection.prepare(
                "INSERT INTO traces VALUES (?, ?, ?, 1, 1, 0, 0, ?, x'')")
            for (number, id) in [(1, UInt64(5)), (2, 0xF000_0000_0000_0001)] {
                insert.bind(1, number)
                insert.bind(2, bits: traceHigh << 60)
                insert.bind(3, bits: id)
                insert.bind(4, SummaryCoding.encode(FormatTests.summary))
                try insert.run()
            }
        }
        let harness = try StoreHarness(folder: folder) { $0.keep = .max }
        #expect(try harness.store.summary(high: traceHigh << 60, low: 5)?.spans == 300)
        #expect(
            try harness.store.summary(high: traceHigh << 60, low: 0xF000_0000_0000_0001) != nil)
        #expect(try harness.store.summary(high: traceHigh << 60, low: 6) == nil)
    }

    @Test func `a database of the second layout is searched like a new one`() throws {
        let folder = StoreHarness.newFolder()
        try #require(unsafe mkdir(folder, 0o700) == 0)
        do {
            let connection = try SQLiteConnection(path: folder + "/store.db", mode: .write)
            try connection.run("PRAGMA page_size = 8192; PRAGMA auto_vacuum = INCREMENTAL")
            try StoreSchema.migrate(connection, Array(StoreSchema.migrations.prefix(2)))
            try fillSecondLayout(connection, traces: 1200)
        }
        let harness = try StoreHarness(folder: folder) { $0.keep = .max }
        let connection = try SQLiteConnection(path: harness.path, mode: .read)
        #expect(try connection.number("SELECT count(*) FROM heads") == 3)
        #expect(try connection.number("SELECT max(version) FROM migrations") == 3)
        #expect(try harness.ids { $0.limit = 1000 } == (201...1200).reversed())
        #expect(try harness.ids { $0.session = "700" } == [700])
        #expect(try harness.ids { $0.session = "none" } == [])
        #expect(try harness.ids { $0.maxDuration = 2 } == [2, 1])
        #expect(try harness.ids { $0.maxDuration = 0 } == [])
        #expect(try harness.ids { $0.minDuration = 1199 } == [1200, 1199])
    }

    /// As the version before heads did it: trace n lasts n nanoseconds and is of session n.
    private func fillSecondLayout(_ connection: SQLiteConnection, traces: Int) throws {
        let insertTrace = try connection.prepare(
            "INSERT INTO traces VALUES (?, ?, ?, ?, 1, 0, 0, ?, x'')")
        let insertBlock = try connection.prepare(
            "INSERT INTO blocks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
        var block = OpenIndexBlock(number: 1)
        for trace in 1...traces {
            var summary = TraceSummary()
            summary.start = UInt64(trace) * 1000
            summary.end = summary.start + UInt64(trace)
            summary.session = "\(trace)"
            for (column, value) in [trace, Int(traceHigh), trace, block.number].enumerated() {
                insertTrace.bind(column + 1, value)
            }
            insertTrace.bind(5, SummaryCoding.encode(summary))
            try insertTrace.run()
            block.put(
                IndexEntry(
                    trace: trace, start: summary.start, duration: summary.duration,
                    terms: Term.terms(of: summary)), isNew: true)
            guard block.isFull || trace == traces else { continue }
            let encoded = block.encoded()
            let numbers = [
                block.number, encoded.firstTrace, encoded.lastTrace, Int(encoded.head.minStart),
                Int(encoded.head.maxStart), Int(encoded.head.maxDuration),
            ]
            for (column, value) in numbers.enumerated() { insertBlock.bind(column + 1, value) }
            for (column, bytes) in [encoded.dictionary, encoded.fixed, encoded.lists].enumerated() {
                insertBlock.bind(column + 7, bytes)
            }
            try insertBlock.run()
            block = OpenIndexBlock(number: block.number + 1)
        }
    }

    @Test func `a full disk costs traces, which are counted`() throws {
        let harness = try StoreHarness {
            $0.mostPages = 24
            $0.mostOpenBytes = 50_000
        }
        for number in UInt64(1)...400 {
            harness.put([TestSpan(trace: number, attributes: [("note", noise(4000))])])
        }
        harness.store.flush()
        let stored = harness.counts[.traces, .stored]
        #expect(stored > 0)
        #expect(harness.counts[.traces, .dropped(.disk)] == 400 - stored)
        #expect(try harness.ids { $0.limit = 1000 }.count == stored)
        let status = harness.store.status
        #expect(status.failedWrites > 0)
        #expect(status.lastError?.contains("full") == true)
        #expect(harness.lines.all.filter { $0.contains("the store cannot write") }.count == 1)
    }

    /// What is in the log of changes has no room in the database, nor has the log any more.
    @Test func `a disk that is full after a kill lets the store open`() async {
        await #expect(processExitsWith: .success) {
            let tests = StoreFileTests()
            let first = try StoreHarness()
            first.keepsFolder.store(true, ordering: .relaxed)
            tests.fill(first, 1...1200)
            tests.fill(first, 1201...4000)
            first.store.close(deadline: .max)
            let second = try StoreHarness(folder: first.folder)
            tests.fill(second, 4001...4100)
            let folder = StoreHarness.newFolder()
            try #require(unsafe mkdir(folder, 0o700) == 0)
            var sizes: [Int] = []
            for end in ["", "-wal"] {
                let bytes = try #require(readFile(second.path + end, limit: 1 << 30))
                tests.write(bytes, to: folder + "/store.db" + end)
                sizes.append(bytes.count)
            }
            try #require(sizes[0] > sizes[1] && sizes[1] > StoreSchema.pageBytes)
            signal(SIGXFSZ, SIG_IGN)
            let resource = __rlimit_resource_t(1)
            var limit = rlimit(rlim_cur: rlim_t(sizes[1]), rlim_max: rlim_t.max)
            try #require(unsafe setrlimit(resource, &limit) == 0)
            let third = try StoreHarness(folder: folder)
            try #require(try third.ids { $0.limit = 1 } == [4100])
            limit.rlim_cur = rlim_t.max
            try #require(unsafe setrlimit(resource, &limit) == 0)
            tests.fill(third, 4101...4101)
            try #require(third.counts[.traces, .stored] == 1)
            try #require(try third.ids { $0.limit = 1 } == [4101])
        }
    }

    /// Else questions would go on in the one that is gone, and tell of its damage as the new one's.
    @Test func `nobody reads on in a database that was set aside`() throws {
        let folder = StoreHarness.newFolder()
        try #require(unsafe mkdir(folder, 0o700) == 0)
        defer {
            unsafe _ = rmdir(folder + "/store.db-journal")
            StoreHarness.remove(folder)
        }
        var settings = StoreSettings()
        settings.path = folder
        let shared = StoreShared(
            settings: settings, names: StoreHarness.names, understanding: TestUnderstanding(),
            memory: nil, log: Log { _ in }, count: { _, _, _ in })
        let writer = StoreWriter(shared)
        try writer.open()
        let before = shared.generation.load(ordering: .acquiring)
        // No new database can be made where this is.
        try #require(unsafe mkdir(folder + "/store.db-journal", 0o700) == 0)
        shared.damagedGeneration.store(before, ordering: .releasing)
        writer.run { .max }
        #expect(shared.status.withLock { $0.lastError } != nil)
        #expect(shared.generation.load(ordering: .acquiring) > before)
    }

    private func write(_ bytes: [UInt8], to path: String) {
        let file = unsafe open(path, O_WRONLY | O_CREAT, 0o600)
        _ = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(file, $0.baseAddress, $0.count) }
        close(file)
    }

    private func damage(_ path: String, fromPage page: Int) {
        let file = unsafe open(path, O_WRONLY)
        let junk = [UInt8](repeating: 0xEE, count: StoreSchema.pageBytes)
        for number in page..<page + 60 {
            _ = unsafe junk.withUnsafeBytes {
                unsafe pwrite(file, $0.baseAddress, $0.count, number * StoreSchema.pageBytes)
            }
        }
        close(file)
    }
}

/// Text that does not get smaller.
func noise(_ count: Int) -> String {
    var text = ""
    while text.utf8.count < count { text += String(UInt64.random(in: 0 ... .max), radix: 36) }
    return text
}
