import RoostAnalytics
import RoostCore
import RoostStore
import Synchronization

/// Which service calls which in the latest traces, kept so that nobody waits while a hundred traces
/// are read. Any thread.
///
/// `refresh` looks at all of the latest traces and is called every ten seconds, beside the loop;
/// `update` at a few of those that came since, for whoever asks.
final class ServiceCallsBook: Sendable {
    /// One trace, as it was when it was read.
    private struct Known: Sendable {
        let id: TraceID
        var start: UInt64
        var spans: Int
        /// What comes of it changes nothing any more.
        let isCut: Bool
        let calls: ServiceCalls

        init(_ summary: TraceSummary, _ calls: ServiceCalls, isCut: Bool) {
            id = TraceID(high: summary.traceIDHigh, low: summary.traceIDLow)
            start = summary.start
            spans = summary.spans
            self.isCut = isCut
            self.calls = calls
        }

        /// What it is now, if it need not be read for that.
        func now(_ summary: TraceSummary) -> Known? {
            guard isCut || spans == summary.spans else { return nil }
            var known = self
            (known.start, known.spans) = (summary.start, summary.spans)
            return known
        }
    }

    private struct State: Sendable {
        /// The latest first; of all together no more is kept than of one.
        var traces: [Known] = []
        /// No trace that began since, Unix nanoseconds, was passed over.
        var reaches = UInt64.max
        /// Unix nanoseconds; 0 is never.
        var made: UInt64 = 0
        /// What the store had stored then; nil when there was no memory to read all of that, until a
        /// refresh has.
        var stored: UInt64?
    }

    private let state = Mutex(State())

    /// Looked through, and read.
    private static let mostSummaries = 2_000
    private static let mostTraces = 100
    /// The same of an update.
    private static let fewSummaries = 200
    private static let fewTraces = 8
    /// Nanoseconds that `until` may lie before the latest refresh to mean now.
    private static let now: UInt64 = 20_000_000_000

    /// Of all that is kept of names.
    var byteCount: Int { state.withLock { $0.traces.reduce(0) { $0 + $1.calls.byteCount } } }

    /// Takes in what was stored since the last time, all of it. A trace for which there is no memory
    /// stays as it was known, and is read the next time.
    func refresh(_ source: ServiceCallsSource, now: UInt64) throws(APIError) {
        let stored = source.store.status.spansStored
        let before = state.withLock { $0 }
        if before.made > 0, before.stored == stored { return }
        let (summaries, isAll) = try Self.latest(source.store, most: Self.mostSummaries)
        var next = State(made: now, stored: stored)
        let known = Self.byID(before.traces)
        var passedOver: UInt64 = 0
        var isFull = false
        for summary in summaries {
            let id = TraceID(high: summary.traceIDHigh, low: summary.traceIDLow)
            if let same = known[id]?.now(summary) {
                next.traces.append(same)
            } else {
                switch try source.read(id) {
                case .calls(let calls, let isCut):
                    next.traces.append(Known(summary, calls, isCut: isCut))
                case .gone: continue
                case .noRoom:
                    next.stored = nil
                    passedOver = max(passedOver, summary.start &+ 1)
                    if let earlier = known[id] { next.traces.append(earlier) }
                }
            }
            if Self.most(of: next.traces) < next.traces.count {
                next.traces.removeLast()
                isFull = true
            }
            isFull = isFull || next.traces.count == Self.mostTraces
            if isFull { break }
        }
        next.reaches = max(
            passedOver,
            isFull ? next.traces.last?.start ?? 0 : isAll ? 0 : summaries.last?.start ?? 0)
        let made = next
        state.withLock { $0 = made }
    }

    /// Takes in some of what was stored since; all of it when it never was.
    func update(_ source: ServiceCallsSource, now: UInt64) throws(APIError) {
        let before = state.withLock { $0 }
        guard before.made > 0 else { return try refresh(source, now: now) }
        let stored = source.store.status.spansStored
        guard before.stored != stored else { return }
        let (summaries, _) = try Self.latest(source.store, most: Self.fewSummaries)
        var known = Self.byID(before.traces)
        var left = Self.fewTraces
        // Only a refresh finds out how far back all is known again.
        var isComplete = before.stored != nil
        var passedOver: UInt64 = 0
        for summary in summaries where left > 0 {
            let id = TraceID(high: summary.traceIDHigh, low: summary.traceIDLow)
            if let same = known[id]?.now(summary) {
                known[id] = same
                continue
            }
            switch try source.read(id) {
            case .calls(let calls, let isCut):
                known[id] = Known(summary, calls, isCut: isCut)
                left -= 1
            case .gone: continue
            case .noRoom:
                isComplete = false
                passedOver = max(passedOver, summary.start &+ 1)
            }
        }
        var next = before
        next.reaches = max(before.reaches, passedOver)
        next.traces = known.values.sorted { $0.start > $1.start }
        let most = Self.most(of: next.traces)
        if next.traces.count > most {
            next.traces.removeLast(next.traces.count - most)
            next.reaches = max(next.reaches, next.traces.last?.start ?? 0)
        }
        if left > 0 { next.stored = isComplete ? stored : nil }
        let made = next
        state.withLock { if $0.made == before.made { $0 = made } }
    }

    /// The calls of the latest traces that are meant; nil when they were not all looked at.
    func calls(_ query: TraceQuery) -> ServiceCalls? {
        let state = state.withLock { $0 }
        let (since, until) = (query.since ?? 0, query.until ?? .max)
        guard state.reaches <= since || until >= state.made - min(state.made, Self.now) else {
            return nil
        }
        var calls = ServiceCalls()
        for trace in state.traces where trace.start >= since && trace.start <= until {
            calls.add(trace.calls)
        }
        return calls
    }

    /// How many of these are kept, from the first on.
    private static func most(of traces: [Known]) -> Int {
        var bytes = 0
        for (place, trace) in traces.prefix(mostTraces).enumerated() {
            bytes += trace.calls.byteCount
            if bytes > ServiceCalls.mostBytes { return place }
        }
        return min(traces.count, mostTraces)
    }

    private static func byID(_ traces: [Known]) -> [TraceID: Known] {
        Dictionary(traces.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The latest traces in which more than one service took part, and whether these are all.
    private static func latest(
        _ store: TraceStore, most: Int
    ) throws(APIError) -> ([TraceSummary], Bool) {
        var query = TraceQuery()
        query.limit = min(most, TraceQuery.mostTraces)
        var found: [TraceSummary] = []
        var seen = 0
        repeat {
            let asked = query
            let page = try TraceEndpoints.told { () throws(StoreQueryError) in
                try store.traces(asked)
            }
            found += page.traces.filter { $0.services.count > 1 }
            seen += page.traces.count
            query.cursor = page.cursor
        } while query.cursor != nil && seen < most && found.count < mostTraces
        return (found, query.cursor == nil)
    }
}
