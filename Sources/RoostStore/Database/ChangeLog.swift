import RoostCore

/// The log of changes (WAL) of the connection that writes: how long it is, and when it is moved into
/// the database. Confined to the store's thread.
///
/// SQLite would do so by itself after a transaction, and let the log grow for as long as somebody
/// reads. Here a transaction that might not fit waits until nobody does, and is refused after that.
final class ChangeLog {
    private let connection: SQLiteConnection
    private var shares: StoreShares

    init(_ connection: SQLiteConnection, _ shares: StoreShares) throws(SQLiteError) {
        self.connection = connection
        self.shares = shares
        connection.countFrames()
        // After a kill there is a log whose length nobody has told. A disk without room for what is
        // in it keeps nobody from reading, and is tried again after each transaction.
        do throws(SQLiteError) { _ = try connection.checkpoint(.restart) } catch {
            if error.kind == .damaged { throw error }
        }
        try use(shares)
    }

    func use(_ shares: StoreShares) throws(SQLiteError) {
        self.shares = shares
        // What is longer is cut when the log begins again.
        try connection.run("PRAGMA journal_size_limit = \(shares.logBytes)")
    }

    /// To be called before a transaction with so many bytes. Waits for readers when the log has no
    /// room for it, two seconds at most.
    func makeRoom(bytes: Int) throws(SQLiteError) {
        let pages = shares.pages(ofTransaction: bytes)
        let frames = connection.logFrames
        guard frames > 0, frames + pages > shares.logPages else { return }
        guard try connection.checkpoint(.restart) else {
            throw SQLiteError(
                5, "somebody has been reading for long, and the log of changes has no more room")
        }
        connection.logBeginsAgain()
    }

    /// To be called after a transaction, which stands whatever becomes of the log: where it cannot be
    /// moved, that is tried again after the next, and `makeRoom` says why.
    func wasWritten() {
        guard connection.logFrames >= shares.checkpointPages else { return }
        _ = try? connection.checkpoint(.passive)
    }
}
