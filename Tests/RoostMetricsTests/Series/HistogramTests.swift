import Testing

@testable import RoostMetrics

@Suite struct HistogramTests {
    private let store = SeriesStore()

    private func send(
        _ bounds: [Double], _ counts: [UInt64], sum: Double?, _ start: UInt64 = 0, _ time: UInt64,
        _ temporality: Sent.Temporality = .cumulative
    ) {
        store.take(
            Sent.histogram(
                "h", bounds: bounds, counts: counts, sum: sum, Point(start: start, time: time),
                temporality))
    }

    private func lines(_ buckets: [(String, Int)], sum: String, count: Int) -> [String] {
        buckets.map { "h_bucket{le=\"\($0.0)\"} \($0.1)" } + ["h_sum \(sum)", "h_count \(count)"]
    }

    @Test func `shows the latest cumulative point`() {
        send([1, 2], [1, 0, 0], sum: 0.5, 1, 10)
        send([1, 2], [1, 2, 3], sum: 20, 1, 20)
        send([1, 2], [1, 1, 1], sum: 9, 1, 15)
        #expect(store.samples == lines([("1", 1), ("2", 3), ("+Inf", 6)], sum: "20", count: 6))
        #expect(store.counts[.outOfOrder] == 1)
    }

    @Test func `adds deltas up`() {
        send([1, 2], [1, 0, 1], sum: 5, 1, 10, .delta)
        send([1, 2], [0, 2, 0], sum: 3, 10, 20, .delta)
        #expect(store.samples == lines([("1", 1), ("2", 3), ("+Inf", 4)], sum: "8", count: 4))
    }

    @Test func `keeps totals when a delta brings other bounds`() {
        send([1, 2], [1, 2, 4], sum: 30, 1, 10, .delta)
        send([2, 5], [1, 1, 1], sum: 12, 10, 20, .delta)
        #expect(store.samples == lines([("2", 4), ("5", 5), ("+Inf", 10)], sum: "42", count: 10))
        #expect(store.counts[.boundsChange] == 1)
    }

    @Test func `joins an infinite bound with its neighbour`() {
        send([1, .infinity], [1, 2, 3], sum: 5, 1, 10)
        #expect(store.samples == lines([("1", 1), ("+Inf", 6)], sum: "5", count: 6))
    }

    @Test func `shows count and sum of a histogram without buckets`() {
        let metric = Sent.metric("h") { out in
            out.message(9) {
                $0.message(1) {
                    $0.fixed(3, 9)
                    $0.fixed(4, 3)
                    $0.double(5, 6)
                }
                $0.number(2, 2)
            }
        }
        store.take(metric)
        #expect(store.samples == lines([("+Inf", 3)], sum: "6", count: 3))
    }

    @Test func `leaves out a sum that is not a number`() {
        send([1], [1, 1], sum: .nan, 1, 10)
        #expect(!store.page().contains("NaN"))
    }

    @Test func `refuses absurd counts and too many buckets`() {
        send([1], [.max, .max], sum: 1, 1, 10)
        send((0..<100_000).map(Double.init), [UInt64](repeating: 1, count: 100_001), sum: 1, 1, 10)
        #expect(store.samples.isEmpty)
        #expect(store.counts[.invalidValue] == 2)
    }

    @Test func `follows an application that starts again`() {
        send([1], [3, 3], sum: 9, 10, 20)
        send([1], [1, 0], sum: 1, 30, 40)
        send([1], [4, 4], sum: 12, 10, 50)
        #expect(store.samples == lines([("1", 1), ("+Inf", 1)], sum: "1", count: 1))
        #expect(store.counts[.reset] == 1)
    }

    @Test func `adds up processes that its labels cannot tell apart`() {
        for pid in ["1", "2"] {
            store.take(
                Sent.histogram(
                    "h", bounds: [1], counts: [1, 2], sum: 5, Point(start: 1, time: 2)),
                resource: [("process.pid", .text(pid))])
        }
        #expect(store.samples == lines([("1", 2), ("+Inf", 6)], sum: "10", count: 6))
    }

    @Test func `keeps an exemplar for each bucket`() {
        for (value, time) in [(0.5, 1), (1.5, 2), (0.25, 3)] as [(Double, UInt64)] {
            store.take(
                Sent.histogram(
                    "h", bounds: [1], counts: [1, 1], sum: 1,
                    Point(start: 1, time: 1 + time, exemplar: (value, time * 1_000_000_000))))
        }
        let page = store.page(.openMetrics)
        #expect(page.contains("} 0.25 3"))
        #expect(page.contains("} 1.5 2"))
        #expect(!page.contains("} 0.5 1"))
    }

    @Test func `shows a summary`() {
        store.take(
            Sent.summary(
                "s", count: 4, sum: 10, quantiles: [(0.9, 4), (0.5, 2), (7, 1)], Point(time: 3)))
        store.take(Sent.summary("s", count: 3, sum: 7, quantiles: [], Point(time: 2)))
        #expect(
            store.samples
                == [#"s{quantile="0.5"} 2"#, #"s{quantile="0.9"} 4"#, "s_sum 10", "s_count 4"])
    }
}
