/// The upper bounds of a duration histogram, made so that finding a bucket costs one look-up and
/// a compare or two.
///
/// Bounds are inclusive above: bucket `i` holds what is over `bounds[i - 1]` and at most
/// `bounds[i]`; one more bucket holds the rest. OpenTelemetry metrics data model, "Histogram".
public struct DurationBounds: Sendable, Equatable {
    /// Seconds, strictly ascending, finite and not negative.
    public let seconds: [Double]
    private let nanoseconds: [UInt64]
    /// For a duration of `n` significant bits, the first bucket that could hold it.
    private let firstBucket: [UInt8]

    /// The bounds of `contract.md`: from 5 ms, where a cache answers, to half an hour, which an
    /// agent may well take.
    public static let standard = DurationBounds(seconds: [
        0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800,
    ])!

    /// Nil unless there are 1 to 64 bounds, strictly ascending, above zero and at most 10⁹ seconds.
    public init?(seconds: [Double]) {
        guard (1...64).contains(seconds.count), seconds.allSatisfy({ $0 > 0 && $0 <= 1e9 }),
            zip(seconds, seconds.dropFirst()).allSatisfy({ $0 < $1 })
        else { return nil }
        self.seconds = seconds
        nanoseconds = seconds.map { UInt64(($0 * 1e9).rounded()) }
        let bounds = nanoseconds
        firstBucket = (0...64).map { bits in
            let least: UInt64 = bits == 0 ? 0 : 1 << UInt64(bits - 1)
            return UInt8(bounds.firstIndex { least <= $0 } ?? bounds.count)
        }
    }

    /// How many buckets there are, the one above the last bound included.
    public var bucketCount: Int { seconds.count + 1 }

    /// The bucket of a duration.
    @inline(__always)
    func bucket(nanoseconds duration: UInt64) -> Int {
        var bucket = Int(firstBucket[64 - duration.leadingZeroBitCount])
        while bucket < nanoseconds.count, duration > nanoseconds[bucket] { bucket += 1 }
        return bucket
    }
}
