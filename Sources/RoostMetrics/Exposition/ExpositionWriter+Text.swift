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
        if isOpenMetrics, let exemplar { writeTextExemplar(exemplar) }
        buffer.append(0x0A)
        writeCreated(labels, createdUnixNano)
    }

    mutating func textGauge(_ labels: Span<UInt8>, _ value: Double) {
        writeSample("", labels, .float(value), endsLine: true)
    }

    // MARK: compound samples

    mutating func textHistogram(
        _ labels: Span<UInt8>, _ bounds: Span<Double>, _ bucketCounts: Span<UInt64>, _ sum: Double?,
        _ count: UInt64, _ createdUnixNano: UInt64, _ exemplars: [ExemplarValue]
    ) {
        self.bounds.set(bounds, isCanonical: isOpenMetrics)
    }

    mutating func textSummary(
        _ labels: Span<UInt8>, _ quantiles: Span<Double>, _ values: Span<Double>, _ sum: Double?,
        _ count: UInt64, _ createdUnixNano: UInt64
    ) {
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

    mutating func writeTextExemplar(_ exemplar: ExemplarValue) {}
}
