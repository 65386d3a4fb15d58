import Glibc

/// The positive buckets of a base-2 exponential histogram, as an SDK keeps them: as fine as fits
/// into 160 buckets, and coarser for good once it does not.
///
/// Bucket `i` at scale `s` holds values above 2^(i·2^-s) up to 2^((i+1)·2^-s). OTLP metrics data
/// model, "ExponentialHistogram".
struct ExponentialCounts: Sendable, Equatable {
    private(set) var scale: Int32 = 20
    /// The index of the first bucket.
    private(set) var offset = 0
    private(set) var counts: [UInt64] = []
    private(set) var zeroCount: UInt64 = 0

    static let maxBuckets = 160

    /// Counts a finite value; what is not above zero goes to the zero bucket.
    mutating func add(_ value: Double) {
        guard value > 0 else {
            zeroCount += 1
            return
        }
        var index = Self.index(of: value, scale: scale)
        while !fits(index) {
            halve()
            index >>= 1
        }
        place(index)
    }

    private func fits(_ index: Int) -> Bool {
        counts.isEmpty
            || max(index, offset + counts.count - 1) - min(index, offset) < Self.maxBuckets
    }

    private mutating func place(_ index: Int) {
        if counts.isEmpty {
            offset = index
            counts = [0]
        } else if index < offset {
            counts.insert(contentsOf: repeatElement(0, count: offset - index), at: 0)
            offset = index
        } else if index >= offset + counts.count {
            counts.append(contentsOf: repeatElement(0, count: index - offset - counts.count + 1))
        }
        counts[index - offset] += 1
    }

    /// One scale down: buckets 2i and 2i+1 become bucket i.
    private mutating func halve() {
        scale -= 1
        guard !counts.isEmpty else { return }
        let first = offset >> 1
        var merged = [UInt64](
            repeating: 0, count: ((offset + counts.count - 1) >> 1) - first + 1)
        for (position, count) in counts.enumerated() {
            merged[((offset + position) >> 1) - first] += count
        }
        (offset, counts) = (first, merged)
    }

    private static func index(of value: Double, scale: Int32) -> Int {
        Int(ceil(scalbn(log2(value), scale))) - 1
    }
}
