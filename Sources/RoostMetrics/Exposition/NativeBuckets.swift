/// One side of a native histogram: runs of buckets and the steps from count to count.
///
/// Prometheus' index is OTLP's plus one, because it names a bucket by its upper bound.
struct NativeBuckets {
    /// A schema is a scale from -4 to 8.
    static let leastSchema: Int32 = -4
    static let greatestSchema: Int32 = 8

    /// A run of buckets: how far behind the last run (or from 0) it begins, and its length.
    private(set) var spans: [(offset: Int32, length: UInt32)] = []
    private(set) var deltas: [Int64] = []

    init(_ buckets: ExponentialBuckets) {
        var previous: UInt64 = 0
        var next = 0
        for (place, count) in buckets.counts.enumerated() where count > 0 {
            let index = buckets.offset + place + 1
            // A gap of one costs less as an empty bucket than as another span.
            if !spans.isEmpty, index == next + 1 {
                append(0, after: &previous)
            } else if spans.isEmpty || index > next {
                spans.append((Int32(clamping: index - next), 0))
            }
            append(count, after: &previous)
            next = index + 1
        }
    }

    private mutating func append(_ count: UInt64, after previous: inout UInt64) {
        deltas.append(Int64(bitPattern: count &- previous))
        spans[spans.count - 1].length &+= 1
        previous = count
    }
}
