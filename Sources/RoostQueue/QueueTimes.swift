/// How long things took, in buckets.
public struct QueueTimes: Equatable, Sendable {
    /// Upper bounds in seconds, ascending; what is above the last has a bucket of its own.
    public static let bounds = [
        0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
    ]

    /// One more than there are bounds.
    public private(set) var counts = [UInt64](repeating: 0, count: bounds.count + 1)
    public private(set) var sumSeconds = 0.0

    public init() {}

    mutating func add(nanoseconds: UInt64) {
        let seconds = Double(nanoseconds) * 1e-9
        counts[Self.bounds.firstIndex { seconds <= $0 } ?? Self.bounds.count] += 1
        sumSeconds += seconds
    }
}
