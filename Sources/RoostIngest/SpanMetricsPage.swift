import RoostCore
public import RoostMetrics

/// The span metrics of all loops added up, as families for `/metrics`.
///
/// `traces_span_metrics_calls_total` and `traces_span_metrics_duration_seconds` carry the names and
/// labels of the OpenTelemetry Collector's span-metrics connector, so that dashboards made for it
/// and Jaeger's Monitor tab work. Confined to the thread that renders the page.
public final class SpanMetricsPage: ExpositionSource {
    public static let callsName = "traces_span_metrics_calls_total"
    public static let durationName = "traces_span_metrics_duration_seconds"

    private var bounds: DurationBounds
    private let limit: SeriesLimit
    private let shards: Int
    private var generation = 0
    private var snapshots: [SpanMetricsSnapshot]
    /// A shard that has counted nothing.
    private var nothing: SpanMetricsSnapshot
    private var merged: SpanSeriesUnion
    /// Nanoseconds after which a series that counts nothing more is left out; nil is never.
    private var expiry: UInt64?
    /// Spans of the overflow series before the last restart.
    private var overflowedBefore: UInt64 = 0
    /// When `update` was last called.
    private var updated: UInt64 = 0
    /// Of the series of the page. Empty without `expiry`.
    private var activity = SeriesActivity()

    /// `limit` holds for the families on the page, whatever the shards found room for.
    ///
    /// A series that counts again after `expiry` comes back with all that it ever counted, so no
    /// counter falls; its memory is kept, within the limit.
    public init(
        bounds: DurationBounds, limit: SeriesLimit, shards: Int, expiry: Duration? = nil
    ) {
        self.bounds = bounds
        self.limit = limit
        self.shards = shards
        self.expiry = expiry?.nanoseconds
        snapshots = []
        nothing = SpanMetricsShard(bounds: bounds, limit: limit).snapshot
        merged = SpanSeriesUnion(shards: shards)
    }

    /// Another expiry, from the next `update` on.
    public func use(expiry: Duration?) {
        self.expiry = expiry?.nanoseconds
        if expiry == nil { activity = SeriesActivity() }
    }

    /// Shows what shards have counted since they were told to restart with this `generation`; what
    /// a shard counted before is left out, and series begin anew with a later time of creation.
    public func restart(bounds: DurationBounds, generation: Int) {
        overflowedBefore = overflowedSpans
        self.bounds = bounds
        self.generation = generation
        snapshots = []
        nothing = SpanMetricsShard(bounds: bounds, limit: limit).snapshot
        merged = SpanSeriesUnion(shards: shards)
        activity = SeriesActivity()
    }

    /// Takes in what the shards have counted, always in the same order; nil stands for a shard that
    /// has never answered.
    ///
    /// `now` in nanoseconds of any clock that does not run backwards.
    public func update(_ latest: [SpanMetricsSnapshot?], now: UInt64) {
        snapshots = latest.enumerated().map { shard, snapshot in
            // The page restarts before the shards or after them.
            if let snapshot, snapshot.table.generation == generation { return snapshot }
            return shard < snapshots.count ? snapshots[shard] : nothing
        }
        updated = now
        merged.extend(snapshots, limit: limit.most)
        guard expiry != nil else { return }
        activity.note(count: merged.count, now: now) { place in
            var calls: UInt64 = 0
            merged.parts(of: place) { calls &+= snapshots[$0].table.calls($1) }
            return calls
        }
    }

    /// Spans that share the overflow series, over all shards.
    public var overflowedSpans: UInt64 {
        snapshots.reduce(overflowedBefore) { $0 &+ $1.table.overflowedSpans }
            &+ merged.overflowedSpans(snapshots)
    }

    /// How many series each family holds.
    public var seriesCount: Int { merged.count }

    public func makePass() -> any ExpositionPass {
        var expired: Set<Int> = []
        if let expiry {
            for place in 0..<merged.count
            where activity.isQuiet(place, now: updated, expiry: expiry) {
                expired.insert(place)
            }
        }
        return SpanMetricsPass(
            bounds: bounds, snapshots: snapshots, union: merged, expired: expired)
    }
}

/// Which series of which shard make one series of the page.
///
/// Shards only ever append series, so the union only ever grows: what was placed stays placed.
struct SpanSeriesUnion: Sendable {
    /// Labels of each series of the page, in the order in which they were first seen.
    private(set) var labels: [LabelText] = []
    /// For each series of the page and each shard the id there, or `absent`: row by row.
    private(set) var ids: [UInt32] = []
    /// What shares the overflow series: its id 0 in each shard and all series beyond the limit.
    private(set) var overflow: [(shard: Int, id: Int)] = []
    private var index: [LabelText: Int] = [:]
    private var seen: [Int]
    private let shards: Int

    static let absent = UInt32.max

    init(shards: Int = 0) {
        self.shards = shards
        seen = [Int](repeating: 1, count: shards)
        for shard in 0..<shards { overflow.append((shard, 0)) }
    }

    var count: Int { labels.count }

    /// Places the series that are new since the last call.
    mutating func extend(_ snapshots: [SpanMetricsSnapshot], limit: Int) {
        var builder = LabelBuilder()
        for shard in 0..<min(shards, snapshots.count) {
            let table = snapshots[shard].table
            for id in seen[shard]..<max(seen[shard], table.keys.count) {
                let text = table.labels(of: id, &builder)
                if let place = index[text] {
                    ids[place * shards + shard] = UInt32(id)
                } else if labels.count < limit {
                    index[text] = labels.count
                    labels.append(text)
                    let row = ids.count
                    ids.append(contentsOf: repeatElement(Self.absent, count: shards))
                    ids[row + shard] = UInt32(id)
                } else {
                    overflow.append((shard, id))
                }
            }
            seen[shard] = max(seen[shard], table.keys.count)
        }
    }

    /// Spans of series that a shard kept apart and the page does not.
    func overflowedSpans(_ snapshots: [SpanMetricsSnapshot]) -> UInt64 {
        overflow.reduce(0) { total, part in
            guard part.id != 0, part.shard < snapshots.count else { return total }
            return total &+ snapshots[part.shard].table.calls(part.id)
        }
    }

    /// The parts of series `place` of the page; the last place is the overflow series.
    func parts(of place: Int, _ body: (_ shard: Int, _ id: Int) -> Void) {
        guard place < labels.count else {
            for part in overflow { body(part.shard, part.id) }
            return
        }
        for shard in 0..<shards {
            let id = ids[place * shards + shard]
            if id != Self.absent { body(shard, Int(id)) }
        }
    }
}
