import RoostWire

/// The traces that are still coming in, in memory. Confined to the store's thread.
final class OpenTraces {
    private var traces: [TraceKey: OpenTrace] = [:]
    private var headers = ChunkHeaders()
    private(set) var bytes = 0
    private let settings: StoreSettings
    /// Is given a trace that has become too large to be held any longer.
    var store: (OpenTrace) -> Void = { _ in }

    init(_ settings: StoreSettings) { self.settings = settings }

    var count: Int { traces.count }
    var isOverFull: Bool {
        bytes > settings.mostOpenBytes || traces.count > settings.mostOpenTraces
    }

    /// Takes in every span of a valid request.
    func add(_ request: UnsafeRawBufferPointer, now: UInt64) {
        var visitor = Visitor(traces: self, now: now)
        unsafe walkParts(request, visitor: &visitor)
    }

    private struct Visitor: RequestPartsVisitor {
        let traces: OpenTraces
        let now: UInt64
        var resource: [UInt8] = []
        var scope: [UInt8] = []
        var header: ChunkHeader?
        var latest: OpenTrace?

        init(traces: OpenTraces, now: UInt64) {
            self.traces = traces
            self.now = now
        }

        mutating func resource(_ fields: [WireBytes]) {
            resource.removeAll(keepingCapacity: true)
            for run in fields { unsafe resource.append(contentsOf: run.buffer) }
            header = nil
        }

        mutating func scope(_ fields: [WireBytes]) {
            scope.removeAll(keepingCapacity: true)
            for run in fields { unsafe scope.append(contentsOf: run.buffer) }
            header = nil
        }

        mutating func item(_ span: WireBytes) {
            let head = SpanHead(span)
            let key = TraceKey(high: head.traceIDHigh, low: head.traceIDLow)
            let header = header ?? traces.headers.header(resource: resource, scope: scope)
            self.header = header
            if latest?.key != key { latest = traces.open(key, now: now) }
            guard let trace = latest else { return }
            traces.bytes += trace.add(span, head, header, now: now)
            if trace.bytes >= traces.settings.mostTraceBytes {
                traces.remove(trace)
                traces.store(trace)
                latest = nil
            }
        }
    }

    private func open(_ key: TraceKey, now: UInt64) -> OpenTrace {
        if let trace = traces[key] { return trace }
        let trace = OpenTrace(key, now: now)
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
    func takeToMakeRoom(now: UInt64) -> [OpenTrace] {
        let most = settings.mostOpenBytes / 4 * 3
        let mostTraces = settings.mostOpenTraces / 4 * 3
        // Sorted as numbers: whole ones have the smaller.
        let open = Array(traces.values)
        let order = open.indices.map { place in
            (
                place: place,
                rank: open[place].lastArrival | (open[place].hasRoot ? 0 : 1 << 63)
            )
        }.sorted { $0.rank < $1.rank }
        var taken: [OpenTrace] = []
        for (place, _) in order {
            guard bytes > most || traces.count > mostTraces else { break }
            remove(open[place])
            taken.append(open[place])
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

    private func remove(_ trace: OpenTrace) {
        traces[trace.key] = nil
        bytes -= trace.bytes
    }
}
