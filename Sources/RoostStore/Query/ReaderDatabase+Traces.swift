import RoostAnalytics
import RoostCore
import RoostWire

extension ReaderDatabase {
    /// The chunks of a trace, unpacked, up to some bytes; damaged ones are left out.
    func chunks(of trace: Int) throws(SQLiteError) -> [ByteBlock] {
        defer { chunks.reset() }
        chunks.bind(1, trace * StoreSchema.chunksOfTrace)
        chunks.bind(2, (trace + 1) * StoreSchema.chunksOfTrace)
        var blocks: [ByteBlock] = []
        var bytes = 0
        while bytes < StoreLimits.mostSpanBytes, try chunks.step() {
            let block = unsafe chunks.withBytes(0) {
                unsafe unpackZstandard($0, most: StoreLimits.largestChunk)
            }
            if let block {
                blocks.append(block)
                bytes += block.count
            }
        }
        return blocks
    }

    struct Row {
        var id: Int
        var summary: TraceSummary
        var activities: [UInt8]
    }

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
            id: trace,
            summary: unsafe traceByID.withBytes(3) {
                unsafe SummaryCoding.decode($0, high: key.high, low: key.low)
            }, activities: traceByID.bytes(4))
    }

    /// Everything about a trace.
    func trace(_ key: TraceKey) throws(SQLiteError) -> StoredTrace? {
        guard let row = try find(key) else { return nil }
        var spans = try chunks(of: row.id)
        if spans.count > 1 { spans = withoutRepeats(spans) }
        var trace = StoredTrace(
            summary: row.summary, spans: spans, logs: try logs(of: key),
            activities: row.activities)
        if spans.reduce(0, { $0 + $1.count }) >= StoreLimits.mostSpanBytes {
            let shown = spans.reduce(0) { sum, block in
                sum + (unsafe block.withBytes { unsafe countItems($0, signal: .traces) })
            }
            trace.omitted = max(0, row.summary.spans - shown)
        }
        return trace
    }

    /// In the order in which they came, at most some megabytes.
    private func logs(of key: TraceKey) throws(SQLiteError) -> [ByteBlock] {
        logsOfTrace.bind(1, bits: key.high)
        logsOfTrace.bind(2, Int.max)
        defer { logsOfTrace.reset() }
        var blocks: [ByteBlock] = []
        var bytes = 0
        while bytes < StoreLimits.mostLogBytes, try logsOfTrace.step() {
            guard logsOfTrace.bits(1) == key.low else { continue }
            let block = unsafe logsOfTrace.withBytes(4) {
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
            return ByteBlock(visitor.request())
        }
    }

    func logs(_ query: LogQuery) throws(QueryFailure) -> LogPage {
        var before = Int.max
        if let cursor = query.cursor {
            guard let number = Int(cursor, radix: 16), number > 0 else {
                throw .query(.badCursor)
            }
            before = number
        }
        return try reading { () throws(SQLiteError) in try logs(query, before: before) }
    }

    private func logs(_ query: LogQuery, before: Int) throws(SQLiteError) -> LogPage {
        let session = query.session.map { Term(.session, $0).hash }
        if let high = query.traceIDHigh, high != 0 {
            logsOfTrace.bind(1, bits: high)
            logsOfTrace.bind(2, before)
            return try collect(logsOfTrace, query, session)
        }
        if let session {
            logsOfSession.bind(1, bits: session)
            logsOfSession.bind(2, before)
            return try collect(logsOfSession, query, session)
        }
        allLogs.bind(1, before)
        return try collect(allLogs, query, nil)
    }

    private func collect(
        _ rows: borrowing SQLiteStatement, _ query: LogQuery, _ session: UInt64?
    ) throws(SQLiteError) -> LogPage {
        let limit = min(max(query.limit, 1), LogQuery.mostRecords)
        var page = LogPage()
        var bytes = 0
        var last = 0
        while try rows.step() {
            if let low = query.traceIDLow, rows.bits(1) != low { continue }
            if let session, rows.bits(2) != session { continue }
            if page.records >= limit || bytes >= StoreLimits.mostLogBytes {
                page.cursor = String(last, radix: 16)
                break
            }
            let block = unsafe rows.withBytes(4) {
                unsafe unpackZstandard($0, most: StoreLimits.largestChunk)
            }
            last = rows.int(0)
            guard let block else { continue }
            page.requests.append(block)
            page.records += rows.int(3)
            bytes += block.count
        }
        rows.reset()
        return page
    }
}

/// Finds spans that have been seen, and makes the request again without them.
private struct RepeatVisitor: RequestPartsVisitor {
    var seen: Set<UInt64>
    var hasRepeats = false
    private var parts: [(header: ChunkHeader, bytes: [UInt8])] = []
    private var resource: [UInt8] = []
    private var scope: [UInt8] = []

    init(seen: Set<UInt64>) { self.seen = seen }

    mutating func resource(_ fields: [WireBytes]) {
        resource = fields.flatMap(\.array)
    }

    mutating func scope(_ fields: [WireBytes]) {
        scope = fields.flatMap(\.array)
        parts.append((ChunkHeader(resource: resource, scope: scope), []))
    }

    mutating func item(_ bytes: WireBytes) {
        guard seen.insert(SpanHead(bytes).spanID).inserted else {
            hasRepeats = true
            return
        }
        let place = parts.count - 1
        guard place >= 0 else { return }
        parts[place].bytes.append(0x12)
        append(varint: bytes.count, to: &parts[place].bytes)
        unsafe parts[place].bytes.append(contentsOf: bytes.buffer)
    }

    func request() -> [UInt8] {
        var request: [UInt8] = []
        for part in parts where !part.bytes.isEmpty { part.header.write(part.bytes, to: &request) }
        return request
    }
}
