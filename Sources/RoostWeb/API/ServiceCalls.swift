import RoostAnalytics
import RoostCore
import RoostStore
import Synchronization

/// Which service calls which, counted in stored traces.
struct ServiceCalls {
    private struct Pair: Hashable {
        let parent: String
        let child: String
    }

    private let reader: TraceReader
    private var counts: [Pair: Int] = [:]
    private var traces = 0

    /// Looked through, and read.
    private static let mostSummaries = 2_000
    private static let mostTraces = 100
    private static let mostPairs = 10_000
    private static let mostSteps = 2_000

    init(_ reader: TraceReader) { self.reader = reader }

    /// The latest traces that are meant and in which more than one service took part.
    mutating func add(_ store: TraceStore, _ query: TraceQuery) throws(APIError) {
        var query = query
        var seen = 0
        query.limit = TraceQuery.mostTraces
        repeat {
            let asked = query
            let page = try TraceEndpoints.told { () throws(StoreQueryError) in
                try store.traces(asked)
            }
            for summary in page.traces where summary.services.count > 1 {
                guard traces < Self.mostTraces else { return }
                try add(store, high: summary.traceIDHigh, low: summary.traceIDLow)
            }
            seen += page.traces.count
            query.cursor = page.cursor
        } while query.cursor != nil && seen < Self.mostSummaries
    }

    private mutating func add(_ store: TraceStore, high: UInt64, low: UInt64) throws(APIError) {
        let stored = try TraceEndpoints.told { () throws(StoreQueryError) in
            try store.trace(high: high, low: low, isStored: true)
        }
        guard let stored else { return }
        traces += 1
        let steps = reader.document(
            chunks: stored.spans, activities: nil, traceIDHigh: high, traceIDLow: low,
            most: Self.mostSteps
        ).steps
        for place in steps.indices {
            guard let parent = steps[place].parent, steps.indices.contains(parent) else { continue }
            let pair = Pair(parent: steps[parent].service, child: steps[place].service)
            guard pair.parent != pair.child, counts.count < Self.mostPairs || counts[pair] != nil
            else { continue }
            counts[pair, default: 0] += 1
        }
    }

    /// The elements of a list, in order of the names; how many they are.
    func write(into writer: inout JSONWriter) -> Int {
        let ordered = counts.sorted {
            ($0.key.parent, $0.key.child) < ($1.key.parent, $1.key.child)
        }
        for (pair, count) in ordered {
            writer.beginObject()
            writer.field("parent", pair.parent)
            writer.field("child", pair.child)
            writer.field("callCount", count)
            writer.endObject()
        }
        return ordered.count
    }
}

/// The latest answer of all, for the seconds in which it stays true: to read a hundred traces takes
/// some ten milliseconds. Any thread.
final class ServiceCallsMemo: Sendable {
    private struct Answer {
        var since: UInt64 = 0
        var until: UInt64 = 0
        var made: UInt64 = 0
        var writer = JSONWriter()
    }

    private let latest = Mutex<Answer?>(nil)
    /// Nanoseconds that an answer is given again for, and that the times asked for may differ.
    private static let lifetime: UInt64 = 10_000_000_000

    func answer(_ query: TraceQuery, now: UInt64) -> JSONWriter? {
        latest.withLock { latest in
            guard let latest, Self.isNear(now, latest.made),
                Self.isNear(query.since ?? 0, latest.since),
                Self.isNear(query.until ?? 0, latest.until)
            else { return nil }
            return latest.writer
        }
    }

    func keep(_ writer: JSONWriter, _ query: TraceQuery, now: UInt64) {
        let answer = Answer(
            since: query.since ?? 0, until: query.until ?? 0, made: now, writer: writer)
        latest.withLock { $0 = answer }
    }

    private static func isNear(_ one: UInt64, _ other: UInt64) -> Bool {
        max(one, other) - min(one, other) < lifetime
    }
}
