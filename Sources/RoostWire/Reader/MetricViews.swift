/// A metric: what its points have in common.
@frozen public struct MetricView {
    public enum Kind: UInt8, Sendable {
        case none, gauge, sum, histogram, exponentialHistogram, summary
    }

    public var name = WireBytes.empty
    public var description = WireBytes.empty
    public var unit = WireBytes.empty
    public var kind = Kind.none
    /// 1 delta, 2 cumulative; 0 for kinds that have none.
    public var temporality: Int32 = 0
    /// Of a sum; false for the other kinds.
    public var isMonotonic = false
    public var metadata = AttributeList(number: 12)

    @inlinable init() {}
}

/// What a number point or an exemplar measured.
@frozen public enum NumberValue: Equatable, Sendable {
    case none
    case int(Int64)
    case double(Double)
}

/// A point of a gauge or a sum.
@frozen public struct NumberPointView {
    public var attributes = AttributeList(number: 7)
    public var startTimeUnixNano: UInt64 = 0
    public var timeUnixNano: UInt64 = 0
    public var value = NumberValue.none
    /// Bit 0: no recorded value.
    public var flags: UInt32 = 0
    public var exemplars = ExemplarList(number: 5)

    @inlinable @inline(__always) init() {}
}

/// A point of a histogram with explicit bounds. The counts fit the bounds: one more, or both none;
/// the bounds rise strictly.
@frozen public struct HistogramPointView {
    public var attributes = AttributeList(number: 9)
    public var startTimeUnixNano: UInt64 = 0
    public var timeUnixNano: UInt64 = 0
    public var count: UInt64 = 0
    public var sum: Double?
    public var min: Double?
    public var max: Double?
    public var bucketCounts = WireUInt64List(number: 6, isVarint: false)
    public var explicitBounds = WireDoubleList(number: 7)
    /// Bit 0: no recorded value.
    public var flags: UInt32 = 0
    public var exemplars = ExemplarList(number: 8)

    @inlinable @inline(__always) init() {}
}

/// One side of an exponential histogram: bucket `offset + i` holds `counts[i]`.
@frozen public struct ExponentialBucketsView {
    public var offset: Int32 = 0
    public var counts = WireUInt64List(number: 2, isVarint: true)

    @inlinable @inline(__always) init() {}
}

/// A point of an exponential histogram.
@frozen public struct ExponentialHistogramPointView {
    public var attributes = AttributeList(number: 1)
    public var startTimeUnixNano: UInt64 = 0
    public var timeUnixNano: UInt64 = 0
    public var count: UInt64 = 0
    public var sum: Double?
    public var scale: Int32 = 0
    public var zeroCount: UInt64 = 0
    public var zeroThreshold: Double = 0
    public var positive = ExponentialBucketsView()
    public var negative = ExponentialBucketsView()
    public var min: Double?
    public var max: Double?
    /// Bit 0: no recorded value.
    public var flags: UInt32 = 0
    public var exemplars = ExemplarList(number: 11)

    @inlinable @inline(__always) init() {}
}

/// A point of a summary.
@frozen public struct SummaryPointView {
    public var attributes = AttributeList(number: 7)
    public var startTimeUnixNano: UInt64 = 0
    public var timeUnixNano: UInt64 = 0
    public var count: UInt64 = 0
    public var sum: Double = 0
    public var quantiles = QuantileList()
    /// Bit 0: no recorded value.
    public var flags: UInt32 = 0

    @inlinable @inline(__always) init() {}
}

/// A sample measurement. Ids are empty or have been checked.
@frozen public struct ExemplarView {
    public var filteredAttributes = AttributeList(number: 7)
    public var timeUnixNano: UInt64 = 0
    public var value = NumberValue.none
    public var spanID = WireBytes.empty
    public var traceID = WireBytes.empty

    @inlinable @inline(__always) init() {}
}

/// The exemplars of a point, read where they lie.
@frozen public struct ExemplarList {
    @usableFromInline var run: FieldRun

    @inlinable @inline(__always) init(number: UInt32) { run = FieldRun(number: number) }
    @inlinable public var isEmpty: Bool { run.bytes.isEmpty }

    /// Calls `body` with each exemplar, in the order of the wire.
    @inlinable public func forEach(_ body: (ExemplarView) -> Void) {
        run.forEach { bytes in
            var cursor = WireCursor(bytes)
            var check = ItemCheck()
            if let exemplar = try? readExemplar(&cursor, &check) { body(exemplar) }
        }
    }
}

/// The quantiles of a summary point, read where they lie.
@frozen public struct QuantileList {
    @usableFromInline var run = FieldRun(number: 6)

    @inlinable @inline(__always) init() {}
    @inlinable public var isEmpty: Bool { run.bytes.isEmpty }

    /// Calls `body` with each quantile (0 to 1, not checked) and its value.
    @inlinable public func forEach(_ body: (_ quantile: Double, _ value: Double) -> Void) {
        run.forEach { bytes in
            var cursor = WireCursor(bytes)
            if let pair = try? readQuantile(&cursor) { body(pair.quantile, pair.value) }
        }
    }
}
