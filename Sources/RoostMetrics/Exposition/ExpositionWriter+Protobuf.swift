/// Length-delimited `io.prometheus.client.MetricFamily` messages, written straight to bytes: the
/// field numbers are those of `Protos/`, each tag is `number << 3 | wire type`.
extension ExpositionWriter {
    /// Room left for a family's length: three bytes hold 2 MiB.
    static var familyWidth: Int { 3 }
    /// From this size on an open family is finished and goes on in another message.
    static var largestMessage: Int { 128 * 1024 }

    // MARK: MetricFamily

    mutating func openFamilyMessage() {
        closeFamilyMessage()
        openMessage = buffer.openMessage(width: Self.familyWidth)
        buffer.appendField(0x0A, family.family)
        if !family.help.isEmpty { buffer.appendField(0x12, Array(family.help.utf8)) }
        buffer.append(0x18)
        buffer.append(family.type.protobufNumber)
        if let unit = family.unit { buffer.appendField(0x2A, Array(unit.utf8)) }
        messageBody = buffer.count
    }

    /// A family without series is not written at all.
    mutating func closeFamilyMessage() {
        guard let start = openMessage else { return }
        openMessage = nil
        if buffer.count == messageBody {
            buffer.truncate(to: start - Self.familyWidth)
        } else {
            buffer.closeMessage(start: start, width: Self.familyWidth)
        }
    }

    // MARK: Metric

    mutating func protobufCounter(
        _ labels: Span<UInt8>, _ value: Double, _ createdUnixNano: UInt64,
        _ exemplar: ExemplarValue?
    ) {
        let metric = openMetric(labels)
        let counter = buffer.openField(0x1A, width: 1)
        buffer.appendDouble(0x09, value)
        if let exemplar, !exemplar.value.isNaN { writeExemplar(0x12, exemplar) }
        buffer.appendTime(0x1A, createdUnixNano)
        buffer.closeMessage(start: counter, width: 1)
        closeMetric(metric)
    }

    mutating func protobufGauge(_ labels: Span<UInt8>, _ value: Double) {
        let metric = openMetric(labels)
        let gauge = buffer.openField(family.type == .unknown ? 0x2A : 0x12, width: 1)
        buffer.appendDouble(0x09, value)
        buffer.closeMessage(start: gauge, width: 1)
        closeMetric(metric)
    }

    mutating func protobufSummary(
        _ labels: Span<UInt8>, _ quantiles: Span<Double>, _ values: Span<Double>, _ sum: Double?,
        _ count: UInt64, _ createdUnixNano: UInt64
    ) {
        let metric = openMetric(labels)
        let summary = buffer.openField(0x22, width: 2)
        buffer.appendNumber(0x08, count)
        buffer.appendDouble(0x11, sum ?? .nan)
        for index in quantiles.indices where index < values.count {
            guard quantiles[index] >= 0, quantiles[index] <= 1 else { continue }
            let quantile = buffer.openField(0x1A, width: 1)
            buffer.appendDouble(0x09, quantiles[index])
            buffer.appendDouble(0x11, values[index])
            buffer.closeMessage(start: quantile, width: 1)
        }
        buffer.appendTime(0x22, createdUnixNano)
        buffer.closeMessage(start: summary, width: 2)
        closeMetric(metric)
    }

    mutating func protobufHistogram(
        _ labels: Span<UInt8>, _ bounds: Span<Double>, _ bucketCounts: Span<UInt64>,
        _ sum: Double?, _ count: UInt64, _ createdUnixNano: UInt64, _ exemplars: [ExemplarValue]
    ) {
        let metric = openMetric(labels)
        let histogram = buffer.openField(0x3A, width: 2)
        let finder = ExemplarFinder(exemplars)
        var total: UInt64 = 0
        var lower = -Double.infinity
        for index in bounds.indices where index < bucketCounts.count {
            total = saturatingSum(total, bucketCounts[index])
            guard bounds[index] > lower, bounds[index] < .infinity else { continue }
            writeBucket(total, bounds[index], finder.latest(above: lower, to: bounds[index]))
            lower = bounds[index]
        }
        total = max(count, saturatingSum(total, overflowCount(bounds, bucketCounts)))
        // The last bucket is understood, so it is written only if it has something to say.
        if let exemplar = finder.latest(above: lower, to: .infinity) {
            writeBucket(total, .infinity, exemplar)
        }
        buffer.appendNumber(0x08, total)
        buffer.appendDouble(0x11, sum ?? .nan)
        buffer.appendTime(0x7A, createdUnixNano)
        buffer.closeMessage(start: histogram, width: 2)
        closeMetric(metric)
    }

    mutating func protobufNative(
        _ labels: Span<UInt8>, _ scale: Int32, _ zeroCount: UInt64, _ zeroThreshold: Double,
        _ positive: ExponentialBuckets, _ negative: ExponentialBuckets, _ total: UInt64,
        _ sum: Double?, _ createdUnixNano: UInt64, _ exemplars: [ExemplarValue]
    ) {
        let steps = Int(max(0, scale - NativeBuckets.greatestSchema))
        let metric = openMetric(labels)
        let histogram = buffer.openField(0x3A, width: 2)
        buffer.appendNumber(0x08, total)
        buffer.appendDouble(0x11, sum ?? .nan)
        buffer.appendNumber(0x28, zigZag(Int64(min(scale, NativeBuckets.greatestSchema))))
        // Without a width the zero bucket would be no sign of a native histogram.
        buffer.appendDouble(0x31, zeroThreshold > 0 ? zeroThreshold : 1e-128)
        buffer.appendNumber(0x38, zeroCount)
        writeSide(NativeBuckets(negative.merged(steps)), spans: 0x4A, deltas: 0x50)
        writeSide(NativeBuckets(positive.merged(steps)), spans: 0x62, deltas: 0x68)
        if positive.isEmpty, negative.isEmpty {
            // Offset 0, length 0: an empty native histogram.
            buffer.appendField(0x62, [])
        }
        buffer.appendTime(0x7A, createdUnixNano)
        for exemplar in exemplars where exemplar.unixNano > 0 && !exemplar.value.isNaN {
            writeExemplar([0x82, 0x01], exemplar)
        }
        buffer.closeMessage(start: histogram, width: 2)
        closeMetric(metric)
    }

    // MARK: pieces

    private mutating func openMetric(_ labels: Span<UInt8>) -> Int {
        if openMessage == nil { openFamilyMessage() }
        let metric = buffer.openField(0x22, width: 2)
        writeLabels(0x0A, labels)
        return metric
    }

    private mutating func closeMetric(_ start: Int) {
        buffer.closeMessage(start: start, width: 2)
    }

    /// Label pairs, from the text that the text formats take as it is.
    private mutating func writeLabels(_ tag: UInt8, _ text: Span<UInt8>) {
        var reader = LabelReader()
        while let label = reader.next(in: text) { writeLabel(tag, text, label.name, label.value) }
    }

    private mutating func writeLabel(
        _ tag: UInt8, _ text: Span<UInt8>, _ name: Range<Int>, _ value: Range<Int>
    ) {
        let pair = buffer.openField(tag, width: 1)
        buffer.append(0x0A)
        buffer.appendVarint(UInt64(name.count))
        buffer.append(text.extracting(name))
        let start = buffer.openField(0x12, width: 1)
        buffer.appendUnescaped(text.extracting(value))
        buffer.closeMessage(start: start, width: 1)
        buffer.closeMessage(start: pair, width: 1)
    }

    private mutating func writeBucket(
        _ count: UInt64, _ bound: Double, _ exemplar: ExemplarValue?
    ) {
        let bucket = buffer.openField(0x1A, width: 1)
        buffer.appendNumber(0x08, count)
        buffer.appendDouble(0x11, bound)
        if let exemplar { writeExemplar(0x1A, exemplar) }
        buffer.closeMessage(start: bucket, width: 1)
    }

    private mutating func writeSide(_ side: NativeBuckets, spans: UInt8, deltas: UInt8) {
        for span in side.spans {
            let start = buffer.openField(spans, width: 1)
            buffer.appendNumber(0x08, zigZag(Int64(span.offset)))
            buffer.appendNumber(0x10, UInt64(span.length))
            buffer.closeMessage(start: start, width: 1)
        }
        for delta in side.deltas { buffer.appendNumber(deltas, zigZag(delta)) }
    }

    private mutating func writeExemplar(_ tag: UInt8, _ exemplar: ExemplarValue) {
        writeExemplar([tag], exemplar)
    }

    private mutating func writeExemplar(_ tag: [UInt8], _ exemplar: ExemplarValue) {
        for byte in tag.dropLast() { buffer.append(byte) }
        let start = buffer.openField(tag[tag.count - 1], width: 1)
        if exemplar.hasTraceID {
            // LabelPair { name: "trace_id", value: 32 digits }, 44 bytes.
            buffer.append("\u{0A}\u{2C}\u{0A}\u{08}trace_id\u{12}\u{20}" as StaticString)
            buffer.appendHex(exemplar.traceIDHigh)
            buffer.appendHex(exemplar.traceIDLow)
        }
        if exemplar.hasSpanID {
            buffer.append("\u{0A}\u{1B}\u{0A}\u{07}span_id\u{12}\u{10}" as StaticString)
            buffer.appendHex(exemplar.spanID)
        }
        if let extra = exemplar.extra {
            for range in exemplar.extraThatFits() {
                writeLabels(0x0A, extra.bytes.span.extracting(range))
            }
        }
        buffer.appendDouble(0x11, exemplar.value)
        buffer.appendTime(0x1A, exemplar.unixNano)
        buffer.closeMessage(start: start, width: 1)
    }
}

/// How protobuf writes a sint64.
private func zigZag(_ value: Int64) -> UInt64 {
    UInt64(bitPattern: value << 1 ^ value >> 63)
}

extension ExpositionBuffer {
    /// Begins a message in a field; answers where its bytes start, for `closeMessage`.
    mutating func openField(_ tag: UInt8, width: Int) -> Int {
        append(tag)
        return openMessage(width: width)
    }

    /// A field of bytes.
    mutating func appendField(_ tag: UInt8, _ bytes: [UInt8]) {
        append(tag)
        appendVarint(UInt64(bytes.count))
        append(bytes)
    }

    mutating func appendNumber(_ tag: UInt8, _ value: UInt64) {
        append(tag)
        appendVarint(value)
    }

    mutating func appendDouble(_ tag: UInt8, _ value: Double) {
        append(tag)
        appendFixed64(value.bitPattern)
    }

    /// A `google.protobuf.Timestamp`; nothing for 0.
    mutating func appendTime(_ tag: UInt8, _ unixNano: UInt64) {
        guard unixNano > 0 else { return }
        let start = openField(tag, width: 1)
        appendNumber(0x08, unixNano / 1_000_000_000)
        if unixNano % 1_000_000_000 > 0 { appendNumber(0x10, unixNano % 1_000_000_000) }
        closeMessage(start: start, width: 1)
    }

    /// A label value without the escapes of the text formats.
    mutating func appendUnescaped(_ text: Span<UInt8>) {
        var start = 0
        while start < text.count {
            let escape = place(of: 0x5C, in: text, from: start, before: text.count)
            append(text.extracting(start..<escape))
            guard escape + 1 < text.count else { return }
            append(text[escape + 1] == 0x6E ? 0x0A : text[escape + 1])
            start = escape + 2
        }
    }
}
