import RoostCore
import RoostWire

extension JSONWriter {
    /// Attributes as an object; of one key the first.
    mutating func attributes(_ name: String, _ list: AttributeList) {
        object(name) { writer in
            var keys = Set<ExactText>()
            list.forEach { key, value in
                let key = key.string
                guard keys.insert(ExactText(key)).inserted else { return }
                writer.key(key)
                writer.value(value)
            }
        }
    }

    /// A value as JSON has it.
    mutating func value(_ value: AnyValueView) {
        switch value.kind {
        case .none: null()
        case .string: self.value(value.stringBytes.string)
        case .bool: self.value(value.boolValue)
        case .int: self.value(whole: value.intValue)
        case .double:
            let number = value.doubleValue
            if number.isFinite {
                self.value(number)
            } else {
                self.value(SpecialNumber.name(number))
            }
        case .bytes: self.value(Base64.text(value.stringBytes))
        case .array:
            beginArray()
            value.forEachElement { self.value($0) }
            endArray()
        case .kvlist:
            beginObject()
            var keys = Set<ExactText>()
            value.forEachEntry { key, value in
                let key = key.string
                guard keys.insert(ExactText(key)).inserted else { return }
                self.key(key)
                self.value(value)
            }
            endObject()
        }
    }

    /// A number as long as every reader takes it for the same.
    private mutating func value(whole number: Int64) {
        if number.magnitude <= 1 << 53 { value(number) } else { value("\(number)") }
    }
}

enum SpecialNumber {
    /// As the JSON mapping of protocol buffers writes them.
    static func name(_ number: Double) -> String {
        number.isNaN ? "NaN" : number < 0 ? "-Infinity" : "Infinity"
    }
}

/// RFC 4648, section 4, with padding.
enum Base64 {
    private static let digits = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func text(_ bytes: WireBytes) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        let source = bytes.array
        var place = 0
        while place < source.count {
            let rest = source.count - place
            let group =
                UInt32(source[place]) << 16
                | (rest > 1 ? UInt32(source[place + 1]) << 8 : 0)
                | (rest > 2 ? UInt32(source[place + 2]) : 0)
            for number in 0..<4 {
                let digit = Int(group >> UInt32(18 - number * 6)) & 63
                text.append(number <= rest ? digits[digit] : 0x3D)
            }
            place += 3
        }
        return String(decoding: text, as: UTF8.self)
    }
}
