/// Writes the table `heads`. Confined to the store's thread.
final class IndexHeads {
    private let insertHead: SQLiteStatement
    private let deleteHead: SQLiteStatement

    init(_ connection: SQLiteConnection) throws(SQLiteError) {
        insertHead = try connection.prepare("INSERT INTO heads VALUES (?, ?, ?, ?, ?, ?)")
        deleteHead = try connection.prepare(
            """
            DELETE FROM heads
            WHERE max_start = (SELECT max_start FROM blocks WHERE number = ?1) AND number = ?1
            """)
    }

    func insert(_ head: IndexHead) throws(SQLiteError) {
        insertHead.bind(1, Int(clamping: head.maxStart))
        insertHead.bind(2, head.number)
        insertHead.bind(3, Int(clamping: head.minStart))
        insertHead.bind(4, Int(clamping: head.minDuration))
        insertHead.bind(5, Int(clamping: head.maxDuration))
        insertHead.bind(6, head.marks)
        try insertHead.run()
    }

    /// Before the block's row changes or goes, which says where its head is.
    func delete(_ number: Int) throws(SQLiteError) {
        deleteHead.bind(1, number)
        try deleteHead.run()
    }
}
