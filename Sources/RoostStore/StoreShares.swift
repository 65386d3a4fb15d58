/// How the bytes of `store.size` are divided between the files of the database.
///
///     ├─────────────── database, at most ───────────────┤── log of changes, at most ──┤ its index
///     ├──────── what is kept ────────┤─ a transaction ──┤
///
/// What is written stands in the log first and is moved into the database when the log has
/// `checkpointPages`; only then the log begins again. So a transaction begins only when the log has
/// room for all of it, and what it may write at most is bounded by its bytes.
struct StoreShares: Equatable {
    /// The smallest size that can be kept to: half of a smaller one would be pages without traces.
    static let least = 16 << 20

    /// Pages of the database, at most.
    let databasePages: Int
    /// Of them those in use before a transaction; the oldest traces go while there are more.
    let usedPages: Int
    /// Pages in the log of changes, at most.
    let logPages: Int
    /// Pages in the log after which they are moved into the database.
    let checkpointPages: Int
    /// Of what is put into one transaction, before it is packed, but for the last trace in it.
    let transactionBytes: Int
    /// Pages that a transaction changes beside those of its bytes: of indexes and of the ids of traces.
    let transactionOwnPages: Int

    /// `size` is in bytes.
    init(size: Int) {
        let page = StoreSchema.pageBytes
        logPages = min(max(size / 4, 2 << 20), 64 << 20) / (page + Self.frameBytes)
        checkpointPages = min(512, logPages / 4)
        let most = logPages - checkpointPages
        transactionOwnPages = most / 3
        transactionBytes = most / 3 * page
        databasePages = max(size / page - logPages - Self.indexPages, 64)
        mostOperations = min(50_000, size / (16 << 10))
        usedPages = databasePages - min(most * 2 / 3, databasePages / 2)
    }

    /// What the log adds to each page.
    private static let frameBytes = 24
    /// The index of the log has 32 KiB for 4,096 pages; the log has a header.
    private static let indexPages = 3

    /// A chunk that is larger, packed, is not stored.
    var largestChunk: Int { transactionBytes }
    /// A trace that has become so large is stored as far as it is here.
    var mostTraceBytes: Int { transactionBytes / 2 }
    /// Names of services and their operations that a run adds, and that it finds at its start: of the
    /// longest, which have a kilobyte, together an eighth of the size.
    let mostOperations: Int
    var logBytes: Int { logPages * (StoreSchema.pageBytes + Self.frameBytes) }
    /// Pages that the vacuum moves in one step, each with those that point to it.
    var vacuumPages: Int { min(64, transactionOwnPages / 2) }

    /// Pages that a transaction with so many bytes writes at most.
    func pages(ofTransaction bytes: Int) -> Int {
        bytes / StoreSchema.pageBytes + transactionOwnPages
    }
}
