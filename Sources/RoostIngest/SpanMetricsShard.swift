public import RoostCore

/// The span metrics of one loop.
///
/// Confined to its loop's thread, so it holds no lock. A scrape asks the loop for `snapshot`; the
/// shards of all loops are added up by `SpanMetricsPage`.
public final class SpanMetricsShard {
    private var table: SpanMetricsTable
    private let limit: SeriesLimit
    private let memory: MemoryBudget.Share?

    /// `limit` series at the most, and no more than `memory` has room for; further ones share one
    /// overflow series. Series stay until `restart`.
    public init(bounds: DurationBounds, limit: SeriesLimit, memory: MemoryBudget.Share? = nil) {
        self.limit = limit
        self.memory = memory
        table = SpanMetricsTable(bounds: bounds, limit: limit, memory: memory, generation: 0)
    }

    /// Forgets what was counted and counts into other buckets; the page has to be told the same
    /// `generation`, which is larger than those before.
    public func restart(bounds: DurationBounds, generation: Int) {
        memory?.giveBack(table.paidBytes)
        table = SpanMetricsTable(
            bounds: bounds, limit: limit, memory: memory, generation: generation)
    }

    /// Counts the spans of an admitted request; `now` in Unix nanoseconds is when new series began.
    public func add(_ scan: TraceScan, now: UInt64) {
        _ = table.add(scan, from: 0, most: scan.itemCount, now: now)
    }

    /// Counts up to `most` spans from number `first` on; answers the number of the next one.
    public func add(_ scan: TraceScan, from first: Int, most: Int, now: UInt64) -> Int {
        table.add(scan, from: first, most: most, now: now)
    }

    /// What has been counted so far. Nothing is copied until the shard is next written to.
    public var snapshot: SpanMetricsSnapshot { SpanMetricsSnapshot(table: table) }
}

/// What one shard had counted at a moment. Immutable.
public struct SpanMetricsSnapshot: Sendable {
    let table: SpanMetricsTable
}
