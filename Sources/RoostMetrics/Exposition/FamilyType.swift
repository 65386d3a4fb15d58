/// What a metric family is, in the words of OpenMetrics 1.0.0; each format spells it its own way.
public enum FamilyType: UInt8, Sendable, Hashable, CaseIterable {
    case counter, gauge, histogram, summary, info, stateset, unknown

    /// The word on the TYPE line of text 0.0.4, which knows five types only.
    var textWord: StaticString {
        switch self {
        case .counter: "counter"
        case .gauge, .info, .stateset: "gauge"
        case .histogram: "histogram"
        case .summary: "summary"
        case .unknown: "untyped"
        }
    }

    /// The word on the TYPE line of OpenMetrics.
    var openMetricsWord: StaticString {
        switch self {
        case .counter: "counter"
        case .gauge: "gauge"
        case .histogram: "histogram"
        case .summary: "summary"
        case .info: "info"
        case .stateset: "stateset"
        case .unknown: "unknown"
        }
    }

    /// `io.prometheus.client.MetricType`.
    var protobufNumber: UInt8 {
        switch self {
        case .counter: 0
        case .gauge, .info, .stateset: 1
        case .summary: 2
        case .unknown: 3
        case .histogram: 4
        }
    }
}
