import CSQLite
import RoostCore

/// What SQLite refused, told as what the store does next.
struct SQLiteError: Error, Equatable {
    enum Kind: Equatable {
        /// The file is no database or its pages are damaged: set it aside.
        case damaged
        /// No room on the disk, or the disk failed: what was written is lost, try again later.
        case disk
        /// Somebody else writes; it did not end in time.
        case busy
        /// A mistake of ours, or no memory.
        case other
    }

    let kind: Kind
    let message: String

    init(_ code: CInt, _ message: String) {
        switch code & 0xFF {
        case SQLITE_CORRUPT, SQLITE_NOTADB, SQLITE_FORMAT: kind = .damaged
        case SQLITE_FULL, SQLITE_IOERR, SQLITE_READONLY, SQLITE_CANTOPEN, SQLITE_PERM: kind = .disk
        case SQLITE_BUSY, SQLITE_LOCKED: kind = .busy
        default: kind = .other
        }
        self.message = message
    }
}

/// One connection to a database. One thread's at a time.
@safe final class SQLiteConnection {
    private let handle: OpaquePointer
    /// Pages in the log of changes after the latest transaction; nil until they are counted.
    private var frames: UnsafeMutablePointer<CInt>?

    enum Mode { case write, read }
    enum Checkpoint {
        /// Moves what nobody reads and waits for nobody.
        case passive
        /// Moves all and lets the log begin again; waits for readers.
        case restart
        /// And makes its file empty.
        case truncate
    }

    /// Done once, before the first connection.
    private static let isPrepared: Void = roost_sqlite3_count_no_memory()

    init(path: String, mode: Mode) throws(SQLiteError) {
        Self.isPrepared
        var opened: OpaquePointer?
        let flags =
            mode == .write
            ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY
        let code = unsafe sqlite3_open_v2(path, &opened, flags | SQLITE_OPEN_NOMUTEX, nil)
        guard code == SQLITE_OK, let opened = unsafe opened else {
            let message = unsafe opened.map { unsafe String(cString: sqlite3_errmsg($0)) }
            unsafe sqlite3_close_v2(opened)
            throw SQLiteError(code, message ?? "no memory")
        }
        unsafe handle = opened
        unsafe sqlite3_busy_timeout(handle, 2000)
        unsafe sqlite3_extended_result_codes(handle, 1)
    }

    /// Statements must have ended before; one that has not keeps the connection until it does.
    deinit {
        // A statement that outlives the connection commits nothing any more.
        unsafe sqlite3_wal_hook(handle, nil, nil)
        unsafe sqlite3_close_v2(handle)
        unsafe frames?.deallocate()
    }

    /// Lets `logFrames` tell. Then nothing is moved out of the log without being asked.
    func countFrames() {
        guard unsafe frames == nil else { return }
        let frames = UnsafeMutablePointer<CInt>.allocate(capacity: 1)
        unsafe frames.initialize(to: 0)
        unsafe self.frames = frames
        unsafe roost_sqlite3_count_frames(handle, frames)
    }

    /// Pages in the log of changes after the latest transaction of this connection.
    var logFrames: Int { unsafe Int(frames?.pointee ?? 0) }

    /// After a checkpoint that has made it so.
    func logBeginsAgain() { unsafe frames?.pointee = 0 }

    /// Runs one or more statements that answer nothing.
    func run(_ sql: String) throws(SQLiteError) {
        let code = unsafe sqlite3_exec(handle, sql, nil, nil, nil)
        guard code == SQLITE_OK else { throw lastError(code) }
    }

    func prepare(_ sql: String) throws(SQLiteError) -> SQLiteStatement {
        var statement: OpaquePointer?
        let code = unsafe sqlite3_prepare_v3(
            handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil)
        guard code == SQLITE_OK, let statement = unsafe statement else { throw lastError(code) }
        return unsafe SQLiteStatement(statement, of: self)
    }

    /// The first column of the first row, 0 when there is none.
    func number(_ sql: String) throws(SQLiteError) -> Int {
        let statement = try prepare(sql)
        return try statement.step() ? statement.int(0) : 0
    }

    func text(_ sql: String) throws(SQLiteError) -> String {
        let statement = try prepare(sql)
        return try statement.step() ? statement.text(0) : ""
    }

    /// Rows that the last statement changed.
    var changes: Int { unsafe Int(sqlite3_changes(handle)) }
    var isInTransaction: Bool { unsafe sqlite3_get_autocommit(handle) == 0 }

    /// Copies the log of changes into the database. Says whether all was done that was asked for;
    /// else somebody reads.
    func checkpoint(_ kind: Checkpoint) throws(SQLiteError) -> Bool {
        let mode =
            switch kind {
            case .passive: SQLITE_CHECKPOINT_PASSIVE
            case .restart: SQLITE_CHECKPOINT_RESTART
            case .truncate: SQLITE_CHECKPOINT_TRUNCATE
            }
        let code = unsafe sqlite3_wal_checkpoint_v2(handle, nil, mode, nil, nil)
        if code & 0xFF == SQLITE_BUSY { return false }
        guard code == SQLITE_OK else { throw lastError(code) }
        return true
    }

    fileprivate func lastError(_ code: CInt) -> SQLiteError {
        SQLiteError(code, unsafe String(cString: sqlite3_errmsg(handle)))
    }
}

/// A prepared statement, finalized with its last owner. Parameters count from 1, columns from 0.
@safe struct SQLiteStatement: ~Copyable {
    private let statement: OpaquePointer
    private let connection: SQLiteConnection

    fileprivate init(_ statement: OpaquePointer, of connection: SQLiteConnection) {
        unsafe self.statement = statement
        self.connection = connection
    }

    deinit { unsafe sqlite3_finalize(statement) }

    func bind(_ index: Int, _ value: Int) {
        unsafe _ = sqlite3_bind_int64(statement, CInt(index), Int64(value))
    }

    /// As the signed number with the same bits.
    func bind(_ index: Int, bits value: UInt64) {
        unsafe _ = sqlite3_bind_int64(statement, CInt(index), Int64(bitPattern: value))
    }

    func bind(_ index: Int, _ bytes: [UInt8]) {
        unsafe bytes.withUnsafeBytes { unsafe bind(index, $0) }
    }

    func bind(_ index: Int, _ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress, bytes.count > 0 else {
            unsafe _ = sqlite3_bind_zeroblob(statement, CInt(index), 0)
            return
        }
        unsafe _ = roost_sqlite3_bind_blob_copy(
            statement, CInt(index), base, CInt(clamping: bytes.count))
    }

    /// The bytes stay where they are until the statement has run.
    @unsafe func bind(_ index: Int, lent bytes: UnsafeRawBufferPointer) {
        unsafe _ = roost_sqlite3_bind_blob_lent(
            statement, CInt(index), bytes.baseAddress, CInt(clamping: bytes.count))
    }

    func bind(_ index: Int, text: String) {
        unsafe _ = roost_sqlite3_bind_text_copy(
            statement, CInt(index), text, CInt(clamping: text.utf8.count))
    }

    /// Goes to the next row; false at the end, after which the statement can be run again.
    func step() throws(SQLiteError) -> Bool {
        let code = unsafe sqlite3_step(statement)
        if code == SQLITE_ROW { return true }
        unsafe sqlite3_reset(statement)
        guard code == SQLITE_DONE else { throw connection.lastError(code) }
        return false
    }

    /// Runs a statement that answers nothing.
    func run() throws(SQLiteError) {
        while try step() {}
    }

    /// Ends a run before its last row.
    func reset() { unsafe sqlite3_reset(statement) }

    func int(_ column: Int) -> Int {
        unsafe Int(sqlite3_column_int64(statement, CInt(column)))
    }

    func bits(_ column: Int) -> UInt64 {
        unsafe UInt64(bitPattern: sqlite3_column_int64(statement, CInt(column)))
    }

    func text(_ column: Int) -> String {
        guard let text = unsafe sqlite3_column_text(statement, CInt(column)) else { return "" }
        // It may have a 0 in it.
        let count = unsafe Int(sqlite3_column_bytes(statement, CInt(column)))
        return unsafe String(
            decoding: UnsafeBufferPointer(start: text, count: count), as: UTF8.self)
    }

    /// Lends the bytes of a column until `body` returns.
    func withBytes<Result>(_ column: Int, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        let base = unsafe sqlite3_column_blob(statement, CInt(column))
        let count = unsafe Int(sqlite3_column_bytes(statement, CInt(column)))
        return unsafe body(UnsafeRawBufferPointer(start: base, count: base == nil ? 0 : count))
    }

    func bytes(_ column: Int) -> [UInt8] {
        unsafe withBytes(column) { unsafe [UInt8]($0) }
    }
}
