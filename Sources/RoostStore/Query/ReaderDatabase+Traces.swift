import RoostAnalytics
import RoostCore
import RoostWire

extension ReaderDatabase {
    /// The first chunks of a trace, unpacked, as many as have `most` bytes together.
    private func chunks(of trace: Int, most: Int) throws(QueryFailure) -> [ByteBlock] {
        var blocks: [ByteBlock] = []
        var left = most
        _ = try forEachChunk(of: trace, admits: { $0 <= left }) { block in
            blocks.append(block)
            left -= block.count
            return true
        }
        return blocks
    }

    /// Of the first chunk of a trace, unpacked; 0 where there is none.
    private func firstChunkBytes(of trace: Int) throws(QueryFailure) -> Int {
        var bytes = 0
        _ = try forEachChunk(
            of: trace,
            admits: {
                bytes = $0
                return false
            }
        ) { _ in false }
        return bytes
    }

    /// Unpacks the chunks of a trace, one at a time, and gives each to `body` until this answers
    /// false; damaged ones are left out. `admits` is told the bytes of each before it is unpacked;
    /// false, and nothing more is read, when it refuses.
    func forEachChunk(
        of trace: Int, admits: Admission, _ body: (ByteBlock) throws(QueryFailure) -> Bool
    ) throws(QueryFailure) -> Bool {
        defer { chunks.reset() }
        chunks.bind(1, trace * StoreSchema.chunksOfTrace)
        chunks.bind(2, (trace + 1) * StoreSchema.chunksOfTrace)
        while try reading({ () throws(SQLiteError) in try chunks.step() }) {
            let size = unsafe chunks.withBytes(0) {
                unsafe unpackedSize($0, most: StoreLimits.largestChunk)
            }
            guard let size else { continue }
            guard admits(size) else { return false }
            let block = unsafe chunks.withBytes(0) { unsafe unpackZstandard($0, most: size) }
            if let block, try !body(block) { return true }
        }
        return true
    }

    struct Row {
        var id: Int
        /// Of its spans, unpacked.
        var bytes: Int
        var summary: TraceSummary
        var activities: [UInt8]
    }

    /// Asks before so many bytes of an answer are there.
    typealias Admission = (Int) -> Bool

    func find(_ key: TraceKey) throws(SQLiteError) -> Row? {
        defer { segments.reset() }
        guard try segments.step() else { return nil }
        let first = KnownTraces.segment(of: segments.int(0))
        var segment = KnownTraces.segment(of: segments.int(1))
        while segment >= first {
            traceIDs.bind(1, segment)
            traceIDs.bind(2, bits: KnownTraces.key(key))
            while try traceIDs.step() {
                guard let row = try row(traceIDs.int(0), key) else { continue }
                traceIDs.reset()
                return row
            }
            segment -= 1
        }
        return nil
    }

    private func row(_ trace: Int, _ key: TraceKey) throws(SQLiteError) -> Row? {
        traceByID.bind(1, trace)
        defer { traceByID.reset() }
        guard try traceByID.step(), traceByID.bits(0) == key.high, traceByID.bits(1) == key.low
        else { return nil }
        return Row(
            id: trace, bytes: traceByID.int(2),
            summary: unsafe traceByID.withBytes(3) {
                unsafe SummaryCoding.decode($0, high: key.high, low: key.low)
            }, activities: traceByID.bytes(4))
    }

    /// Everything about a trace, but no more than so many bytes of its spans, or its first chunk where
    /// that has more: there would be none.
    func trace(
        _ key: TraceKey, withLogs: Bool, mostSpanBytes: Int, admits: Admission
    ) throws(QueryFailure) -> StoredTrace? {
        guard let row = try reading({ () throws(SQLiteError) in try find(key) }) else { return nil }
        let least = row.bytes > mostSpanBytes ? try firstChunkBytes(of: row.id) : 0
        let most = min(max(mostSpanBytes, least), StoreLimits.mostSpanBytes)
        guard admits(min(row.bytes, most) + row.activities.count) else { throw .query(.noRoom) }
        var spans = try chunks(of: row.id, most: most)
        if spans.count > 1 { spans = withoutRepeats(spans) }
        var trace = StoredTrace(summary: row.summary, spans: spans, activities: row.activities)
        if withLogs { trace.logs = try reading { () throws(SQLiteError) in try logs(of: key) } }
        if row.bytes > most {
            let shown = spans.reduce(0) { sum, block in
                sum + (unsafe block.withBytes { unsafe countItems($0, signal: .traces) })
            }
            trace.omitted = max(0, row.summary.spans - shown)
        }
        return trace
    }

    /// In the order in which they came, at most some megabytes.
    private func logs(of key: TraceKey) throws(SQLiteError) -> [ByteBlock] {
        // Ids of 64 bits have no index.
        guard key.high != 0 else {
            allLogs.bind(1, Int.max)
            return try logs(of: key, in: allLogs)
        }
        logsOfTrace.bind(1, bits: key.high)
        logsOfTrace.bind(2, Int.max)
        return try logs(of: key, in: logsOfTrace)
    }

    private func logs(
        of key: TraceKey, in rows: borrowing SQLiteStatement
    ) throws(SQLiteError) -> [ByteBlock] {
        defer { rows.reset() }
        var blocks: [ByteBlock] = []
        var bytes = 0
        var passed = 0
        while bytes < StoreLimits.mostLogBytes, passed < StoreLimits.mostRowsPassed,
            try rows.step()
        {
            guard rows.bits(1) == key.high, rows.bits(2) == key.low else {
                passed += 1
                continue
            }
            let block = unsafe rows.withBytes(5) {
                unsafe unpackZstandard($0, most: StoreLimits.largestChunk)
            }
            if let block {
                blocks.append(block)
                bytes += block.count
            }
        }
        return blocks.reversed()
    }

    /// A trace that is too large to be read again when more of it comes may hold a span twice.
    private func withoutRepeats(_ chunks: [ByteBlock]) -> [ByteBlock] {
        var seen: Set<UInt64> = []
        return chunks.map { chunk in
            var visitor = RepeatVisitor(seen: seen)
            unsafe chunk.withBytes { unsafe walkParts($0, visitor: &visitor) }
            seen = visitor.seen
            guard visitor.hasRepeats else { return chunk }
            return ByteBlock(visitor.parts.request())
        }
    }

    func logs(_ query: LogQuery) throws(QueryFailure) -> LogPage {
        var place = LogPlace()
        if let cursor = query.cursor {
            guard let told = LogPlace(cursor) else { throw .query(.badCursor) }
            place = told
        }
        return try reading { () throws(SQLiteError) in try logs(query, from: place) }
    }

    private func logs(_ query: LogQuery, from place: LogPlace) throws(SQLiteError) -> LogPage {
        // The row at hand once more, if some of its records were shown.
        let before = place.shown > 0 ? place.row + 1 : place.row
        let session = query.session.map { Term(.session, $0).hash }
        if let high = query.traceIDHigh, high != 0 {
            logsOfTrace.bind(1, bits: high)
            logsOfTrace.bind(2, before)
            return try collect(logsOfTrace, query, session, place)
        }
        if let session {
            logsOfSession.bind(1, bits: session)
            logsOfSession.bind(2, before)
            return try collect(logsOfSession, query, session, place)
        }
        allLogs.bind(1, before)
        return try collect(allLogs, query, nil, place)
    }

    /// A page ends where there are records enough, and where many rows have been passed over: it
    /// may be empty then, and leads on.
    private func collect(
        _ rows: borrowing SQLiteStatement, _ query: LogQuery, _ session: UInt64?,
        _ place: LogPlace
    ) throws(SQLiteError) -> LogPage {
        let limit = min(max(query.limit, 1), LogQuery.mostRecords)
        var page = LogPage()
        var bytes = 0
        var last = LogPlace()
        var passed = 0
        while try rows.step() {
            guard isMeant(rows, query, session) else {
                passed += 1
                guard passed >= query.mostRowsPassed else { continue }
                page.cursor = LogPlace(row: rows.int(0)).cursor
                break
            }
            if page.records >= limit || bytes >= query.mostBytes {
                page.cursor = last.cursor
                break
            }
            let block = unsafe rows.withBytes(5) {
                unsafe unpackZstandard($0, most: StoreLimits.largestChunk)
            }
            let row = rows.int(0)
            let shown = row == place.row ? place.shown : 0
            let left = max(rows.int(4) - shown, 0)
            let taken = min(left, limit - page.records)
            last = LogPlace(row: row)
            guard let block, taken > 0 else { continue }
            let isWhole = taken == left && shown == 0
            let records = isWhole ? block : block.records(left - taken..<left)
            page.requests.append(records)
            page.records += taken
            bytes += records.count
            guard taken == left else {
                page.cursor = LogPlace(row: row, shown: shown + taken).cursor
                break
            }
        }
        rows.reset()
        return page
    }

    private func isMeant(
        _ row: borrowing SQLiteStatement, _ query: LogQuery, _ session: UInt64?
    ) -> Bool {
        if let high = query.traceIDHigh, row.bits(1) != high { return false }
        if let low = query.traceIDLow, row.bits(2) != low { return false }
        return session.map { $0 == row.bits(3) } ?? true
    }
}

/// How far a list of log records has come: rows from the newest on, and of a row the records from
/// its end on.
private struct LogPlace {
    /// Everything in the rows from this one on has been shown, or in those behind it, if `shown`.
    var row = Int.max
    /// How many records of the row, counted from its end.
    var shown = 0

    init(row: Int = .max, shown: Int = 0) {
        self.row = row
        self.shown = shown
    }

    init?(_ cursor: String) {
        let parts = cursor.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count <= 2, let row = Int(parts[0], radix: 16), row > 0, row < .max else {
            return nil
        }
        self.row = row
        guard parts.count == 2 else { return }
        guard let shown = Int(parts[1], radix: 16), shown > 0 else { return nil }
        self.shown = shown
    }

    var cursor: String {
        String(row, radix: 16) + (shown > 0 ? "." + String(shown, radix: 16) : "")
    }
}

extension ByteBlock {
    /// Some of the records of a request.
    fileprivate func records(_ range: Range<Int>) -> ByteBlock {
        var visitor = RecordVisitor(range: range)
        unsafe withBytes { unsafe walkParts($0, visitor: &visitor) }
        return ByteBlock(visitor.parts.request())
    }
}

/// Parts of a request that is put together again.
private struct RequestOfParts {
    private var parts: [(header: ChunkHeader, bytes: [UInt8])] = []
    private var resource: [UInt8] = []

    mutating func resource(_ fields: OtherFields) { fields.copy(to: &resource) }

    mutating func scope(_ fields: OtherFields) {
        var scope: [UInt8] = []
        fields.copy(to: &scope)
        parts.append((ChunkHeader(resource: resource, scope: scope), []))
    }

    mutating func add(_ item: WireBytes) {
        let place = parts.count - 1
        guard place >= 0 else { return }
        parts[place].bytes.append(0x12)
        append(varint: item.count, to: &parts[place].bytes)
        unsafe parts[place].bytes.append(contentsOf: item.buffer)
    }

    func request() -> [UInt8] {
        var request: [UInt8] = []
        for part in parts where !part.bytes.isEmpty { part.header.write(part.bytes, to: &request) }
        return request
    }
}

private struct RecordVisitor: RequestPartsVisitor {
    let range: Range<Int>
    var parts = RequestOfParts()
    private var number = 0

    init(range: Range<Int>) { self.range = range }

    mutating func resource(_ fields: OtherFields) { parts.resource(fields) }

    mutating func scope(_ fields: OtherFields) { parts.scope(fields) }

    mutating func item(_ bytes: WireBytes) {
        if range.contains(number) { parts.add(bytes) }
        number += 1
    }
}

/// Finds spans that have been seen, and makes the request again without them.
private struct RepeatVisitor: RequestPartsVisitor {
    var seen: Set<UInt64>
    var hasRepeats = false
    private(set) var parts = RequestOfParts()

    init(seen: Set<UInt64>) { self.seen = seen }

    mutating func resource(_ fields: OtherFields) { parts.resource(fields) }

    mutating func scope(_ fields: OtherFields) { parts.scope(fields) }

    mutating func item(_ bytes: WireBytes) {
        if seen.insert(SpanHead(bytes).spanID).inserted {
            parts.add(bytes)
        } else {
            hasRepeats = true
        }
    }
}
