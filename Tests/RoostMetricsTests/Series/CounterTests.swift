import RoostCore
import Testing

@testable import RoostMetrics

@Suite struct CounterTests {
    private let store = SeriesStore()

    private func total(_ value: Double, start: UInt64 = 0, time: UInt64, to store: SeriesStore) {
        store.take(Sent.sum("c", value, Point(start: start, time: time)))
    }

    private func delta(_ value: Double, _ start: UInt64, _ time: UInt64) {
        store.take(Sent.sum("c", value, Point(start: start, time: time), .delta))
    }

    // MARK: cumulative

    @Test func `shows the latest total`() {
        total(5, start: 10, time: 20, to: store)
        total(7.5, start: 10, time: 30, to: store)
        #expect(store.samples == ["c_total 7.5"])
    }

    @Test func `ignores what comes late`() {
        total(7, start: 10, time: 30, to: store)
        total(5, start: 10, time: 20, to: store)
        #expect(store.samples == ["c_total 7"])
        #expect(store.counts[.outOfOrder] == 1)
    }

    @Test func `follows an application that starts again`() {
        total(7, start: 10, time: 30, to: store)
        total(2, start: 40, time: 50, to: store)
        total(9, start: 10, time: 60, to: store)
        #expect(store.samples == ["c_total 2"])
        #expect(store.counts[.reset] == 1)
        #expect(store.counts[.outOfOrder] == 1)
    }

    @Test func `takes a fall for a reset`() {
        total(7, time: 30, to: store)
        total(2, time: 40, to: store)
        #expect(store.samples == ["c_total 2"])
        #expect(store.counts[.reset] == 1)
    }

    @Test func `adds up processes that its labels cannot tell apart`() {
        for (pid, value) in [("1", 5.0), ("2", 3.0), ("1", 6.0), ("2", 4.0)] {
            store.take(
                Sent.sum("c", value, Point(start: 10, time: 20 + UInt64(value))),
                resource: [("service.name", "s"), ("process.pid", .text(pid))])
        }
        #expect(store.samples.contains(#"c_total{job="s"} 10"#))
        store.take(
            Sent.sum("c", 1, Point(start: 90, time: 99)),
            resource: [("service.name", "s"), ("process.pid", "2")])
        #expect(store.samples.contains(#"c_total{job="s"} 11"#))
    }

    @Test func `shows a sum that may fall as a gauge`() {
        store.take(Sent.sum("jobs", 7, Point(start: 1, time: 2), isMonotonic: false))
        store.take(Sent.sum("jobs", 4, Point(start: 1, time: 3), isMonotonic: false))
        #expect(store.page().contains("# TYPE jobs gauge"))
        #expect(store.samples == ["jobs 4"])
        #expect(store.counts[.reset] == 0)
    }

    @Test(arguments: [Double.nan, -1, .infinity, -.infinity])
    func `refuses values that no counter has`(_ value: Double) {
        total(7, time: 30, to: store)
        total(value, time: 40, to: store)
        #expect(store.samples == ["c_total 7"])
        #expect(store.counts[.invalidValue] == 1)
    }

    @Test(arguments: [Sent.Temporality.cumulative, .delta])
    func `refuses a point without a value`(_ temporality: Sent.Temporality) {
        store.take(Sent.sum("c", 7, Point(start: 10, time: 30), temporality))
        store.take(Sent.sum("c", nil, Point(start: 30, time: 40), temporality))
        #expect(store.samples == ["c_total 7"])
        #expect(store.counts[.invalidValue] == 1)
        #expect(store.counts[.reset] == 0)
    }

    // MARK: delta

    @Test func `adds deltas up`() {
        delta(5, 1_000_000_000, 20_000_000_000)
        delta(3, 20_000_000_000, 30_000_000_000)
        #expect(store.samples == ["c_total 8"])
        #expect(store.page(.openMetrics).contains("c_created 1"))
        #expect(store.counts[.gap] == 0)
    }

    @Test func `keeps the total across a gap`() {
        delta(5, 10, 20)
        delta(3, 25, 30)
        #expect(store.samples == ["c_total 8"])
        #expect(store.counts[.gap] == 1)
    }

    @Test func `adds what overlaps, and counts it`() {
        delta(5, 10, 20)
        delta(3, 15, 30)
        #expect(store.samples == ["c_total 8"])
        #expect(store.counts[.overlap] == 1)
    }

    @Test func `adds a late delta that fills a gap, once`() {
        delta(1, 10, 20)
        delta(4, 30, 40)
        delta(2, 20, 30)
        delta(2, 20, 30)
        delta(4, 30, 40)
        #expect(store.samples == ["c_total 7"])
        #expect(store.counts[.outOfOrder] == 2)
    }

    @Test func `adds a delta from before the first one`() {
        delta(4, 20, 30)
        delta(2, 10, 20)
        delta(2, 10, 20)
        #expect(store.samples == ["c_total 6"])
    }

    @Test func `does not expose the change of something that may fall`() {
        store.take(Sent.sum("jobs", -1, Point(start: 1, time: 2), .delta, isMonotonic: false))
        #expect(store.samples.isEmpty)
        #expect(store.counts[.nonMonotonicDelta] == 1)
        #expect(store.unexposedPoints.contains { $0 == ("non_monotonic_delta", 1) })
    }

    @Test func `meets the same attributes in any order`() {
        let a = Point(attributes: [("a", "1"), ("b", "2")], start: 1, time: 2)
        let b = Point(attributes: [("b", "2"), ("a", "1")], start: 2, time: 3)
        store.take(Sent.sum("c", 1, a, .delta), Sent.sum("c", 2, b, .delta))
        #expect(store.samples == [#"c_total{a="1",b="2"} 3"#])
    }

    // MARK: no value

    @Test func `leaves out a series without a value, and only that`() {
        store.take(
            Sent.gauge("g", 1, Point(attributes: [("a", "1")], time: 1)),
            Sent.gauge("g", 2, Point(attributes: [("a", "2")], time: 1)))
        store.take(
            Sent.gauge("g", nil, Point(attributes: [("a", "1")], time: 2, isGone: true)),
            Sent.gauge("g", 3, Point(attributes: [("a", "2")], time: 2)))
        #expect(store.samples == [#"g{a="2"} 3"#])
        store.take(Sent.gauge("g", 4, Point(attributes: [("a", "1")], time: 3)))
        #expect(store.samples == [#"g{a="1"} 4"#, #"g{a="2"} 3"#])
    }

    // MARK: exemplars

    @Test func `keeps the latest exemplar of a counter`() {
        store.take(Sent.sum("c", 1, Point(time: 1, exemplar: (0.5, 1_500_000_000))))
        store.take(Sent.sum("c", 2, Point(time: 2, exemplar: (0.75, 2_500_000_000))))
        let ids = "trace_id=\"07070707070707070707070707070707\",span_id=\"0707070707070707\""
        #expect(
            store.page(.openMetrics).contains("c_total 2.0 # {\(ids),user=\"u1\"} 0.75 2.5")
                || store.page(.openMetrics).contains("c_total 2 # {\(ids),user=\"u1\"} 0.75 2.5"))
    }

    // MARK: connections

    @Test func `gives the right total to a stream over eight connections with a restart`() {
        let requests = (1...2_000).map { step -> [UInt8] in
            // The process restarts half way.
            let run = UInt64(step <= 1_000 ? 0 : 1)
            let value = Double(run == 0 ? step : step - 1_000)
            return Sent.request([
                Sent.sum(
                    "c", value,
                    Point(start: 1 + run * 10_000, time: run * 10_000 + UInt64(value) + 1)),
                Sent.sum("d", 2, Point(start: UInt64(step), time: UInt64(step + 1)), .delta),
            ])
        }
        let store = store
        let threads = (0..<8).compactMap { lane in
            NamedThread("lane-\(lane)") {
                for index in stride(from: lane, to: requests.count, by: 8) {
                    store.take(request: requests[index])
                }
            }
        }
        for thread in threads { thread.join() }
        #expect(store.samples.contains("c_total 1000"))
    }
}
