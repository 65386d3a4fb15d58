import RoostWire

// What the visitor takes from the views of a request.

extension StreamKind {
    /// nil for the change of something that may fall.
    init?(_ metric: MetricView) {
        let isDelta = metric.temporality == 1
        switch metric.kind {
        case .none, .gauge: self = .gauge
        case .sum:
            guard metric.isMonotonic else {
                if isDelta { return nil }
                self = .upDown
                return
            }
            self = isDelta ? .deltaCounter : .cumulativeCounter
        case .histogram: self = isDelta ? .deltaHistogram : .cumulativeHistogram
        case .exponentialHistogram: self = isDelta ? .deltaExponential : .cumulativeExponential
        case .summary: self = .summary
        }
    }
}

extension FamilyTable.Description {
    init(_ metric: MetricView, _ kind: StreamKind) {
        // Longer names are refused anyway, longer help texts are cut.
        name = Self.text(metric.name, 4 * MetricName.maxBytes)
        help = Self.text(metric.description, 4_096)
        unit = Self.text(metric.unit, 256)
        self.kind = kind
        var type = ""
        metric.metadata.forEach { key, value in
            if key.equals("prometheus.type") { type = Self.text(value.stringBytes, 32) }
        }
        prometheusType = type
    }

    private static func text(_ bytes: WireBytes, _ limit: Int) -> String {
        unsafe String(decoding: bytes.buffer.prefix(limit), as: UTF8.self)
    }
}

extension NumberValue {
    @inline(__always)
    var isThere: Bool {
        if case .none = self { false } else { true }
    }

    /// 0 when there is none.
    @inline(__always)
    var double: Double {
        switch self {
        case .none: 0
        case .int(let value): Double(value)
        case .double(let value): value
        }
    }
}

extension ExemplarValue {
    /// nil for one without a value.
    init?(_ view: ExemplarView) {
        guard view.value != .none, view.value.double.isFinite else { return nil }
        var extra: LabelText?
        if !view.filteredAttributes.isEmpty {
            var collector = LabelCollector()
            collector.add(view.filteredAttributes)
            extra = collector.finish().map(LabelText.init(bytes:))
        }
        self.init(
            traceIDHigh: view.traceID.count == 16 ? Self.word(view.traceID, 0) : 0,
            traceIDLow: view.traceID.count == 16 ? Self.word(view.traceID, 8) : 0,
            spanID: view.spanID.count == 8 ? Self.word(view.spanID, 0) : 0,
            value: view.value.double, unixNano: view.timeUnixNano, extra: extra)
        cutExtra()
    }

    private static func word(_ bytes: WireBytes, _ offset: Int) -> UInt64 {
        unsafe UInt64(
            bigEndian: UnsafeRawPointer(bytes.base).loadUnaligned(
                fromByteOffset: offset, as: UInt64.self))
    }
}

extension HistogramState {
    /// Becomes what the point says; false when it cannot be shown.
    mutating func read(_ point: HistogramPointView) -> Bool {
        bounds.removeAll(keepingCapacity: true)
        counts.removeAll(keepingCapacity: true)
        exemplars.removeAll()
        point.explicitBounds.forEach { bounds.append($0) }
        point.bucketCounts.forEach { counts.append($0) }
        count = point.count
        sum = point.sum ?? 0
        hasSum = point.sum != nil
        guard normalise() else { return false }
        if !point.exemplars.isEmpty {
            point.exemplars.forEach { view in
                guard let exemplar = ExemplarValue(view) else { return }
                let bucket = bounds.firstIndex { exemplar.value <= $0 } ?? bounds.count
                exemplars.add(exemplar, bucket: Int32(truncatingIfNeeded: bucket))
            }
        }
        return true
    }
}

extension ExponentialState {
    /// Becomes what the point says; the reason when it cannot be shown.
    mutating func read(_ point: ExponentialHistogramPointView) -> UnexposedReason? {
        Self.read(point.positive, into: &positive)
        Self.read(point.negative, into: &negative)
        exemplars.removeAll()
        scale = point.scale
        zeroCount = point.zeroCount
        zeroThreshold = point.zeroThreshold
        sum = point.sum ?? 0
        hasSum = point.sum != nil
        if let reason = normalise() { return reason }
        if !point.exemplars.isEmpty {
            point.exemplars.forEach { view in
                guard let exemplar = ExemplarValue(view) else { return }
                exemplars.add(exemplar, bucket: Int32(exemplar.value.exponentOrZero))
            }
        }
        return nil
    }

    private static func read(_ view: ExponentialBucketsView, into side: inout ExponentialSide) {
        side.offset = view.offset
        side.counts.removeAll(keepingCapacity: true)
        view.counts.forEach { side.counts.append($0) }
    }
}

extension SummaryState {
    /// Becomes what the point says; false when it cannot be shown.
    mutating func read(_ point: SummaryPointView) -> Bool {
        removeAll()
        point.quantiles.forEach { add(quantile: $0, value: $1) }
        sum = point.sum
        count = point.count
        return count <= HistogramState.maxCount && sum.isFinite
    }
}

extension Double {
    fileprivate var exponentOrZero: Int { isZero || !isFinite ? 0 : exponent }
}

extension FingerprintHasher {
    @inline(__always)
    mutating func absorb(_ bytes: UnsafeBufferPointer<UInt8>) {
        guard let base = bytes.baseAddress else { return absorb(0) }
        unsafe absorb(base, count: bytes.count)
    }
}

extension FingerprintKeys {
    /// The same for the same attributes in any order.
    @inline(__always)
    func identity(of attributes: AttributeList) -> Fingerprint {
        var identity = Fingerprint()
        attributes.forEach { key, value in
            var hasher = FingerprintHasher(self, seed: 1)
            unsafe hasher.absorb(key.base, count: key.count)
            absorb(value, &hasher)
            identity.add(hasher.finish())
        }
        return identity
    }

    /// Of everything about a metric that decides where its points go.
    func identity(of metric: MetricView, _ kind: StreamKind) -> Fingerprint {
        var hasher = FingerprintHasher(self, seed: 5)
        unsafe hasher.absorb(metric.name.base, count: metric.name.count)
        unsafe hasher.absorb(metric.unit.base, count: metric.unit.count)
        hasher.absorb(UInt64(kind.rawValue))
        var identity = hasher.finish()
        if kind == .gauge, !metric.metadata.isEmpty {
            metric.metadata.forEach { key, value in
                guard key.equals("prometheus.type") else { return }
                var hasher = FingerprintHasher(self, seed: 6)
                absorb(value, &hasher)
                identity.add(hasher.finish())
            }
        }
        return identity
    }

    @inline(__always)
    private func absorb(_ value: AnyValueView, _ hasher: inout FingerprintHasher) {
        hasher.absorb(UInt64(value.kind.rawValue))
        switch value.kind {
        case .none: break
        case .string, .bytes:
            unsafe hasher.absorb(value.stringBytes.base, count: value.stringBytes.count)
        case .bool: hasher.absorb(value.boolValue ? 1 : 0)
        case .int: hasher.absorb(UInt64(bitPattern: value.intValue))
        case .double: hasher.absorb(value.doubleValue.bitPattern)
        case .array, .kvlist: absorbMembers(value, &hasher, depth: 0)
        }
    }

    /// The reader refuses what is nested deeper than 64.
    @inline(never)
    private func absorbMembers(
        _ value: AnyValueView, _ hasher: inout FingerprintHasher, depth: Int
    ) {
        guard depth < 64 else { return }
        value.forEachElement { absorbNested($0, &hasher, depth) }
        value.forEachEntry { key, entry in
            unsafe hasher.absorb(key.base, count: key.count)
            absorbNested(entry, &hasher, depth)
        }
        hasher.absorb(.max)
    }

    private func absorbNested(
        _ value: AnyValueView, _ hasher: inout FingerprintHasher, _ depth: Int
    ) {
        switch value.kind {
        case .array, .kvlist:
            hasher.absorb(UInt64(value.kind.rawValue))
            absorbMembers(value, &hasher, depth: depth + 1)
        default: absorb(value, &hasher)
        }
    }
}
