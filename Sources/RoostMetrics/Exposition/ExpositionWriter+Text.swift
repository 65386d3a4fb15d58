/// A number on a sample line.
enum SampleNumber {
    case integer(UInt64)
    case float(Double)
}

/// Text 0.0.4 and OpenMetrics 1.0.0, which differ in headers, canonical bounds, exemplars and
/// `_created`.
extension ExpositionWriter {
    var isOpenMetrics: Bool { format == .openMetrics }

    // MARK: headers

    mutating func writeTextHeader() {
        if isOpenMetrics {
            writeTypeLine(family.type.openMetricsWord)
            if let unit = family.unit {
                buffer.append("# UNIT " as StaticString)
                buffer.append(family.family)
                buffer.append(0x20)
                buffer.append(unit)
                buffer.append(0x0A)
            }
            writeHelpLine()
        } else {
            writeHelpLine()
            writeTypeLine(family.type.textWord)
        }
    }

    private mutating func writeTypeLine(_ word: StaticString) {
        buffer.append("# TYPE " as StaticString)
        buffer.append(family.family)
        buffer.append(0x20)
        buffer.append(word)
        buffer.append(0x0A)
    }

    private mutating func writeHelpLine() {
        guard !family.help.isEmpty else { return }
        buffer.append("# HELP " as StaticString)
        buffer.append(family.family)
        buffer.append(0x20)
        for byte in family.help.utf8 {
            switch byte {
            case 0x5C: buffer.append("\\\\" as StaticString)
            case 0x0A: buffer.append("\\n" as StaticString)
            case 0x22 where isOpenMetrics: buffer.append("\\\"" as StaticString)
            default: buffer.append(byte)
            }
        }
        buffer.append(0x0A)
    }

    // MARK: single samples

    mutating func textCounter(
        _ labels: Span<UInt8>, _ value: SampleNumber, _ createdUnixNano: UInt64,
        _ exemplar: ExemplarValue?
    ) {
        writeSample("", labels, value, endsLine: false)
        if isOpenMetrics, let exemplar, !exemplar.value.isNaN { writeTextExemplar(exemplar) }
        buffer.append(0x0A)
        writeCreated(labels, createdUnixNano)
    }

    mutating func textGauge(_ labels: Span<UInt8>, _ value: Double) {
        writeSample("", labels, .float(value), endsLine: true)
    }

    // MARK: compound samples

    mutating func textHistogram(
        _ labels: Span<UInt8>, _ bounds: Span<Double>, _ bucketCounts: Span<UInt64>,
        _ sum: Double?, _ count: UInt64, _ createdUnixNano: UInt64, _ exemplars: [ExemplarValue]
    ) {
        self.bounds.set(bounds, isCanonical: isOpenMetrics)
        let finder = ExemplarFinder(isOpenMetrics ? exemplars : [])
        var total: UInt64 = 0
        var lower = -Double.infinity
        for index in bounds.indices where index < bucketCounts.count {
            total = saturatingSum(total, bucketCounts[index])
            // The counts of a bound that is no number, or is the last one, fall into later buckets.
            guard bounds[index] > lower, bounds[index] < .infinity else { continue }
            writeBucket(labels, bound: index, total, finder.latest(above: lower, to: bounds[index]))
            lower = bounds[index]
        }
        total = max(count, saturatingSum(total, overflowCount(bounds, bucketCounts)))
        writeBucket(labels, bound: nil, total, finder.latest(above: lower, to: .infinity))
        writeSumAndCount(
            labels, sum, total, hasNegative: !bounds.isEmpty && bounds[0] < 0)
        writeCreated(labels, createdUnixNano)
    }

    mutating func textSummary(
        _ labels: Span<UInt8>, _ quantiles: Span<Double>, _ values: Span<Double>, _ sum: Double?,
        _ count: UInt64, _ createdUnixNano: UInt64
    ) {
        bounds.set(quantiles, isCanonical: isOpenMetrics)
        for index in quantiles.indices where index < values.count {
            guard quantiles[index] >= 0, quantiles[index] <= 1 else { continue }
            if isOpenMetrics, values[index] < 0 { continue }
            buffer.append(family.sample)
            openLabels(labels)
            buffer.append("quantile=\"" as StaticString)
            bounds.write(index, into: &buffer)
            buffer.append("\"} " as StaticString)
            buffer.appendFloat(values[index])
            buffer.append(0x0A)
        }
        if isOpenMetrics {
            writeSample("_count", labels, .integer(count), endsLine: true)
            if let sum, sum >= 0 { writeSample("_sum", labels, .float(sum), endsLine: true) }
        } else {
            writeSumAndCount(labels, sum, count, hasNegative: false)
        }
        writeCreated(labels, createdUnixNano)
    }

    /// `bound` is the index of the bucket's bound, nil for the last bucket.
    private mutating func writeBucket(
        _ labels: Span<UInt8>, bound: Int?, _ value: UInt64, _ exemplar: ExemplarValue?
    ) {
        buffer.append(family.sample)
        buffer.append("_bucket" as StaticString)
        openLabels(labels)
        buffer.append("le=\"" as StaticString)
        if let bound {
            bounds.write(bound, into: &buffer)
        } else {
            buffer.append("+Inf" as StaticString)
        }
        buffer.append("\"} " as StaticString)
        buffer.appendDecimal(value)
        if let exemplar { writeTextExemplar(exemplar) }
        buffer.append(0x0A)
    }

    /// A histogram has in OpenMetrics the two together or not at all, and no sum that is negative
    /// or, with negative buckets, might be.
    private mutating func writeSumAndCount(
        _ labels: Span<UInt8>, _ sum: Double?, _ count: UInt64, hasNegative: Bool
    ) {
        if isOpenMetrics {
            guard let sum, sum >= 0, !hasNegative else { return }
            writeSample("_count", labels, .integer(count), endsLine: true)
            writeSample("_sum", labels, .float(sum), endsLine: true)
        } else {
            if let sum { writeSample("_sum", labels, .float(sum), endsLine: true) }
            writeSample("_count", labels, .integer(count), endsLine: true)
        }
    }

    // MARK: pieces

    /// `name suffix {labels} number`.
    @inline(__always)
    mutating func writeSample(
        _ suffix: StaticString, _ labels: Span<UInt8>, _ value: SampleNumber, endsLine: Bool
    ) {
        buffer.append(family.sample)
        if suffix.utf8CodeUnitCount > 0 { buffer.append(suffix) }
        if labels.count > 0 {
            buffer.append(0x7B)
            buffer.append(labels)
            buffer.append(0x7D)
        }
        buffer.append(0x20)
        switch value {
        case .integer(let number): buffer.appendDecimal(number)
        case .float(let number): buffer.appendFloat(number)
        }
        if endsLine { buffer.append(0x0A) }
    }

    mutating func writeCreated(_ labels: Span<UInt8>, _ unixNano: UInt64) {
        guard isOpenMetrics, unixNano > 0 else { return }
        buffer.append(family.created)
        if labels.count > 0 {
            buffer.append(0x7B)
            buffer.append(labels)
            buffer.append(0x7D)
        }
        buffer.append(0x20)
        buffer.appendSeconds(unixNano: unixNano)
        buffer.append(0x0A)
    }

    /// `{labels,`, for one more label to come.
    private mutating func openLabels(_ labels: Span<UInt8>) {
        buffer.append(0x7B)
        if labels.count > 0 {
            buffer.append(labels)
            buffer.append(0x2C)
        }
    }

    /// ` # {trace_id="…",span_id="…"} value time`. OpenMetrics 1.0.0, "Exemplars".
    private mutating func writeTextExemplar(_ exemplar: ExemplarValue) {
        buffer.append(" # {" as StaticString)
        let start = buffer.count
        if exemplar.hasTraceID {
            buffer.append("trace_id=\"" as StaticString)
            buffer.appendHex(exemplar.traceIDHigh)
            buffer.appendHex(exemplar.traceIDLow)
            buffer.append(0x22)
        }
        if exemplar.hasSpanID {
            if buffer.count > start { buffer.append(0x2C) }
            buffer.append("span_id=\"" as StaticString)
            buffer.appendHex(exemplar.spanID)
            buffer.append(0x22)
        }
        for range in exemplar.extraThatFits() {
            if buffer.count > start { buffer.append(0x2C) }
            if let extra = exemplar.extra { buffer.append(extra.bytes.span.extracting(range)) }
        }
        buffer.append("} " as StaticString)
        buffer.appendFloat(exemplar.value)
        if exemplar.unixNano > 0 {
            buffer.append(0x20)
            buffer.appendSeconds(unixNano: exemplar.unixNano)
        }
    }
}
