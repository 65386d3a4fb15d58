/// Numbers as the text formats want them: shortest that read back to the same value.
extension ExpositionBuffer {
    /// A sample value: `12`, `0.25`, `1e-07`, `NaN`, `+Inf`, `-Inf`.
    @inline(__always)
    mutating func appendFloat(_ value: Double) {
        if value >= 0, value < 9_007_199_254_740_992 {
            let whole = UInt64(value)
            if Double(whole) == value { return appendDecimal(whole) }
        }
        appendFraction(value)
    }

    @inline(never)
    private mutating func appendFraction(_ value: Double) {
        guard value.isFinite else {
            return append(value.isNaN ? "NaN" : value > 0 ? "+Inf" : "-Inf" as StaticString)
        }
        if value < 0 {
            append(0x2D)
            return appendFloat(-value)
        }
        // A decimal of at most 15 digits that reads back to `value` is the shortest one.
        if value >= 1e-4, value < 1e9 {
            let scaled = (value * 1e6).rounded()
            if scaled / 1e6 == value { return appendMicro(UInt64(scaled)) }
        }
        append(value.description)
    }

    /// `millionths` / 10^6 without trailing zeros.
    private mutating func appendMicro(_ millionths: UInt64) {
        appendDecimal(millionths / 1_000_000)
        appendDecimals(millionths % 1_000_000, width: 6)
    }

    /// `.` and `value` with leading zeros up to `width` digits and no trailing ones; nothing for 0.
    private mutating func appendDecimals(_ value: UInt64, width: Int) {
        guard value > 0 else { return }
        append(0x2E)
        var rest = value
        var missing = width
        while rest % 10 == 0 {
            rest /= 10
            missing -= 1
        }
        for _ in 0..<(missing - decimalDigits(rest)) { append(0x30) }
        appendDecimal(rest)
    }

    /// Unix seconds, exact.
    mutating func appendSeconds(unixNano: UInt64) {
        appendDecimal(unixNano / 1_000_000_000)
        appendDecimals(unixNano % 1_000_000_000, width: 9)
    }

    /// A bound or quantile, as Go's shortest `%g` writes it, which is what Prometheus' own clients
    /// write and what Prometheus makes of protobuf bounds: with an exponent below 1e-4 and from
    /// 1e6 on. Canonical: `.0` where there is neither point nor exponent. Not hot: see `BoundTexts`.
    mutating func appendBound(_ value: Double, isCanonical: Bool) {
        let start = count
        appendFloat(value)
        guard value.isFinite else { return }
        let number = DecimalDigits(reading: copy(from: start))
        truncate(to: start)
        if value < 0 { append(0x2D) }
        let exponent = number.point - 1
        if value != 0, exponent < -4 || exponent >= 6 {
            return appendScientific(number.digits, exponent: exponent)
        }
        appendPlain(number)
        if isCanonical, number.digits.count <= number.point { append(".0" as StaticString) }
    }

    private mutating func appendScientific(_ digits: [UInt8], exponent: Int) {
        append(digits[0])
        if digits.count > 1 {
            append(0x2E)
            append(digits.span.extracting(1...))
        }
        append(exponent < 0 ? "e-" : "e+" as StaticString)
        if exponent.magnitude < 10 { append(0x30) }
        appendDecimal(UInt64(exponent.magnitude))
    }

    private mutating func appendPlain(_ number: DecimalDigits) {
        if number.point <= 0 {
            append("0." as StaticString)
            for _ in 0..<(-number.point) { append(0x30) }
            return append(number.digits)
        }
        for (place, digit) in number.digits.enumerated() {
            if place == number.point { append(0x2E) }
            append(digit)
        }
        for _ in 0..<max(0, number.point - number.digits.count) { append(0x30) }
    }
}

/// A decimal number taken apart: 0.digits × 10^point, without leading and trailing zeros.
private struct DecimalDigits {
    /// ASCII; a single 0 for zero.
    var digits: [UInt8] = []
    var point = 0

    /// Reads `12.5`, `-0.001`, `1.5e-07` as the writers above make them.
    init(reading text: [UInt8]) {
        var isFraction = false
        var exponent: Int?
        var isNegativeExponent = false
        for byte in text {
            switch byte {
            case 0x30...0x39:
                if let value = exponent {
                    exponent = value &* 10 &+ Int(byte - 0x30)
                } else if digits.isEmpty, byte == 0x30 {
                    if isFraction { point -= 1 }
                } else {
                    digits.append(byte)
                    if !isFraction { point += 1 }
                }
            case 0x2E: isFraction = true
            case 0x65: exponent = 0
            case 0x2D: isNegativeExponent = exponent != nil
            default: break
            }
        }
        if let exponent { point += isNegativeExponent ? -exponent : exponent }
        while digits.last == 0x30 { digits.removeLast() }
        if digits.isEmpty {
            digits = [0x30]
            point = 1
        }
    }
}
