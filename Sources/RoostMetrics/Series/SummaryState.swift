/// A summary as it came last; quantiles of several processes cannot be joined.
struct SummaryState {
    /// More quantiles than this are left out.
    static let maxQuantiles = 100

    var quantiles: [Double] = []
    var values: [Double] = []
    var sum = 0.0
    var count: UInt64 = 0

    /// Bytes on the heap.
    var heapBytes: Int { (quantiles.capacity + values.capacity) * 8 + 32 }

    /// What a copy of it takes.
    var copyBytes: Int { (quantiles.count + values.count) * 8 + 32 }

    /// The same in memory of its own, with none to spare.
    var copy: SummaryState {
        var copy = self
        copy.quantiles = quantiles.map { $0 }
        copy.values = values.map { $0 }
        return copy
    }

    /// Bytes that it lacks to take `point`, or 0 or less.
    func growth(taking point: SummaryState) -> Int {
        (point.quantiles.count - quantiles.capacity) * 16
    }

    /// Keeps the quantiles sorted and unique; out of [0, 1] they are left out.
    mutating func add(quantile: Double, value: Double) {
        guard quantile >= 0, quantile <= 1, quantiles.count < Self.maxQuantiles else { return }
        let place = quantiles.firstIndex { $0 >= quantile } ?? quantiles.count
        if place < quantiles.count, quantiles[place] == quantile {
            values[place] = value
            return
        }
        quantiles.insert(quantile, at: place)
        values.insert(value, at: place)
    }

    mutating func removeAll() {
        quantiles.removeAll(keepingCapacity: true)
        values.removeAll(keepingCapacity: true)
        sum = 0
        count = 0
    }

    mutating func replace(with point: SummaryState) {
        quantiles.removeAll(keepingCapacity: true)
        quantiles.append(contentsOf: point.quantiles)
        values.removeAll(keepingCapacity: true)
        values.append(contentsOf: point.values)
        sum = point.sum
        count = point.count
    }
}
