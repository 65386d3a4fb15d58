/// Bytes from `512MiB`, `64kB`, `1GiB` or a bare number; nil when it is none or does not fit.
func parseSize(_ text: String) -> Int? {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    guard let number = Int(digits) else { return nil }
    let unit = text.dropFirst(digits.count).drop { $0 == " " }
    let factors: [String: Int] = [
        "": 1, "b": 1, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40,
        "kb": 1000, "mb": 1_000_000, "gb": 1_000_000_000, "tb": 1_000_000_000_000,
    ]
    guard let factor = factors[unit.lowercased()] else { return nil }
    let (bytes, overflow) = number.multipliedReportingOverflow(by: factor)
    return overflow ? nil : bytes
}

/// The shortest exact text that `parseSize` reads as `bytes`.
func sizeText(_ bytes: Int) -> String {
    for (unit, shift) in [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)]
    where bytes > 0 && bytes & ((1 << shift) - 1) == 0 {
        return "\(bytes >> shift)\(unit)"
    }
    return "\(bytes)"
}

private let durationUnits: [(name: String, nanoseconds: Int)] = [
    ("d", 86_400_000_000_000), ("h", 3_600_000_000_000), ("m", 60_000_000_000),
    ("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1000), ("ns", 1),
]

/// A time span from `10s`, `200ms`, `7d`, `1h30m` or `0`; nil when it is none or above 290 years.
package func parseDuration(_ text: String) -> Duration? {
    guard text != "0" else { return .zero }
    var total = 0
    var rest = text[...]
    repeat {
        let digits = rest.prefix { $0.isASCII && $0.isNumber }
        rest = rest.dropFirst(digits.count)
        let unit = rest.prefix { !$0.isNumber }
        rest = rest.dropFirst(unit.count)
        guard let number = Int(digits),
            let factor = durationUnits.first(where: { $0.name == unit })?.nanoseconds
        else { return nil }
        let (part, tooLarge) = number.multipliedReportingOverflow(by: factor)
        let (sum, overflow) = total.addingReportingOverflow(part)
        guard !tooLarge, !overflow else { return nil }
        total = sum
    } while !rest.isEmpty
    return .nanoseconds(total)
}

/// The shortest text of one number and unit that `parseDuration` reads as `duration`.
func durationText(_ duration: Duration) -> String {
    let (seconds, attoseconds) = duration.components
    let (whole, overflow) = Int(seconds).multipliedReportingOverflow(by: 1_000_000_000)
    guard !overflow, whole <= .max - 1_000_000_000 else { return "\(seconds)s" }
    let nanoseconds = whole + Int(attoseconds / 1_000_000_000)
    guard nanoseconds != 0 else { return "0s" }
    let unit = durationUnits.first { nanoseconds % $0.nanoseconds == 0 }
    guard let unit else { return "\(nanoseconds)ns" }
    return "\(nanoseconds / unit.nanoseconds)\(unit.name)"
}
