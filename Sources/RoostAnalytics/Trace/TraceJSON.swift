import RoostCore
import RoostIngest

// What the documents about traces have in common.

/// Ids as OTLP writes them: hexadecimal, small letters.
enum HexText {
    static func span(_ id: UInt64) -> String {
        var digits: [UInt8] = []
        digits.reserveCapacity(16)
        for place in 0..<16 {
            digits.append(hexDigit(UInt8(truncatingIfNeeded: id >> UInt64(60 - place * 4)) & 15))
        }
        return String(decoding: digits, as: UTF8.self)
    }

    static func trace(_ high: UInt64, _ low: UInt64) -> String { span(high) + span(low) }
}

extension JSONWriter {
    /// Nobody's text is null.
    mutating func optional(_ name: String, _ text: String) {
        key(name)
        if text.isEmpty { null() } else { value(text) }
    }

    mutating func optional(_ name: String, _ number: Double?) {
        key(name)
        if let number { value(number) } else { null() }
    }

    mutating func moment(_ name: String, _ unixNano: UInt64) {
        field(name, rfc3339(unixNanoseconds: unixNano))
    }

    /// Nanoseconds as seconds.
    mutating func seconds(_ name: String, _ nanoseconds: Int) {
        field(name, Double(nanoseconds) / 1e9)
    }

    mutating func seconds(_ name: String, _ nanoseconds: UInt64) {
        field(name, Double(nanoseconds) / 1e9)
    }

    mutating func texts(_ name: String, _ texts: [String]) {
        array(name) { writer in for text in texts { writer.value(text) } }
    }

    mutating func tokens(_ name: String, _ tokens: ActivityTokens) {
        object(name) { writer in
            writer.field("input", tokens.input)
            writer.field("cache_read", tokens.cacheRead)
            writer.field("cache_write", tokens.cacheWrite)
            writer.field("output", tokens.output)
            writer.field("reasoning", tokens.reasoning)
            writer.field("total", tokens.total)
        }
    }
}

extension ActivityStatus {
    var word: String { self == .error ? "error" : "ok" }
}

extension TraceStep {
    /// How it stands: `running` when it was announced and is not over.
    var word: String { isPending ? "running" : status.word }

    /// OTLP's kind as a word.
    var kindWord: String {
        switch spanKind {
        case 1: "internal"
        case 2: "server"
        case 3: "client"
        case 4: "producer"
        case 5: "consumer"
        default: "unspecified"
        }
    }
}
