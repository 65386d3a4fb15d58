import RoostCore
import RoostMetrics
import Testing

@testable import RoostIngest

/// Bounds and limits that change while spans come in.
@Suite struct SpanMetricsReloadTests {
    private let budget = MemoryBudget(limitBytes: 10 << 20)
    private let limit = SeriesLimit(100)

    private func shard() -> SpanMetricsShard {
        SpanMetricsShard(bounds: .standard, limit: limit, memory: budget.share("derived_series"))
    }

    private func count(_ shard: SpanMetricsShard, _ name: String = "call", now: UInt64 = 1) throws {
        let scan = TraceScan()
        // The notes point into it.
        let request = traceRequest(service: "a", [TestSpan(name: name)])
        try scan.read(request)
        shard.add(scan, now: now)
        withExtendedLifetime(request) {}
    }

    private func lines(
        _ page: SpanMetricsPage, _ shards: [SpanMetricsShard], _ part: String,
        format: ExpositionFormat = .text
    ) -> [String] {
        page.update(shards.map(\.snapshot), now: 1)
        let exposition = ExpositionPage(format: format, sources: [page])
        var bytes: [UInt8] = []
        while exposition.next(into: &bytes) {}
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n")
            .filter { $0.contains(part) }.map { String($0.split(separator: " ").last ?? "") }
    }

    @Test(arguments: [true, false])
    func `begins anew with other bounds, in whatever order page and shards hear of it`(
        _ isPageFirst: Bool
    ) throws {
        let bounds = try #require(DurationBounds(seconds: [1, 2]))
        let shards = [shard(), shard()]
        for _ in 0..<3 { for shard in shards { try count(shard) } }
        let page = SpanMetricsPage(bounds: .standard, limit: limit, shards: 2)
        #expect(lines(page, shards, "calls_total{") == ["6"])
        let used = budget.usedBytes
        if isPageFirst {
            page.restart(bounds: bounds, generation: 1)
            #expect(lines(page, shards, "calls_total{") == [])
        }
        shards[0].restart(bounds: bounds, generation: 1)
        try count(shards[0], now: 7_000_000_000)
        #expect(lines(page, shards, "calls_total{") == [isPageFirst ? "1" : "6"])
        shards[1].restart(bounds: bounds, generation: 1)
        try count(shards[1], now: 9_000_000_000)
        if !isPageFirst {
            #expect(lines(page, shards, "calls_total{") == ["6"])
            page.restart(bounds: bounds, generation: 1)
        }
        #expect(lines(page, shards, "calls_total{") == ["2"])
        #expect(lines(page, shards, "seconds_bucket{") == ["2", "2", "2"])
        #expect(lines(page, shards, "calls_created{", format: .openMetrics) == ["7"])
        // What the series before had taken is free again.
        #expect(budget.usedBytes < used)
    }

    @Test func `the count of spans in the overflow series never falls`() throws {
        limit.use(1)
        let shard = shard()
        for name in ["a", "b", "c"] { try count(shard, name) }
        let page = SpanMetricsPage(bounds: .standard, limit: limit, shards: 1)
        page.update([shard.snapshot], now: 1)
        #expect(page.overflowedSpans == 2)
        shard.restart(bounds: .standard, generation: 1)
        page.restart(bounds: .standard, generation: 1)
        #expect(page.overflowedSpans == 2)
        for name in ["a", "b"] { try count(shard, name) }
        page.update([shard.snapshot], now: 1)
        #expect(page.overflowedSpans == 3)
    }

    @Test func `a higher limit lets new series in, a lower one takes none out`() throws {
        limit.use(1)
        let shard = shard()
        for name in ["a", "b"] { try count(shard, name) }
        let page = SpanMetricsPage(bounds: .standard, limit: limit, shards: 1)
        #expect(lines(page, [shard], "calls_total{") == ["1", "1"])
        limit.use(2)
        for name in ["b", "c"] { try count(shard, name) }
        #expect(lines(page, [shard], "calls_total{") == ["1", "1", "2"])
        limit.use(1)
        for name in ["a", "b", "d"] { try count(shard, name) }
        #expect(lines(page, [shard], "calls_total{") == ["2", "2", "3"])
    }

    @Test func `an expiry that is taken away brings back what it hid`() throws {
        let shard = shard()
        try count(shard)
        let page = SpanMetricsPage(bounds: .standard, limit: limit, shards: 1)
        page.use(expiry: .nanoseconds(100))
        page.update([shard.snapshot], now: 1_000)
        page.update([shard.snapshot], now: 1_101)
        var bytes: [UInt8] = []
        let hidden = ExpositionPage(format: .text, sources: [page])
        while hidden.next(into: &bytes) {}
        #expect(!String(decoding: bytes, as: UTF8.self).contains("calls_total{"))
        page.use(expiry: nil)
        #expect(lines(page, [shard], "calls_total{") == ["1"])
    }
}
