import RoostCore

/// Deletes what is older than it may be, and the oldest while there is too much, a few rows at a
/// time. Confined to the store's thread.
final class StoreRetention {
    private let database: WriterDatabase
    private let bounds: StoreBounds
    private let mostPages: Int?
    /// What `shares` are of; 0 at first.
    private var size = 0
    private var shares: StoreShares
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
    /// Of what is in use there is more than there may be before a transaction.
    private(set) var isTooMuch = false
    /// A transaction might find no page for what it writes.
    private(set) var isFull = false
    private(set) var deletedTraces: UInt64 = 0
    /// Unix nanoseconds of the arrival of the oldest trace; 0 without any.
    private(set) var oldest: UInt64 = 0

    /// Rows deleted in one step; about two milliseconds.
    private static let rows = 64
    /// Of what they hold, unpacked, so that a small store does not lose most of what it has at once.
    private static let bytes = 1 << 20

    /// `mostPages` is for tests: as if the disk were so small.
    init(
        _ database: WriterDatabase, _ bounds: StoreBounds, mostPages: Int?
    ) throws(SQLiteError) {
        self.database = database
        self.bounds = bounds
        self.mostPages = mostPages
        shares = StoreShares(size: bounds.size)
        let connection = database.connection
        pageCount = try connection.prepare("PRAGMA page_count")
        freePages = try connection.prepare("PRAGMA freelist_count")
        oldestTraces = try connection.prepare(
            "SELECT id, arrived, chunks, bytes FROM traces ORDER BY id LIMIT \(Self.rows)")
        oldestLogs = try connection.prepare(
            "SELECT id, arrived, 1, length(packed) FROM log_chunks ORDER BY id LIMIT \(Self.rows)")
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
        try suitSize()
    }

    /// Bounds the files anew when the size is another one.
    private func suitSize() throws(SQLiteError) {
        guard size != bounds.size else { return }
        size = bounds.size
        shares = StoreShares(size: size)
        try database.log.use(shares)
        try boundPages()
    }

    /// A file that is larger already may not grow; it is bounded again when it has become smaller.
    private func boundPages() throws(SQLiteError) {
        let most = mostPages ?? shares.databasePages
        try database.connection.run("PRAGMA max_page_count = \(most)")
    }

    /// Deletes a few rows if anything is too old or too much; says whether there may be more.
    func deleteSome(now: UInt64, openBlock: Int) throws(SQLiteError) -> Bool {
        try suitSize()
        let pages = try number(pageCount)
        let free = try number(freePages)
        usedBytes = (pages - free) * StoreSchema.pageBytes
        isTooMuch = pages - free > shares.usedPages
        // A file that is larger than it may be has pages that were given up already.
        let room = free + max(0, shares.databasePages - pages)
        isFull = isTooMuch && room < shares.databasePages - shares.usedPages
        let cutoff = now > bounds.keep ? now - bounds.keep : 0
        let traces = try rows(oldestTraces)
        let logs = try rows(oldestLogs)
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
            isTooMuch && !tracesAreOlder
            ? last(of: logs) { _ in true } : last(of: logs) { $0.arrived < cutoff }
        if let lastLog {
            try database.transaction(bytes: 0) { () throws(SQLiteError) in
                deleteLogs.bind(1, lastLog.id)
                try deleteLogs.run()
            }
            return true
        }
        return try shrink(pages: pages, free: free)
    }

    private struct Row {
        let id: Int
        let arrived: UInt64
        let chunks: Int
        let bytes: Int
    }

    private func number(_ statement: borrowing SQLiteStatement) throws(SQLiteError) -> Int {
        defer { statement.reset() }
        return try statement.step() ? statement.int(0) : 0
    }

    private func rows(_ statement: borrowing SQLiteStatement) throws(SQLiteError) -> [Row] {
        var rows: [Row] = []
        while try statement.step() {
            rows.append(
                Row(
                    id: statement.int(0), arrived: statement.bits(1), chunks: statement.int(2),
                    bytes: statement.int(3)))
        }
        return rows
    }

    /// The last of the rows that can go together without too much at once.
    private func last(of rows: [Row], where isGoing: (Row) -> Bool) -> Row? {
        var chunks = 0
        var bytes = 0
        var last: Row?
        for row in rows where isGoing(row) {
            chunks += row.chunks
            bytes += row.bytes
            if chunks > Self.rows || bytes > Self.bytes, last != nil { break }
            last = row
        }
        return last
    }

    private func delete(
        upTo last: Row, in rows: [Row], _ openBlock: Int
    ) throws(SQLiteError) -> Bool {
        let connection = database.connection
        var deleted = 0
        try database.transaction(bytes: 0) { () throws(SQLiteError) in
            deleteChunks.bind(1, (last.id + 1) * StoreSchema.chunksOfTrace)
            try deleteChunks.run()
            // A trace of many chunks goes over several steps, its row with the last.
            guard connection.changes < Self.rows else { return }
            deleteTraces.bind(1, last.id)
            try deleteTraces.run()
            deleted = connection.changes
            deleteIDs.bind(1, KnownTraces.segment(of: last.id + 1))
            try deleteIDs.run()
            database.forgetTraces(before: last.id + 1)
            try deleteBlocks(before: last.id + 1, openBlock)
        }
        deletedTraces += UInt64(deleted)
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
        guard free > 0, pages > shares.databasePages else { return false }
        let step = shares.vacuumPages
        try database.transaction(bytes: 0) { () throws(SQLiteError) in
            try database.connection.run("PRAGMA incremental_vacuum(\(step))")
        }
        try boundPages()
        return free > step
    }
}
