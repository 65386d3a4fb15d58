/// An OTLP unit as the words that a Prometheus name ends in.
struct UnitWords {
    /// `seconds` of `s`, `requests` of `requests/s`; empty for none.
    private(set) var main = ""
    /// `per_second` of `requests/s`; empty for none.
    private(set) var per = ""

    /// A part with braces, an annotation, has no word; one that is not in the tables stands for
    /// itself.
    init(_ unit: String) {
        let parts = unit.utf8.split(
            separator: 0x2F, maxSplits: 1, omittingEmptySubsequences: false
        ).map { String(decoding: $0, as: UTF8.self) }
        if let part = parts.first { main = Self.legal(Self.word(part, Self.words)) }
        if parts.count > 1 {
            let word = Self.word(parts[1], Self.perWords)
            if !word.isEmpty { per = Self.perSuffix(word) }
        }
    }

    /// The unit for the UNIT line; nil for none.
    var metadata: String? {
        if per.isEmpty { return main.isEmpty ? nil : main }
        return main.isEmpty ? per : main + "_" + per
    }

    private static func perSuffix(_ word: String) -> String {
        var result = legal("per_" + word)
        if result == "per_" { return "" }
        if result.hasSuffix("_") { result.removeLast() }
        return result
    }

    private static func word(_ part: String, _ table: [String: String]) -> String {
        let part = trimmed(part)
        if part.isEmpty || part.utf8.contains(0x7B) || part.utf8.contains(0x7D) { return "" }
        return table[part] ?? part
    }

    private static func trimmed(_ text: String) -> String {
        func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte >= 0x09 && byte <= 0x0D }
        var bytes = Substring(text).utf8
        while let first = bytes.first, isBlank(first) { bytes.removeFirst() }
        while let last = bytes.last, isBlank(last) { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Illegal characters as `_`, runs of `_` as one, none in front.
    private static func legal(_ text: String) -> String {
        var result: [UInt8] = []
        for byte in text.utf8 {
            if isAlphanumeric(byte) || byte == 0x3A {
                result.append(byte)
            } else if let last = result.last, last != 0x5F {
                result.append(0x5F)
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static let words = [
        "d": "days", "h": "hours", "min": "minutes", "s": "seconds", "ms": "milliseconds",
        "us": "microseconds", "ns": "nanoseconds",
        "By": "bytes", "KiBy": "kibibytes", "MiBy": "mebibytes", "GiBy": "gibibytes",
        "TiBy": "tibibytes", "KBy": "kilobytes", "kBy": "kilobytes", "MBy": "megabytes",
        "GBy": "gigabytes", "TBy": "terabytes",
        "m": "meters", "V": "volts", "A": "amperes", "J": "joules", "W": "watts", "g": "grams",
        "Cel": "celsius", "Hz": "hertz", "1": "", "%": "percent",
    ]

    private static let perWords = [
        "s": "second", "m": "minute", "h": "hour", "d": "day", "w": "week", "mo": "month",
        "y": "year",
    ]
}
