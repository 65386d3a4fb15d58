import Testing

@testable import RoostMetrics

/// Several streams that show as one series. A total that falls by the least that a double can tell
/// is a reset to Prometheus, and `rate` gains all of it again.
@Suite struct JoinedSeriesTests {
    private static let second: UInt64 = 1_000_000_000
    private let store = SeriesStore(settings: SeriesSettings(seriesPerMetric: 1_200))

    /// Added up from the left they are more than the nearest double, and from the right they are it.
    private let tenths = [0.1, 0.2, 0.3]

    /// A counter and both sorts of histogram, `value` being the total and the sums.
    private func send(
        _ pid: Int, _ value: Double, start: UInt64 = 1, _ time: UInt64,
        _ temporality: Sent.Temporality = .cumulative, attributes: [(String, AttributeValue)] = []
    ) {
        let point = Point(
            attributes: attributes, start: start * Self.second, time: time * Self.second)
        let count = UInt64(value.rounded(.up))
        store.take(
            Sent.sum("c", value, point, temporality),
            Sent.histogram("h", bounds: [1], counts: [count, 0], sum: value, point, temporality),
            Sent.exponential(
                "e", scale: 0, offset: 0, counts: [count], sum: value, point, temporality),
            now: time * Self.second, resource: [("process.pid", .int(Int64(pid)))])
    }

    /// The total and the two sums, as they show.
    private var totals: [String] { totals(store.samples) }

    private var overflowTotals: [String] {
        totals(store.samples.filter { $0.contains("otel_metric_overflow") })
    }

    private func totals(_ samples: [String]) -> [String] {
        samples.compactMap { line in
            let parts = line.split(separator: " ")
            let isTotal = ["c_total", "h_sum", "e_sum"].contains { parts[0].hasPrefix($0) }
            return isTotal ? String(parts[1]) : nil
        }
    }

    private var created: Set<String> {
        let lines = store.page(.openMetrics).split(separator: "\n").filter {
            $0.contains("_created")
        }
        #expect(lines.count == 3)
        return Set(lines.compactMap { $0.split(separator: " ").last.map(String.init) })
    }

    // MARK: totals

    @Test func `shows the same total whichever stream spoke last`() {
        for pid in 0..<3 { send(pid, tenths[pid], 10) }
        for pid in 0..<3 {
            send(pid, tenths[pid], 20 + UInt64(pid))
            #expect(totals == ["0.6", "0.6", "0.6"])
        }
    }

    @Test func `keeps the total when streams end`() {
        for pid in 0..<3 { send(pid, tenths[pid], pid == 0 ? 290 : 2, .delta) }
        #expect(totals == ["0.6", "0.6", "0.6"])
        store.expire(now: 310 * Self.second)
        #expect(store.counts[.expired] == 6)
        #expect(totals == ["0.6", "0.6", "0.6"])
    }

    @Test func `keeps the total when streams begin again`() {
        for pid in 0..<3 { send(pid, tenths[pid], 10) }
        #expect(totals == ["0.6", "0.6", "0.6"])
        for pid in [2, 1] { send(pid, 0, start: 20, 30) }
        #expect(store.counts[.reset] == 6)
        #expect(totals == ["0.6", "0.6", "0.6"])
    }

    @Test func `keeps the total when streams are forgotten and come back`() {
        send(0, 0.1, 290)
        for pid in 1..<1_200 { send(pid, 0.1 * Double(pid), 2) }
        let before = totals
        store.expire(now: 310 * Self.second)
        #expect(totals == before)
        for pid in 1..<1_200 { send(pid, 0.1 * Double(pid), 320) }
        #expect(totals == before)
    }

    @Test func `keeps the total of the overflow when its streams are forgotten and come back`() {
        // The first is so large that the total with it twice loses a bit.
        func send(_ index: Int, _ time: UInt64) {
            let value = index == 1_200 ? 1_000_000.1 : 0.1 * Double(index)
            self.send(0, value, time, attributes: [("i", .int(Int64(index)))])
        }
        for index in 0..<1_200 { send(index, 280) }
        for index in 1_200..<2_350 { send(index, index == 1_200 ? 2 : 3) }
        send(2_350, 290)
        let before = overflowTotals
        store.expire(now: 310 * Self.second)
        for index in 1_200..<2_350 { send(index, 320) }
        #expect(overflowTotals == before)
    }

    @Test func `keeps whole totals whole`() {
        let large = 4_503_599_627_370_497.0
        for pid in 0..<3 { send(pid, pid == 0 ? large : 1, pid == 0 ? 290 : 2, .delta) }
        store.expire(now: 310 * Self.second)
        #expect(totals.compactMap(Double.init) == [large + 2, large + 2, large + 2])
    }

    // MARK: when a total began

    @Test func `shows when the total began after all its streams began again`() {
        send(1, 50, start: 100, 200)
        send(2, 40, start: 110, 200)
        send(1, 1, start: 300, 301)
        send(2, 2, start: 310, 311)
        #expect(totals == ["93", "93", "93"])
        #expect(created == ["100"])
    }

    @Test func `takes an unknown start for no start`() {
        send(1, 50, start: 100, 110, .delta)
        send(2, 40, start: 0, 110, .delta)
        send(3, 3, start: 200, 400, .delta)
        store.expire(now: 420 * Self.second)
        #expect(totals == ["93", "93", "93"])
        #expect(created == ["100"])
    }
}
