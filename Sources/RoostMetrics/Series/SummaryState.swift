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
