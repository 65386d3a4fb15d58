/// One observation that stands for many: where to look when a number looks odd.
public struct ExemplarValue: Sendable, Hashable {
    /// The first and last eight bytes of the trace id, read as big-endian; both 0 when there is none.
    public var traceIDHigh: UInt64
    public var traceIDLow: UInt64
    /// Read as big-endian; 0 when there is none.
    public var spanID: UInt64
    /// One that is NaN is not shown: it never equals itself, so Prometheus takes each scrape's for
    /// another exemplar, out of order.
    public var value: Double
    /// 0 when unknown: the exemplar is then written without a time.
    public var unixNano: UInt64
    /// Attributes that the aggregation dropped. The writer leaves out those that do not fit into
    /// the 128 code points of OpenMetrics 1.0.0, and `trace_id` and `span_id` among them.
    public var extra: LabelText?

    public init(
        traceIDHigh: UInt64, traceIDLow: UInt64, spanID: UInt64, value: Double, unixNano: UInt64,
        extra: LabelText? = nil
    ) {
        self.traceIDHigh = traceIDHigh
        self.traceIDLow = traceIDLow
        self.spanID = spanID
        self.value = value
        self.unixNano = unixNano
        self.extra = extra
    }

    /// Ids as OTLP carries them; one that has not 16, or 8, bytes counts as absent.
    public init(
        traceID: Span<UInt8>, spanID: Span<UInt8>, value: Double, unixNano: UInt64,
        extra: LabelText? = nil
    ) {
        let hasTrace = traceID.count == 16
        self.init(
            traceIDHigh: hasTrace ? Self.bigEndian(traceID, at: 0) : 0,
            traceIDLow: hasTrace ? Self.bigEndian(traceID, at: 8) : 0,
            spanID: spanID.count == 8 ? Self.bigEndian(spanID, at: 0) : 0,
            value: value, unixNano: unixNano, extra: extra)
    }

    /// Bytes on the heap.
    var heapBytes: Int { extra.map { $0.bytes.capacity + 32 } ?? 0 }

    /// Keeps of `extra` only what is shown.
    mutating func cutExtra() {
        guard let text = extra?.bytes else { return }
        let kept = Array(extraThatFits().map { text[$0] }.joined(separator: [0x2C]))
        extra = kept.isEmpty ? nil : LabelText(bytes: kept)
    }

    var hasTraceID: Bool { traceIDHigh | traceIDLow != 0 }
    var hasSpanID: Bool { spanID != 0 }

    private static func bigEndian(_ bytes: Span<UInt8>, at offset: Int) -> UInt64 {
        var value: UInt64 = 0
        for index in offset..<offset + 8 { value = value << 8 | UInt64(bytes[index]) }
        return value
    }

    /// Where in `extra` the labels stand that may be shown: not named like the ids, and together
    /// with these at most 128 code points of names and values, taken in their order. None with a
    /// NUL: Prometheus 2.42 refuses a whole page for it, in exemplars only.
    func extraThatFits() -> [Range<Int>] {
        guard let extra else { return [] }
        var left = 128
        if hasTraceID { left -= 8 + 32 }
        if hasSpanID { left -= 7 + 16 }
        var ranges: [Range<Int>] = []
        var reader = LabelReader()
        while let label = reader.next(in: extra.bytes.span) {
            if hasTraceID, equals(extra.bytes, label.name, "trace_id") { continue }
            if hasSpanID, equals(extra.bytes, label.name, "span_id") { continue }
            let points = label.name.count + codePoints(extra.bytes, label.value)
            guard points <= left, !extra.bytes[label.value].contains(0) else { continue }
            left -= points
            ranges.append(label.name.lowerBound..<label.value.upperBound + 1)
        }
        return ranges
    }

    private func equals(_ bytes: [UInt8], _ range: Range<Int>, _ name: String) -> Bool {
        bytes[range].elementsEqual(name.utf8)
    }

    /// Of an escaped value: each escape is one.
    private func codePoints(_ bytes: [UInt8], _ range: Range<Int>) -> Int {
        var points = 0
        var isEscaped = false
        for byte in bytes[range] {
            if isEscaped {
                isEscaped = false
                continue
            }
            isEscaped = byte == 0x5C
            if byte & 0xC0 != 0x80 { points += 1 }
        }
        return points
    }
}

/// Picks the exemplar of a bucket.
struct ExemplarFinder {
    private let exemplars: [ExemplarValue]

    init(_ exemplars: [ExemplarValue]) { self.exemplars = exemplars }

    /// The latest whose value is above `lower` and at most `upper`.
    @inline(__always)
    func latest(above lower: Double, to upper: Double) -> ExemplarValue? {
        if exemplars.isEmpty { return nil }
        return search(lower, upper)
    }

    private func search(_ lower: Double, _ upper: Double) -> ExemplarValue? {
        var latest: ExemplarValue?
        for exemplar in exemplars where exemplar.value > lower && exemplar.value <= upper {
            if let latest, latest.unixNano > exemplar.unixNano { continue }
            latest = exemplar
        }
        return latest
    }
}
