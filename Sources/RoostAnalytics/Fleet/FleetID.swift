import RoostCore

/// Ids of traces and spans as text.
public enum FleetID {
    /// A trace id: 32 hexadecimal digits.
    public static func text(_ high: UInt64, _ low: UInt64) -> String { text(high) + text(low) }

    /// A span id: 16 hexadecimal digits.
    public static func text(_ id: UInt64) -> String {
        var digits: [UInt8] = []
        digits.reserveCapacity(16)
        for place in 0..<16 {
            digits.append(hexDigit(UInt8(truncatingIfNeeded: id >> UInt64(60 - place * 4)) & 15))
        }
        return String(decoding: digits, as: UTF8.self)
    }

    /// The two halves of a trace id of 32 hexadecimal digits; nil when it is none.
    public static func traceID(_ text: some StringProtocol) -> (high: UInt64, low: UInt64)? {
        guard text.utf8.count == 32 else { return nil }
        var (high, low): (UInt64, UInt64) = (0, 0)
        for byte in text.utf8 {
            let digit: UInt8
            switch byte {
            case 0x30...0x39: digit = byte - 0x30
            case 0x41...0x46: digit = byte - 0x37
            case 0x61...0x66: digit = byte - 0x57
            default: return nil
            }
            high = high << 4 | low >> 60
            low = low << 4 | UInt64(digit)
        }
        return (high, low)
    }
}
