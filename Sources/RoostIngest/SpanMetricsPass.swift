import RoostMetrics

/// One walk over the two families of span metrics, adding up the shards series by series.
struct SpanMetricsPass: ExpositionPass {
    let bounds: DurationBounds
    let snapshots: [SpanMetricsSnapshot]
    let union: SpanSeriesUnion
    /// Series of the page that are left out.
    let expired: Set<Int>

    private enum Family: Int { case calls, durations, done }
    private var family = Family.calls
    private var place = 0
    private var isOpen = false

    init(
        bounds: DurationBounds, snapshots: [SpanMetricsSnapshot], union: SpanSeriesUnion,
        expired: Set<Int>
    ) {
        self.bounds = bounds
        self.snapshots = snapshots
        self.union = union
        self.expired = expired
    }

    mutating func write(into writer: inout ExpositionWriter, upTo bytes: Int) -> Bool {
        while family != .done {
            begin(&writer)
            while place <= union.count {
                if writer.count >= bytes { return true }
                if !expired.contains(place) { writeSeries(into: &writer) }
                place += 1
            }
            writer.endFamily()
            isOpen = false
            place = 0
            family = Family(rawValue: family.rawValue + 1) ?? .done
        }
        return false
    }

    private mutating func begin(_ writer: inout ExpositionWriter) {
        guard !isOpen else { return }
        isOpen = true
        switch family {
        case .calls:
            writer.beginFamily(
                name: SpanMetricsPage.callsName, type: .counter,
                help: "Spans received, by service, span name, kind and status.")
        case .durations:
            writer.beginFamily(
                name: SpanMetricsPage.durationName, type: .histogram,
                help: "How long spans took, by service, span name, kind and status.",
                unit: "seconds")
        case .done: break
        }
    }

    private func writeSeries(into writer: inout ExpositionWriter) {
        var sum = SpanSeriesSum(bucketCount: bounds.bucketCount)
        union.parts(of: place) { shard, id in
            if shard < snapshots.count { sum.add(snapshots[shard].table, id) }
        }
        if sum.calls == 0 { return }
        let labels = place < union.count ? union.labels[place] : SpanMetricsPass.overflowLabels
        switch family {
        case .calls:
            writer.counter(
                labels: labels.bytes.span, value: sum.calls, createdUnixNano: sum.created,
                exemplar: sum.exemplars.max { $0.unixNano < $1.unixNano })
        case .durations:
            writer.histogram(
                labels: labels.bytes.span, bounds: bounds.seconds.span,
                bucketCounts: sum.buckets.span, sum: sum.seconds, count: sum.calls,
                createdUnixNano: sum.created, exemplars: sum.exemplars)
        case .done: break
        }
    }

    private static let overflowLabels: LabelText = ["otel_metric_overflow": "true"]
}

/// One series of the page: what the shards counted for it, added up.
private struct SpanSeriesSum {
    var buckets: [UInt64]
    var calls: UInt64 = 0
    var seconds: Double = 0
    /// When the first shard began it; 0 when none has.
    var created: UInt64 = 0
    var exemplars: [ExemplarValue] = []

    init(bucketCount: Int) { buckets = [UInt64](repeating: 0, count: bucketCount) }

    mutating func add(_ table: SpanMetricsTable, _ id: Int) {
        let width = buckets.count
        for bucket in 0..<width {
            let cell = id * width + bucket
            buckets[bucket] &+= table.buckets[cell]
            calls &+= table.buckets[cell]
            let slot = Int(table.exemplarSlots[cell])
            if slot != 0 { exemplars.append(ExemplarValue(table.exemplars[slot - 1])) }
        }
        seconds += table.sums[id]
        let began = table.created[id]
        if began != 0, created == 0 || began < created { created = began }
    }
}

extension ExemplarValue {
    fileprivate init(_ span: SpanExemplar) {
        self.init(
            traceIDHigh: span.traceIDHigh, traceIDLow: span.traceIDLow, spanID: span.spanID,
            value: span.seconds, unixNano: span.unixNano)
    }
}

extension SpanMetricsTable {
    /// Spans counted in series `id`.
    func calls(_ id: Int) -> UInt64 {
        let width = bounds.bucketCount
        return buckets[id * width..<(id + 1) * width].reduce(0, &+)
    }

    /// The labels of series `id`, as the span-metrics connector writes them.
    func labels(of id: Int, _ builder: inout LabelBuilder) -> LabelText {
        let key = keys[id]
        if key.service >= 0 { add("service_name", services[Int(key.service)], &builder) }
        add("span_name", key.name, &builder)
        builder.add("span_kind", SpanMetricsTable.kinds[Int(min(key.kind, 6))])
        builder.add("status_code", SpanMetricsTable.statuses[Int(min(key.status, 3))])
        return builder.finish()
    }

    private func add(_ name: String, _ bytes: [UInt8], _ builder: inout LabelBuilder) {
        builder.add(name, bytes.span)
    }

    /// `SpanKind` of the trace protocol; a number that it does not define counts as unspecified.
    private static let kinds = [
        "SPAN_KIND_UNSPECIFIED", "SPAN_KIND_INTERNAL", "SPAN_KIND_SERVER", "SPAN_KIND_CLIENT",
        "SPAN_KIND_PRODUCER", "SPAN_KIND_CONSUMER", "SPAN_KIND_UNSPECIFIED",
    ]

    /// `Status.StatusCode` of the trace protocol, likewise.
    private static let statuses = [
        "STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR", "STATUS_CODE_UNSET",
    ]
}
