/// What a stream of points is made of.
enum StreamKind: UInt8 {
    case cumulativeCounter, deltaCounter, upDown, gauge
    case cumulativeHistogram, deltaHistogram
    case cumulativeExponential, deltaExponential
    case summary

    /// Whether what several streams with the same labels measured adds up.
    var isAdditive: Bool {
        switch self {
        case .gauge, .summary: false
        default: true
        }
    }

    var isDelta: Bool {
        switch self {
        case .deltaCounter, .deltaHistogram, .deltaExponential: true
        default: false
        }
    }

    /// Whether each point tells all that was counted since the start.
    var tellsTotal: Bool { isMonotonic && !isDelta }

    /// Whether a lower value means that it began again.
    var isMonotonic: Bool {
        switch self {
        case .gauge, .upDown, .summary: false
        default: true
        }
    }
}

/// One OTLP stream: a resource, a scope, a metric and attributes. 56 bytes.
struct Stream {
    static let none: UInt32 = .max
    /// In place of a series: the stream goes into the overflow.
    static let overflow: UInt32 = .max - 1

    var identity: Fingerprint
    /// Unix nanoseconds, 0 for unknown. Of a delta stream: where the first delta began.
    var start: UInt64 = 0
    /// Unix nanoseconds of the last point taken.
    var time: UInt64 = 0
    /// Of a number: the last value, or the sum of deltas.
    var value = 0.0
    /// When the last point came, in tenths of a second; wraps around.
    var heardAt: UInt32 = 0
    /// Which series shows it; `none` when the slot is free.
    var series = Stream.none
    /// Where its histogram, summary or exemplar lies; `none` when it has none.
    var payload = Stream.none
    var kind: StreamKind
    /// The last point said that there is no value.
    var isHidden = false
    /// Nothing was heard of it for long, and its total is kept for a series that goes on.
    var isAsleep = false

    var isFree: Bool { series == Stream.none }
}

/// The streams of a stripe, found by fingerprint: open addressing over dense numbers.
struct StreamTable {
    private(set) var all = BlockArray<Stream>()
    private var free: [UInt32] = []
    private var slots: [UInt32] = []
    private(set) var count = 0

    @inline(__always)
    subscript(id: UInt32) -> Stream {
        get { all[Int(id)] }
        _modify { yield &all[Int(id)] }
    }

    @inline(__always)
    func find(_ identity: Fingerprint) -> UInt32? {
        guard !slots.isEmpty else { return nil }
        let mask = slots.count &- 1
        var slot = Int(truncatingIfNeeded: identity.low) & mask
        while true {
            let id = slots[slot]
            if id == Stream.none { return nil }
            let found = all[Int(id)].identity
            if found.low == identity.low, found.high == identity.high { return id }
            slot = (slot &+ 1) & mask
        }
    }

    /// The number that the next stream inserted will have.
    var nextID: UInt32 { free.last ?? UInt32(truncatingIfNeeded: all.count) }

    mutating func insert(_ stream: Stream) -> UInt32 {
        let id: UInt32
        if let reused = free.popLast() {
            id = reused
            all[Int(id)] = stream
        } else {
            id = UInt32(truncatingIfNeeded: all.count)
            all.append(stream)
        }
        count += 1
        if count * 5 > slots.count * 4 {
            rebuild()
        } else {
            place(id)
        }
        return id
    }

    /// Frees a slot; `rebuild` must follow before the next look-up.
    mutating func remove(_ id: UInt32) {
        all[Int(id)].series = Stream.none
        free.append(id)
        count -= 1
    }

    mutating func rebuild() {
        var size = 8
        while count * 5 > size * 4 - size / 8 { size *= 2 }
        slots = [UInt32](repeating: Stream.none, count: size)
        for id in all.indices where !all[id].isFree { place(UInt32(truncatingIfNeeded: id)) }
    }

    private mutating func place(_ id: UInt32) {
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: all[Int(id)].identity.low) & mask
        while slots[slot] != Stream.none { slot = (slot + 1) & mask }
        slots[slot] = id
    }

    /// Bytes on the heap.
    var heapBytes: Int {
        all.capacity * MemoryLayout<Stream>.stride + (free.capacity + slots.capacity) * 4
    }
}

/// Makes room for one more by a quarter instead of doubling, once an array is large.
func makeRoomGently<Element>(_ array: inout [Element]) {
    if array.count == array.capacity, array.count >= 64 {
        array.reserveCapacity(array.count + array.count / 4)
    }
}
