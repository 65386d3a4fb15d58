/// One of the three kinds of telemetry that OTLP carries.
public enum Signal: Int, Sendable, CaseIterable {
    case traces, metrics, logs

    /// As configuration and paths say it.
    public var name: String {
        switch self {
        case .traces: "traces"
        case .metrics: "metrics"
        case .logs: "logs"
        }
    }

    /// What its items are called in names of metrics.
    public var itemName: String {
        switch self {
        case .traces: "spans"
        case .metrics: "metric_points"
        case .logs: "log_records"
        }
    }
}
