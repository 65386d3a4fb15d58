import Glibc

/// Numbers and counts as people write them. English, with units, no locale.
enum Wording {
    /// `1 call`, `12,345 calls`.
    static func count(_ number: Int, _ singular: String, _ plural: String? = nil) -> String {
        integer(number) + " " + (number == 1 ? singular : plural ?? singular + "s")
    }

    /// Thousands are set apart from 10,000 on.
    static func integer(_ number: Int) -> String {
        let digits = Array(String(number.magnitude).utf8)
        guard digits.count > 4 else { return String(number) }
        var text: [UInt8] = number < 0 ? [0x2D] : []
        for (at, digit) in digits.enumerated() {
            if at > 0, (digits.count - at) % 3 == 0 { text.append(0x2C) }
            text.append(digit)
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// A number with so many decimals; what is too large for that, or no number, is told plainly.
    static func fixed(_ number: Double, _ decimals: Int) -> String {
        guard number.isFinite else { return number.isNaN ? "unknown" : "without bound" }
        let scale = pow(10, Double(decimals))
        let scaled = (abs(number) * scale).rounded()
        guard scaled < 1e15 else { return "\(number)" }
        let whole = Int(scaled / scale)
        let rest = Int(scaled) - whole * Int(scale)
        let sign = number < 0 && scaled > 0 ? "-" : ""
        guard decimals > 0 else { return sign + integer(whole) }
        let digits = String(rest)
        let zeros = String(repeating: "0", count: max(0, decimals - digits.count))
        return sign + integer(whole) + "." + zeros + digits
    }

    /// About three digits: `0.42`, `4.2`, `42`, `4,200`. No trailing zeros.
    static func number(_ number: Double) -> String {
        let size = abs(number)
        if size == size.rounded() || size >= 100 || !size.isFinite { return fixed(number, 0) }
        let decimals = size >= 10 ? 1 : size >= 1 ? 2 : size >= 0.01 ? 3 : 6
        return trimmed(fixed(number, decimals))
    }

    /// A share of 0 to 1 as `62 %`; small ones with a decimal.
    static func percent(_ share: Double) -> String {
        let value = share * 100
        if value > 0, value < 0.1 { return "under 0.1 %" }
        if value >= 99.5, value < 100 { return "over 99 %" }
        return (value > 0 && value < 10 ? trimmed(fixed(value, 1)) : fixed(value, 0)) + " %"
    }

    /// `850 ms`, `4.2 s`, `3 min 20 s`, `2 h 5 min`.
    static func duration(_ seconds: Double) -> String {
        guard seconds.isFinite, abs(seconds) < 1e12 else { return "an unknown time" }
        if seconds < 0.0005 { return seconds <= 0 ? "0 s" : "under 1 ms" }
        if seconds < 0.9995 { return fixed(seconds * 1_000, 0) + " ms" }
        if seconds < 9.95 { return trimmed(fixed(seconds, 1)) + " s" }
        if seconds < 99.5 { return fixed(seconds, 0) + " s" }
        let whole = Int(seconds.rounded())
        if whole < 3_600 { return two(whole / 60, "min", whole % 60, "s") }
        let minutes = Int((seconds / 60).rounded())
        if minutes < 2_880 { return two(minutes / 60, "h", minutes % 60, "min") }
        let hours = Int((seconds / 3_600).rounded())
        return two(hours / 24, "d", hours % 24, "h")
    }

    /// US dollars: cents from one cent on, below that two digits that say something.
    static func dollars(_ amount: Double) -> String {
        guard amount.isFinite else { return "an unknown amount" }
        let size = abs(amount)
        if size == 0 { return "$0" }
        if size >= 0.01 { return "$" + fixed(amount, 2) }
        if size < 0.000_001 { return "under $0.000001" }
        return "$" + trimmed(fixed(amount, size >= 0.001 ? 4 : 6))
    }

    static func tokens(_ number: Double) -> String {
        if number >= 1e9 { return fixed(number / 1e9, 1) + " billion tokens" }
        if number >= 1e6 { return fixed(number / 1e6, 1) + " million tokens" }
        return count(Int(max(0, min(number, 1e6)).rounded()), "token")
    }

    /// `the last hour`, `the last 24 hours`.
    static func window(_ seconds: Int) -> String {
        switch seconds {
        case 3_600: "the last hour"
        case 86_400: "the last 24 hours"
        default: "the last " + duration(Double(seconds))
        }
    }

    /// `a`, `a and b`, `a, b and c`.
    static func list(_ words: [String]) -> String {
        guard let last = words.last, words.count > 1 else { return words.first ?? "" }
        return words.dropLast().joined(separator: ", ") + " and " + last
    }

    private static func two(_ large: Int, _ unit: String, _ small: Int, _ part: String) -> String {
        small == 0 ? "\(large) \(unit)" : "\(large) \(unit) \(small) \(part)"
    }

    private static func trimmed(_ text: String) -> String {
        guard text.contains(".") else { return text }
        var text = text
        while text.hasSuffix("0") { text.removeLast() }
        if text.hasSuffix(".") { text.removeLast() }
        return text
    }
}
