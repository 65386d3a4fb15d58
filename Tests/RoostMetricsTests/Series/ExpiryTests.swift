import RoostCore
import Testing

@testable import RoostMetrics

@Suite struct ExpiryTests {
    private static let second: UInt64 = 1_000_000_000
    private let budget = MemoryBudget(limitBytes: 1 << 30)
    private let store: SeriesStore

    init() {
        store = SeriesStore(settings: SeriesSettings(memory: budget.share("series")))
    }

    @Test func `ends a series that stops reporting, and keeps the others`() {
        store.take(
            Sent.gauge("g", 1, Point(attributes: [("a", "1")])),
            Sent.gauge("g", 2, Point(attributes: [("a", "2")])), now: 10 * Self.second)
        store.take(Sent.gauge("g", 3, Point(attributes: [("a", "2")])), now: 200 * Self.second)
        store.expire(now: 309 * Self.second)
        #expect(store.samples.count == 2)
        store.expire(now: 311 * Self.second)
        #expect(store.samples == [#"g{a="2"} 3"#])
        store.take(Sent.gauge("g", 4, Point(attributes: [("a", "1")])), now: 320 * Self.second)
        #expect(store.samples.count == 2)
        #expect(store.counts[.expired] == 1)
    }

    @Test func `frees the name, the type and the memory of a family`() {
        store.take(
            Sent.gauge("x", 1), Sent.histogram("h", bounds: [1], counts: [1, 1], sum: 1), now: 0,
            resource: [("service.name", "s"), ("host", "h")])
        #expect(budget.usedBytes > 0)
        store.expire(now: 400 * Self.second)
        #expect(store.page().isEmpty)
        #expect(store.seriesCount == 0)
        #expect(budget.usedBytes == 0)
        store.take(Sent.histogram("x", bounds: [], counts: [2], sum: 1), now: 401 * Self.second)
        #expect(store.page().contains("# TYPE x histogram"))
    }

    @Test func `keeps what an ended process counted in a total that goes on`() {
        func send(_ pid: String, _ value: Double, _ time: UInt64) {
            store.take(
                Sent.sum("c", value, Point(start: 1, time: time)), now: time * Self.second,
                resource: [("process.pid", .text(pid))])
        }
        send("1", 100, 2)
        send("2", 5, 290)
        store.expire(now: 310 * Self.second)
        #expect(store.samples == ["c_total 105"])
        send("2", 6, 320)
        #expect(store.samples == ["c_total 106"])
    }

    // MARK: streams that come back

    private func send(
        _ pid: Int64, _ metric: [UInt8], _ time: UInt64, to store: SeriesStore
    ) {
        store.take(metric, now: time * Self.second, resource: [("process.pid", .int(pid))])
    }

    private func send(
        _ pid: Int64, _ value: Double, start: UInt64 = 1, _ time: UInt64, to store: SeriesStore
    ) {
        send(pid, Sent.sum("c", value, Point(start: start, time: time)), time, to: store)
    }

    @Test func `counts once what a process tells again after a silence`() {
        send(1, 100, 2, to: store)
        send(2, 5, 290, to: store)
        store.expire(now: 310 * Self.second)
        #expect(store.samples == ["c_total 105"])
        send(1, 100, 320, to: store)
        #expect(store.samples == ["c_total 105"])
        send(1, 130, 330, to: store)
        #expect(store.samples == ["c_total 135"])
        #expect(store.counts[.expired] == 1)
    }

    @Test func `counts all of a process that began again in a silence`() {
        send(1, 100, 2, to: store)
        send(2, 5, 290, to: store)
        store.expire(now: 310 * Self.second)
        send(1, 7, start: 315, 320, to: store)
        #expect(store.samples == ["c_total 112"])
        send(1, 99, start: 1, 330, to: store)
        #expect(store.samples == ["c_total 112"])
    }

    @Test func `shows no series of which only silent processes have a value`() {
        send(1, 100, 2, to: store)
        send(2, Sent.sum("c", 5, Point(start: 1, time: 290)), 290, to: store)
        send(2, Sent.sum("c", nil, Point(start: 1, time: 291, isGone: true)), 291, to: store)
        store.expire(now: 310 * Self.second)
        #expect(store.samples == [])
    }

    @Test func `counts histograms of a process that comes back once`() {
        func explicit(_ counts: [UInt64], _ time: UInt64) -> [UInt8] {
            Sent.histogram("h", bounds: [1], counts: counts, sum: 3, Point(start: 1, time: time))
        }
        func native(_ counts: [UInt64], _ time: UInt64) -> [UInt8] {
            Sent.exponential(
                "e", scale: 0, offset: 0, counts: counts, sum: 3, Point(start: 1, time: time))
        }
        for (pid, time) in [(1, 2), (2, 290)] as [(Int64, UInt64)] {
            send(pid, explicit([2, 3], time), time, to: store)
            send(pid, native([2, 3], time), time, to: store)
        }
        store.expire(now: 310 * Self.second)
        #expect(store.samples.contains("h_count 10"))
        send(1, explicit([2, 4], 320), 320, to: store)
        send(1, native([2, 4], 320), 320, to: store)
        #expect(store.samples.contains("h_count 11"))
        #expect(store.samples.contains("e_count 11"))
        #expect(store.samples.contains("h_sum 6"))
    }

    @Test func `counts once what a stream of the overflow tells again`() {
        let store = SeriesStore(settings: SeriesSettings(seriesPerMetric: 2))
        func send(_ index: Int64, _ value: Double, _ time: UInt64) {
            let point = Point(attributes: [("i", .int(index))], start: 1, time: time)
            store.take(
                Sent.sum("c", value, point), Sent.sum("u", value, point, isMonotonic: false),
                now: time * Self.second)
        }
        func overflow() -> [String] {
            store.samples.filter { $0.contains("overflow") }.compactMap {
                $0.split(separator: " ").last.map(String.init)
            }
        }
        for index in 0..<2 as Range<Int64> { send(index, 1, 280) }
        send(2, 100, 3)
        send(3, 5, 290)
        #expect(overflow() == ["105", "105"])
        store.expire(now: 310 * Self.second)
        // Of what may fall only the present counts, as in a series of its own.
        #expect(overflow() == ["105", "5"])
        send(2, 130, 320)
        #expect(overflow() == ["135", "135"])
    }

    /// The applications lie in different stripes.
    @Test func `keeps the total of an overflow in which only one application goes on`() {
        let store = SeriesStore(
            settings: SeriesSettings(seriesPerMetric: 20, memory: budget.share("series")))
        func send(_ index: Int, _ time: UInt64) {
            let point = Point(start: 1, time: time)
            store.take(
                Sent.sum("c", 100, point), Sent.sum("d", 100, point, .delta),
                Sent.histogram("h", bounds: [1], counts: [100, 0], sum: 100, point),
                Sent.exponential("e", scale: 0, offset: 0, counts: [100], sum: 100, point),
                now: time * Self.second, resource: [("service.name", .text("s\(index)"))])
        }
        func overflow() -> [String] {
            store.samples.filter { $0.contains("overflow") && !$0.contains("_bucket") }
        }
        for index in 0..<40 { send(index, 2) }
        send(39, 290)
        let before = overflow()
        #expect(before.contains(#"c_total{otel_metric_overflow="true"} 2000"#))
        #expect(before.contains(#"d_total{otel_metric_overflow="true"} 2100"#))
        #expect(before.contains(#"h_count{otel_metric_overflow="true"} 2000"#))
        #expect(before.contains(#"e_count{otel_metric_overflow="true"} 2000"#))
        store.expire(now: 310 * Self.second)
        #expect(overflow() == before)
        // One that was silent tells its total again.
        store.take(
            Sent.sum("c", 101, Point(start: 1, time: 320)), now: 320 * Self.second,
            resource: [("service.name", .text("s20"))])
        #expect(overflow().contains(#"c_total{otel_metric_overflow="true"} 2001"#))
        store.expire(now: 630 * Self.second)
        #expect(store.samples == [])
        #expect(budget.usedBytes == 0)
    }

    /// Of a thousand and more silent ones; the oldest are forgotten.
    @Test func `never counts twice what a forgotten process tells again`() {
        func histogram(_ counts: [UInt64], _ start: UInt64, _ time: UInt64) -> [UInt8] {
            Sent.histogram(
                "h", bounds: [1], counts: counts, sum: 1, Point(start: start, time: time))
        }
        func both(_ pid: Int64, _ count: UInt64, start: UInt64 = 1, _ time: UInt64) {
            send(pid, Double(count), start: start, time, to: store)
            send(pid, histogram([count, 0], start, time), time, to: store)
        }
        both(1, 100, 2)
        for pid in 2..<2_000 as Range<Int64> { both(pid, 1, 3) }
        both(0, 1, 290)
        store.expire(now: 310 * Self.second)
        #expect(store.samples.contains("c_total 2099"))
        #expect(store.samples.contains("h_count 2099"))
        both(1, 100, 320)
        #expect(store.samples.contains("c_total 2099"))
        #expect(store.samples.contains("h_count 2099"))
        both(1, 107, 330)
        #expect(store.samples.contains("c_total 2106"))
        #expect(store.samples.contains("h_count 2106"))
        both(5_000, 10, start: 320, 340)
        #expect(store.samples.contains("c_total 2116"))
        #expect(store.samples.contains("h_count 2116"))
    }

    /// As of programs that tell their process id and no instance, and live briefly.
    @Test(.timeLimit(.minutes(1))) func `ends very many streams of one series at once`() {
        func send(_ pid: Int64, _ value: Double, _ time: UInt64) {
            store.take(
                Sent.sum("c", value, Point(start: 1, time: time)), now: time * Self.second,
                resource: [("process.pid", .int(pid))])
        }
        for pid in 0..<100_000 { send(Int64(pid), 1, 2) }
        // The first of all lives on, so each of the others is looked for behind it.
        send(0, 2, 200)
        store.expire(now: 310 * Self.second)
        #expect(store.samples == ["c_total 100001"])
        #expect(store.counts[.expired] == 99_999)
        store.expire(now: 600 * Self.second)
        #expect(store.samples == [])
        #expect(budget.usedBytes == 0)
    }

    @Test func `never ends a series when told so`() {
        let store = SeriesStore(settings: SeriesSettings(expiry: nil))
        store.take(Sent.gauge("g", 1), now: 0)
        store.expire(now: 10_000_000 * Self.second)
        #expect(store.samples == ["g 1"])
    }

    @Test func `keeps places and labels of series through many endings`() {
        for round in 0..<20 as Range<UInt64> {
            for index in 0..<200 as Range<UInt64> where index % 20 >= round || index < 10 {
                store.take(
                    Sent.gauge(
                        "g", Double(index), Point(attributes: [("i", .int(Int64(index)))])),
                    now: round * 400 * Self.second)
            }
            store.expire(now: round * 400 * Self.second)
        }
        #expect(store.samples.count == 20)
        for line in store.samples {
            let parts = line.split(separator: "\"")
            #expect(parts.count == 3 && "} " + parts[1] == parts[2])
        }
        #expect(budget.usedBytes == store.heldBytes)
    }

    @Test func `bears pages, points and endings at the same time`() {
        let store = store
        let writers = (0..<3).compactMap { lane in
            NamedThread("writer-\(lane)") {
                for step in 0..<400 as Range<UInt64> {
                    let point = Point(
                        attributes: [("i", .int(Int64(step % 50) * 3 + Int64(lane)))], start: 1,
                        time: step + 2)
                    store.take(
                        Sent.sum("c", Double(step), point), Sent.gauge("g\(step % 7)", 1, point),
                        now: step * Self.second)
                }
            }
        }
        let reader = NamedThread("reader") {
            for step in 0..<100 as Range<UInt64> {
                _ = store.page()
                store.expire(now: step * 4 * Self.second)
            }
        }
        for thread in writers { thread.join() }
        reader?.join()
        #expect(store.samples.filter { $0.hasPrefix("c_total") }.count == 150)
    }
}
