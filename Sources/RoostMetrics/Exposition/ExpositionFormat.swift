/// The three ways a page of metrics is written.
public enum ExpositionFormat: Sendable, Hashable, CaseIterable {
    /// Prometheus text 0.0.4.
    case text
    /// OpenMetrics text 1.0.0.
    case openMetrics
    /// Length-delimited `io.prometheus.client.MetricFamily` messages.
    case protobuf
}

/// How the page is packed; the raw values are those of `Content-Encoding`.
public enum ExpositionCoding: String, Sendable, Hashable {
    case identity, gzip, zstd
}

/// What a scraper and Roost agreed on.
public struct Negotiated: Sendable, Hashable {
    public let format: ExpositionFormat
    /// The whole `Content-Type` of the answer, naming type, version and, where the scraper asked
    /// for it, the escaping that is applied to names.
    public let contentType: String
    public let coding: ExpositionCoding
}
