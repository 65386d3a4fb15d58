import RoostMetrics

/// One family of many series with five labels each.
final class SeriesSource: ExpositionSource {
    enum Kind { case counter, histogram }

    let kind: Kind
    let labels: [LabelText]

    init(size: Int, kind: Kind) {
        self.kind = kind
        var builder = LabelBuilder()
        labels = (0..<size).map { index in
            builder.add("service_name", "agent-\(index % 50)")
            builder.add("span_name", "chat model-\(index)")
            builder.add("span_kind", "SPAN_KIND_CLIENT")
            builder.add("status_code", "STATUS_CODE_UNSET")
            builder.add("otel_scope_name", "opentelemetry.instrumentation")
            return builder.finish()
        }
    }

    func makePass() -> any ExpositionPass { Pass(source: self) }

    private struct Pass: ExpositionPass {
        let source: SeriesSource
        var next = 0

        mutating func write(into writer: inout ExpositionWriter, upTo bytes: Int) -> Bool {
            if next == 0 {
                writer.beginFamily(
                    name: source.kind == .counter ? "sample_calls_total" : "sample_seconds",
                    type: source.kind == .counter ? .counter : .histogram, help: "Many series.")
            }
            while next < source.labels.count, writer.count < bytes {
                switch source.kind {
                case .counter:
                    writer.counter(labels: source.labels[next], value: UInt64(next * 17))
                case .histogram:
                    writer.histogram(
                        labels: source.labels[next], bounds: [0.1, 1, 10],
                        bucketCounts: [1, 2, 3, UInt64(next)], sum: Double(next) * 0.25,
                        count: UInt64(next) + 6)
                }
                next += 1
            }
            guard next == source.labels.count else { return true }
            writer.endFamily()
            return false
        }
    }
}
