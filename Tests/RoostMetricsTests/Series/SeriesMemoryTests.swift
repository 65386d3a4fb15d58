import RoostCore
import Testing

@testable import RoostMetrics

@Suite struct SeriesMemoryTests {
    private let budget = MemoryBudget(limitBytes: 1 << 30)
    private let store: SeriesStore

    init() {
        store = SeriesStore(settings: SeriesSettings(memory: budget.share("series")))
    }

    private func histogram(
        _ name: String, buckets: Int, count: UInt64 = 1, start: UInt64 = 1, time: UInt64 = 2,
        exemplar: (Double, UInt64)? = nil, _ temporality: Sent.Temporality = .cumulative
    ) -> [UInt8] {
        Sent.histogram(
            name, bounds: (1..<buckets).map(Double.init),
            counts: [UInt64](repeating: count, count: buckets), sum: 1,
            Point(start: start, time: time, exemplar: exemplar), temporality)
    }

    private func exponential(
        buckets: Int, time: UInt64, _ temporality: Sent.Temporality
    ) -> [UInt8] {
        Sent.exponential(
            "e", scale: 3, offset: 0, counts: [UInt64](repeating: 1, count: buckets), sum: 1,
            Point(start: time - 1, time: time), temporality)
    }

    @Test(arguments: [Sent.Temporality.cumulative, .delta])
    func `refuses a histogram that the budget has no room for`(_ temporality: Sent.Temporality) {
        budget.setLimit(10_000)
        store.take(histogram("h", buckets: 1_000, temporality))
        #expect(store.samples.isEmpty)
        #expect(store.counts[.memory] == 1)
        #expect(budget.usedBytes <= 10_000)
    }

    @Test(arguments: [Sent.Temporality.cumulative, .delta])
    func `refuses what a histogram would grow by beyond the budget`(
        _ temporality: Sent.Temporality
    ) {
        store.take(
            histogram("h", buckets: 1, temporality), exponential(buckets: 1, time: 2, temporality))
        let before = store.samples
        budget.setLimit(budget.usedBytes + 2_000)
        store.take(
            histogram("h", buckets: 1_000, count: 2, time: 3, temporality),
            exponential(buckets: 300, time: 3, temporality))
        #expect(store.samples == before)
        #expect(store.counts[.memory] == 2)
        store.take(
            histogram("h", buckets: 1, count: 3, start: 3, time: 4, temporality),
            exponential(buckets: 1, time: 4, temporality))
        #expect(store.samples != before)
        #expect(store.counts[.memory] == 2)
    }

    @Test func `takes for a small histogram what it needs, whatever came before`() {
        store.take(
            histogram("large", buckets: 2_000), histogram("s", buckets: 2),
            histogram("t", buckets: 2), histogram("u", buckets: 2))
        store.expire(now: 0)
        #expect(store.heldBytes < 2_000 * 16 + 10_000)
    }

    @Test func `counts what histograms of ended processes take`() {
        func send(_ pid: String, start: UInt64) {
            store.take(
                histogram("h", buckets: 500, start: start, time: start + 1),
                resource: [("process.pid", .text(pid))])
        }
        send("1", start: 1)
        send("2", start: 1)
        store.expire(now: 0)
        let before = store.heldBytes
        send("1", start: 5)
        store.expire(now: 0)
        #expect(store.heldBytes >= before + 500 * 16)
    }

    @Test func `counts exemplars, and lets go of them when the budget is full`() {
        store.take(histogram("h", buckets: 2))
        store.expire(now: 0)
        let before = store.heldBytes
        budget.setLimit(budget.usedBytes + 10)
        store.take(histogram("h", buckets: 2, time: 3, exemplar: (0.5, 1)))
        #expect(store.page(.openMetrics).contains("# {"))
        store.expire(now: 0)
        #expect(!store.page(.openMetrics).contains("# {"))
        #expect(store.heldBytes == before)
        budget.setLimit(1 << 20)
        store.take(histogram("h", buckets: 2, time: 4, exemplar: (0.5, 1)))
        store.expire(now: 0)
        let user = #"user="u1""#.utf8.count
        #expect(store.heldBytes >= before + MemoryLayout<ExemplarValue>.stride + user)
    }

    @Test func `keeps of the attributes of an exemplar what is shown`() {
        var exemplar = ExemplarValue(
            traceIDHigh: 0, traceIDLow: 0, spanID: 0, value: 1, unixNano: 1,
            extra: ["a": "b", "long": String(repeating: "x", count: 500), "user": "\"u1\""])
        exemplar.cutExtra()
        #expect(exemplar.extra == ["a": "b", "user": "\"u1\""])
        exemplar.extra = ["long": String(repeating: "x", count: 500)]
        exemplar.cutExtra()
        #expect(exemplar.extra == nil)
    }
}
