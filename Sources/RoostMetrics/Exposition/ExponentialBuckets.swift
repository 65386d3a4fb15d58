import Glibc

/// One side of an exponential histogram. Bucket i holds (base^(offset+i), base^(offset+i+1)].
struct ExponentialBuckets {
    /// The index of the first count that is not 0; the counts begin and end with one that is not.
    let offset: Int
    let counts: [UInt64]
    /// All counts together.
    let total: UInt64

    init(offset: Int32, counts: Span<UInt64>) {
        var first = 0
        while first < counts.count, counts[first] == 0 { first += 1 }
        var end = counts.count
        while end > first, counts[end - 1] == 0 { end -= 1 }
        var kept: [UInt64] = []
        kept.reserveCapacity(end - first)
        var total: UInt64 = 0
        for index in first..<end {
            kept.append(counts[index])
            total = saturatingSum(total, counts[index])
        }
        self.init(offset: Int(offset) + first, counts: kept, total: total)
    }

    private init(offset: Int, counts: [UInt64], total: UInt64) {
        self.offset = offset
        self.counts = counts
        self.total = total
    }

    var isEmpty: Bool { counts.isEmpty }

    /// How many buckets there are once the scale is `steps` lower.
    func width(merging steps: Int) -> Int {
        isEmpty ? 0 : ((offset + counts.count - 1) >> steps) - (offset >> steps) + 1
    }

    /// The same at a scale that is `steps` lower: 2^steps neighbours become one bucket.
    func merged(_ steps: Int) -> ExponentialBuckets {
        guard steps > 0, !isEmpty else { return self }
        let first = offset >> steps
        var merged = [UInt64](repeating: 0, count: width(merging: steps))
        for (index, count) in counts.enumerated() {
            let place = ((offset + index) >> steps) - first
            merged[place] = saturatingSum(merged[place], count)
        }
        return ExponentialBuckets(offset: first, counts: merged, total: total)
    }
}

/// An exponential histogram as a classic one, with as many of its own bounds as fit into 40.
struct ClassicBuckets {
    static let mostBounds = 40

    /// Ascending and finite.
    private(set) var bounds: [Double] = []
    /// One more than bounds.
    private(set) var counts: [UInt64] = []

    init(
        scale: Int32, zeroCount: UInt64, zeroThreshold: Double, positive: ExponentialBuckets,
        negative: ExponentialBuckets
    ) {
        // Besides a bound for each bucket: where the zero bucket ends, where the first positive
        // bucket begins, and where the last negative one ends.
        let spare = 3
        var steps = 0
        while steps < 63,
            positive.width(merging: steps) + negative.width(merging: steps)
                > Self.mostBounds - spare
        {
            steps += 1
        }
        let exponent = Exponent(scale: Int(scale) - steps)
        addNegative(negative.merged(steps), exponent)
        if zeroCount > 0 || !negative.isEmpty {
            add(bound: zeroThreshold > 0 ? zeroThreshold : 0, zeroCount)
        }
        addPositive(positive.merged(steps), exponent)
        // What lies above the last bound that is finite.
        counts.append(rest)
    }

    /// Counts whose own bound could not be shown; they go into the next bucket that has one.
    private var rest: UInt64 = 0

    private mutating func add(bound: Double, _ count: UInt64) {
        rest = saturatingSum(rest, count)
        guard bound.isFinite, bound > bounds.last ?? -.infinity else { return }
        bounds.append(bound)
        counts.append(rest)
        rest = 0
    }

    /// From the most negative bucket up: [-base^(i+1), -base^i).
    private mutating func addNegative(_ buckets: ExponentialBuckets, _ exponent: Exponent) {
        for index in buckets.counts.indices.reversed() {
            add(bound: -exponent.lowerBound(buckets.offset + index), buckets.counts[index])
        }
    }

    private mutating func addPositive(_ buckets: ExponentialBuckets, _ exponent: Exponent) {
        guard !buckets.isEmpty else { return }
        add(bound: exponent.lowerBound(buckets.offset), 0)
        for index in buckets.counts.indices {
            add(bound: exponent.lowerBound(buckets.offset + index + 1), buckets.counts[index])
        }
    }
}

/// The bounds of a scale.
private struct Exponent {
    private let perIndex: Double

    /// Below -11 one bucket spans all numbers on its side of 1, above 52 neighbours are one number.
    init(scale: Int) { perIndex = exp2(Double(-min(max(scale, -11), 60))) }

    /// base^index: 0 or infinite where a Double ends.
    func lowerBound(_ index: Int) -> Double { exp2(Double(index) * perIndex) }
}
