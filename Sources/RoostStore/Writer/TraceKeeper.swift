import RoostAnalytics
import RoostCore
import RoostWire

/// Writes traces and log records into the database, inside of transactions.
///
/// Confined to the store's thread. When a transaction fails nothing of it is remembered here.
final class TraceKeeper {
    struct Written {
        var spans = 0
        var duplicates = 0
        var records = 0
        /// Spans of traces that have no room for another part.
        var dropped = 0
        /// What was put into the transaction, what it writes anew included.
        var bytes = 0
    }

    /// Parts of a trace that are made one, where they are read anyway.
    private static let mostParts = 64

    let database: WriterDatabase
    private let shared: StoreShared
    private let packer = ZstandardPacker()
    private var state: State
    private var written = Written()
    /// Deletes what is too old or too much.
    private var retention: StoreRetention

    /// What goes back to what it was when a transaction fails.
    private struct State {
        var index: OpenIndexBlock
        var nextTrace: Int
        var traces: Int
        /// Operations that have a row.
        var operations: Set<UInt64> = []
    }

    init(_ shared: StoreShared) throws(StoreSchema.Failure) {
        self.shared = shared
        database = try WriterDatabase(
            path: shared.files.path, StoreShares(size: shared.bounds.size),
            cacheBytes: shared.settings.writerCacheBytes)
        do throws(SQLiteError) {
            let connection = database.connection
            let last = try connection.number("SELECT max(id) FROM traces")
            let first = try connection.number("SELECT min(id) FROM traces")
            let lastIndexed = try connection.number(
                "SELECT last_trace FROM blocks ORDER BY number DESC LIMIT 1")
            let block = try connection.number("SELECT max(number) FROM blocks")
            state = State(
                index: OpenIndexBlock(number: block + 1), nextTrace: max(last, lastIndexed) + 1,
                // Rows are deleted from the front only.
                traces: last == 0 ? 0 : last - first + 1)
            // A disk that is full does not keep the store closed.
            try? database.forgetOperations(but: shared.bounds.shares.mostOperations)
            retention = try StoreRetention(
                database, shared.bounds, mostPages: shared.settings.mostPages)
        } catch { throw .sqlite(error) }
    }

    var usedBytes: Int { retention.usedBytes }
    /// There is more than there may be before a transaction.
    var isTooMuch: Bool { retention.isTooMuch }
    /// So much that a transaction might find no page.
    var isFull: Bool { retention.isFull }
    var traces: Int { max(0, state.traces - Int(retention.deletedTraces)) }
    var deletedTraces: UInt64 { retention.deletedTraces }
    var oldest: UInt64 { retention.oldest }

    /// What is to be stored next belongs into another transaction.
    var isTransactionFull: Bool { written.bytes >= shared.bounds.shares.transactionBytes }

    func deleteSome(now: UInt64) throws(SQLiteError) -> Bool {
        try retention.deleteSome(now: now, openBlock: state.index.number)
    }

    func close() {
        _ = try? database.connection.checkpoint(.truncate)
    }

    /// Runs `body` and commits it, or leaves no trace of it. `bytes` is what it stores at most.
    func transaction(
        bytes: Int, _ body: () throws(SQLiteError) -> Void
    ) throws(SQLiteError) -> Written {
        let before = state
        written = Written()
        do throws(SQLiteError) {
            try database.transaction(bytes: bytes) { () throws(SQLiteError) in
                try body()
                guard !state.index.isWritten else { return }
                try database.put(state.index)
                state.index.wasWritten()
            }
        } catch {
            state = before
            throw error
        }
        return written
    }

    // MARK: traces

    func store(_ trace: OpenTrace, now: UInt64) throws(SQLiteError) {
        let known = try database.find(trace.key)
        var earlier: [ByteBlock] = []
        let isRead = (known?.bytes ?? 0) + trace.bytes <= StoreLimits.mostRereadBytes
        if let known, known.chunks > 0, isRead {
            earlier = try database.chunks(of: known.id)
            written.duplicates += trace.leaveOut(spanIDs(in: earlier))
        }
        written.duplicates += trace.repeated
        guard trace.spans > 0 else { return }
        var row =
            known
            ?? WriterDatabase.Row(
                id: state.nextTrace, block: 0, chunks: 0, bytes: 0, summary: TraceSummary())
        if isRead, row.chunks >= Self.mostParts { try join(earlier, of: &row) }
        guard row.chunks < StoreSchema.chunksOfTrace else {
            written.dropped += trace.spans
            return
        }
        let request = trace.request()
        let understood = shared.understanding.understand(
            traceIDHigh: trace.key.high, traceIDLow: trace.key.low, spans: earlier + [request],
            logs: [], activities: [])
        let isWhole = known == nil || row.chunks == 0 || isRead
        row.summary =
            isWhole ? understood.summary : merged(row.summary, understood.summary)
        let quiet = monotonicNanoseconds() &- trace.lastArrival
        row.summary.heard = now > quiet ? now - quiet : now
        try insertChunk(request, trace: row.id, number: row.chunks)
        written.bytes += request.count
        row.chunks += 1
        row.bytes += request.count
        var terms = Term.terms(of: row.summary)
        trace.forEachOperation { terms.append($1.term) }
        for group in trace.groups where !terms.contains(group.header.serviceTerm) {
            terms.append(group.header.serviceTerm)
        }
        try put(
            &row, trace.key, terms: terms, activities: isWhole ? understood.activities : [],
            isNew: known == nil, now: now)
        try trace.forEachOperation { header, operation throws(SQLiteError) in
            try note(operation, of: header, now: now)
        }
        written.spans += trace.spans
    }

    /// Bytes that are written anew when more of a trace is stored: of its parts, where there are so
    /// many that they are made one.
    func bytesWrittenAnew(with trace: OpenTrace) throws(SQLiteError) -> Int {
        guard let known = try database.find(trace.key), known.chunks >= Self.mostParts,
            known.bytes + trace.bytes <= StoreLimits.mostRereadBytes
        else { return 0 }
        return known.bytes
    }

    /// A trace of which little comes again and again would have no number for what follows.
    private func join(
        _ parts: [ByteBlock], of row: inout WriterDatabase.Row
    ) throws(SQLiteError) {
        let joined = ByteBlock(joining: parts)
        try database.removeChunks(of: row.id)
        (row.chunks, row.bytes) = (0, joined.count)
        written.bytes += joined.count
        // Damaged ones are no parts.
        guard joined.count > 0 else { return }
        try insertChunk(joined, trace: row.id, number: 0)
        row.chunks = 1
    }

    private func insertChunk(
        _ request: ByteBlock, trace: Int, number: Int
    ) throws(SQLiteError) {
        let result = unsafe request.withBytes { bytes in
            unsafe packer.pack(bytes) { packed -> Result<Void, SQLiteError> in
                Result { () throws(SQLiteError) in
                    try checkSize(packed.count)
                    unsafe try database.insertChunk(trace: trace, number: number, packed: packed)
                }
            }
        }
        guard let result else { throw SQLiteError(7, "no memory to compress a trace") }
        try result.get()
    }

    private func checkSize(_ packed: Int) throws(SQLiteError) {
        guard packed > shared.bounds.shares.largestChunk else { return }
        throw SQLiteError(18, "a part of \(packed) bytes, packed, is too large for store.size")
    }

    /// Writes a trace's row and its place in the index.
    private func put(
        _ row: inout WriterDatabase.Row, _ key: TraceKey, terms: [Term], activities: [UInt8],
        isNew: Bool, now: UInt64
    ) throws(SQLiteError) {
        var terms = terms
        if !isNew {
            let earlier =
                row.block == state.index.number
                ? state.index.terms(of: row.id) : try database.terms(of: row.id, in: row.block)
            // Behind those of the summary: where there are too many, the last cannot be searched for.
            let latest = Set(terms)
            terms += earlier.filter { !latest.contains($0) }
        }
        if state.index.isFull, row.block != state.index.number {
            if !state.index.isWritten { try database.put(state.index) }
            state.index = OpenIndexBlock(number: state.index.number + 1)
        }
        row.block = state.index.number
        // The heads of the index have signed numbers, by which the entries have to be in order.
        let start = min(row.summary.start, UInt64(Int64.max))
        state.index.put(
            IndexEntry(
                trace: row.id, start: start, duration: row.summary.duration, terms: terms),
            isNew: isNew)
        if isNew {
            try database.insert(row, key, arrived: now, activities: activities)
            state.nextTrace += 1
            state.traces += 1
        } else {
            try database.update(row, activities: activities)
        }
    }

    private func spanIDs(in chunks: [ByteBlock]) -> Set<UInt64> {
        var visitor = SpanIDs()
        for chunk in chunks { unsafe chunk.withBytes { unsafe walkParts($0, visitor: &visitor) } }
        return visitor.ids
    }

    private struct SpanIDs: RequestPartsVisitor {
        var ids: Set<UInt64> = []
        mutating func resource(_ fields: OtherFields) {}
        mutating func scope(_ fields: OtherFields) {}
        mutating func item(_ bytes: WireBytes) { ids.insert(SpanHead(bytes).spanID) }
    }

    private func note(
        _ operation: ChunkHeader.Operation, of header: ChunkHeader, now: UInt64
    ) throws(SQLiteError) {
        let mark = operation.term.hash &+ UInt64(UInt32(bitPattern: operation.kind))
        guard state.operations.count < shared.bounds.shares.mostOperations,
            !state.operations.contains(mark)
        else { return }
        state.operations.insert(mark)
        try database.put(
            operation: operation.name, kind: operation.kind, of: header.service, seen: now)
    }

    // MARK: log records

    func store(_ logs: OpenLogs, now: UInt64) throws(SQLiteError) {
        let request = logs.request()
        let result = unsafe request.withBytes { bytes in
            unsafe packer.pack(bytes) { packed -> Result<Void, SQLiteError> in
                Result { () throws(SQLiteError) in
                    try checkSize(packed.count)
                    unsafe try database.insertLogs(
                        logs.key, arrived: now, records: logs.records, packed: packed)
                }
            }
        }
        guard let result else { throw SQLiteError(7, "no memory to compress log records") }
        try result.get()
        written.records += logs.records
        written.bytes += request.count
        guard logs.rewritesTrace else { return }
        try understand(logs.key.trace, [request], [], now: now)
    }

    /// What became of steps that were told.
    enum ToldOutcome {
        case kept
        /// The trace has spans, which are kept instead.
        case superseded
        /// The trace has as many as are kept of one; its summary counts them.
        case summed
    }

    /// Steps that were told without spans and log records, packed.
    func store(
        _ packed: [[UInt8]], of key: TraceKey, now: UInt64
    ) throws(SQLiteError) -> ToldOutcome {
        try understand(key, [], packed, now: now)
    }

    /// A trace that consists of events only gets its row from them.
    @discardableResult
    private func understand(
        _ key: TraceKey, _ requests: [ByteBlock], _ packed: [[UInt8]], now: UInt64
    ) throws(SQLiteError) -> ToldOutcome {
        let known = try database.find(key)
        guard (known?.chunks ?? 0) == 0 else { return .superseded }
        var row =
            known
            ?? WriterDatabase.Row(
                id: state.nextTrace, block: 0, chunks: 0, bytes: 0, summary: TraceSummary())
        let earlier = known == nil ? [] : try database.activities(of: row.id)
        let isWhole = earlier.count <= StoreLimits.mostRereadBytes
        let isEmpty = earlier.isEmpty || !isWhole
        let understood = shared.understanding.understand(
            traceIDHigh: key.high, traceIDLow: key.low, spans: [], logs: requests,
            activities: (isEmpty ? [] : [earlier]) + packed)
        row.summary = isWhole ? understood.summary : merged(row.summary, understood.summary)
        // Their ends will be counted, and do not meet them any more.
        if !isWhole { row.summary.spans -= understood.announced }
        row.summary.heard = now
        let activities = isWhole ? understood.activities : earlier
        try put(
            &row, key, terms: Term.terms(of: row.summary), activities: activities,
            isNew: known == nil, now: now)
        written.bytes += activities.count
        return isWhole ? .kept : .summed
    }
}
