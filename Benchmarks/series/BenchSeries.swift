import CAllocations
import Glibc
import RoostCore
import RoostMetrics

/// Measures the series of applications: nanoseconds of CPU and allocations per point, bytes per
/// series, milliseconds per page. Run with `swift run -c release bench-series`.
@main
struct BenchSeries {
    static let series = 100_000

    static func main() {
        for isDelta in [false, true] {
            print(isDelta ? "delta counters" : "cumulative counters")
            measure(isDelta: isDelta)
        }
    }

    private static func measure(isDelta: Bool) {
        let requests = (0..<10).map { step in
            counterRequests(
                series: series, points: 1_000, step: UInt64(step), isDelta: isDelta
            ).map { ByteBlock($0) }
        }
        let budget = MemoryBudget(limitBytes: 1 << 30)
        let store = SeriesStore(settings: SeriesSettings(memory: budget.share("series")))

        let before = heapBytes()
        var start = threadCPUNanoseconds()
        for body in requests[0] { store.ingest(body, now: 0) }
        report("new series", threadCPUNanoseconds() - start, points: series)
        let held = heapBytes() - before
        store.expire(now: 0)
        print("  \(held / series) bytes a series, accounted \(store.heldBytes / series)")

        let allocations = roost_allocations()
        start = threadCPUNanoseconds()
        for step in requests.dropFirst() {
            for body in step { store.ingest(body, now: 1_000_000_000) }
        }
        let points = series * (requests.count - 1)
        report("known series", threadCPUNanoseconds() - start, points: points)
        let made = Double(roost_allocations() - allocations)
        print("  \(made / Double(points)) allocations a point")

        for format in ExpositionFormat.allCases { page(store, format) }
    }

    private static func page(_ store: SeriesStore, _ format: ExpositionFormat) {
        var best = UInt64.max
        var bytes = 0
        var slices = 0
        var slice: [UInt8] = []
        for _ in 0..<5 {
            let start = threadCPUNanoseconds()
            let page = ExpositionPage(format: format, sources: [store])
            (bytes, slices) = (0, 0)
            var isMore = true
            while isMore {
                slice.removeAll(keepingCapacity: true)
                isMore = page.next(into: &slice)
                bytes += slice.count
                slices += 1
            }
            best = min(best, threadCPUNanoseconds() - start)
        }
        print(
            "  page, \(format): \(Double(best / 10_000) / 100) ms, \(bytes) bytes, \(slices) slices"
        )
    }

    private static func report(_ name: String, _ nanoseconds: UInt64, points: Int) {
        print("  \(name): \(nanoseconds / UInt64(points)) ns a point")
    }

    /// Resident memory.
    private static func heapBytes() -> Int {
        let file = unsafe open("/proc/self/statm", O_RDONLY)
        defer { close(file) }
        var text = [UInt8](repeating: 0, count: 128)
        let count = unsafe text.withUnsafeMutableBytes {
            unsafe read(file, $0.baseAddress, $0.count)
        }
        let fields = String(decoding: text.prefix(max(count, 0)), as: UTF8.self).split(
            separator: " ")
        return fields.count > 1 ? (Int(fields[1]) ?? 0) * 4096 : 0
    }
}
