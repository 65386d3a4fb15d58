import RoostAnalytics
import RoostCore
import RoostStore

/// Which service calls which, counted in stored traces.
struct ServiceCalls: Sendable {
    private struct Pair: Hashable {
        let parent: ExactText
        let child: ExactText
    }

    private var counts: [Pair: Int] = [:]
    /// That they take.
    private(set) var byteCount = 0

    /// Looked through, and read.
    private static let mostSummaries = 2_000
    private static let mostTraces = 100
    private static let mostPairs = 10_000
    /// What is over it is left out. A pair takes some, and its names.
    static let mostBytes = 2 << 20
    private static let bytesOfPair = 144

    init() {}

    /// Those in one trace.
    init(between steps: [TraceStep]) {
        for step in steps {
            guard let parent = step.parent, steps.indices.contains(parent) else { continue }
            let pair = Pair(parent: Self.name(of: steps[parent]), child: Self.name(of: step))
            if pair.parent != pair.child { add(pair, 1) }
        }
    }

    /// As it is listed.
    private static func name(of step: TraceStep) -> ExactText {
        ExactText(TraceStore.listedName(ofService: step.service))
    }

    /// Adds the latest traces that are meant and in which more than one service took part.
    mutating func add(
        _ query: TraceQuery, _ source: ServiceCallsSource
    ) throws(APIError) {
        var query = query
        var (seen, read) = (0, 0)
        query.limit = TraceQuery.mostTraces
        repeat {
            let asked = query
            let page = try TraceEndpoints.told { () throws(StoreQueryError) in
                try source.store.traces(asked)
            }
            for summary in page.traces where summary.services.count > 1 {
                guard read < Self.mostTraces else { return }
                let id = TraceID(high: summary.traceIDHigh, low: summary.traceIDLow)
                switch try source.read(id) {
                case .calls(let calls, _):
                    add(calls)
                    read += 1
                case .gone: continue
                case .noRoom: throw .noMemory
                }
            }
            seen += page.traces.count
            query.cursor = page.cursor
        } while query.cursor != nil && seen < Self.mostSummaries
    }

    mutating func add(_ other: ServiceCalls) {
        for (pair, count) in other.counts { add(pair, count) }
    }

    private mutating func add(_ pair: Pair, _ count: Int) {
        if let known = counts[pair] {
            counts[pair] = known + count
            return
        }
        let bytes = Self.bytesOfPair + pair.parent.text.utf8.count + pair.child.text.utf8.count
        guard counts.count < Self.mostPairs, byteCount + bytes <= Self.mostBytes else { return }
        counts[pair] = count
        byteCount += bytes
    }

    /// The elements of a list, in order of the names; how many they are.
    func write(into writer: inout JSONWriter) -> Int {
        let ordered = counts.sorted {
            ($0.key.parent, $0.key.child) < ($1.key.parent, $1.key.child)
        }
        for (pair, count) in ordered {
            writer.beginObject()
            writer.field("parent", pair.parent.text)
            writer.field("child", pair.child.text)
            writer.field("callCount", count)
            writer.endObject()
        }
        return ordered.count
    }
}
