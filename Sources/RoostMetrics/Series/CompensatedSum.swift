/// A sum of doubles that comes out the same however they are ordered and grouped.
///
/// `rounded` is the double nearest to the sum, and `lost` what that rounding took off. Together they
/// hold twice the digits of a double, so a total that its parts make up anew does not fall by a unit
/// in the last place, which Prometheus would take for a reset. Knuth, The Art of Computer
/// Programming, 4.2.2, theorem B.
struct CompensatedSum {
    private(set) var rounded = 0.0
    private var lost = 0.0

    mutating func add(_ value: Double) {
        let (sum, error) = Self.sum(rounded, value)
        let (rounded, lost) = Self.sum(sum, error + self.lost)
        // Past the largest double, and of what is no number, nothing can be told of the loss.
        let isTold = lost.isFinite
        self.rounded = isTold ? rounded : self.rounded + value
        self.lost = isTold ? lost : 0
    }

    mutating func add(_ other: CompensatedSum) {
        add(other.rounded)
        add(other.lost)
    }

    mutating func subtract(_ value: Double) { add(-value) }

    /// The rounded sum and, without an error of its own, what it lacks.
    private static func sum(_ left: Double, _ right: Double) -> (rounded: Double, lost: Double) {
        let rounded = left + right
        let part = rounded - left
        return (rounded, (left - (rounded - part)) + (right - part))
    }
}
