/// Reads the points in `data`, the part of a metric that holds its member of the oneof.
@inlinable
func readData<Visitor: MetricsVisitor>(
    _ data: WireCursor, _ kind: MetricView.Kind, _ visitor: inout Visitor,
    _ rejections: inout Rejections
) throws(WireFault) -> Int {
    var cursor = data
    var points = 0
    while cursor.hasMore {
        let tag = try cursor.tag()
        guard tag == kind.dataTag else {
            try cursor.skip(tag)
            continue
        }
        var member = try cursor.message()
        while member.hasMore {
            let start = member.position
            let tag = try member.tag()
            guard tag == 0x0A else {
                try member.skip(tag)
                continue
            }
            let point = try member.message()
            let flaw = try readPoint(point, kind, isFull: rejections.isFull, &visitor)
            if flaw == .none {
                points &+= 1
            } else {
                rejections.add(start..<member.position, items: 1, flaw, in: "data_points")
            }
        }
    }
    return points
}

@inlinable @inline(__always)
func readPoint<Visitor: MetricsVisitor>(
    _ message: WireCursor, _ kind: MetricView.Kind, isFull: Bool, _ visitor: inout Visitor
) throws(WireFault) -> ItemFlaw {
    var check = ItemCheck()
    check.require(!isFull, else: .tooMany)
    switch kind {
    case .none: break
    case .gauge, .sum:
        let point = try readNumberPoint(message, &check)
        if check.isFlawless { visitor.numberPoint(point) }
    case .histogram:
        let point = try readHistogramPoint(message, &check)
        if check.isFlawless { visitor.histogramPoint(point) }
    case .exponentialHistogram:
        try readExponentialHistogramPoint(message, &check, &visitor)
    case .summary:
        let point = try readSummaryPoint(message, &check)
        if check.isFlawless { visitor.summaryPoint(point) }
    }
    return check.flaw
}

@inlinable @inline(__always)
func readNumberPoint(_ message: WireCursor, _ check: inout ItemCheck) throws(WireFault)
    -> NumberPointView
{
    var cursor = message
    var point = NumberPointView()
    while cursor.hasMore {
        let start = cursor.position
        let tag = try cursor.tag()
        switch tag {
        case 0x11: point.startTimeUnixNano = try cursor.fixed64()
        case 0x19: point.timeUnixNano = try cursor.fixed64()
        case 0x21: point.value = .double(try cursor.double())
        case 0x2A:
            try checkExemplar(cursor.message(), &check)
            point.exemplars.run.extend(cursor, from: start)
        case 0x31: point.value = .int(Int64(bitPattern: try cursor.fixed64()))
        case 0x3A:
            try checkAttributeInPlace(cursor.message(), depth: 6, &check)
            point.attributes.run.extend(cursor, from: start)
        case 0x40: point.flags = try cursor.uint32()
        default: try cursor.skip(tag)
        }
    }
    return point
}

@inlinable @inline(__always)
func readHistogramPoint(_ message: WireCursor, _ check: inout ItemCheck) throws(WireFault)
    -> HistogramPointView
{
    var cursor = message
    var point = HistogramPointView()
    while cursor.hasMore {
        let start = cursor.position
        let tag = try cursor.tag()
        switch tag {
        case 0x11: point.startTimeUnixNano = try cursor.fixed64()
        case 0x19: point.timeUnixNano = try cursor.fixed64()
        case 0x21: point.count = try cursor.fixed64()
        case 0x29: point.sum = try cursor.double()
        case 0x31:
            _ = try cursor.fixed64()
            point.bucketCounts.extend(by: 1, cursor, from: start)
        case 0x32:
            let count = try packedCount(cursor.message(), at: start)
            point.bucketCounts.extend(by: count, cursor, from: start)
        case 0x39:
            _ = try cursor.fixed64()
            point.explicitBounds.extend(by: 1, cursor, from: start)
        case 0x3A:
            let count = try packedCount(cursor.message(), at: start)
            point.explicitBounds.extend(by: count, cursor, from: start)
        case 0x42:
            try checkExemplar(cursor.message(), &check)
            point.exemplars.run.extend(cursor, from: start)
        case 0x4A:
            try checkAttributeInPlace(cursor.message(), depth: 6, &check)
            point.attributes.run.extend(cursor, from: start)
        case 0x50: point.flags = try cursor.uint32()
        case 0x59: point.min = try cursor.double()
        case 0x61: point.max = try cursor.double()
        default: try cursor.skip(tag)
        }
    }
    let bounds = point.explicitBounds
    let counts = point.bucketCounts.count
    check.require(
        counts == bounds.count &+ 1 || (counts == 0 && bounds.isEmpty), else: .bucketCounts)
    if !bounds.isEmpty { check.require(isRising(bounds), else: .explicitBounds) }
    return point
}

/// Strictly rising; a bound that is not a number rises never.
@inlinable
func isRising(_ bounds: WireDoubleList) -> Bool {
    var previous: Double?
    var rises = true
    bounds.forEach { bound in
        if bound.isNaN { rises = false }
        if let previous, !(previous < bound) { rises = false }
        previous = bound
    }
    return rises
}

/// How many 8-byte values a packed list holds.
@inlinable @inline(__always)
func packedCount(_ message: WireCursor, at start: Int) throws(WireFault) -> Int {
    let length = message.end &- message.position
    guard length & 7 == 0 else { throw WireFault(.packedLength, at: start) }
    return length >> 3
}

/// Buckets that come twice merge, which changes what the point shows: hence the visitor.
@inlinable @inline(__always)
func readExponentialHistogramPoint<Visitor: MetricsVisitor>(
    _ message: WireCursor, _ check: inout ItemCheck, _ visitor: inout Visitor
) throws(WireFault) {
    var cursor = message
    var point = ExponentialHistogramPointView()
    var positive = (run: FieldRun(number: 8), count: 0)
    var negative = (run: FieldRun(number: 9), count: 0)
    while cursor.hasMore {
        let start = cursor.position
        let tag = try cursor.tag()
        switch tag {
        case 0x0A:
            try checkAttributeInPlace(cursor.message(), depth: 6, &check)
            point.attributes.run.extend(cursor, from: start)
        case 0x11: point.startTimeUnixNano = try cursor.fixed64()
        case 0x19: point.timeUnixNano = try cursor.fixed64()
        case 0x21: point.count = try cursor.fixed64()
        case 0x29: point.sum = try cursor.double()
        case 0x30: point.scale = try cursor.sint32()
        case 0x39: point.zeroCount = try cursor.fixed64()
        case 0x42:
            point.positive = try readBuckets(cursor.message())
            positive.run.extend(cursor, from: start)
            positive.count &+= 1
        case 0x4A:
            point.negative = try readBuckets(cursor.message())
            negative.run.extend(cursor, from: start)
            negative.count &+= 1
        case 0x50: point.flags = try cursor.uint32()
        case 0x5A:
            try checkExemplar(cursor.message(), &check)
            point.exemplars.run.extend(cursor, from: start)
        case 0x61: point.min = try cursor.double()
        case 0x69: point.max = try cursor.double()
        case 0x71: point.zeroThreshold = try cursor.double()
        default: try cursor.skip(tag)
        }
    }
    guard check.isFlawless else { return }
    if positive.count <= 1 && negative.count <= 1 {
        visitor.exponentialHistogramPoint(point)
        return
    }
    withMerged(positive.run) { positive in
        withMerged(negative.run) { negative in
            if let buckets = try? readBuckets(WireCursor(positive)) { point.positive = buckets }
            if let buckets = try? readBuckets(WireCursor(negative)) { point.negative = buckets }
            visitor.exponentialHistogramPoint(point)
        }
    }
}

@inlinable
func readBuckets(_ message: WireCursor) throws(WireFault) -> ExponentialBucketsView {
    var cursor = message
    var buckets = ExponentialBucketsView()
    while cursor.hasMore {
        let start = cursor.position
        let tag = try cursor.tag()
        switch tag {
        case 0x08: buckets.offset = try cursor.sint32()
        case 0x10:
            _ = try cursor.varint()
            buckets.counts.extend(by: 1, cursor, from: start)
        case 0x12:
            var values = try cursor.message()
            var count = 0
            while values.hasMore {
                _ = try values.varint()
                count &+= 1
            }
            buckets.counts.extend(by: count, cursor, from: start)
        default: try cursor.skip(tag)
        }
    }
    return buckets
}

@inlinable @inline(__always)
func readSummaryPoint(_ message: WireCursor, _ check: inout ItemCheck) throws(WireFault)
    -> SummaryPointView
{
    var cursor = message
    var point = SummaryPointView()
    while cursor.hasMore {
        let start = cursor.position
        let tag = try cursor.tag()
        switch tag {
        case 0x11: point.startTimeUnixNano = try cursor.fixed64()
        case 0x19: point.timeUnixNano = try cursor.fixed64()
        case 0x21: point.count = try cursor.fixed64()
        case 0x29: point.sum = try cursor.double()
        case 0x32:
            var quantile = try cursor.message()
            _ = try readQuantile(&quantile)
            point.quantiles.run.extend(cursor, from: start)
        case 0x3A:
            try checkAttributeInPlace(cursor.message(), depth: 6, &check)
            point.attributes.run.extend(cursor, from: start)
        case 0x40: point.flags = try cursor.uint32()
        default: try cursor.skip(tag)
        }
    }
    return point
}

@inlinable
func readQuantile(_ cursor: inout WireCursor) throws(WireFault)
    -> (quantile: Double, value: Double)
{
    var pair = (quantile: 0.0, value: 0.0)
    while cursor.hasMore {
        let tag = try cursor.tag()
        switch tag {
        case 0x09: pair.quantile = try cursor.double()
        case 0x11: pair.value = try cursor.double()
        default: try cursor.skip(tag)
        }
    }
    return pair
}

@inlinable @inline(never)
func checkExemplar(_ message: WireCursor, _ check: inout ItemCheck) throws(WireFault) {
    var cursor = message
    let exemplar = try readExemplar(&cursor, &check)
    check.require(
        (exemplar.traceID.isEmpty || isTraceID(exemplar.traceID))
            && (exemplar.spanID.isEmpty || isSpanID(exemplar.spanID)),
        else: .exemplarID)
}

/// Also for a second reading, when the bytes are known to be good.
@inlinable
func readExemplar(_ cursor: inout WireCursor, _ check: inout ItemCheck) throws(WireFault)
    -> ExemplarView
{
    var exemplar = ExemplarView()
    while cursor.hasMore {
        let start = cursor.position
        let tag = try cursor.tag()
        switch tag {
        case 0x11: exemplar.timeUnixNano = try cursor.fixed64()
        case 0x19: exemplar.value = .double(try cursor.double())
        case 0x22: exemplar.spanID = try cursor.payload()
        case 0x2A: exemplar.traceID = try cursor.payload()
        case 0x31: exemplar.value = .int(Int64(bitPattern: try cursor.fixed64()))
        case 0x3A:
            try checkAttribute(cursor.message(), depth: 7, &check)
            exemplar.filteredAttributes.run.extend(cursor, from: start)
        default: try cursor.skip(tag)
        }
    }
    return exemplar
}
