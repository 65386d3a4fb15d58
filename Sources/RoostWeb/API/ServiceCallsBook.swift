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
        let start: UInt64
        let spans: Int
        let calls: ServiceCalls
    }

    private struct State: Sendable {
        /// The latest first.
        var traces: [Known] = []
        /// No trace that began since, Unix nanoseconds, was passed over.
        var reaches = UInt64.max
        /// Unix nanoseconds; 0 is never.
        var made: UInt64 = 0
        /// What the store had stored then.
        var stored: UInt64 = 0
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

    /// Takes in what was stored since the last time, all of it.
    func refresh(
        _ store: TraceStore, _ reader: TraceReader, now: UInt64
    ) throws(APIError) {
        let stored = store.status.spansStored
        let before = state.withLock { $0 }
        if before.made > 0, before.stored == stored { return }
        let (summaries, isAll) = try Self.latest(store, most: Self.mostSummaries)
        var next = State(made: now, stored: stored)
        let known = Self.byID(before.traces)
        for summary in summaries {
            let id = TraceID(high: summary.traceIDHigh, low: summary.traceIDLow)
            if let same = known[id], same.spans == summary.spans {
                next.traces.append(same)
            } else if let read = try Self.read(summary, store, reader) {
                next.traces.append(read)
            }
            if next.traces.count == Self.mostTraces { break }
        }
        let isFull = next.traces.count == Self.mostTraces
        next.reaches =
            isFull ? next.traces.last?.start ?? 0 : isAll ? 0 : summaries.last?.start ?? 0
        let made = next
        state.withLock { $0 = made }
    }

    /// Takes in some of what was stored since; all of it when it never was.
    func update(_ store: TraceStore, _ reader: TraceReader, now: UInt64) throws(APIError) {
        let before = state.withLock { $0 }
        guard before.made > 0 else { return try refresh(store, reader, now: now) }
        let stored = store.status.spansStored
        guard before.stored != stored else { return }
        let (summaries, _) = try Self.latest(store, most: Self.fewSummaries)
        var known = Self.byID(before.traces)
        var left = Self.fewTraces
        for summary in summaries where left > 0 {
            let id = TraceID(high: summary.traceIDHigh, low: summary.traceIDLow)
            if known[id]?.spans == summary.spans { continue }
            guard let read = try Self.read(summary, store, reader) else { continue }
            known[id] = read
            left -= 1
        }
        var next = before
        next.traces = known.values.sorted { $0.start > $1.start }
        if next.traces.count > Self.mostTraces {
            next.traces.removeLast(next.traces.count - Self.mostTraces)
            next.reaches = max(next.reaches, next.traces.last?.start ?? 0)
        }
        if left > 0 { next.stored = stored }
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

    private static func read(
        _ summary: TraceSummary, _ store: TraceStore, _ reader: TraceReader
    ) throws(APIError) -> Known? {
        let id = TraceID(high: summary.traceIDHigh, low: summary.traceIDLow)
        var calls = ServiceCalls()
        guard try calls.add(id, store, reader) else { return nil }
        return Known(id: id, start: summary.start, spans: summary.spans, calls: calls)
    }
}
