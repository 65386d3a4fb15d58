/// A number as decimal digits write it, to tell whether two texts mean the same.
///
/// Zeros at either end mean nothing, so `1.50e1` and `15` are equal.
struct DecimalNumber: Equatable {
    private let isNegative: Bool
    /// From the first that is not 0 to the last that is not.
    private let digits: [UInt8]
    /// Of ten, behind the last digit.
    private let exponent: Int

    /// `text` is a JSON number. Nil when its exponent is beyond all measure.
    init?(_ text: some Collection<UInt8>) {
        let parts = text.split(maxSplits: 1, omittingEmptySubsequences: false) {
            $0 | 0x20 == UInt8(ascii: "e")
        }
        let mantissa = parts[0].drop { $0 == UInt8(ascii: "-") }
        let whole = mantissa.prefix { $0 != UInt8(ascii: ".") }
        let figures = mantissa.filter { $0 != UInt8(ascii: ".") }
        var digits = Array(figures.drop { $0 == UInt8(ascii: "0") })
        var exponent = whole.count - figures.count
        while digits.last == UInt8(ascii: "0") {
            digits.removeLast()
            exponent += 1
        }
        guard !digits.isEmpty else {
            (isNegative, self.digits, self.exponent) = (false, [], 0)
            return
        }
        if parts.count > 1 {
            let power = String(decoding: parts[1], as: UTF8.self)
            guard let power = Int(power), power.magnitude < 1 << 40 else { return nil }
            exponent += power
        }
        isNegative = mantissa.count < parts[0].count
        self.digits = digits
        self.exponent = exponent
    }
}
