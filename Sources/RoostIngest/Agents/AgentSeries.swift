import RoostMetrics

/// The labels of one series, as numbers of texts, in the order of its family's label names.
struct AgentSeriesKey: Hashable, Sendable {
    var first: Int32 = 0
    var second: Int32 = 0
    var third: Int32 = 0
    var fourth: Int32 = 0
    var fifth: Int32 = 0

    subscript(index: Int) -> Int32 {
        switch index {
        case 0: first
        case 1: second
        case 2: third
        case 3: fourth
        default: fifth
        }
    }

    var hasOverflow: Bool {
        min(first, second, third, fourth, fifth) == TextTable.overflow
    }
}

/// The span that a count or a measurement came from.
struct AgentExemplar: Sendable {
    var traceIDHigh: UInt64
    var traceIDLow: UInt64
    var spanID: UInt64
    var value: Double
    var unixNano: UInt64

    var exposed: ExemplarValue {
        ExemplarValue(
            traceIDHigh: traceIDHigh, traceIDLow: traceIDLow, spanID: spanID, value: value,
            unixNano: unixNano)
    }
}

/// The label sets of one family: those met first, up to a limit, and one that the others share.
///
/// Series only ever are appended; number 0 is the shared one.
struct AgentSeriesIndex: Sendable {
    private(set) var keys = [AgentSeriesKey()]
    private(set) var created: [UInt64] = [0]
    private(set) var overflowed: UInt64 = 0
    private var numbers: [AgentSeriesKey: Int32] = [:]
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    var count: Int { keys.count }

    /// The number of a series, and whether it is new.
    mutating func find(_ key: AgentSeriesKey, now: UInt64) -> (number: Int, isNew: Bool) {
        if let known = numbers[key] { return (Int(known), false) }
        guard keys.count <= limit, !key.hasOverflow else {
            overflowed &+= 1
            if created[0] == 0 { created[0] = now }
            return (0, false)
        }
        numbers[key] = Int32(keys.count)
        keys.append(key)
        created.append(now)
        return (keys.count - 1, true)
    }
}

/// Sums that only rise, by series.
struct AgentCounter: Sendable {
    private(set) var index: AgentSeriesIndex
    private(set) var values: [Double] = [0]
    private(set) var exemplars: [AgentExemplar?] = [nil]

    init(limit: Int) { index = AgentSeriesIndex(limit: limit) }

    /// `now` in Unix nanoseconds. Nothing and less than nothing are not added.
    mutating func add(
        _ amount: Double, _ key: AgentSeriesKey, _ exemplar: AgentExemplar?, now: UInt64
    ) {
        guard amount > 0, amount.isFinite else { return }
        let (number, isNew) = index.find(key, now: now)
        if isNew {
            values.append(0)
            exemplars.append(nil)
        }
        values[number] += amount
        if var exemplar {
            exemplar.value = amount
            exemplars[number] = exemplar
        }
    }
}

/// Distributions of durations, by series.
struct AgentHistogram: Sendable {
    let bounds: DurationBounds
    private(set) var index: AgentSeriesIndex
    private(set) var buckets: [UInt64]
    private(set) var sums: [Double] = [0]
    private(set) var counts: [UInt64] = [0]
    private(set) var exemplars: [AgentExemplar?]

    init(bounds: DurationBounds, limit: Int) {
        self.bounds = bounds
        index = AgentSeriesIndex(limit: limit)
        buckets = [UInt64](repeating: 0, count: bounds.bucketCount)
        exemplars = [AgentExemplar?](repeating: nil, count: bounds.bucketCount)
    }

    mutating func observe(
        nanoseconds: UInt64, _ key: AgentSeriesKey, _ exemplar: AgentExemplar?, now: UInt64
    ) {
        let (number, isNew) = index.find(key, now: now)
        let width = bounds.bucketCount
        if isNew {
            buckets.append(contentsOf: repeatElement(0, count: width))
            exemplars.append(contentsOf: repeatElement(nil, count: width))
            sums.append(0)
            counts.append(0)
        }
        let cell = number * width + bounds.bucket(nanoseconds: nanoseconds)
        let seconds = Double(nanoseconds) * 1e-9
        buckets[cell] &+= 1
        sums[number] += seconds
        counts[number] &+= 1
        if var exemplar {
            exemplar.value = seconds
            exemplars[cell] = exemplar
        }
    }
}
