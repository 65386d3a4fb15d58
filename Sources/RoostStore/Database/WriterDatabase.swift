import RoostAnalytics
import RoostCore

/// The connection that writes, and its statements. Confined to the store's thread.
final class WriterDatabase {
    let connection: SQLiteConnection
    let log: ChangeLog
    /// Nil until it is needed.
    private var known: KnownTraces?
    private let findID: SQLiteStatement
    private let allIDs: SQLiteStatement
    private let insertID: SQLiteStatement
    private let findTrace: SQLiteStatement
    private let readActivities: SQLiteStatement
    private let insertTrace: SQLiteStatement
    private let updateTrace: SQLiteStatement
    private let insertChunk: SQLiteStatement
    private let readChunks: SQLiteStatement
    private let deleteChunks: SQLiteStatement
    private let putBlock: SQLiteStatement
    private let heads: IndexHeads
    private let removeBlock: SQLiteStatement
    private let readBlock: SQLiteStatement
    private let insertLogs: SQLiteStatement
    private let putOperation: SQLiteStatement

    init(
        path: String, _ shares: StoreShares, cacheBytes: Int = 4 << 20
    ) throws(StoreSchema.Failure) {
        do throws(SQLiteError) {
            connection = try SQLiteConnection(path: path, mode: .write)
        } catch { throw .sqlite(error) }
        try StoreSchema.prepare(connection, cacheBytes: cacheBytes)
        do throws(SQLiteError) {
            log = try ChangeLog(connection, shares)
            findTrace = try connection.prepare(
                "SELECT high, low, block, chunks, bytes, summary FROM traces WHERE id = ?")
            findID = try connection.prepare(
                "SELECT trace FROM trace_ids WHERE segment = ? AND key = ? LIMIT 64")
            allIDs = try connection.prepare("SELECT segment, key FROM trace_ids")
            insertID = try connection.prepare("INSERT INTO trace_ids VALUES (?, ?, ?)")
            readActivities = try connection.prepare("SELECT activities FROM traces WHERE id = ?")
            insertTrace = try connection.prepare(
                "INSERT INTO traces VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
            updateTrace = try connection.prepare(
                """
                UPDATE traces SET block = ?, chunks = ?, bytes = ?, summary = ?, activities = ?
                WHERE id = ?
                """)
            insertChunk = try connection.prepare("INSERT INTO chunks VALUES (?, ?)")
            readChunks = try connection.prepare(
                "SELECT packed FROM chunks WHERE key >= ? AND key < ? ORDER BY key")
            deleteChunks = try connection.prepare(
                "DELETE FROM chunks WHERE key >= ? AND key < ?")
            putBlock = try connection.prepare(
                "INSERT OR REPLACE INTO blocks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
            heads = try IndexHeads(connection)
            removeBlock = try connection.prepare("DELETE FROM blocks WHERE number = ?")
            readBlock = try connection.prepare(
                "SELECT dictionary, fixed, lists FROM blocks WHERE number = ?")
            insertLogs = try connection.prepare(
                """
                INSERT INTO log_chunks (high, low, session, arrived, records, packed)
                VALUES (?, ?, ?, ?, ?, ?)
                """)
            putOperation = try connection.prepare(
                "INSERT OR REPLACE INTO operations VALUES (?, ?, ?, ?)")
        } catch { throw .sqlite(error) }
    }

    /// Runs `body` and commits it, or leaves no trace of it in the database. `bytes` is what it
    /// stores at most.
    func transaction(
        bytes: Int, _ body: () throws(SQLiteError) -> Void
    ) throws(SQLiteError) {
        try log.makeRoom(bytes: bytes)
        do throws(SQLiteError) {
            try connection.run("BEGIN IMMEDIATE")
            try body()
            try connection.run("COMMIT")
        } catch {
            if connection.isInTransaction { try? connection.run("ROLLBACK") }
            throw error
        }
        log.wasWritten()
    }

    /// A trace that is stored already.
    struct Row {
        var id: Int
        var block: Int
        var chunks: Int
        /// Of its chunks, unpacked.
        var bytes: Int
        var summary: TraceSummary
    }

    func find(_ key: TraceKey) throws(SQLiteError) -> Row? {
        try learn()
        let word = KnownTraces.key(key)
        for segment in known?.segments(with: word) ?? [] {
            findID.bind(1, segment)
            findID.bind(2, bits: word)
            defer { findID.reset() }
            while try findID.step() {
                if let row = try row(findID.int(0), key) { return row }
            }
        }
        return nil
    }

    private func row(_ trace: Int, _ key: TraceKey) throws(SQLiteError) -> Row? {
        findTrace.bind(1, trace)
        defer { findTrace.reset() }
        guard try findTrace.step(), findTrace.bits(0) == key.high, findTrace.bits(1) == key.low
        else { return nil }
        return Row(
            id: trace, block: findTrace.int(2), chunks: findTrace.int(3), bytes: findTrace.int(4),
            summary: unsafe findTrace.withBytes(5) {
                unsafe SummaryCoding.decode($0, high: key.high, low: key.low)
            })
    }

    /// Reads which traces there are; a fifth of a second for a million.
    private func learn() throws(SQLiteError) {
        guard known == nil else { return }
        var learned = KnownTraces()
        while try allIDs.step() { learned.insert(allIDs.bits(1), segment: allIDs.int(0)) }
        known = learned
    }

    func forgetTraces(before trace: Int) { known?.forget(before: KnownTraces.segment(of: trace)) }

    func activities(of trace: Int) throws(SQLiteError) -> [UInt8] {
        readActivities.bind(1, trace)
        defer { readActivities.reset() }
        return try readActivities.step() ? readActivities.bytes(0) : []
    }

    func insert(
        _ row: Row, _ key: TraceKey, arrived: UInt64, activities: [UInt8]
    ) throws(SQLiteError) {
        insertTrace.bind(1, row.id)
        insertTrace.bind(2, bits: key.high)
        insertTrace.bind(3, bits: key.low)
        insertTrace.bind(4, row.block)
        insertTrace.bind(5, bits: arrived)
        insertTrace.bind(6, row.chunks)
        insertTrace.bind(7, row.bytes)
        insertTrace.bind(8, SummaryCoding.encode(row.summary))
        insertTrace.bind(9, activities)
        try insertTrace.run()
        let segment = KnownTraces.segment(of: row.id)
        insertID.bind(1, segment)
        insertID.bind(2, bits: KnownTraces.key(key))
        insertID.bind(3, row.id)
        try insertID.run()
        known?.insert(KnownTraces.key(key), segment: segment)
    }

    func update(_ row: Row, activities: [UInt8]) throws(SQLiteError) {
        updateTrace.bind(1, row.block)
        updateTrace.bind(2, row.chunks)
        updateTrace.bind(3, row.bytes)
        updateTrace.bind(4, SummaryCoding.encode(row.summary))
        updateTrace.bind(5, activities)
        updateTrace.bind(6, row.id)
        try updateTrace.run()
    }

    func insertChunk(
        trace: Int, number: Int, packed: UnsafeRawBufferPointer
    ) throws(SQLiteError) {
        insertChunk.bind(1, trace * StoreSchema.chunksOfTrace + number)
        unsafe insertChunk.bind(2, lent: packed)
        try insertChunk.run()
    }

    /// Chunks that are damaged are left out.
    func chunks(of trace: Int) throws(SQLiteError) -> [ByteBlock] {
        readChunks.bind(1, trace * StoreSchema.chunksOfTrace)
        readChunks.bind(2, (trace + 1) * StoreSchema.chunksOfTrace)
        var blocks: [ByteBlock] = []
        while try readChunks.step() {
            let block = unsafe readChunks.withBytes(0) {
                unsafe unpackZstandard($0, most: StoreLimits.largestChunk)
            }
            if let block { blocks.append(block) }
        }
        return blocks
    }

    func removeChunks(of trace: Int) throws(SQLiteError) {
        deleteChunks.bind(1, trace * StoreSchema.chunksOfTrace)
        deleteChunks.bind(2, (trace + 1) * StoreSchema.chunksOfTrace)
        try deleteChunks.run()
    }

    func put(_ block: OpenIndexBlock) throws(SQLiteError) {
        let encoded = block.encoded()
        try heads.delete(block.number)
        try heads.insert(encoded.head)
        putBlock.bind(1, block.number)
        putBlock.bind(2, encoded.firstTrace)
        putBlock.bind(3, encoded.lastTrace)
        putBlock.bind(4, Int(clamping: encoded.head.minStart))
        putBlock.bind(5, Int(clamping: encoded.head.maxStart))
        putBlock.bind(6, Int(clamping: encoded.head.maxDuration))
        putBlock.bind(7, encoded.dictionary)
        putBlock.bind(8, encoded.fixed)
        putBlock.bind(9, encoded.lists)
        try putBlock.run()
    }

    func remove(block number: Int) throws(SQLiteError) {
        try heads.delete(number)
        removeBlock.bind(1, number)
        try removeBlock.run()
    }

    /// What a trace can be found by, as a written block says.
    func terms(of trace: Int, in block: Int) throws(SQLiteError) -> [Term] {
        readBlock.bind(1, block)
        guard try readBlock.step() else { return [] }
        defer { readBlock.reset() }
        return unsafe readBlock.withBytes(0) { dictionary in
            unsafe readBlock.withBytes(1) { fixed in
                unsafe readBlock.withBytes(2) { lists in
                    unsafe IndexBlockReading.terms(
                        of: trace, dictionary: dictionary, fixed: fixed, lists: lists)
                }
            }
        }
    }

    func insertLogs(
        _ key: OpenLogs.Key, arrived: UInt64, records: Int, packed: UnsafeRawBufferPointer
    ) throws(SQLiteError) {
        insertLogs.bind(1, bits: key.trace.high)
        insertLogs.bind(2, bits: key.trace.low)
        insertLogs.bind(3, bits: key.session)
        insertLogs.bind(4, bits: arrived)
        insertLogs.bind(5, records)
        unsafe insertLogs.bind(6, packed)
        try insertLogs.run()
    }

    /// Leaves so many of those that were seen last.
    func forgetOperations(but most: Int) throws(SQLiteError) {
        try connection.run(
            """
            DELETE FROM operations WHERE seen <
                (SELECT seen FROM operations ORDER BY seen DESC LIMIT 1 OFFSET \(most))
            """)
    }

    func put(
        operation name: String, kind: Int32, of service: String, seen: UInt64
    ) throws(SQLiteError) {
        putOperation.bind(1, text: service)
        putOperation.bind(2, text: name)
        putOperation.bind(3, Int(kind))
        putOperation.bind(4, bits: seen)
        try putOperation.run()
    }
}

/// Bounds that are not for users to set.
enum StoreLimits {
    /// Of a chunk, unpacked; the largest request and its headers fit.
    static let largestChunk = 256 << 20
    /// A trace whose stored part is larger is not read again when more of it comes.
    static let mostRereadBytes = 1 << 20
    /// Of spans in one answer.
    static let mostSpanBytes = 64 << 20
    /// Of log records in one answer.
    static let mostLogBytes = 8 << 20
    /// Rows of log records that one question reads and does not mean.
    static let mostRowsPassed = 10_000
}
