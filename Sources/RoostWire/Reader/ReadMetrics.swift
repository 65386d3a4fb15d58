/// Reads an `ExportMetricsServiceRequest` (or `MetricsData`) and shows it to `visitor`.
///
/// As `readTraces`, for data points. A metric whose own fields are malformed is rejected with all
/// its points.
@inlinable
public func readMetrics<Visitor: MetricsVisitor>(
    _ body: UnsafeRawBufferPointer, visitor: inout Visitor, rejections: inout Rejections
) throws(WireError) -> Int {
    unsafe try readRequest(
        MetricReader<Visitor>.self, body, signal: .metrics, visitor: &visitor,
        rejections: &rejections)
}

@usableFromInline enum MetricReader<Visitor: MetricsVisitor>: ItemReader {
    @usableFromInline typealias Silent = MetricReader<NoVisitor>

    @inlinable static var resourceEntry: StaticString { "resource_metrics" }
    @inlinable static var scopeEntry: StaticString { "scope_metrics" }

    @inlinable @inline(__always)
    static func resource(_ view: ResourceView, _ visitor: inout Visitor) { visitor.resource(view) }
    @inlinable @inline(__always)
    static func scope(_ view: ScopeView, _ visitor: inout Visitor) { visitor.scope(view) }

    @inlinable
    static func item(
        _ message: WireCursor, field: Range<Int>, _ visitor: inout Visitor,
        _ rejections: inout Rejections
    ) throws(WireFault) -> Int {
        var metric = MetricView()
        var check = ItemCheck()
        let data = try readMetricHeader(message, into: &metric, &check)
        check.require(!rejections.isFull, else: .tooMany)
        var flaw = check.flaw
        if flaw == .none && metric.lacksTemporality { flaw = .temporality }
        if flaw != .none {
            let points = try countPointsSilently(data, metric.kind)
            // A sum or histogram without points is no item, and does no harm.
            if points > 0 || flaw != .temporality {
                rejections.add(field, items: points, flaw, in: "metrics")
                return 0
            }
        }
        visitor.metric(metric)
        return try readData(data, metric.kind, &visitor, &rejections)
    }
}

/// Everything in a metric but its points, and where those are: the part that holds the last member
/// of the oneof, more than once if it came twice in a row.
@inlinable
func readMetricHeader(
    _ message: WireCursor, into metric: inout MetricView, _ check: inout ItemCheck
) throws(WireFault) -> WireCursor {
    var cursor = message
    var dataStart = message.position
    var dataEnd = message.position
    while cursor.hasMore {
        let start = cursor.position
        let tag = try cursor.tag()
        switch tag {
        case 0x0A:
            metric.name = try cursor.payload()
            check.text(metric.name)
        case 0x12:
            metric.description = try cursor.payload()
            check.text(metric.description)
        case 0x1A:
            metric.unit = try cursor.payload()
            check.text(metric.unit)
        case 0x2A, 0x3A, 0x4A, 0x52, 0x5A:
            let kind = MetricView.Kind(dataTag: tag)
            var data = try cursor.message()
            if kind != metric.kind {
                let overridden = message.cursor(from: dataStart, to: dataEnd)
                try checkOverridden(overridden, metric.kind, &check)
                metric.forgetData()
                metric.kind = kind
                dataStart = start
            }
            dataEnd = cursor.position
            try readDataHeader(&data, into: &metric)
        case 0x62:
            try checkAttribute(cursor.message(), depth: 4, &check)
            metric.metadata.run.extend(cursor, from: start)
        default: try cursor.skip(tag)
        }
    }
    return message.cursor(from: dataStart, to: dataEnd)
}

/// Temporality and monotonicity, which may stand behind the points.
@inlinable
func readDataHeader(_ data: inout WireCursor, into metric: inout MetricView) throws(WireFault) {
    while data.hasMore {
        let tag = try data.tag()
        switch tag {
        case 0x0A: _ = try data.payload()
        case 0x10 where metric.kind.hasTemporality: metric.temporality = try data.int32()
        case 0x18 where metric.kind == .sum: metric.isMonotonic = try data.varint() != 0
        default: try data.skip(tag)
        }
    }
}

/// What a later member of the oneof replaced does not count, but a peer would refuse broken text
/// in it.
@usableFromInline @inline(never)
func checkOverridden(
    _ data: WireCursor, _ kind: MetricView.Kind, _ check: inout ItemCheck
) throws(WireFault) {
    guard kind != .none else { return }
    var nobody = NoVisitor()
    var scratch = Rejections()
    _ = try readData(data, kind, &nobody, &scratch)
    if scratch.hasInvalidText { check.require(false, else: .invalidUTF8) }
}

@usableFromInline @inline(never)
func countPointsSilently(_ data: WireCursor, _ kind: MetricView.Kind) throws(WireFault) -> Int {
    var nobody = NoVisitor()
    var scratch = Rejections()
    return try readData(data, kind, &nobody, &scratch) + scratch.count
}

extension MetricView.Kind {
    /// `dataTag` is one of the members of `Metric.data`.
    @inlinable init(dataTag: UInt32) {
        switch dataTag {
        case 0x2A: self = .gauge
        case 0x3A: self = .sum
        case 0x4A: self = .histogram
        case 0x52: self = .exponentialHistogram
        case 0x5A: self = .summary
        default: self = .none
        }
    }

    @inlinable var dataTag: UInt32 {
        switch self {
        case .none: 0
        case .gauge: 0x2A
        case .sum: 0x3A
        case .histogram: 0x4A
        case .exponentialHistogram: 0x52
        case .summary: 0x5A
        }
    }

    @inlinable var hasTemporality: Bool {
        self == .sum || self == .histogram || self == .exponentialHistogram
    }
}

extension MetricView {
    @inlinable var lacksTemporality: Bool {
        kind.hasTemporality && temporality != 1 && temporality != 2
    }

    @inlinable mutating func forgetData() {
        temporality = 0
        isMonotonic = false
    }
}
