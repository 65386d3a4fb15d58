import RoostCore
import Synchronization
import Testing

@testable import RoostMetrics

@Suite struct FamilyTests {
    private let store = SeriesStore()

    @Test func `gives a help text when there is none, and keeps the first`() {
        store.take(Sent.gauge("a.b", 1), Sent.gauge("c", 1, help: "first"))
        store.take(
            Sent.gauge("c", 1, unit: "", help: "second"),
            Sent.gauge("c", 2, unit: "{x}", help: "third"))
        let page = store.page()
        #expect(page.contains("# HELP a_b OpenTelemetry metric a.b\n"))
        #expect(page.contains("# HELP c first\n"))
        #expect(!page.contains("second"))
        #expect(store.counts[.metadataConflict] == 1)
    }

    @Test func `sorts families by name`() {
        store.take(Sent.gauge("b", 1), Sent.gauge("a", 2), Sent.sum("c", 3))
        #expect(store.samples == ["a 2", "b 1", "c_total 3"])
    }

    @Test func `does not expose a second type under one name`() {
        store.take(Sent.gauge("a", 1), Sent.histogram("a", bounds: [], counts: [3], sum: 1))
        #expect(store.samples == ["a 1"])
        #expect(store.counts[.typeConflict] == 1)
    }

    @Test func `does not expose families whose samples clash`() {
        store.take(
            Sent.sum("foo", 1), Sent.gauge("foo", 2), Sent.gauge("foo.created", 3),
            Sent.gauge("foo.total", 4),
            Sent.histogram("h", bounds: [], counts: [1], sum: 1), Sent.gauge("h.count", 5),
            Sent.gauge("x.sum", 6), Sent.summary("x", count: 1, sum: 1, quantiles: []))
        #expect(
            store.samples
                == ["foo_total 1", #"h_bucket{le="+Inf"} 1"#, "h_sum 1", "h_count 1", "x_sum 6"])
        #expect(store.counts[.nameClash] == 4)
        #expect(store.counts[.typeConflict] == 1)
    }

    @Test func `keeps away from the family of the resources`() {
        store.take(
            Sent.gauge("target.info", 1), Sent.gauge("target", 1), Sent.sum("target", 1),
            resource: [("service.name", "s"), ("host", "h")])
        #expect(store.samples == [#"target_info{host="h",job="s"} 1"#])
        #expect(store.counts[.nameClash] == 3)
    }

    @Test func `keeps away from the names of Roost itself`() {
        let names: Set<String> = ["roost_llm_calls_total", "roost_llm_seconds"]
        let store = SeriesStore { names.contains($0) }
        store.take(
            Sent.sum("roost.llm.calls", 1), Sent.gauge("roost.llm.calls", 1),
            Sent.gauge("roost.llm", 1, unit: "s"), Sent.gauge("roost.llm.seconds.count", 1),
            Sent.gauge("roost.other", 1))
        #expect(store.samples == ["roost_other 1"])
        #expect(store.counts[.reservedName] == 4)
    }

    @Test func `gives up names that are taken later, and has them again`() {
        let taken = Mutex(false)
        let store = SeriesStore { $0 == "node_load1" && taken.withLock { $0 } }
        func take() { store.take(Sent.gauge("node.load1", 1), Sent.gauge("other", 1)) }
        take()
        #expect(store.samples.count == 2)
        taken.withLock { $0 = true }
        store.reservedNamesChanged()
        #expect(store.samples == ["other 1"])
        take()
        #expect(store.samples == ["other 1"] && store.counts[.reservedName] == 1)
        // Its series end whatever the expiry is, and nothing stays reserved.
        store.expire(now: 1_000_000_000)
        #expect(!store.hasFamily("node_load1") && store.hasFamily("other"))
        taken.withLock { $0 = false }
        store.reservedNamesChanged()
        take()
        #expect(store.samples.count == 2)
    }

    @Test func `follows the Prometheus type that a gauge was`() {
        store.take(
            Sent.gauge("build.info", 1, type: "info"), Sent.gauge("odd", 1, type: "info"),
            Sent.gauge("any", 1, type: "unknown"),
            Sent.gauge("state", 1, Point(attributes: [("state", "on")]), type: "stateset"))
        let page = store.page(.openMetrics)
        #expect(page.contains("# TYPE build info\n"))
        #expect(page.contains("# TYPE odd gauge\n"))
        #expect(page.contains("# TYPE any unknown\n"))
        #expect(page.contains("# TYPE state stateset\n"))
    }

    @Test func `drops metrics without a legal name, and counts them`() {
        store.take(Sent.gauge("", 1), Sent.gauge("__", 1))
        #expect(store.samples.isEmpty)
        #expect(store.counts[.invalidName] == 2)
    }

    @Test func `bounds the number of families`() {
        let store = SeriesStore(settings: SeriesSettings(families: 3))
        for index in 0..<10 { store.take(Sent.gauge("g\(index)", 1)) }
        #expect(store.samples.count == 3)
        #expect(store.counts[.familyCap] == 7)
    }

    // MARK: overflow

    private func send(_ name: String, _ values: [Double], _ time: UInt64, to store: SeriesStore) {
        for (index, value) in values.enumerated() {
            store.take(
                Sent.sum(
                    name, value,
                    Point(attributes: [("i", .int(Int64(index)))], start: 1, time: time)))
        }
    }

    @Test func `puts what a full family cannot hold into one more series`() {
        let store = SeriesStore(settings: SeriesSettings(seriesPerMetric: 2))
        send("c", [1, 2, 4, 8], 2, to: store)
        #expect(
            store.samples
                == [
                    #"c_total{i="0"} 1"#, #"c_total{i="1"} 2"#,
                    #"c_total{otel_metric_overflow="true"} 12"#,
                ])
        send("c", [2, 3, 5, 10], 3, to: store)
        #expect(store.samples.last == #"c_total{otel_metric_overflow="true"} 15"#)
        #expect(store.counts[.overflow] == 4)
        #expect(store.seriesCount == 2)
    }

    @Test func `refuses cumulative streams that even the overflow cannot remember`() {
        let store = SeriesStore(settings: SeriesSettings(seriesPerMetric: 2))
        send("c", [Double](repeating: 1, count: 10), 2, to: store)
        #expect(store.samples.last == #"c_total{otel_metric_overflow="true"} 2"#)
        #expect(store.counts[.seriesCap] == 6)
    }

    @Test func `overflows histograms, deltas and gauges too`() {
        let store = SeriesStore(settings: SeriesSettings(seriesPerMetric: 1))
        for index in 0..<3 as Range<Int64> {
            let point = Point(attributes: [("i", .int(index))], start: 1, time: 2 + UInt64(index))
            store.take(
                Sent.gauge("g", Double(index), point), Sent.sum("d", 5, point, .delta),
                Sent.histogram("h", bounds: [1], counts: [1, 1], sum: 3, point, .delta),
                Sent.summary("s", count: 1, sum: Double(index), quantiles: [], point))
        }
        let label = #"{otel_metric_overflow="true"}"#
        let samples = store.samples
        #expect(samples.contains("g\(label) 2"))
        #expect(samples.contains("d_total\(label) 10"))
        #expect(samples.contains("h_sum\(label) 6"))
        #expect(samples.contains("s_sum\(label) 2"))
    }

    /// Of applications that lie in different stripes.
    @Test func `adds up sums that may fall over all of the overflow`() {
        let store = SeriesStore(settings: SeriesSettings(seriesPerMetric: 20))
        for index in 0..<40 {
            let point = Point(start: 1, time: 2 + UInt64(index))
            store.take(
                Sent.sum("u", 3, point, isMonotonic: false), Sent.gauge("g", Double(index), point),
                resource: [("service.name", .text("s\(index)"))])
        }
        let label = #"{otel_metric_overflow="true"}"#
        #expect(store.samples.contains("u\(label) 60"))
        #expect(store.samples.contains("g\(label) 39"))
    }

    @Test func `shows no overflow of what was refused`() {
        let budget = MemoryBudget(limitBytes: 10)
        let store = SeriesStore(settings: SeriesSettings(memory: budget.share("series")))
        store.take(
            Sent.sum("c", 3, Point(start: 1, time: 2)),
            Sent.sum("u", 3, Point(start: 1, time: 2), isMonotonic: false))
        #expect(store.samples.isEmpty)
        #expect(store.counts[.memory] == 2)
    }

    @Test func `overflows when the budget has nothing left`() {
        let budget = MemoryBudget(limitBytes: 300)
        let store = SeriesStore(settings: SeriesSettings(memory: budget.share("series")))
        for index in 0..<50 as Range<Int64> {
            store.take(
                Sent.sum("d", 1, Point(attributes: [("i", .int(index))], start: 1, time: 2), .delta)
            )
        }
        #expect(budget.usedBytes <= 300)
        #expect(store.samples.count < 10)
        let total = store.samples.compactMap { Int($0.split(separator: " ").last ?? "") }
        #expect(total.reduce(0, +) == 50)
    }
}
