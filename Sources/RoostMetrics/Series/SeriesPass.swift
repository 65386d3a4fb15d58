/// One walk over the families of a store: `target_info` first, then by name; in a family stripe by
/// stripe, in the order in which its series came.
///
/// A stripe is locked for one slice at a time. A series that comes or goes meanwhile may show or
/// not; the others keep their places.
struct SeriesPass: ExpositionPass {
    /// The labels of the series that takes what a full family cannot.
    static let overflowLabels: LabelText = ["otel_metric_overflow": "true"]

    private let targets: [[UInt8]]
    private let families: [Family]
    private var nextTarget = 0
    private var nextFamily = 0
    private var nextStripe = 0
    private var nextSeries = 0
    /// The head of the family has been written.
    private var isOpen = false
    private var overflow = StripeState.Overflow()
    private var overflowHasValue = false

    init(targets: [[UInt8]], families: [Family]) {
        self.targets = targets
        self.families = families
    }

    mutating func write(into writer: inout ExpositionWriter, upTo bytes: Int) -> Bool {
        writeTargets(&writer, bytes)
        while nextFamily < families.count, writer.count < bytes {
            let family = families[nextFamily]
            if nextStripe < family.stripes.count {
                write(family, family.stripes[nextStripe], &writer, bytes)
            } else {
                writeOverflow(family, &writer)
                close(&writer)
                nextFamily += 1
                nextStripe = 0
            }
        }
        return nextTarget < targets.count || nextFamily < families.count
    }

    private mutating func writeTargets(_ writer: inout ExpositionWriter, _ bytes: Int) {
        while nextTarget < targets.count, writer.count < bytes {
            if nextTarget == 0 {
                writer.beginFamily(
                    name: "target_info", type: .info, help: "Attributes of the resource")
            }
            let labels = targets[nextTarget]
            writer.gauge(labels: labels.span, value: 1)
            nextTarget += 1
            if nextTarget == targets.count { writer.endFamily() }
        }
    }

    private mutating func write(
        _ family: Family, _ stripe: Stripe, _ writer: inout ExpositionWriter, _ bytes: Int
    ) {
        stripe.state.withLock { state in
            while nextSeries < state.series.all.count, writer.count < bytes {
                let index = nextSeries
                nextSeries += 1
                guard let shown = state.shown(UInt32(truncatingIfNeeded: index)) else { continue }
                open(family, &writer)
                state.write(shown, index, into: &writer)
            }
            guard nextSeries >= state.series.all.count else { return }
            if state.overflow.isUsed { collect(state.overflow) }
            nextSeries = 0
            nextStripe += 1
        }
    }

    private mutating func open(_ family: Family, _ writer: inout ExpositionWriter) {
        if isOpen { return }
        isOpen = true
        writer.beginFamily(
            name: family.name, type: family.type, help: family.help, unit: family.unit)
    }

    private mutating func close(_ writer: inout ExpositionWriter) {
        if isOpen { writer.endFamily() }
        isOpen = false
        overflow = StripeState.Overflow()
        overflowHasValue = false
    }

    // MARK: overflow

    /// The overflow of a family lies in its stripes; it shows as one series.
    private mutating func collect(_ part: StripeState.Overflow) {
        overflowHasValue = true
        overflow.settled.add(part.settled)
        overflow.streams += part.streams
        if part.time >= overflow.time {
            overflow.gauge = part.gauge ?? overflow.gauge
            overflow.summary = part.summary
            overflow.exemplar = part.exemplar ?? overflow.exemplar
            overflow.time = part.time
        }
    }

    private mutating func writeOverflow(_ family: Family, _ writer: inout ExpositionWriter) {
        guard overflowHasValue, family.type != .info, family.type != .stateset else { return }
        open(family, &writer)
        let labels = Self.overflowLabels.bytes
        let settled = overflow.settled
        switch family.type {
        case .counter:
            writer.counter(
                labels: labels.span, value: max(settled.value.rounded, 0),
                exemplar: overflow.exemplar)
        case .histogram:
            if var histogram = settled.histogram {
                histogram.sum = settled.histogramSum.rounded
                histogram.write(labels.span, created: 0, into: &writer)
            } else if var exponential = settled.exponential {
                exponential.sum = settled.exponentialSum.rounded
                exponential.write(labels.span, created: 0, into: &writer)
            }
        case .summary: overflow.summary.write(labels.span, created: 0, into: &writer)
        default:
            // Sums that may fall are remembered stream by stream, gauges are not.
            let sum = overflow.streams > 0 ? settled.value.rounded : nil
            if let value = sum ?? overflow.gauge {
                writer.gauge(labels: labels.span, value: value)
            }
        }
    }
}
