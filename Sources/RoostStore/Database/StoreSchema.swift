import RoostCore

/// How the database is laid out, as a list of steps from nothing to today.
///
///     traces      a row for each trace: where it is in the index, summary, packed activities
///     trace_ids   which traces there are, by id; see `KnownTraces`
///     chunks      spans as they came, zstd; the key is trace × 4096 + number of the chunk
///     blocks      the index; see `OpenIndexBlock`
///     heads       what tells which blocks a search need not read; see `IndexHead`
///     log_chunks  log records as they came, zstd, those of one trace and session together
///     operations  what spans of each service are called
enum StoreSchema {
    /// One step: statements, then what cannot be said in SQL. Each is a transaction.
    struct Migration {
        let sql: String
        let finish: (@Sendable (SQLiteConnection) throws(SQLiteError) -> Void)?

        init(
            _ sql: String,
            finish: (@Sendable (SQLiteConnection) throws(SQLiteError) -> Void)? = nil
        ) {
            self.sql = sql
            self.finish = finish
        }
    }

    static let migrations: [Migration] = [
        Migration(
            """
            CREATE TABLE traces (
                id INTEGER PRIMARY KEY, high INTEGER NOT NULL, low INTEGER NOT NULL,
                block INTEGER NOT NULL, arrived INTEGER NOT NULL, chunks INTEGER NOT NULL,
                bytes INTEGER NOT NULL, summary BLOB NOT NULL, activities BLOB NOT NULL);
            CREATE INDEX traces_by_trace ON traces (high);
            CREATE TABLE chunks (key INTEGER PRIMARY KEY, packed BLOB NOT NULL);
            CREATE TABLE blocks (
                number INTEGER PRIMARY KEY, first_trace INTEGER NOT NULL, last_trace INTEGER NOT NULL,
                min_start INTEGER NOT NULL, max_start INTEGER NOT NULL, max_duration INTEGER NOT NULL,
                dictionary BLOB NOT NULL, fixed BLOB NOT NULL, lists BLOB NOT NULL);
            CREATE INDEX blocks_by_start ON blocks (max_start);
            CREATE TABLE log_chunks (
                id INTEGER PRIMARY KEY, high INTEGER NOT NULL, low INTEGER NOT NULL,
                session INTEGER NOT NULL, arrived INTEGER NOT NULL, records INTEGER NOT NULL,
                packed BLOB NOT NULL);
            CREATE INDEX logs_by_trace ON log_chunks (high) WHERE high <> 0;
            CREATE INDEX logs_by_session ON log_chunks (session) WHERE session <> 0;
            CREATE TABLE operations (
                service TEXT NOT NULL, name TEXT NOT NULL, kind INTEGER NOT NULL,
                seen INTEGER NOT NULL, PRIMARY KEY (service, name, kind)) WITHOUT ROWID;
            """),
        // Exclusive or, which SQL does not have.
        Migration(
            """
            CREATE TABLE trace_ids (
                segment INTEGER NOT NULL, key INTEGER NOT NULL, trace INTEGER NOT NULL,
                PRIMARY KEY (segment, key, trace)) WITHOUT ROWID;
            INSERT INTO trace_ids
                SELECT id >> \(KnownTraces.bitsOfSegment), (high | low) - (high & low), id FROM traces;
            DROP INDEX traces_by_trace;
            DROP INDEX blocks_by_start;
            CREATE INDEX blocks_by_start ON blocks (max_start, min_start, max_duration);
            """),
        // Instead of an index, since the marks would otherwise be there twice.
        Migration(
            """
            DROP INDEX blocks_by_start;
            CREATE TABLE heads (
                max_start INTEGER NOT NULL, number INTEGER NOT NULL, min_start INTEGER NOT NULL,
                min_duration INTEGER NOT NULL, max_duration INTEGER NOT NULL, marks BLOB NOT NULL,
                PRIMARY KEY (max_start, number)) WITHOUT ROWID;
            """, finish: makeHeads),
    ]

    /// Marks the file as a store of Roost ("Rost").
    static let applicationID = 0x526F_7374
    /// Of a new database. A transaction writes some megabytes one after another; each page costs two
    /// calls to write it and two to move it, so 8 KiB took an eighth more of the writer's time.
    static let pageBytes = 32_768
    static let chunksOfTrace = 4096
    /// What SQLite answers for `INCREMENTAL`.
    private static let incrementalVacuum = 2

    enum Failure: Error, Equatable {
        case sqlite(SQLiteError)
        case tooNew(Int)
        /// A database, but not of ours.
        case foreign
    }

    /// Prepares a connection that writes, and brings the database up to date.
    static func prepare(
        _ connection: SQLiteConnection, cacheBytes: Int = 4 << 20
    ) throws(Failure) {
        do throws(SQLiteError) {
            try connection.run("PRAGMA page_size = \(pageBytes)")
            // Written each time it is said.
            if try connection.number("PRAGMA auto_vacuum") != incrementalVacuum {
                try connection.run("PRAGMA auto_vacuum = INCREMENTAL")
            }
            guard try connection.text("PRAGMA journal_mode = WAL") == "wal" else {
                throw SQLiteError(1, "the file system has no shared memory for WAL mode")
            }
            try connection.run(
                """
                PRAGMA synchronous = NORMAL; PRAGMA cache_size = -\(cacheBytes >> 10);
                PRAGMA temp_store = MEMORY; PRAGMA foreign_keys = OFF
                """)
        } catch { throw .sqlite(error) }
        try migrate(connection)
    }

    /// Reads every block once: a tenth of a second for a million traces.
    @Sendable private static func makeHeads(_ connection: SQLiteConnection) throws(SQLiteError) {
        let blocks = try connection.prepare("SELECT number, dictionary, fixed FROM blocks")
        let heads = try IndexHeads(connection)
        while try blocks.step() {
            let head = unsafe blocks.withBytes(1) { dictionary in
                unsafe blocks.withBytes(2) { fixed in
                    unsafe IndexHead.of(blocks.int(0), dictionary: dictionary, fixed: fixed)
                }
            }
            try heads.insert(head)
        }
    }

    static func migrate(
        _ connection: SQLiteConnection, _ steps: [Migration] = migrations
    ) throws(Failure) {
        let version: Int
        do throws(SQLiteError) {
            let mark = try connection.number("PRAGMA application_id")
            let tables = try connection.number("SELECT count(*) FROM sqlite_schema")
            if tables > 0, mark != applicationID { throw SQLiteError(26, "") }
            try connection.run(
                """
                CREATE TABLE IF NOT EXISTS migrations (
                    version INTEGER PRIMARY KEY, applied INTEGER NOT NULL, roost TEXT NOT NULL)
                """)
            version = try connection.number("SELECT max(version) FROM migrations")
        } catch { throw error.message.isEmpty ? .foreign : .sqlite(error) }
        guard version <= steps.count else { throw .tooNew(version) }
        do throws(SQLiteError) {
            for (index, step) in steps.enumerated() where index >= version {
                try connection.run("BEGIN IMMEDIATE")
                try connection.run(step.sql)
                if let finish = step.finish { try finish(connection) }
                let note = try connection.prepare(
                    "INSERT INTO migrations VALUES (?, ?, '\(roostVersion)')")
                note.bind(1, index + 1)
                note.bind(2, bits: unixNanoseconds())
                try note.run()
                try connection.run("PRAGMA application_id = \(applicationID); COMMIT")
            }
        } catch { throw .sqlite(error) }
    }
}
