/// A histogram with explicit bounds: a point as it came, the sum of deltas, or several of either.
///
/// `counts` are not cumulative, one more than `bounds`, or both are empty. Arrays keep their memory
/// when a point replaces another, so a steady stream allocates nothing.
struct HistogramState {
    /// More buckets than this are refused.
    static let maxBuckets = 2_000
    /// Counts above this are refused, so that no sum of two overflows.
    static let maxCount: UInt64 = 1 << 62

    var bounds: [Double] = []
    var counts: [UInt64] = []
    var count: UInt64 = 0
    var sum = 0.0
    var hasSum = true
    var exemplars = ExemplarSet()

    /// Bytes on the heap.
    var heapBytes: Int { (bounds.capacity + counts.capacity) * 8 + exemplars.heapBytes + 64 }

    /// What a copy of it takes.
    var copyBytes: Int { (bounds.count + counts.count) * 8 + exemplars.copyBytes + 64 }

    /// The same in memory of its own, with none to spare.
    var copy: HistogramState {
        var copy = self
        copy.bounds = bounds.map { $0 }
        copy.counts = counts.map { $0 }
        copy.exemplars = exemplars.copy
        return copy
    }

    /// Bytes of buckets that it lacks to take `point`, or 0 or less; exemplars are few.
    @inline(__always)
    func growth(taking point: HistogramState) -> Int {
        (point.counts.count - counts.capacity) * 16
    }

    /// Puts what was read from a request in order: infinite bounds lose their buckets to the next,
    /// the count is that of the buckets. False when the point cannot be shown.
    mutating func normalise() -> Bool {
        guard counts.count <= Self.maxBuckets else { return false }
        guard counts.isEmpty ? bounds.isEmpty : counts.count == bounds.count + 1 else {
            return false
        }
        if let last = bounds.last, last == .infinity {
            bounds.removeLast()
            let top = counts.removeLast()
            counts[counts.count - 1] = Self.limited(counts[counts.count - 1], top)
        }
        if let first = bounds.first, first == -.infinity {
            bounds.removeFirst()
            let bottom = counts.removeFirst()
            counts[0] = Self.limited(counts[0], bottom)
        }
        if !counts.isEmpty {
            count = 0
            for bucket in counts { count = Self.limited(count, bucket) }
        }
        if !sum.isFinite {
            sum = 0
            hasSum = false
        }
        return count <= Self.maxCount
    }

    /// Becomes `point`, keeping the exemplars that it has no newer ones for.
    mutating func replace(with point: HistogramState) {
        if bounds != point.bounds { setBounds(point.bounds) }
        counts.removeAll(keepingCapacity: true)
        counts.append(contentsOf: point.counts)
        count = point.count
        sum = point.sum
        hasSum = point.hasSum
        exemplars.merge(point.exemplars)
    }

    /// Adds `other`; when its bounds differ from these, everything moves to its bounds.
    mutating func add(_ other: HistogramState) {
        if counts.isEmpty, count == 0 {
            setBounds(other.bounds)
            counts.append(contentsOf: other.counts)
        } else if bounds != other.bounds || counts.isEmpty != other.counts.isEmpty {
            rebase(to: other)
            addCounts(other)
        } else {
            addCounts(other)
        }
        count = Self.limited(count, other.count)
        sum += other.sum
        if !other.hasSum { hasSum = false }
        exemplars.merge(other.exemplars)
    }

    /// What this has more than `older`, which came before it in the same stream.
    func increase(since older: HistogramState) -> HistogramState {
        guard bounds == older.bounds, counts.count == older.counts.count else {
            var moved = older
            moved.rebase(to: self)
            return moved.bounds == bounds && moved.counts.count == counts.count
                ? increase(since: moved) : self
        }
        var result = self
        for index in counts.indices {
            result.counts[index] = counts[index] - min(older.counts[index], counts[index])
        }
        result.count = count - min(older.count, count)
        if !counts.isEmpty {
            result.count = result.counts.reduce(0) { Self.limited($0, $1) }
        }
        result.sum = sum - older.sum
        return result
    }

    private mutating func addCounts(_ other: HistogramState) {
        for index in counts.indices where index < other.counts.count {
            counts[index] = Self.limited(counts[index], other.counts[index])
        }
    }

    /// Moves the counts to the bounds of `other`: each bucket to the first whose bound is not below
    /// its own. The cumulative count at a bound that both have stays what it was; none grows.
    private mutating func rebase(to other: HistogramState) {
        var moved = [UInt64](repeating: 0, count: other.counts.count)
        if !moved.isEmpty {
            var target = 0
            for index in counts.indices {
                if index < bounds.count {
                    while target < other.bounds.count, other.bounds[target] < bounds[index] {
                        target += 1
                    }
                } else {
                    target = other.bounds.count
                }
                moved[target] = Self.limited(moved[target], counts[index])
            }
            if counts.isEmpty { moved[moved.count - 1] = count }
        }
        setBounds(other.bounds)
        counts.removeAll(keepingCapacity: true)
        counts.append(contentsOf: moved)
    }

    /// Copies them: what a point is read into has room for the largest of a request.
    private mutating func setBounds(_ new: [Double]) {
        bounds.removeAll(keepingCapacity: true)
        bounds.append(contentsOf: new)
    }

    /// The sum, not above what two more additions can bear.
    static func limited(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let (sum, overflow) = left.addingReportingOverflow(right)
        return overflow ? .max / 2 : min(sum, .max / 2)
    }
}
