import Glibc

/// What a sample of numbers amounts to.
public struct SampleSummary: Sendable, Equatable {
    public var count = 0
    public var average = 0.0
    public var p50 = 0.0
    public var p95 = 0.0
    public var p99 = 0.0

    public init() {}

    /// `sorted` is in ascending order.
    init(sorted: [UInt16]) {
        count = sorted.count
        guard let last = sorted.last else { return }
        average = sorted.reduce(0) { $0 + SampleCode.value($1) } / Double(count)
        func quantile(_ share: Double) -> Double {
            let rank = Int((share * Double(sorted.count)).rounded(.up)) - 1
            return SampleCode.value(rank < sorted.count ? sorted[max(rank, 0)] : last)
        }
        (p50, p95, p99) = (quantile(0.5), quantile(0.95), quantile(0.99))
    }
}

/// Whether two samples of the same thing differ by more than chance. Both sides count.
enum Comparison {
    /// Welch's test on the logarithms, of which durations, tokens and costs are nearly normal.
    /// `ratio` is that of the geometric means.
    static func means(_ old: [UInt16], _ new: [UInt16], offset: Double)
        -> (p: Double, ratio: Double)?
    {
        guard old.count > 2, new.count > 2 else { return nil }
        let (a, b) = (logMoments(old, offset), logMoments(new, offset))
        let (errorA, errorB) = (a.variance / Double(old.count), b.variance / Double(new.count))
        let error = errorA + errorB
        let ratio = exp(b.mean - a.mean)
        // Samples that never vary: what 0.2 % of rounding hides.
        guard error > 1e-12 else { return (abs(ratio - 1) > 0.01 ? 1e-9 : 1, ratio) }
        let t = abs(b.mean - a.mean) / error.squareRoot()
        let freedom =
            error * error
            / (errorA * errorA / Double(old.count - 1) + errorB * errorB / Double(new.count - 1))
        return (min(1, 2 * Likelihood.studentTail(t, freedom: freedom)), ratio)
    }

    private static func logMoments(_ codes: [UInt16], _ offset: Double)
        -> (mean: Double, variance: Double)
    {
        var (sum, squares) = (0.0, 0.0)
        let shift = log(SampleCode.value(codes[codes.count / 2]) + offset)
        for code in codes {
            let value = log(SampleCode.value(code) + offset) - shift
            sum += value
            squares += value * value
        }
        let count = Double(codes.count)
        let variance = max(0, (squares - sum * sum / count) / (count - 1))
        return (shift + sum / count, variance)
    }

    /// Whether the quantile lies elsewhere: how many of either exceed that of both together,
    /// judged by Fisher's exact test. Assumes no distribution. Both in ascending order.
    static func quantile(_ share: Double, _ old: [UInt16], _ new: [UInt16]) -> Double {
        let all = old.count + new.count
        guard !old.isEmpty, !new.isEmpty else { return 1 }
        let cut = merged(old, new, at: min(Int(share * Double(all)), all - 1))
        return shares(above(cut, old), of: old.count, above(cut, new), of: new.count)
    }

    /// Whether hits are as frequent in both.
    static func shares(_ hits: Int, of count: Int, _ newHits: Int, of newCount: Int) -> Double {
        let more = Likelihood.fisherTail(
            hits: newHits, of: newCount, otherHits: hits, of: count)
        let less = Likelihood.fisherTail(
            hits: newCount - newHits, of: newCount, otherHits: count - hits, of: count)
        return min(1, 2 * min(more, less))
    }

    private static func above(_ cut: UInt16, _ sorted: [UInt16]) -> Int {
        var (low, high) = (0, sorted.count)
        while low < high {
            let middle = (low + high) / 2
            if sorted[middle] > cut { high = middle } else { low = middle + 1 }
        }
        return sorted.count - low
    }

    /// The sample of that rank among both.
    private static func merged(_ one: [UInt16], _ other: [UInt16], at rank: Int) -> UInt16 {
        var (a, b) = (0, 0)
        var value: UInt16 = 0
        for _ in 0...max(rank, 0) {
            if b >= other.count || (a < one.count && one[a] <= other[b]) {
                guard a < one.count else { break }
                value = one[a]
                a += 1
            } else {
                value = other[b]
                b += 1
            }
        }
        return value
    }

    /// Adjusts the chances of many tests so that, of those below a limit, no larger share than
    /// the limit is expected to be noise (Benjamini and Hochberg, 1995). In place.
    static func adjust(_ chances: inout [Double]) {
        let order = chances.indices.sorted { chances[$0] > chances[$1] }
        var least = 1.0
        for (from, at) in order.enumerated() {
            let rank = Double(chances.count - from)
            least = min(least, chances[at] * Double(chances.count) / rank)
            chances[at] = least
        }
    }
}
