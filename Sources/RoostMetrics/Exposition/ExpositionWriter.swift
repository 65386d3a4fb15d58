/// Writes metric families as one of the three formats, in memory.
///
/// The caller begins a family, writes its series and ends it; between series it may take what is
/// finished (`takeFinished`) and pass it on, so that a page of any size is never held at once.
/// Families must not come twice, series of a family must be unique, and labels must be legal: the
/// writer checks the values it is given, not the names.
///
/// Every method that writes a series answers false when the format cannot show it; it has then
/// written nothing. Plain value type without locks; not copied, because pages are large.
public struct ExpositionWriter: ~Copyable {
    public let format: ExpositionFormat
    var buffer = ExpositionBuffer()
    var family = FamilyNames()
    var bounds = BoundTexts()
    /// Where the bytes of the open `MetricFamily` message begin; nil in text, or when none is open.
    var openMessage: Int?
    /// Where its first metric begins.
    var messageBody = 0

    public init(format: ExpositionFormat) { self.format = format }

    /// How many bytes are waiting to be taken.
    public var count: Int { buffer.count }

    /// What is allocated for it.
    var capacity: Int { buffer.capacity }

    /// A copy of what is waiting to be taken.
    public var output: [UInt8] { buffer.copy() }

    // MARK: families

    /// Begins a family. `name` is that of text 0.0.4: a counter's ends in `_total`, an info's in
    /// `_info`. The UNIT line is written where the format has one and the name ends in the unit.
    public mutating func beginFamily(
        name: String, type: FamilyType, help: String, unit: String? = nil
    ) {
        family.begin(name: name, type: type, help: help, unit: unit, format: format)
        switch format {
        case .text, .openMetrics: writeTextHeader()
        case .protobuf: openFamilyMessage()
        }
    }

    public mutating func endFamily() {
        if format == .protobuf { closeFamilyMessage() }
    }

    /// Ends the page. Nothing may be written after it.
    public mutating func end() {
        closeFamilyMessage()
        if format == .openMetrics { buffer.append("# EOF\n" as StaticString) }
    }

    /// Moves what is finished to the end of `target`.
    ///
    /// In protobuf an open family stays behind, so that it becomes one message; once it has grown
    /// past 128 KiB it is finished here and goes on in another message of the same name, which is
    /// how Prometheus wants more than fits.
    public mutating func takeFinished(into target: inout [UInt8]) {
        guard let start = openMessage else {
            return buffer.move(first: buffer.count, into: &target)
        }
        if buffer.count - start > Self.largestMessage {
            closeFamilyMessage()
            buffer.move(first: buffer.count, into: &target)
            openFamilyMessage()
        } else {
            let finished = start - Self.familyWidth
            buffer.move(first: finished, into: &target)
            openMessage = Self.familyWidth
            messageBody -= finished
        }
    }

    // MARK: series

    /// Whether a value may stand in a counter: OpenMetrics knows none that is NaN or negative.
    /// Callers leave such a series out, in every format, and count it.
    public static func isLegalCounter(_ value: Double) -> Bool { value >= 0 }

    /// One series of a counter. `createdUnixNano` is when it began to count, 0 when unknown.
    @discardableResult
    public mutating func counter(
        labels: Span<UInt8>, value: Double, createdUnixNano: UInt64 = 0,
        exemplar: ExemplarValue? = nil
    ) -> Bool {
        guard Self.isLegalCounter(value) else { return false }
        switch format {
        case .text, .openMetrics: textCounter(labels, .float(value), createdUnixNano, exemplar)
        case .protobuf: protobufCounter(labels, value, createdUnixNano, exemplar)
        }
        return true
    }

    /// One series of a counter of whole things, exact above 2^53 too where the format is text.
    @discardableResult
    public mutating func counter(
        labels: Span<UInt8>, value: UInt64, createdUnixNano: UInt64 = 0,
        exemplar: ExemplarValue? = nil
    ) -> Bool {
        switch format {
        case .text, .openMetrics: textCounter(labels, .integer(value), createdUnixNano, exemplar)
        case .protobuf: protobufCounter(labels, Double(value), createdUnixNano, exemplar)
        }
        return true
    }

    /// One series of a gauge, info, stateset or unknown. An info of another value than 1 and a
    /// stateset of another than 0 and 1 are not shown.
    @discardableResult
    public mutating func gauge(labels: Span<UInt8>, value: Double) -> Bool {
        switch family.type {
        case .info where value != 1: return false
        case .stateset where value != 0 && value != 1: return false
        default: break
        }
        switch format {
        case .text, .openMetrics: textGauge(labels, value)
        case .protobuf: protobufGauge(labels, value)
        }
        return true
    }

    /// One series of a histogram with explicit bounds.
    ///
    /// `bucketCounts` are not cumulative and one more than `bounds`, or both are empty; `bounds`
    /// ascend. Each exemplar goes to the bucket that its value lies in; the latest of a bucket is
    /// shown. A `sum` of nil, and in OpenMetrics one that it forbids, is left out.
    @discardableResult
    public mutating func histogram(
        labels: Span<UInt8>, bounds: Span<Double>, bucketCounts: Span<UInt64>, sum: Double?,
        count: UInt64, createdUnixNano: UInt64 = 0, exemplars: [ExemplarValue] = []
    ) -> Bool {
        switch format {
        case .text, .openMetrics:
            textHistogram(labels, bounds, bucketCounts, sum, count, createdUnixNano, exemplars)
        case .protobuf:
            protobufHistogram(labels, bounds, bucketCounts, sum, count, createdUnixNano, exemplars)
        }
        return true
    }

    /// One series of a histogram with exponential buckets, as OTLP has them: bucket i of a side
    /// holds the values in (base^(offset+i), base^(offset+i+1)], base being 2^(2^-scale).
    ///
    /// Native in protobuf; classic with its own bounds merged down to at most 40 in text, and where
    /// `scale` is below -4, which no native histogram can show. Its count is that of its buckets.
    @discardableResult
    public mutating func exponentialHistogram(
        labels: Span<UInt8>, scale: Int32, zeroCount: UInt64, zeroThreshold: Double,
        positiveOffset: Int32, positiveCounts: Span<UInt64>,
        negativeOffset: Int32, negativeCounts: Span<UInt64>,
        sum: Double?, createdUnixNano: UInt64 = 0, exemplars: [ExemplarValue] = []
    ) -> Bool {
        let positive = ExponentialBuckets(offset: positiveOffset, counts: positiveCounts)
        let negative = ExponentialBuckets(offset: negativeOffset, counts: negativeCounts)
        let total = saturatingSum(zeroCount, saturatingSum(positive.total, negative.total))
        if format == .protobuf, scale >= NativeBuckets.leastSchema {
            protobufNative(
                labels, scale, zeroCount, zeroThreshold, positive, negative, total, sum,
                createdUnixNano, exemplars)
            return true
        }
        let classic = ClassicBuckets(
            scale: scale, zeroCount: zeroCount, zeroThreshold: zeroThreshold,
            positive: positive, negative: negative)
        return histogram(
            labels: labels, bounds: classic.bounds.span, bucketCounts: classic.counts.span,
            sum: sum, count: total, createdUnixNano: createdUnixNano, exemplars: exemplars)
    }

    /// One series of a summary; `quantiles` ascend, `values` stand beside them.
    @discardableResult
    public mutating func summary(
        labels: Span<UInt8>, quantiles: Span<Double>, values: Span<Double>, sum: Double?,
        count: UInt64, createdUnixNano: UInt64 = 0
    ) -> Bool {
        switch format {
        case .text, .openMetrics:
            textSummary(labels, quantiles, values, sum, count, createdUnixNano)
        case .protobuf: protobufSummary(labels, quantiles, values, sum, count, createdUnixNano)
        }
        return true
    }
}
