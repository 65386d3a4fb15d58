import Glibc

/// One side of an exponential histogram: bucket `offset + i` holds `counts[i]`.
struct ExponentialSide {
    var offset: Int32 = 0
    var counts: [UInt64] = []

    /// Takes off empty buckets at both ends.
    mutating func trim() {
        while let last = counts.last, last == 0 { counts.removeLast() }
        guard let first = counts.firstIndex(where: { $0 != 0 }) else {
            offset = 0
            return
        }
        counts.removeFirst(first)
        offset = Int32(clamping: Int64(offset) + Int64(first))
    }

    /// Joins buckets until the scale is `steps` less. The index of a bucket is its power of the
    /// base, so each step halves it, rounding down.
    mutating func downscale(by steps: Int32) {
        guard steps > 0, !counts.isEmpty else { return }
        let shift = Int64(min(steps, 40))
        let first = Int64(offset) >> shift
        for index in counts.indices {
            let value = counts[index]
            counts[index] = 0
            let target = Int((Int64(offset) + Int64(index)) >> shift - first)
            counts[target] = HistogramState.limited(counts[target], value)
        }
        let last = (Int64(offset) + Int64(counts.count) - 1) >> shift
        counts.removeLast(counts.count - Int(last - first) - 1)
        offset = Int32(clamping: first)
    }

    /// Adds buckets of the same scale.
    mutating func add(_ other: ExponentialSide) {
        if other.counts.isEmpty { return }
        if counts.isEmpty {
            offset = other.offset
            counts.append(contentsOf: other.counts)
            return
        }
        let first = min(Int64(offset), Int64(other.offset))
        let end = max(
            Int64(offset) + Int64(counts.count), Int64(other.offset) + Int64(other.counts.count))
        if first < Int64(offset) {
            counts.insert(
                contentsOf: repeatElement(0, count: Int(Int64(offset) - first)), at: 0)
            offset = Int32(clamping: first)
        }
        if Int64(counts.count) < end - first {
            counts.append(contentsOf: repeatElement(0, count: Int(end - first) - counts.count))
        }
        let shift = Int(Int64(other.offset) - first)
        for index in other.counts.indices {
            counts[index + shift] = HistogramState.limited(
                counts[index + shift], other.counts[index])
        }
    }

    /// How many buckets both together would span.
    func span(with other: ExponentialSide) -> Int64 {
        if counts.isEmpty { return Int64(other.counts.count) }
        if other.counts.isEmpty { return Int64(counts.count) }
        let first = min(Int64(offset), Int64(other.offset))
        return max(
            Int64(offset) + Int64(counts.count), Int64(other.offset) + Int64(other.counts.count))
            - first
    }

    /// Bytes that it may lack to add `other`, when both are downscaled first by so many steps.
    func growth(adding other: ExponentialSide, own: Int32, others: Int32) -> Int {
        guard let added = other.indices(downscaledBy: others) else { return 0 }
        let before = indices(downscaledBy: own) ?? added
        let end = max(before.upperBound, added.upperBound)
        let span = end - min(before.lowerBound, added.lowerBound)
        return 8 * max(Int(min(span, Int64(ExponentialState.maxBuckets))) - counts.capacity, 0)
    }

    private func indices(downscaledBy steps: Int32) -> Range<Int64>? {
        guard !counts.isEmpty else { return nil }
        let last = Int64(offset) + Int64(counts.count) - 1
        return Int64(offset) >> Int64(steps)..<last >> Int64(steps) + 1
    }

    var total: UInt64 { counts.reduce(0) { HistogramState.limited($0, $1) } }
}

/// An exponential histogram: a point as it came, the sum of deltas, or several of either.
struct ExponentialState {
    /// Native histograms know these scales only.
    static let scales: ClosedRange<Int32> = -4...8
    /// More buckets than this on a side are joined, by going down in scale.
    static let maxBuckets = 320
    /// More buckets than this in a point are refused unread.
    static let maxBucketsRead = 20_000

    var scale: Int32 = 0
    var zeroCount: UInt64 = 0
    var zeroThreshold = 0.0
    var positive = ExponentialSide()
    var negative = ExponentialSide()
    var sum = 0.0
    var hasSum = true
    var exemplars = ExemplarSet()

    var count: UInt64 {
        HistogramState.limited(
            zeroCount, HistogramState.limited(positive.total, negative.total))
    }

    /// Bytes on the heap.
    var heapBytes: Int {
        (positive.counts.capacity + negative.counts.capacity) * 8 + exemplars.heapBytes + 64
    }

    /// What a copy of it takes.
    var copyBytes: Int {
        (positive.counts.count + negative.counts.count) * 8 + exemplars.copyBytes + 64
    }

    /// The same in memory of its own, with none to spare.
    var copy: ExponentialState {
        var copy = self
        copy.positive.counts = positive.counts.map { $0 }
        copy.negative.counts = negative.counts.map { $0 }
        copy.exemplars = exemplars.copy
        return copy
    }

    /// Bytes of buckets that it lacks to become `point`; exemplars are few.
    @inline(__always)
    func growth(becoming point: ExponentialState) -> Int {
        let missing = max(point.positive.counts.count - positive.counts.capacity, 0)
        return 8 * (missing + max(point.negative.counts.count - negative.counts.capacity, 0))
    }

    /// Bytes of buckets that it may lack to add `point`.
    func growth(adding point: ExponentialState) -> Int {
        let own = max(scale - point.scale, 0)
        let others = max(point.scale - scale, 0)
        return positive.growth(adding: point.positive, own: own, others: others)
            + negative.growth(adding: point.negative, own: own, others: others)
    }

    /// Puts what was read from a request in order; the reason when it cannot be shown.
    mutating func normalise() -> UnexposedReason? {
        guard scale >= Self.scales.lowerBound else { return .scaleTooLow }
        positive.trim()
        negative.trim()
        // At scale s a double lies between the indices -1075 * 2^s and 1024 * 2^s. Scales above
        // 20 have no such index within reach of an Int32 times anything sensible.
        guard scale <= 20, Self.isPossible(positive, scale), Self.isPossible(negative, scale) else {
            return .invalidValue
        }
        downscale(to: Self.scales.upperBound)
        while positive.counts.count > Self.maxBuckets || negative.counts.count > Self.maxBuckets {
            downscale(to: scale - 1)
        }
        if !sum.isFinite {
            sum = 0
            hasSum = false
        }
        if !zeroThreshold.isFinite || zeroThreshold < 0 { zeroThreshold = 0 }
        return count <= HistogramState.maxCount ? nil : .invalidValue
    }

    mutating func replace(with point: ExponentialState) {
        scale = point.scale
        zeroCount = point.zeroCount
        zeroThreshold = point.zeroThreshold
        Self.copy(point.positive, to: &positive)
        Self.copy(point.negative, to: &negative)
        sum = point.sum
        hasSum = point.hasSum
        exemplars.merge(point.exemplars)
    }

    /// Adds `other`, at the lower of both scales and the wider of both zero buckets.
    mutating func add(_ other: ExponentialState) {
        guard other.scale >= scale else {
            downscale(to: other.scale)
            return add(other)
        }
        var other = other
        other.downscale(to: scale)
        while positive.span(with: other.positive) > Int64(Self.maxBuckets)
            || negative.span(with: other.negative) > Int64(Self.maxBuckets)
        {
            guard scale > Self.scales.lowerBound else { break }
            downscale(to: scale - 1)
            other.downscale(to: scale)
        }
        widenZero(with: &other)
        zeroCount = HistogramState.limited(zeroCount, other.zeroCount)
        positive.add(other.positive)
        negative.add(other.negative)
        sum += other.sum
        if !other.hasSum { hasSum = false }
        exemplars.merge(other.exemplars)
    }

    /// What this has more than `older`, which came before it in the same stream.
    func increase(since older: ExponentialState) -> ExponentialState {
        var newer = self
        var older = older
        let common = min(scale, older.scale)
        newer.downscale(to: common)
        older.downscale(to: common)
        newer.widenZero(with: &older)
        newer.zeroCount -= min(newer.zeroCount, older.zeroCount)
        Self.subtract(older.positive, from: &newer.positive)
        Self.subtract(older.negative, from: &newer.negative)
        newer.sum -= older.sum
        return newer
    }

    mutating func downscale(to target: Int32) {
        guard target < scale else { return }
        positive.downscale(by: scale - target)
        negative.downscale(by: scale - target)
        scale = target
    }

    /// Gives both the wider zero bucket; what lies in it, in whole or in part, goes into it.
    private mutating func widenZero(with other: inout ExponentialState) {
        guard zeroThreshold != other.zeroThreshold else { return }
        // A bucket that the wider threshold cuts moves the threshold up to its own upper bound,
        // which may cut a bucket of the other one: twice is enough, since both share one scale.
        for _ in 0..<2 {
            let threshold = max(zeroThreshold, other.zeroThreshold)
            absorbIntoZero(below: threshold)
            other.absorbIntoZero(below: max(threshold, zeroThreshold))
        }
        let threshold = max(zeroThreshold, other.zeroThreshold)
        zeroThreshold = threshold
        other.zeroThreshold = threshold
    }

    private mutating func absorbIntoZero(below threshold: Double) {
        zeroThreshold = max(zeroThreshold, threshold)
        zeroCount = HistogramState.limited(
            zeroCount, Self.absorb(&positive, scale, below: &zeroThreshold))
        zeroCount = HistogramState.limited(
            zeroCount, Self.absorb(&negative, scale, below: &zeroThreshold))
    }

    /// Takes off the buckets that begin below `threshold`, which rises to the end of the last one
    /// that was not empty; answers what they held.
    private static func absorb(
        _ side: inout ExponentialSide, _ scale: Int32, below threshold: inout Double
    ) -> UInt64 {
        var taken: UInt64 = 0
        var number = 0
        while number < side.counts.count {
            let index = Int64(side.offset) + Int64(number)
            guard lowerBound(index, scale) < threshold else { break }
            if side.counts[number] > 0 {
                threshold = max(threshold, lowerBound(index + 1, scale))
                taken = HistogramState.limited(taken, side.counts[number])
            }
            number += 1
        }
        side.counts.removeFirst(number)
        side.offset = Int32(clamping: Int64(side.offset) + Int64(number))
        return taken
    }

    /// base^index, base being 2^(2^-scale).
    private static func lowerBound(_ index: Int64, _ scale: Int32) -> Double {
        exp2(Double(index) * exp2(Double(-scale)))
    }

    private static func isPossible(_ side: ExponentialSide, _ scale: Int32) -> Bool {
        guard !side.counts.isEmpty else { return true }
        let shift = Int64(max(scale, 0))
        let last = Int64(side.offset) + Int64(side.counts.count)
        return Int64(side.offset) >= -1_200 << shift && last <= 1_200 << shift
    }

    private static func copy(_ source: ExponentialSide, to target: inout ExponentialSide) {
        target.offset = source.offset
        target.counts.removeAll(keepingCapacity: true)
        target.counts.append(contentsOf: source.counts)
    }

    private static func subtract(
        _ older: ExponentialSide, from newer: inout ExponentialSide
    ) {
        for index in newer.counts.indices {
            let place = Int64(newer.offset) + Int64(index) - Int64(older.offset)
            guard place >= 0, place < Int64(older.counts.count) else { continue }
            newer.counts[index] -= min(newer.counts[index], older.counts[Int(place)])
        }
        newer.trim()
    }
}
