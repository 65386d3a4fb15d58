/// The three kinds of telemetry that OTLP carries.
public enum Signal: Int, Sendable, CaseIterable {
    case traces, metrics, logs

    /// What one item is called in names of metrics and in messages.
    public var itemName: String {
        switch self {
        case .traces: "spans"
        case .metrics: "metric_points"
        case .logs: "log_records"
        }
    }
}
