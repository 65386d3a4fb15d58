// Every requirement has an empty default, so a visitor says only what it wants. What a visitor is
// given is valid until it returns. When a reader throws, forget what was visited: the whole request
// is refused.

/// Sees a trace request, front to back.
public protocol TraceVisitor {
    /// Before the scopes of the resource, whatever the order on the wire.
    mutating func resource(_ resource: ResourceView)
    /// Before the spans of the scope, whatever the order on the wire.
    mutating func scope(_ scope: ScopeView)
    /// Each attribute of a span as it is met, before `span`.
    mutating func spanAttribute(_ key: WireBytes, _ value: AnyValueView)
    /// Takes in attributes of a span as they stand in the request: those at the beginning of `fields`
    /// that it can read and finds well-formed. Answers how many bytes they take; what follows is
    /// read for it. At least eight bytes of the request stand before.
    mutating func takeSpanAttributes(_ fields: WireBytes) -> Int
    /// A well-formed span.
    mutating func span(_ span: SpanView)
    /// The attributes met since the last span belong to a malformed one.
    mutating func spanRejected()
}

extension TraceVisitor {
    @inlinable @inline(__always) public mutating func resource(_ resource: ResourceView) {}
    @inlinable @inline(__always) public mutating func scope(_ scope: ScopeView) {}
    @inlinable @inline(__always)
    public mutating func spanAttribute(_ key: WireBytes, _ value: AnyValueView) {}
    @inlinable @inline(__always)
    public mutating func takeSpanAttributes(_ fields: WireBytes) -> Int { 0 }
    @inlinable @inline(__always) public mutating func span(_ span: SpanView) {}
    @inlinable @inline(__always) public mutating func spanRejected() {}
}

/// Sees a metrics request, front to back.
public protocol MetricsVisitor {
    /// Before the scopes of the resource, whatever the order on the wire.
    mutating func resource(_ resource: ResourceView)
    /// Before the metrics of the scope, whatever the order on the wire.
    mutating func scope(_ scope: ScopeView)
    /// Before the well-formed points of the metric; also when it has none.
    mutating func metric(_ metric: MetricView)
    /// A point of the gauge or sum told last.
    mutating func numberPoint(_ point: NumberPointView)
    mutating func histogramPoint(_ point: HistogramPointView)
    mutating func exponentialHistogramPoint(_ point: ExponentialHistogramPointView)
    mutating func summaryPoint(_ point: SummaryPointView)
}

extension MetricsVisitor {
    @inlinable @inline(__always) public mutating func resource(_ resource: ResourceView) {}
    @inlinable @inline(__always) public mutating func scope(_ scope: ScopeView) {}
    @inlinable @inline(__always) public mutating func metric(_ metric: MetricView) {}
    @inlinable @inline(__always) public mutating func numberPoint(_ point: NumberPointView) {}
    @inlinable @inline(__always)
    public mutating func histogramPoint(_ point: HistogramPointView) {}
    @inlinable @inline(__always)
    public mutating func exponentialHistogramPoint(_ point: ExponentialHistogramPointView) {}
    @inlinable @inline(__always) public mutating func summaryPoint(_ point: SummaryPointView) {}
}

/// Sees a logs request, front to back.
public protocol LogsVisitor {
    /// Before the scopes of the resource, whatever the order on the wire.
    mutating func resource(_ resource: ResourceView)
    /// Before the records of the scope, whatever the order on the wire.
    mutating func scope(_ scope: ScopeView)
    /// Each attribute of a record as it is met, before `logRecord`.
    mutating func logAttribute(_ key: WireBytes, _ value: AnyValueView)
    /// As `TraceVisitor.takeSpanAttributes`, for the attributes of a record.
    mutating func takeLogAttributes(_ fields: WireBytes) -> Int
    /// A well-formed record.
    mutating func logRecord(_ record: LogRecordView)
    /// The attributes met since the last record belong to a malformed one.
    mutating func logRecordRejected()
}

extension LogsVisitor {
    @inlinable @inline(__always) public mutating func resource(_ resource: ResourceView) {}
    @inlinable @inline(__always) public mutating func scope(_ scope: ScopeView) {}
    @inlinable @inline(__always)
    public mutating func logAttribute(_ key: WireBytes, _ value: AnyValueView) {}
    @inlinable @inline(__always)
    public mutating func takeLogAttributes(_ fields: WireBytes) -> Int { 0 }
    @inlinable @inline(__always) public mutating func logRecord(_ record: LogRecordView) {}
    @inlinable @inline(__always) public mutating func logRecordRejected() {}
}

/// A visitor that looks away: for validating and for the parts of a request that are cut out.
@frozen public struct NoVisitor: TraceVisitor, MetricsVisitor, LogsVisitor {
    @inlinable public init() {}
    @inlinable @inline(__always) public mutating func resource(_ resource: ResourceView) {}
    @inlinable @inline(__always) public mutating func scope(_ scope: ScopeView) {}
}
