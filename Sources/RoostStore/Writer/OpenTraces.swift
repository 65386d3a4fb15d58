import RoostWire

/// The traces that are still coming in, in memory. Confined to the store's thread.
final class OpenTraces {
    private var traces: [TraceKey: OpenTrace] = [:]
    private var headers = ChunkHeaders()
    private(set) var bytes = 0
    /// Traces that were stored with their root before they were quiet: what follows need not be
    /// waited for any longer than they would have been.
    private var rootsStored: Set<TraceKey> = []
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
        visitor.end()
    }

    private struct Visitor: RequestPartsVisitor {
        let traces: OpenTraces
        let now: UInt64
        var resource: [UInt8] = []
        var scope: [UInt8] = []
        var header: ChunkHeader?
        var latest: OpenTrace?
        /// Into the groups of `latest`.
        var group = 0
        /// Spans of that group that stand one after another and are not in it yet.
        var run = WireBytes.empty
        var runSpans = 0

        init(traces: OpenTraces, now: UInt64) {
            self.traces = traces
            self.now = now
        }

        mutating func resource(_ fields: [WireBytes]) {
            resource.removeAll(keepingCapacity: true)
            for run in fields { unsafe resource.append(contentsOf: run.buffer) }
            end()
            header = nil
        }

        mutating func scope(_ fields: [WireBytes]) {
            scope.removeAll(keepingCapacity: true)
            for run in fields { unsafe scope.append(contentsOf: run.buffer) }
            end()
            header = nil
        }

        mutating func item(_ span: WireBytes, field: WireBytes) {
            let head = SpanHead(span)
            let key = TraceKey(high: head.traceIDHigh, low: head.traceIDLow)
            if header == nil || latest?.key != key { turn(to: key) }
            guard let trace = latest else { return }
            guard trace.note(head, group: group, now: now) else { return endRun() }
            if unsafe runSpans == 0 || field.base != run.base + run.count {
                endRun()
                run = field
            } else {
                run = unsafe WireBytes(base: run.base, count: run.count + field.count)
            }
            runSpans += 1
            if trace.bytes + run.count >= traces.settings.mostTraceBytes {
                end()
                traces.removeEarly(trace)
                traces.store(trace)
            }
        }

        private mutating func turn(to key: TraceKey) {
            end()
            let header = header ?? traces.headers.header(resource: resource, scope: scope)
            self.header = header
            let trace = traces.open(key, now: now)
            latest = trace
            group = trace.group(of: header)
        }

        private mutating func endRun() {
            guard runSpans > 0, let trace = latest else { return }
            traces.bytes += trace.append(run, spans: runSpans, group: group)
            runSpans = 0
        }

        /// What follows may be of another trace or group.
        mutating func end() {
            endRun()
            latest = nil
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
    func takeToMakeRoom(now: UInt64) -> [OpenTrace] {
        let most = settings.mostOpenBytes / 4 * 3
        let mostTraces = settings.mostOpenTraces / 4 * 3
        let open = Array(traces.values)
        // Sorted as numbers: when, to a sixteenth of a millisecond, and which; whole ones first.
        let order = open.indices.map { place in
            open[place].lastArrival & ~0xFFFF | UInt64(place & 0xFFFF)
                | (open[place].hasRoot ? 0 : 1 << 63)
        }.sorted()
        var taken: [OpenTrace] = []
        for rank in order {
            let place = Int(rank & 0xFFFF)
            guard bytes > most || traces.count > mostTraces else { break }
            removeEarly(open[place])
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
