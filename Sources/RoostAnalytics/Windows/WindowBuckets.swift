import Glibc

/// Buckets for durations whose bounds grow by the same share, so that the value told for a bucket
/// is never more than 1 % away from any value in it.
///
/// 38 buckets for each doubling, from 1,024 ns to 2^48 ns (78 hours); what is shorter stands in
/// bucket 0, what is longer in the last one. The bounds are rounded to the upper ten bits of a
/// value's fraction, so that the bucket is found by a look into a table.
enum WindowBuckets {
    static let perDoubling = 38
    static let count = 38 * perDoubling + 1

    private static let lowestPower = 10
    private static let highestPower = 47

    /// The bucket within a doubling, by the ten bits that follow a value's leading one.
    private static let places: [UInt8] = (0..<1024).map { fraction in
        UInt8(min(perDoubling - 1, Int(log2(1 + Double(fraction) / 1024) * Double(perDoubling))))
    }

    /// The value told for each bucket: as far from its lower bound as from its upper one, by share.
    private static let values: [Double] = {
        var values = [512.0]
        for power in lowestPower...highestPower {
            let unit = exp2(Double(power))
            for place in 0..<perDoubling {
                let first = places.firstIndex(of: UInt8(place)) ?? 0
                let last = places.lastIndex(of: UInt8(place)) ?? 0
                let (low, high) = (1 + Double(first) / 1024, 1 + Double(last + 1) / 1024)
                values.append(unit * 2 * low * high / (low + high))
            }
        }
        return values
    }()

    /// The tables themselves, for whoever asks often.
    struct Table: Sendable {
        private let places = WindowBuckets.places

        @inline(__always)
        func bucket(_ nanoseconds: UInt64) -> Int {
            if nanoseconds < 1024 { return 0 }
            let power = 63 &- nanoseconds.leadingZeroBitCount
            if power > highestPower { return count - 1 }
            let fraction = Int(truncatingIfNeeded: nanoseconds &>> UInt64(power &- 10)) & 1023
            return (power &- lowestPower) &* perDoubling &+ Int(places[fraction]) &+ 1
        }
    }

    /// Nanoseconds.
    static func value(_ bucket: Int) -> Double {
        values[max(0, min(bucket, count - 1))]
    }
}
