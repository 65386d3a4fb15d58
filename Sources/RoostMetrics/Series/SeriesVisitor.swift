import RoostWire
import Synchronization

/// Walks a metrics request and puts each point into its series.
///
/// A point of a known stream costs one hash over its attributes, one look-up and one change under
/// the lock of its stripe. Label texts are made for new streams only.
struct SeriesVisitor: MetricsVisitor {
    private let store: SeriesStore
    private let keys: FingerprintKeys
    private let heardAt: UInt32
    private var counts = SeriesCounts()

    private var resourceIdentity = Fingerprint()
    private var resourceLabels = ResourceLabels(job: [], instance: [], stripe: 0)
    private var scopeIdentity = Fingerprint()
    private var scopeLabels = ScopeLabels([])
    /// Of resource, scope and metric together.
    private var base = Fingerprint()
    private var kind = StreamKind.gauge
    private var family: Family?
    private var stripe: Stripe?
    private var reason = UnexposedReason.invalidValue

    // Scratch that keeps its memory from point to point.
    private var collector = LabelCollector()
    private var histogram = HistogramState()
    private var exponential = ExponentialState()
    private var summary = SummaryState()

    init(_ store: SeriesStore, now: UInt64) {
        self.store = store
        keys = store.keys
        heardAt = tenths(now)
    }

    /// Lets go of the last family; what was counted.
    mutating func finish() -> SeriesCounts {
        release()
        return counts
    }

    // MARK: context

    mutating func resource(_ resource: ResourceView) {
        let identity = keys.identity(of: resource.attributes)
        resourceIdentity = identity
        let heardAt = heardAt
        if let known = store.contexts.withLock({ $0.resource(identity, heardAt: heardAt) }) {
            resourceLabels = known
            return
        }
        let labels = Self.labels(of: resource, keys)
        let target = targetText(resource, labels)
        resourceLabels = labels
        let isShown = store.contexts.withLock {
            $0.insert(identity, labels, target: target, heardAt: heardAt)
        }
        if !isShown { counts.add(.targetCap) }
    }

    mutating func scope(_ scope: ScopeView) {
        var hasher = FingerprintHasher(keys, seed: 2)
        unsafe hasher.absorb(scope.name.base, count: scope.name.count)
        unsafe hasher.absorb(scope.version.base, count: scope.version.count)
        unsafe hasher.absorb(scope.schemaURL.base, count: scope.schemaURL.count)
        let attributes = keys.identity(of: scope.attributes)
        hasher.absorb(attributes.low)
        hasher.absorb(attributes.high)
        let identity = hasher.finish()
        scopeIdentity = identity
        if let known = store.contexts.withLock({ $0.scope(identity) }) {
            scopeLabels = known
            return
        }
        let labels = labels(of: scope)
        scopeLabels = labels
        store.contexts.withLock { $0.insert(identity, labels) }
    }

    mutating func metric(_ metric: MetricView) {
        release()
        guard let kind = StreamKind(metric) else {
            reason = .nonMonotonicDelta
            return
        }
        self.kind = kind
        let identity = keys.identity(of: metric, kind)
        var hasher = FingerprintHasher(keys, seed: 3)
        for part in [resourceIdentity, scopeIdentity, identity] {
            hasher.absorb(part.low)
            hasher.absorb(part.high)
        }
        base = hasher.finish()
        switch store.table.withLock({ Self.hold($0.binding(of: identity)) }) {
        case .family(let known): use(known)
        case .unexposed(let reason): self.reason = reason
        case nil: bind(metric, identity)
        }
    }

    // MARK: points

    mutating func numberPoint(_ point: NumberPointView) {
        guard let family, let stripe else { return counts.add(reason) }
        let at = PointTime(
            start: point.startTimeUnixNano, time: point.timeUnixNano, heardAt: heardAt,
            hasNoValue: point.flags & 1 != 0)
        let value = point.value.double
        if !at.hasNoValue {
            let isLegal = !kind.isMonotonic || value >= 0 && value.isFinite
            guard isLegal, point.value.isThere else { return counts.add(.invalidValue) }
        }
        var exemplar: ExemplarValue?
        if kind.isMonotonic, !point.exemplars.isEmpty {
            exemplar = Self.latest(point.exemplars)
        }
        let identity = identity(point.attributes)
        let isKnown = stripe.state.withLock { state in
            guard let id = state.find(identity) else { return false }
            state.take(number: value, at, exemplar: exemplar, into: id, &counts)
            return true
        }
        if isKnown || at.hasNoValue { return }
        let text = text(point.attributes, family)
        let kind = kind
        let newcomer = StripeState.Newcomer(identity: identity, kind: kind, start: at.start)
        stripe.state.withLock { state in
            switch state.admit(newcomer, text: text, room: family.room) {
            case .stream(let id, let isReturning):
                state.take(number: value, at, exemplar: exemplar, into: id, &counts)
                if isReturning { state.takeBase(of: id) }
            case .overflow:
                counts.add(.overflow)
                state.overflow(number: value, at, kind: kind, exemplar: exemplar)
            case .refused(let reason): counts.add(reason)
            }
        }
    }

    mutating func histogramPoint(_ point: HistogramPointView) {
        guard let family, let stripe else { return counts.add(reason) }
        let at = PointTime(
            start: point.startTimeUnixNano, time: point.timeUnixNano, heardAt: heardAt,
            hasNoValue: point.flags & 1 != 0)
        guard point.bucketCounts.count <= HistogramState.maxBuckets, histogram.read(point) else {
            return counts.add(.invalidValue)
        }
        let identity = identity(point.attributes)
        let isKnown = stripe.state.withLock { state in
            guard let id = state.find(identity) else { return false }
            state.take(histogram: histogram, at, into: id, room: family.room, &counts)
            return true
        }
        if isKnown || at.hasNoValue { return }
        let text = text(point.attributes, family)
        let newcomer = StripeState.Newcomer(
            identity: identity, kind: kind, start: at.start, payloadBytes: histogram.copyBytes)
        stripe.state.withLock { state in
            switch state.admit(newcomer, text: text, room: family.room) {
            case .stream(let id, let isReturning):
                state.take(histogram: histogram, at, into: id, room: family.room, &counts)
                if isReturning { state.takeBase(of: id) }
            case .overflow:
                counts.add(.overflow)
                state.overflow(histogram: histogram, at)
            case .refused(let reason): counts.add(reason)
            }
        }
    }

    mutating func exponentialHistogramPoint(_ point: ExponentialHistogramPointView) {
        guard let family, let stripe else { return counts.add(reason) }
        let at = PointTime(
            start: point.startTimeUnixNano, time: point.timeUnixNano, heardAt: heardAt,
            hasNoValue: point.flags & 1 != 0)
        let limit = ExponentialState.maxBucketsRead
        guard point.positive.counts.count <= limit, point.negative.counts.count <= limit else {
            return counts.add(.invalidValue)
        }
        if let reason = exponential.read(point) { return counts.add(reason) }
        let identity = identity(point.attributes)
        let isKnown = stripe.state.withLock { state in
            guard let id = state.find(identity) else { return false }
            state.take(exponential: exponential, at, into: id, room: family.room, &counts)
            return true
        }
        if isKnown || at.hasNoValue { return }
        let text = text(point.attributes, family)
        let newcomer = StripeState.Newcomer(
            identity: identity, kind: kind, start: at.start, payloadBytes: exponential.copyBytes)
        stripe.state.withLock { state in
            switch state.admit(newcomer, text: text, room: family.room) {
            case .stream(let id, let isReturning):
                state.take(exponential: exponential, at, into: id, room: family.room, &counts)
                if isReturning { state.takeBase(of: id) }
            case .overflow:
                counts.add(.overflow)
                state.overflow(exponential: exponential, at)
            case .refused(let reason): counts.add(reason)
            }
        }
    }

    mutating func summaryPoint(_ point: SummaryPointView) {
        guard let family, let stripe else { return counts.add(reason) }
        let at = PointTime(
            start: point.startTimeUnixNano, time: point.timeUnixNano, heardAt: heardAt,
            hasNoValue: point.flags & 1 != 0)
        guard summary.read(point) else { return counts.add(.invalidValue) }
        let identity = identity(point.attributes)
        let isKnown = stripe.state.withLock { state in
            guard let id = state.find(identity) else { return false }
            state.take(summary: summary, at, into: id, room: family.room, &counts)
            return true
        }
        if isKnown || at.hasNoValue { return }
        let text = text(point.attributes, family)
        let newcomer = StripeState.Newcomer(
            identity: identity, kind: kind, start: at.start, payloadBytes: summary.copyBytes)
        stripe.state.withLock { state in
            switch state.admit(newcomer, text: text, room: family.room) {
            case .stream(let id, _):
                state.take(summary: summary, at, into: id, room: family.room, &counts)
            case .overflow:
                counts.add(.overflow)
                state.overflow(summary: summary, at)
            case .refused(let reason): counts.add(reason)
            }
        }
    }

    // MARK: families

    private mutating func bind(_ metric: MetricView, _ identity: Fingerprint) {
        let description = FamilyTable.Description(metric, kind)
        let store = store
        let binding = store.table.withLock { table in
            Self.hold(
                table.bind(
                    identity, description, limits: store.limits, isReserved: store.isReserved,
                    counts: &counts))
        }
        switch binding {
        case .family(let made): use(made)
        case .unexposed(let reason): self.reason = reason
        case nil: break
        }
    }

    /// Under the lock of the table, so that the family cannot be taken off in between.
    private static func hold(_ binding: FamilyTable.Binding?) -> FamilyTable.Binding? {
        if case .family(let family) = binding { family.users.add(1, ordering: .acquiring) }
        return binding
    }

    private mutating func use(_ family: Family) {
        self.family = family
        stripe = family.stripes[resourceLabels.stripe]
    }

    private mutating func release() {
        family?.users.subtract(1, ordering: .releasing)
        family = nil
        stripe = nil
    }

    // MARK: labels

    @inline(__always)
    private func identity(_ attributes: AttributeList) -> Fingerprint {
        var identity = base
        identity.add(keys.identity(of: attributes))
        return identity
    }

    /// The label text of a new series; nil when only the overflow can take it.
    private mutating func text(_ attributes: AttributeList, _ family: Family) -> [UInt8]? {
        collector.start()
        collector.add(attributes)
        collector.add(label: "job", resourceLabels.job)
        collector.add(label: "instance", resourceLabels.instance)
        collector.add(scopeLabels)
        // OpenMetrics wants the state of a stateset in a label with the name of the family.
        if family.type == .stateset, !collector.hasAttribute(family.name) { return nil }
        let text = collector.finish()
        counts.add(.cutValue, collector.cutValues)
        return text == SeriesPass.overflowLabels.bytes ? nil : text
    }

    /// Attributes that are too many or too long for a series are left out, all of them.
    private mutating func labels(of scope: ScopeView) -> ScopeLabels {
        var labels: [(name: [UInt8], value: [UInt8])] = []
        for (name, value) in [
            ("otel_scope_name", scope.name), ("otel_scope_version", scope.version),
            ("otel_scope_schema_url", scope.schemaURL),
        ] where !value.isEmpty {
            labels.append((Array(name.utf8), Array(value.array.prefix(LabelValue.maxBytes))))
        }
        collector.start()
        collector.add(scope.attributes, prefix: "otel_scope_")
        for label in collector.labels() ?? []
        where !labels.contains(where: { $0.name == label.name }) {
            labels.append(label)
        }
        return ScopeLabels(labels)
    }

    private mutating func targetText(_ resource: ResourceView, _ labels: ResourceLabels) -> [UInt8]?
    {
        guard !labels.job.isEmpty || !labels.instance.isEmpty else { return nil }
        collector.start()
        resource.attributes.forEach { key, value in
            if Identifying(key) == nil { collector.add(key, value) }
        }
        guard collector.hasAttributes else { return nil }
        collector.add(label: "job", labels.job)
        collector.add(label: "instance", labels.instance)
        return collector.finish()
    }

    /// `job` is namespace and name with a slash between, `instance` the instance id.
    private static func labels(of resource: ResourceView, _ keys: FingerprintKeys) -> ResourceLabels
    {
        var namespace: [UInt8] = []
        var name: [UInt8] = []
        var instance: [UInt8] = []
        resource.attributes.forEach { key, value in
            guard let part = Identifying(key) else { return }
            var text: [UInt8] = []
            _ = LabelValue.append(value, to: &text)
            switch part {
            case .namespace: namespace = text
            case .name: name = text
            case .instance: instance = text
            }
        }
        let job = namespace.isEmpty || name.isEmpty ? name : namespace + [0x2F] + name
        var hasher = FingerprintHasher(keys, seed: 4)
        unsafe job.withUnsafeBufferPointer { unsafe hasher.absorb($0) }
        unsafe instance.withUnsafeBufferPointer { unsafe hasher.absorb($0) }
        let stripe = Int(truncatingIfNeeded: hasher.finish().high) & (Family.stripeCount - 1)
        return ResourceLabels(job: job, instance: instance, stripe: stripe)
    }

    private static func latest(_ exemplars: ExemplarList) -> ExemplarValue? {
        var latest: ExemplarValue?
        exemplars.forEach { view in
            if view.timeUnixNano >= latest?.unixNano ?? 0 { latest = ExemplarValue(view) ?? latest }
        }
        return latest
    }
}

/// The resource attributes that become `job` and `instance`.
private enum Identifying {
    case namespace, name, instance

    init?(_ key: WireBytes) {
        if key.equals("service.name") {
            self = .name
        } else if key.equals("service.namespace") {
            self = .namespace
        } else if key.equals("service.instance.id") {
            self = .instance
        } else {
            return nil
        }
    }
}
