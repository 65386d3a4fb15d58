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
}
