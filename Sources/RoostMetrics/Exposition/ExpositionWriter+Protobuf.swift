/// Length-delimited `io.prometheus.client.MetricFamily` messages, written straight to bytes.
extension ExpositionWriter {
    /// Room left for a family's length: three bytes hold 2 MiB.
    static var familyWidth: Int { 3 }
    /// From this size on an open family is finished and goes on in another message.
    static var largestMessage: Int { 128 * 1024 }

    mutating func openFamilyMessage() {}
    mutating func closeFamilyMessage() {}
    mutating func protobufCounter(
        _ labels: Span<UInt8>, _ value: Double, _ createdUnixNano: UInt64,
        _ exemplar: ExemplarValue?
    ) {}
    mutating func protobufGauge(_ labels: Span<UInt8>, _ value: Double) {}
    mutating func protobufHistogram(
        _ labels: Span<UInt8>, _ bounds: Span<Double>, _ bucketCounts: Span<UInt64>, _ sum: Double?,
        _ count: UInt64, _ createdUnixNano: UInt64, _ exemplars: [ExemplarValue]
    ) {}
    mutating func protobufSummary(
        _ labels: Span<UInt8>, _ quantiles: Span<Double>, _ values: Span<Double>, _ sum: Double?,
        _ count: UInt64, _ createdUnixNano: UInt64
    ) {}
}
