import RoostCore

/// Deletes what is older than it may be, and the oldest while there is too much, a few rows at a
/// time. Confined to the store's thread.
final class StoreRetention {
    private let database: WriterDatabase
    private let bounds: StoreBounds
    private let pageCount: SQLiteStatement
    private let freePages: SQLiteStatement
    private let oldestTraces: SQLiteStatement
    private let oldestLogs: SQLiteStatement
    private let oldestBlock: SQLiteStatement
    private let deleteChunks: SQLiteStatement
    private let deleteTraces: SQLiteStatement
    private let deleteIDs: SQLiteStatement
    private let deleteLogs: SQLiteStatement

    private(set) var usedBytes = 0
    private(set) var deletedTraces: UInt64 = 0
    /// Unix nanoseconds of the arrival of the oldest trace; 0 without any.
    private(set) var oldest: UInt64 = 0

    /// Rows deleted in one step; about two milliseconds.
    private static let rows = 64
    private static let vacuumPages = 64

    /// `mostPages` is for tests: as if the disk were so small.
    init(
        _ database: WriterDatabase, _ bounds: StoreBounds, mostPages: Int?
    ) throws(SQLiteError) {
        self.database = database
        self.bounds = bounds
        let connection = database.connection
        pageCount = try connection.prepare("PRAGMA page_count")
        freePages = try connection.prepare("PRAGMA freelist_count")
        oldestTraces = try connection.prepare(
            "SELECT id, arrived, chunks FROM traces ORDER BY id LIMIT \(Self.rows)")
        oldestLogs = try connection.prepare(
            "SELECT id, arrived FROM log_chunks ORDER BY id LIMIT \(Self.rows)")
        oldestBlock = try connection.prepare(
            "SELECT number, last_trace FROM blocks ORDER BY number LIMIT 1")
        deleteChunks = try connection.prepare(
            """
            DELETE FROM chunks WHERE key IN
                (SELECT key FROM chunks WHERE key < ? ORDER BY key LIMIT \(Self.rows))
            """)
        deleteTraces = try connection.prepare("DELETE FROM traces WHERE id <= ?")
        deleteIDs = try connection.prepare("DELETE FROM trace_ids WHERE segment < ?")
        deleteLogs = try connection.prepare("DELETE FROM log_chunks WHERE id <= ?")
        let pages = min(2000, max(16, bounds.size / 16 / StoreSchema.pageBytes))
        try connection.run("PRAGMA wal_autocheckpoint = \(pages)")
        if let most = mostPages { try connection.run("PRAGMA max_page_count = \(most)") }
    }

    /// Bytes that may be in use; the rest is for what is being written.
    private var allowedBytes: Int { bounds.size - min(bounds.size / 5, 64 << 20) }

    /// Deletes a few rows if anything is too old or too much; says whether there may be more.
    func deleteSome(now: UInt64, openBlock: Int) throws(SQLiteError) -> Bool {
        let pages = try number(pageCount)
        let free = try number(freePages)
        usedBytes = (pages - free) * StoreSchema.pageBytes
        let isTooMuch = usedBytes > allowedBytes
        let cutoff = now > bounds.keep ? now - bounds.keep : 0
        let traces = try oldestTraceRows()
        let logs = try oldestLogRows()
        oldest = traces.first?.arrived ?? 0
        let tracesAreOlder = (traces.first?.arrived ?? .max) <= (logs.first?.arrived ?? .max)

        var lastTrace: Row?
        if isTooMuch, tracesAreOlder {
            lastTrace = last(of: traces) { _ in true }
        } else {
            lastTrace = last(of: traces) { $0.arrived < cutoff }
        }
        if let lastTrace { return try delete(upTo: lastTrace, in: traces, openBlock) }
        let lastLog =
            isTooMuch && !tracesAreOlder ? logs.last : logs.last { $0.arrived < cutoff }
        if let lastLog {
            deleteLogs.bind(1, lastLog.id)
            try deleteLogs.run()
            return true
        }
        return try shrink(pages: pages, free: free)
    }

    private struct Row {
        let id: Int
        let arrived: UInt64
        let chunks: Int
    }

    private func number(_ statement: borrowing SQLiteStatement) throws(SQLiteError) -> Int {
        defer { statement.reset() }
        return try statement.step() ? statement.int(0) : 0
    }

    private func oldestTraceRows() throws(SQLiteError) -> [Row] {
        var rows: [Row] = []
        while try oldestTraces.step() {
            rows.append(
                Row(
                    id: oldestTraces.int(0), arrived: oldestTraces.bits(1),
                    chunks: oldestTraces.int(2)))
        }
        return rows
    }

    private func oldestLogRows() throws(SQLiteError) -> [Row] {
        var rows: [Row] = []
        while try oldestLogs.step() {
            rows.append(Row(id: oldestLogs.int(0), arrived: oldestLogs.bits(1), chunks: 1))
        }
        return rows
    }

    /// The last of the rows that can go together without too many chunks at once.
    private func last(of rows: [Row], where isGoing: (Row) -> Bool) -> Row? {
        var chunks = 0
        var last: Row?
        for row in rows where isGoing(row) {
            chunks += row.chunks
            if chunks > Self.rows, last != nil { break }
            last = row
        }
        return last
    }

    private func delete(
        upTo last: Row, in rows: [Row], _ openBlock: Int
    ) throws(SQLiteError) -> Bool {
        let connection = database.connection
        try connection.run("BEGIN IMMEDIATE")
        do throws(SQLiteError) {
            deleteChunks.bind(1, (last.id + 1) * StoreSchema.chunksOfTrace)
            try deleteChunks.run()
            var deleted = 0
            // A trace of many chunks goes over several steps, its row with the last.
            if connection.changes < Self.rows {
                deleteTraces.bind(1, last.id)
                try deleteTraces.run()
                deleted = connection.changes
                deleteIDs.bind(1, KnownTraces.segment(of: last.id + 1))
                try deleteIDs.run()
                database.forgetTraces(before: last.id + 1)
                try deleteBlocks(before: last.id + 1, openBlock)
            }
            try connection.run("COMMIT")
            deletedTraces += UInt64(deleted)
        } catch {
            if connection.isInTransaction { try? connection.run("ROLLBACK") }
            throw error
        }
        return true
    }

    private func deleteBlocks(before trace: Int, _ openBlock: Int) throws(SQLiteError) {
        while try oldestBlock.step() {
            let number = oldestBlock.int(0)
            let last = oldestBlock.int(1)
            oldestBlock.reset()
            guard last < trace, number != openBlock else { return }
            try database.remove(block: number)
        }
    }

    /// A file that is larger than it may be, though half empty, gives pages back.
    private func shrink(pages: Int, free: Int) throws(SQLiteError) -> Bool {
        guard free > 0, pages * StoreSchema.pageBytes > bounds.size else { return false }
        try database.connection.run("PRAGMA incremental_vacuum(\(Self.vacuumPages))")
        return free > Self.vacuumPages
    }
}
