package import RoostMetrics
import RoostWire

/// What Roost says of itself on `/metrics`: the ledger, the exporters, memory, connections, the
/// process.
///
/// One pass reads every figure once, at its start, so that the page shows one moment: the ledger's
/// equations hold on it. Confined to the thread that renders the page.
package final class SelfMetricsSource: ExpositionSource {
    private let read: () -> SelfReading

    /// `read` is called once for each scrape.
    package init(read: @escaping () -> SelfReading) { self.read = read }

    package func makePass() -> any ExpositionPass {
        SelfMetricsPass(families: SelfMetricsFamilies.all(read()))
    }

    /// Whether an application's metric may not have this name, because it is Roost's own.
    package static func isReserved(_ name: String) -> Bool {
        name.hasPrefix("roost_") || name.hasPrefix("traces_span_metrics_")
            || processNames.contains(name)
    }

    private static let processNames: Set<String> = [
        "process_cpu_seconds_total", "process_resident_memory_bytes",
        "process_virtual_memory_bytes", "process_open_fds", "process_max_fds",
        "process_start_time_seconds", "process_threads", "process_context_switches_total",
        "process_disk_read_bytes_total", "process_disk_written_bytes_total",
        "process_major_page_faults_total", "process_minor_page_faults_total",
    ]
}

/// One family with few series: name, help and values.
struct SelfFamily: Sendable {
    let name: String
    let type: FamilyType
    let help: String
    var series: [(labels: LabelText, value: Double)] = []
    /// Of a family of this type.
    var histograms: [(labels: LabelText, value: SelfHistogram)] = []
}

/// What was measured since the start, by upper bounds and above the last.
struct SelfHistogram: Sendable {
    let bounds: [Double]
    let counts: [UInt64]
    let sum: Double
}

/// Writes prepared families one by one; each is small.
private struct SelfMetricsPass: ExpositionPass {
    let families: [SelfFamily]
    private var next = 0

    init(families: [SelfFamily]) { self.families = families }

    mutating func write(into writer: inout ExpositionWriter, upTo bytes: Int) -> Bool {
        while next < families.count {
            if writer.count >= bytes { return true }
            let family = families[next]
            writer.beginFamily(name: family.name, type: family.type, help: family.help)
            for (labels, value) in family.series {
                if family.type == .counter {
                    writer.counter(labels: labels.bytes.span, value: value)
                } else {
                    writer.gauge(labels: labels.bytes.span, value: value)
                }
            }
            for (labels, histogram) in family.histograms {
                _ = writer.histogram(
                    labels: labels.bytes.span, bounds: histogram.bounds.span,
                    bucketCounts: histogram.counts.span, sum: histogram.sum,
                    count: histogram.counts.reduce(0, &+))
            }
            writer.endFamily()
            next += 1
        }
        return false
    }
}
