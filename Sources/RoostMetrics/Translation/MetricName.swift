/// What a metric is as far as its name goes.
enum NamedKind {
    case counter, gauge, other
}

/// Names of metrics as Prometheus' own translator gives them with underscores and suffixes.
///
/// The rules, beyond the OpenTelemetry specification "Prometheus and OpenMetrics Compatibility":
/// the name is split at every character that is not a letter, a digit or a colon, and joined again
/// with `_`; a unit that is already one of the parts is not added; every part `total` of a counter
/// moves to the end, and so does `ratio` of a gauge with unit `1`.
enum MetricName {
    /// Names longer than this are not shown.
    static let maxBytes = 512

    /// nil when nothing is left of the name, or too much.
    static func exposed(name: String, unit: String, kind: NamedKind) -> String? {
        var tokens = split(name)
        guard !tokens.isEmpty else { return nil }
        let words = UnitWords(unit)
        appendUnit(words, to: &tokens)
        if kind == .counter { moveToEnd("total", &tokens) }
        if kind == .gauge, unit == "1" { moveToEnd("ratio", &tokens) }
        var result = tokens.joined(separator: "_")
        if let first = result.utf8.first, isDigit(first) { result = "_" + result }
        guard result.utf8.count <= maxBytes, result.utf8.contains(where: { $0 != 0x5F }) else {
            return nil
        }
        return result
    }

    private static func appendUnit(_ words: UnitWords, to tokens: inout [String]) {
        var main = tokens.contains(words.main) ? "" : words.main
        if !words.per.isEmpty, main.hasSuffix("_") { main.removeLast() }
        if !main.isEmpty { tokens.append(main) }
        if !words.per.isEmpty { tokens.append(words.per) }
    }

    private static func moveToEnd(_ word: String, _ tokens: inout [String]) {
        tokens.removeAll { $0 == word }
        tokens.append(word)
    }

    private static func split(_ name: String) -> [String] {
        name.utf8.split { !isNameByte($0) }.map { String(decoding: $0, as: UTF8.self) }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool { isAlphanumeric(byte) || byte == 0x3A }
}

/// Whether `byte` is an ASCII digit.
func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

/// Whether `byte` is an ASCII letter or digit.
func isAlphanumeric(_ byte: UInt8) -> Bool {
    isDigit(byte) || (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7A
}
