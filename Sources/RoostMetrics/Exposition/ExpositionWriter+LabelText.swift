/// The same series for callers that hold a `LabelText` and arrays.
extension ExpositionWriter {
    @discardableResult
    public mutating func counter(
        labels: LabelText, value: Double, createdUnixNano: UInt64 = 0,
        exemplar: ExemplarValue? = nil
    ) -> Bool {
        counter(
            labels: labels.bytes.span, value: value, createdUnixNano: createdUnixNano,
            exemplar: exemplar)
    }

    @discardableResult
    public mutating func counter(
        labels: LabelText, value: UInt64, createdUnixNano: UInt64 = 0,
        exemplar: ExemplarValue? = nil
    ) -> Bool {
        counter(
            labels: labels.bytes.span, value: value, createdUnixNano: createdUnixNano,
            exemplar: exemplar)
    }

    @discardableResult
    public mutating func gauge(labels: LabelText, value: Double) -> Bool {
        gauge(labels: labels.bytes.span, value: value)
    }

    @discardableResult
    public mutating func histogram(
        labels: LabelText, bounds: [Double], bucketCounts: [UInt64], sum: Double?,
        count: UInt64, createdUnixNano: UInt64 = 0, exemplars: [ExemplarValue] = []
    ) -> Bool {
        histogram(
            labels: labels.bytes.span, bounds: bounds.span, bucketCounts: bucketCounts.span,
            sum: sum, count: count, createdUnixNano: createdUnixNano, exemplars: exemplars)
    }

    @discardableResult
    public mutating func exponentialHistogram(
        labels: LabelText, scale: Int32, zeroCount: UInt64, zeroThreshold: Double = 0,
        positiveOffset: Int32 = 0, positiveCounts: [UInt64] = [],
        negativeOffset: Int32 = 0, negativeCounts: [UInt64] = [],
        sum: Double?, createdUnixNano: UInt64 = 0, exemplars: [ExemplarValue] = []
    ) -> Bool {
        exponentialHistogram(
            labels: labels.bytes.span, scale: scale, zeroCount: zeroCount,
            zeroThreshold: zeroThreshold, positiveOffset: positiveOffset,
            positiveCounts: positiveCounts.span, negativeOffset: negativeOffset,
            negativeCounts: negativeCounts.span, sum: sum, createdUnixNano: createdUnixNano,
            exemplars: exemplars)
    }

    @discardableResult
    public mutating func summary(
        labels: LabelText, quantiles: [Double], values: [Double], sum: Double?, count: UInt64,
        createdUnixNano: UInt64 = 0
    ) -> Bool {
        summary(
            labels: labels.bytes.span, quantiles: quantiles.span, values: values.span,
            sum: sum, count: count, createdUnixNano: createdUnixNano)
    }
}
