import RoostAnalytics
import RoostCore
import Synchronization

/// A connection that reads, and its statements. One thread's at a time.
final class ReaderDatabase {
    let generation: Int
    let connection: SQLiteConnection
    let traceByNumber: SQLiteStatement
    let segments: SQLiteStatement
    let traceIDs: SQLiteStatement
    let traceByID: SQLiteStatement
    let chunks: SQLiteStatement
    let heads: SQLiteStatement
    let block: SQLiteStatement
    let services: SQLiteStatement
    let operations: SQLiteStatement
    let logsOfTrace: SQLiteStatement
    let logsOfSession: SQLiteStatement
    let allLogs: SQLiteStatement
    private let begin: SQLiteStatement
    private let end: SQLiteStatement

    /// The questions, for whoever wants to see how SQLite answers them.
    enum SQL {
        static let traceByNumber = "SELECT high, low, block, summary FROM traces WHERE id = ?"
        /// One at a time, since both together would read every row.
        static let segments =
            "SELECT (SELECT min(id) FROM traces), (SELECT max(id) FROM traces)"
        static let traceIDs = "SELECT trace FROM trace_ids WHERE segment = ? AND key = ?"
        static let traceByID =
            "SELECT high, low, bytes, summary, activities FROM traces WHERE id = ?"
        static let chunks = "SELECT packed FROM chunks WHERE key >= ? AND key < ? ORDER BY key"
        static let heads = """
            SELECT number, max_start, marks FROM heads
            WHERE max_start >= ? AND min_start <= ? AND max_duration >= ? AND min_duration <= ?
            ORDER BY max_start DESC
            """
        static let block = "SELECT dictionary, fixed, lists FROM blocks WHERE number = ?"
        static let services = "SELECT DISTINCT service FROM operations ORDER BY service"
        static let operations =
            "SELECT name, kind FROM operations WHERE service = ? ORDER BY name, kind"
        static let logsOfTrace = """
            SELECT id, high, low, session, records, packed FROM log_chunks
            WHERE high = ? AND high <> 0 AND id < ? ORDER BY id DESC
            """
        static let logsOfSession = """
            SELECT id, high, low, session, records, packed FROM log_chunks
            WHERE session = ? AND session <> 0 AND id < ? ORDER BY id DESC
            """
        static let allLogs = """
            SELECT id, high, low, session, records, packed FROM log_chunks
            WHERE id < ? ORDER BY id DESC
            """
    }

    init(path: String, generation: Int, cacheBytes: Int = 1 << 20) throws(SQLiteError) {
        self.generation = generation
        connection = try SQLiteConnection(path: path, mode: .read)
        try connection.run(
            "PRAGMA cache_size = -\(cacheBytes >> 10); PRAGMA query_only = 1")
        traceByNumber = try connection.prepare(SQL.traceByNumber)
        segments = try connection.prepare(SQL.segments)
        traceIDs = try connection.prepare(SQL.traceIDs)
        traceByID = try connection.prepare(SQL.traceByID)
        chunks = try connection.prepare(SQL.chunks)
        heads = try connection.prepare(SQL.heads)
        block = try connection.prepare(SQL.block)
        services = try connection.prepare(SQL.services)
        operations = try connection.prepare(SQL.operations)
        logsOfTrace = try connection.prepare(SQL.logsOfTrace)
        logsOfSession = try connection.prepare(SQL.logsOfSession)
        allLogs = try connection.prepare(SQL.allLogs)
        begin = try connection.prepare("BEGIN")
        end = try connection.prepare("COMMIT")
    }

    /// What is read until `reset` is of one moment.
    func hold() throws(SQLiteError) { try begin.run() }

    /// Ends a question, and what one that failed may have left open.
    func reset() {
        traceByNumber.reset()
        segments.reset()
        traceIDs.reset()
        traceByID.reset()
        chunks.reset()
        heads.reset()
        block.reset()
        services.reset()
        operations.reset()
        logsOfTrace.reset()
        logsOfSession.reset()
        allLogs.reset()
        if connection.isInTransaction { try? end.run() }
    }
}

/// Connections that read, lent to one question at a time. Any thread.
final class ReaderPool: Sendable {
    private struct Idle: @unchecked Sendable {
        // Sendable: a connection is in one place only, here or with the thread that it was lent to,
        // and SQLite lets a connection go from thread to thread.
        var readers: [ReaderDatabase] = []
    }

    private let shared: StoreShared
    private let idle = Mutex(Idle())
    private static let mostIdle = 4

    init(_ shared: StoreShared) { self.shared = shared }

    /// Asks one question.
    func read<Answer>(
        _ question: (ReaderDatabase) throws(QueryFailure) -> Answer
    ) throws(StoreQueryError) -> Answer {
        guard shared.isOpen.load(ordering: .acquiring) else {
            throw .unavailable("the store is not open")
        }
        let generation = shared.generation.load(ordering: .acquiring)
        do throws(QueryFailure) {
            let reader = try take(generation)
            defer { giveBack(reader) }
            try reading { () throws(SQLiteError) in try reader.hold() }
            return try question(reader)
        } catch {
            switch error {
            case .query(let error): throw error
            case .sqlite(let error):
                if error.kind == .damaged {
                    shared.damagedGeneration.store(generation, ordering: .releasing)
                    shared.inbox.signal()
                }
                throw .unavailable(error.message)
            }
        }
    }

    private func take(_ generation: Int) throws(QueryFailure) -> ReaderDatabase {
        let path = shared.files.path
        let lent = idle.withLock { idle -> Idle in
            idle.readers.removeAll { $0.generation != generation }
            var lent = Idle()
            if let reader = idle.readers.popLast() { lent.readers = [reader] }
            return lent
        }
        if let reader = lent.readers.first { return reader }
        do throws(SQLiteError) {
            return try ReaderDatabase(
                path: path, generation: generation,
                cacheBytes: shared.settings.readerCacheBytes)
        } catch { throw .sqlite(error) }
    }

    private func giveBack(_ reader: ReaderDatabase) {
        reader.reset()
        let returned = Idle(readers: [reader])
        idle.withLock { idle in
            if idle.readers.count < Self.mostIdle { idle.readers += returned.readers }
        }
    }

    func close() { idle.withLock { $0.readers = [] } }
}

/// Why a question failed, before it is told to whoever asked.
enum QueryFailure: Error {
    case query(StoreQueryError)
    case sqlite(SQLiteError)
}

/// Runs `body` and marks what SQLite refused.
func reading<Answer>(
    _ body: () throws(SQLiteError) -> Answer
) throws(QueryFailure) -> Answer {
    do throws(SQLiteError) { return try body() } catch { throw .sqlite(error) }
}
