import RoostWire

/// Writes down every field of every view.
struct DumpingVisitor: TraceVisitor, MetricsVisitor, LogsVisitor {
    private var out = JSONText()
    /// Attributes as they were met; must be those that the span lists.
    private var met = JSONText()
    /// Lists that are open: 1 the request, 2 a resource, 3 a scope, 4 a metric.
    private var depth = 1
    private let memo: MemoOfKeys?

    /// With a memo the attributes of spans and records are read the way that agents' are.
    init(memo: MemoOfKeys?) {
        self.memo = memo
        out.raw("[")
    }

    mutating func finish() -> [UInt8] {
        close(to: 0)
        return out.bytes
    }

    private mutating func close(to wanted: Int) {
        while depth > wanted {
            out.close()
            depth -= 1
        }
    }

    private mutating func open() {
        out.open()
        depth += 1
    }

    mutating func resource(_ resource: ResourceView) {
        close(to: 1)
        open()
        out.put(resource.attributes)
        out.put(resource.droppedAttributesCount)
        out.put(resource.schemaURL)
    }

    mutating func scope(_ scope: ScopeView) {
        close(to: 2)
        open()
        out.put(scope.name)
        out.put(scope.version)
        out.put(scope.attributes)
        out.put(scope.droppedAttributesCount)
        out.put(scope.schemaURL)
    }

    // MARK: Traces

    mutating func spanAttribute(_ key: WireBytes, _ value: AnyValueView) {
        memo?.learn(key)
        met.put(key, value)
    }

    mutating func takeSpanAttributes(_ fields: WireBytes) -> Int {
        memo?.take(fields, tag: 0x4A, into: &met) ?? 0
    }

    mutating func spanRejected() { met = JSONText() }

    mutating func span(_ span: SpanView) {
        var listed = JSONText()
        span.attributes.forEach { listed.put($0, $1) }
        if listed.bytes != met.bytes { out.raw("attributes met and listed differ") }
        met = JSONText()
        out.open()
        out.put(span.traceID)
        out.put(span.spanID)
        out.put(span.parentSpanID)
        out.put(span.traceState)
        out.put(span.name)
        out.put(span.kind)
        out.put(span.startTimeUnixNano)
        out.put(span.endTimeUnixNano)
        out.put(span.statusCode)
        out.put(span.statusMessage)
        out.put(span.flags)
        out.put(span.attributes)
        out.put(span.droppedAttributesCount)
        out.open()
        span.events.forEach { event in
            out.open()
            out.put(event.timeUnixNano)
            out.put(event.name)
            out.put(event.attributes)
            out.put(event.droppedAttributesCount)
            out.close()
        }
        out.close()
        out.put(span.droppedEventsCount)
        out.open()
        span.links.forEach { link in
            out.open()
            out.put(link.traceID)
            out.put(link.spanID)
            out.put(link.traceState)
            out.put(link.attributes)
            out.put(link.droppedAttributesCount)
            out.put(link.flags)
            out.close()
        }
        out.close()
        out.put(span.droppedLinksCount)
        out.close()
    }

    // MARK: Metrics

    mutating func metric(_ metric: MetricView) {
        close(to: 3)
        open()
        out.put(metric.name)
        out.put(metric.description)
        out.put(metric.unit)
        out.put(metric.kind.rawValue)
        out.put(metric.temporality)
        out.put(metric.isMonotonic)
        out.put(metric.metadata)
    }

    mutating func numberPoint(_ point: NumberPointView) {
        out.open()
        out.put(point.attributes)
        out.put(point.startTimeUnixNano)
        out.put(point.timeUnixNano)
        out.put(point.value)
        out.put(point.flags)
        put(point.exemplars)
        out.close()
    }

    mutating func histogramPoint(_ point: HistogramPointView) {
        out.open()
        out.put(point.attributes)
        out.put(point.startTimeUnixNano)
        out.put(point.timeUnixNano)
        out.put(point.count)
        out.put(point.sum)
        out.put(point.min)
        out.put(point.max)
        put(point.bucketCounts)
        out.open()
        point.explicitBounds.forEach { out.put($0) }
        out.close()
        out.put(point.flags)
        put(point.exemplars)
        out.close()
    }

    mutating func exponentialHistogramPoint(_ point: ExponentialHistogramPointView) {
        out.open()
        out.put(point.attributes)
        out.put(point.startTimeUnixNano)
        out.put(point.timeUnixNano)
        out.put(point.count)
        out.put(point.sum)
        out.put(point.scale)
        out.put(point.zeroCount)
        out.put(point.zeroThreshold)
        for buckets in [point.positive, point.negative] {
            out.put(buckets.offset)
            put(buckets.counts)
        }
        out.put(point.min)
        out.put(point.max)
        out.put(point.flags)
        put(point.exemplars)
        out.close()
    }

    mutating func summaryPoint(_ point: SummaryPointView) {
        out.open()
        out.put(point.attributes)
        out.put(point.startTimeUnixNano)
        out.put(point.timeUnixNano)
        out.put(point.count)
        out.put(point.sum)
        out.open()
        point.quantiles.forEach { quantile, value in
            out.open()
            out.put(quantile)
            out.put(value)
            out.close()
        }
        out.close()
        out.put(point.flags)
        out.close()
    }

    private mutating func put(_ counts: WireUInt64List) {
        out.open()
        var seen = 0
        counts.forEach {
            out.put($0)
            seen += 1
        }
        if seen != counts.count { out.raw("count differs") }
        out.close()
    }

    private mutating func put(_ exemplars: ExemplarList) {
        out.open()
        exemplars.forEach { exemplar in
            out.open()
            out.put(exemplar.filteredAttributes)
            out.put(exemplar.timeUnixNano)
            out.put(exemplar.value)
            out.put(exemplar.spanID)
            out.put(exemplar.traceID)
            out.close()
        }
        out.close()
    }

    // MARK: Logs

    mutating func logAttribute(_ key: WireBytes, _ value: AnyValueView) {
        memo?.learn(key)
        met.put(key, value)
    }

    mutating func takeLogAttributes(_ fields: WireBytes) -> Int {
        memo?.take(fields, tag: 0x32, into: &met) ?? 0
    }

    mutating func logRecordRejected() { met = JSONText() }

    mutating func logRecord(_ record: LogRecordView) {
        var listed = JSONText()
        record.attributes.forEach { listed.put($0, $1) }
        if listed.bytes != met.bytes { out.raw("attributes met and listed differ") }
        met = JSONText()
        out.open()
        out.put(record.timeUnixNano)
        out.put(record.observedTimeUnixNano)
        out.put(record.severityNumber)
        out.put(record.severityText)
        out.put(record.body)
        out.put(record.attributes)
        out.put(record.droppedAttributesCount)
        out.put(record.flags)
        out.put(record.traceID)
        out.put(record.spanID)
        out.put(record.eventName)
        out.close()
    }
}
