package import RoostIngest
package import RoostNet
package import RoostStore

/// Every figure that Roost shows of itself, read at one moment.
package struct SelfReading {
    package var version: String
    package var ledger: LedgerSnapshot
    package var exporters: [ExportStatus]
    package var memoryLimitBytes: Int
    package var memoryUsage: [(name: String, bytes: Int)]
    /// Listener name (`grpc`, `http`, `web`) and its counters.
    package var listeners: [(name: String, counters: ServerCounters.Values)]
    /// Until when the certificates of those that speak TLS are valid, in seconds of Unix time.
    package var certificates: [String: Int64] = [:]
    /// Reason and points, for what applications sent and `/metrics` cannot show.
    package var unexposedPoints: [(reason: String, points: UInt64)]
    /// What happened to application metrics on the way to series: name, help, value.
    package var seriesCounters: [(name: String, help: String, value: UInt64)]
    package var applicationSeries: Int
    package var spanMetricsSeries: Int
    package var spanMetricsOverflow: UInt64
    package var agents: AgentEvents
    package var agentOverflow: UInt64
    package var heldActivities: Int
    package var waitingActivityBytes: Int
    /// Rule of redaction and values taken out.
    package var redactedValues: [(rule: String, values: UInt64)]
    package var store: StoreStatus
    package var analytics = AnalyticsReading()
    package var unroutedRequests: Int
    /// Nil while it is off.
    package var audit: AuditReading?
    /// Of the machine; empty unless asked for.
    var host: [SelfFamily] = []
    /// Nil when it is switched off.
    package var process: ProcessStatistics?
}
