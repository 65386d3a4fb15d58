/// One observation that stands for many: where to look when a number looks odd.
public struct ExemplarValue: Sendable, Hashable {
    /// The first and last eight bytes of the trace id, read as big-endian; both 0 when there is none.
    public var traceIDHigh: UInt64
    public var traceIDLow: UInt64
    /// Read as big-endian; 0 when there is none.
    public var spanID: UInt64
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

    var hasTraceID: Bool { traceIDHigh | traceIDLow != 0 }
    var hasSpanID: Bool { spanID != 0 }

    private static func bigEndian(_ bytes: Span<UInt8>, at offset: Int) -> UInt64 {
        var value: UInt64 = 0
        for index in offset..<offset + 8 { value = value << 8 | UInt64(bytes[index]) }
        return value
    }
}
