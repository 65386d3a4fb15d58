/// A JSON number as read: `mantissa` × 10^`exponent`, signed.
struct JSONNumber {
    var start = 0
    var end = 0
    var isNegative = false
    var mantissa: UInt64 = 0
    var exponent = 0
    /// The mantissa takes no more digits; the exponent counts those that come.
    var isFull = false
    /// Digits other than zero did not fit the mantissa.
    var isCut = false

    /// Longer numbers are refused; an exact double has at most 767 digits.
    static let maxBytes = 1_024

    /// Exactly this integer, nil if it has a fraction or does not fit.
    var magnitude: UInt64? {
        if isCut { return nil }
        var value = mantissa
        if value == 0 { return 0 }
        var rest = exponent
        while rest > 0 {
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            if overflow { return nil }
            value = product
            rest -= 1
        }
        while rest < 0 {
            let (quotient, remainder) = value.quotientAndRemainder(dividingBy: 10)
            if remainder != 0 { return nil }
            value = quotient
            rest += 1
        }
        return value
    }

    /// As a signed integer.
    var signed: Int64? {
        guard let magnitude else { return nil }
        guard isNegative else { return Int64(exactly: magnitude) }
        return magnitude <= 1 << 63 ? Int64(truncatingIfNeeded: 0 &- magnitude) : nil
    }

    /// As an unsigned integer; minus zero is zero.
    var unsigned: UInt64? {
        guard let magnitude, !isNegative || magnitude == 0 else { return nil }
        return magnitude
    }
}

extension JSONCursor {
    /// Reads a number. What follows it is judged by the next step. RFC 8259, section 6.
    mutating func number() throws(JSONFault) -> JSONNumber {
        var number = JSONNumber()
        number.start = offset
        number.isNegative = take(UInt8(ascii: "-"))
        guard let first = digit() else { throw unexpected(wanted: "a value") }
        append(first, to: &number)
        if first != 0 {
            while let next = digit() { append(next, to: &number) }
        }
        if take(UInt8(ascii: ".")) {
            guard let first = digit() else { throw unexpected(wanted: "a digit") }
            append(first, to: &number)
            number.exponent -= 1
            while let next = digit() {
                append(next, to: &number)
                number.exponent -= 1
            }
        }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            let isNegative = take(UInt8(ascii: "-"))
            if !isNegative { _ = take(UInt8(ascii: "+")) }
            guard let first = digit() else { throw unexpected(wanted: "a digit") }
            var exponent = Int(first)
            // Far beyond any double, and no digits of the mantissa can bring it back.
            while let next = digit() { exponent = min(exponent * 10 + Int(next), 1_000_000) }
            number.exponent += isNegative ? -exponent : exponent
        }
        number.end = offset
        guard number.end - number.start <= JSONNumber.maxBytes else {
            throw JSONFault(
                "a number of more than \(JSONNumber.maxBytes) characters", at: number.start)
        }
        return number
    }

    /// The nearest double, infinite when there is none.
    func double(_ number: JSONNumber) -> Double {
        if number.mantissa == 0 && !number.isCut { return number.isNegative ? -0.0 : 0.0 }
        // Both factors are exact, so the one rounding is the right one.
        if !number.isCut, number.mantissa <= 1 << 53, abs(number.exponent) <= 22 {
            let mantissa = Double(number.mantissa)
            let power = powersOfTen[abs(number.exponent)]
            let value = number.exponent < 0 ? mantissa / power : mantissa * power
            return number.isNegative ? -value : value
        }
        let text = unsafe String(
            decoding: UnsafeBufferPointer(
                start: bytes + number.start, count: number.end - number.start),
            as: UTF8.self)
        return Double(text) ?? .infinity
    }

    @inline(__always)
    private mutating func digit() -> UInt8? {
        guard let byte = peek() else { return nil }
        let value = byte &- UInt8(ascii: "0")
        guard value < 10 else { return nil }
        advance(1)
        return value
    }

    @inline(__always)
    private func append(_ digit: UInt8, to number: inout JSONNumber) {
        if number.mantissa < 1_000_000_000_000_000_000 && !number.isFull {
            number.mantissa = number.mantissa &* 10 &+ UInt64(digit)
        } else {
            appendWide(digit, to: &number)
        }
    }

    /// From the twentieth digit on, which may be one too many.
    @inline(never)
    private func appendWide(_ digit: UInt8, to number: inout JSONNumber) {
        if !number.isFull {
            let (product, isTooLarge) = number.mantissa.multipliedReportingOverflow(by: 10)
            let (sum, overflow) = product.addingReportingOverflow(UInt64(digit))
            if !isTooLarge && !overflow {
                number.mantissa = sum
                return
            }
            number.isFull = true
        }
        if digit != 0 { number.isCut = true }
        number.exponent += 1
    }
}

private let powersOfTen: [Double] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
]
