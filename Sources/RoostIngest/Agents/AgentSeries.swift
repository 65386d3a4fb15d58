import RoostCore
import RoostMetrics

/// The labels of one series, as numbers of texts, in the order of its family's label names.
///
/// Two numbers in each word: keys are compared for everything that is counted.
struct AgentSeriesKey: Hashable, Sendable {
    private var left: UInt64
    private var right: UInt64
    private var last: UInt64

    @inline(__always)
    init(
        first: Int32 = 0, second: Int32 = 0, third: Int32 = 0, fourth: Int32 = 0,
        fifth: Int32 = 0, sixth: Int32 = 0
    ) {
        left = Self.pair(first, second)
        right = Self.pair(third, fourth)
        last = Self.pair(fifth, sixth)
    }

    var first: Int32 { Int32(truncatingIfNeeded: left) }
    var second: Int32 { Int32(truncatingIfNeeded: left &>> 32) }
    var third: Int32 { Int32(truncatingIfNeeded: right) }
    var fourth: Int32 {
        get { Int32(truncatingIfNeeded: right &>> 32) }
        set { right = Self.pair(third, newValue) }
    }
    var fifth: Int32 {
        get { Int32(truncatingIfNeeded: last) }
        set { last = Self.pair(newValue, sixth) }
    }
    var sixth: Int32 { Int32(truncatingIfNeeded: last &>> 32) }

    subscript(index: Int) -> Int32 {
        switch index {
        case 0: first
        case 1: second
        case 2: third
        case 3: fourth
        case 4: fifth
        default: sixth
        }
    }

    @inline(__always)
    static func == (one: AgentSeriesKey, other: AgentSeriesKey) -> Bool {
        (one.left ^ other.left) | (one.right ^ other.right) | (one.last ^ other.last) == 0
    }

    /// Its parts are this program's own numbers, so no secret is needed.
    @inline(__always)
    var hash: Int {
        var state = left &* 0x9E37_79B9_7F4A_7C15
        state = (state ^ state &>> 32 ^ right) &* 0xC2B2_AE3D_27D4_EB4F
        state = (state ^ state &>> 29 ^ last) &* 0x1656_67B1_9E37_79F9
        return Int(truncatingIfNeeded: state &>> 33)
    }

    var hasOverflow: Bool {
        min(first, second, third, fourth, fifth, sixth) == TextTable.overflow
    }

    @inline(__always)
    private static func pair(_ low: Int32, _ high: Int32) -> UInt64 {
        UInt64(UInt32(bitPattern: low)) | UInt64(UInt32(bitPattern: high)) &<< 32
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

/// What the series of a family may take.
struct AgentSeriesRoom: Sendable {
    let limit: SeriesLimit
    /// Pays for them until the family begins anew.
    let memory: MemoryBudget.Share?
}

/// The label sets of one family: those met first, up to a limit, and one that the others share.
///
/// Series only ever are appended; number 0 is the shared one.
struct AgentSeriesIndex: Sendable {
    private(set) var keys = [AgentSeriesKey()]
    private(set) var created: [UInt64] = [0]
    /// How often something was put into the shared one.
    fileprivate(set) var overflowed: UInt64 = 0
    /// Open addressing; 0 is free.
    private var slots = [Int32](repeating: 0, count: 64)
    let room: AgentSeriesRoom
    private let bytesOfSeries: Int

    /// `bytesOfValues`: what the family keeps of a series beside its labels.
    init(_ room: AgentSeriesRoom, bytesOfValues: Int) {
        self.room = room
        // Twice, for the copy that is made of what is written to while a scrape holds it.
        bytesOfSeries = 2 * (64 + bytesOfValues)
    }

    var count: Int { keys.count }

    /// Before it is let go of.
    func giveBack() { room.memory?.giveBack((keys.count - 1) * bytesOfSeries) }

    /// The number of a series, and whether it is new.
    @inline(__always)
    mutating func find(_ key: AgentSeriesKey, now: UInt64) -> (number: Int, isNew: Bool) {
        var place = key.hash & (slots.count &- 1)
        while slots[place] != 0 {
            let number = Int(slots[place])
            if keys[number] == key { return (number, false) }
            place = (place &+ 1) & (slots.count &- 1)
        }
        return make(key, place, now: now)
    }

    @inline(never)
    private mutating func make(
        _ key: AgentSeriesKey, _ place: Int, now: UInt64
    ) -> (number: Int, isNew: Bool) {
        guard keys.count <= room.limit.most, !key.hasOverflow,
            room.memory?.tryTake(bytesOfSeries) ?? true
        else {
            overflowed &+= 1
            if created[0] == 0 { created[0] = now }
            return (0, false)
        }
        slots[place] = Int32(keys.count)
        keys.append(key)
        created.append(now)
        if keys.count * 2 > slots.count { growSlots() }
        return (keys.count - 1, true)
    }

    private mutating func growSlots() {
        slots = [Int32](repeating: 0, count: slots.count * 2)
        for number in 1..<keys.count {
            var place = keys[number].hash & (slots.count - 1)
            while slots[place] != 0 { place = (place + 1) & (slots.count - 1) }
            slots[place] = Int32(number)
        }
    }
}

/// Sums that only rise, by series.
struct AgentCounter: Sendable {
    private(set) var index: AgentSeriesIndex
    private(set) var values: [Double] = [0]
    private(set) var exemplars: [AgentExemplar?] = [nil]

    init(_ room: AgentSeriesRoom) {
        index = AgentSeriesIndex(
            room, bytesOfValues: 8 + MemoryLayout<AgentExemplar?>.stride)
    }

    /// Changes whenever a series counts something.
    func mark(_ number: Int) -> UInt64 { values[number].bitPattern ^ index.created[number] }

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

    init(bounds: DurationBounds, _ room: AgentSeriesRoom) {
        self.bounds = bounds
        index = AgentSeriesIndex(
            room,
            bytesOfValues: 16 + bounds.bucketCount * (8 + MemoryLayout<AgentExemplar?>.stride))
        buckets = [UInt64](repeating: 0, count: bounds.bucketCount)
        exemplars = [AgentExemplar?](repeating: nil, count: bounds.bucketCount)
    }

    /// Changes whenever a series counts something.
    func mark(_ number: Int) -> UInt64 { counts[number] ^ index.created[number] }

    /// Forgets every series; those that come are new.
    mutating func restart(bounds: DurationBounds) {
        let overflowed = index.overflowed
        index.giveBack()
        self = AgentHistogram(bounds: bounds, index.room)
        index.overflowed = overflowed
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
        // Divided, so that whole numbers stay whole.
        let seconds = Double(nanoseconds) / 1e9
        buckets[cell] &+= 1
        sums[number] += seconds
        counts[number] &+= 1
        if var exemplar {
            exemplar.value = seconds
            exemplars[cell] = exemplar
        }
    }
}
