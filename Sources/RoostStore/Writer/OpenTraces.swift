import RoostWire

/// The traces that are still coming in, in memory. Confined to the store's thread.
final class OpenTraces {
    private var traces: [TraceKey: OpenTrace] = [:]
    private var headers = ChunkHeaders()
    private var order = ArrivalOrder()
    private(set) var bytes = 0
    private var headersLeft = HeaderAllowance()
    /// Spans of the latest request that were left out for their headers.
    private(set) var leftOut = 0
    /// Traces that were stored with their root before they were quiet: what follows need not be
    /// waited for any longer than they would have been.
    private var rootsStored: Set<TraceKey> = []
    private let settings: StoreSettings
    /// A trace that has become so large is given to `store`.
    var mostTraceBytes: Int
    /// Above this there are too many bytes.
    var mostBytes: Int
    /// Is given traces that cannot be held any longer: one that has become too large, or those that
    /// go because all together are too much.
    var store: ([OpenTrace]) -> Void = { _ in }

    init(_ settings: StoreSettings) {
        self.settings = settings
        mostTraceBytes = settings.mostTraceBytes
        mostBytes = settings.mostOpenBytes
    }

    var count: Int { traces.count }
    private var isOverFull: Bool {
        bytes > mostBytes || traces.count > settings.mostOpenTraces
    }

    /// Takes in the spans of a valid request. However many traces these are of, no more are held than
    /// may be.
    func add(_ request: UnsafeRawBufferPointer, now: UInt64) {
        headersLeft = HeaderAllowance(request: request.count, held: mostBytes)
        var visitor = Visitor(traces: self, now: now)
        unsafe walkParts(request, visitor: &visitor)
        visitor.end()
        leftOut = visitor.leftOut
    }

    private struct Visitor: RequestPartsVisitor {
        let traces: OpenTraces
        let now: UInt64
        var around = ItemSurroundings()
        var header: ChunkHeader?
        private(set) var leftOut = 0
        /// Spans of one trace and header that follow one another and are not in it yet.
        var spans: [ArrivedSpan] = []
        var key = TraceKey(high: 0, low: 0)
        var bytes = 0
        let mostBytes: Int

        init(traces: OpenTraces, now: UInt64) {
            self.traces = traces
            self.now = now
            mostBytes = traces.mostTraceBytes / 8
            around.mostBytes = mostBytes
        }

        mutating func resource(_ fields: OtherFields) {
            end()
            around.resource(fields)
            header = nil
        }

        mutating func scope(_ fields: OtherFields) {
            end()
            around.scope(fields)
            header = nil
        }

        mutating func item(_ span: WireBytes, field: WireBytes) {
            guard around.fits else {
                leftOut += 1
                return
            }
            let head = SpanHead(span)
            let key = TraceKey(high: head.traceIDHigh, low: head.traceIDLow)
            if key != self.key || bytes >= mostBytes {
                end()
                self.key = key
            }
            spans.append(ArrivedSpan(head: head, field: field))
            bytes += field.count
        }

        /// What follows may be of another trace or header.
        mutating func end() {
            guard !spans.isEmpty else { return }
            let header =
                header
                ?? traces.headers.header(resource: around.resource, scope: around.scope)
            self.header = header
            if traces.headersLeft.isUsedUp {
                leftOut += spans.count
            } else {
                traces.take(spans, of: key, header, now: now)
            }
            spans.removeAll(keepingCapacity: true)
            bytes = 0
        }
    }

    private func take(
        _ spans: [ArrivedSpan], of key: TraceKey, _ header: ChunkHeader, now: UInt64
    ) {
        let trace = open(key, now: now)
        let before = trace.headerBytes
        bytes += trace.take(spans, header, now: now)
        headersLeft.use(trace.headerBytes - before)
        if trace.bytes >= mostTraceBytes {
            removeEarly(trace)
            store([trace])
        } else {
            order.note(trace)
            order.tidy(traces)
            if isOverFull { store(takeToMakeRoom()) }
        }
    }

    private func open(_ key: TraceKey, now: UInt64) -> OpenTrace {
        if let trace = traces[key] { return trace }
        let trace = OpenTrace(key, hasRoot: rootsStored.contains(key), now: now)
        traces[key] = trace
        bytes += trace.bytes
        return trace
    }

    // MARK: what is to be stored

    /// Takes out the traces that are quiet or too old.
    func takeDue(now: UInt64) -> [OpenTrace] {
        take { trace in
            let quiet = now &- trace.lastArrival
            return quiet >= settings.quiet || trace.hasRoot && quiet >= settings.quietAfterRoot
                || now &- trace.firstArrival >= settings.mostAge
        }
    }

    /// Takes out whole traces first, then the oldest, until a quarter of the room is free.
    func takeToMakeRoom() -> [OpenTrace] {
        let most = mostBytes / 4 * 3
        let mostTraces = settings.mostOpenTraces / 4 * 3
        var taken: [OpenTrace] = []
        while bytes > most || traces.count > mostTraces, let key = order.next(of: traces) {
            guard let trace = traces[key] else { break }
            removeEarly(trace)
            taken.append(trace)
        }
        return taken
    }

    func take(_ key: TraceKey) -> OpenTrace? {
        guard let trace = traces[key] else { return nil }
        remove(trace)
        return trace
    }

    func takeAll() -> [OpenTrace] { take { _ in true } }

    private func take(where isTaken: (OpenTrace) -> Bool) -> [OpenTrace] {
        let taken = traces.values.filter(isTaken)
        for trace in taken { remove(trace) }
        return taken
    }

    private func removeEarly(_ trace: OpenTrace) {
        remove(trace)
        guard trace.hasRoot else { return }
        if rootsStored.count >= Self.mostRootsStored { rootsStored.removeAll() }
        rootsStored.insert(trace.key)
    }

    private static let mostRootsStored = 16_384

    private func remove(_ trace: OpenTrace) {
        traces[trace.key] = nil
        bytes -= trace.bytes
    }
}
