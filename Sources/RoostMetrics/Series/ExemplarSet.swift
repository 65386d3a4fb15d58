/// The latest exemplar of each bucket, of the few that are kept.
///
/// A bucket is known by a number that the caller makes of the value: the index of an explicit
/// bucket, or the power of two of an exponential one.
struct ExemplarSet {
    static let capacity = 24

    private var buckets: [Int32] = []
    private(set) var values: [ExemplarValue] = []

    var isEmpty: Bool { values.isEmpty }

    /// Bytes on the heap.
    var heapBytes: Int {
        buckets.capacity * 4 + values.capacity * MemoryLayout<ExemplarValue>.stride
            + values.reduce(0) { $0 + $1.heapBytes }
    }

    /// The same in memory of its own, with none to spare.
    var copy: ExemplarSet {
        var copy = ExemplarSet()
        copy.buckets = buckets.map { $0 }
        copy.values = values.map { $0 }
        return copy
    }

    /// What a copy of it takes, about.
    var copyBytes: Int { isEmpty ? 0 : heapBytes }

    /// Keeps `value` unless its bucket has a later one. When there is no room the oldest leaves.
    mutating func add(_ value: ExemplarValue, bucket: Int32) {
        if let index = buckets.firstIndex(of: bucket) {
            if values[index].unixNano <= value.unixNano { values[index] = value }
            return
        }
        if values.count < Self.capacity {
            buckets.append(bucket)
            values.append(value)
            return
        }
        guard let oldest = values.indices.min(by: { values[$0].unixNano < values[$1].unixNano })
        else { return }
        buckets[oldest] = bucket
        values[oldest] = value
    }

    mutating func merge(_ other: ExemplarSet) {
        if other.isEmpty { return }
        for index in other.values.indices { add(other.values[index], bucket: other.buckets[index]) }
    }

    mutating func removeAll() {
        buckets.removeAll(keepingCapacity: true)
        values.removeAll(keepingCapacity: true)
    }
}
