import RoostWire

/// JSON as the test writes it too, byte for byte: no spaces, lists instead of objects, bytes and
/// text in hexadecimal.
struct JSONText {
    var bytes: [UInt8] = []

    mutating func raw(_ text: String) { bytes += text.utf8 }

    mutating func hex(_ data: [UInt8]) {
        let digits = Array("0123456789abcdef".utf8)
        for byte in data {
            bytes.append(digits[Int(byte >> 4)])
            bytes.append(digits[Int(byte & 15)])
        }
    }

    mutating func quoted(_ text: String) {
        raw("\"")
        for byte in text.utf8 where byte >= 0x20 && byte != 0x22 && byte != 0x5C {
            bytes.append(byte)
        }
        raw("\"")
    }

    /// A separator, unless a list has just begun.
    mutating func separate() {
        if let last = bytes.last, last != UInt8(ascii: "[") { raw(",") }
    }

    mutating func open() {
        separate()
        raw("[")
    }

    mutating func close() { raw("]") }

    mutating func put(_ data: WireBytes) {
        separate()
        raw("\"")
        hex(data.array)
        raw("\"")
    }

    mutating func put(_ number: some BinaryInteger) {
        separate()
        raw(String(number))
    }

    mutating func put(_ flag: Bool) {
        separate()
        raw(flag ? "true" : "false")
    }

    mutating func null() {
        separate()
        raw("null")
    }

    mutating func put(_ number: Double) {
        separate()
        let digits = String(number.bitPattern, radix: 16)
        raw("\"" + String(repeating: "0", count: 16 - digits.count) + digits + "\"")
    }

    mutating func put(_ number: Double?) {
        if let number { put(number) } else { null() }
    }

    mutating func put(_ value: AnyValueView) {
        switch value.kind {
        case .none: return null()
        case .bool: return put(value.boolValue)
        default: break
        }
        open()
        switch value.kind {
        case .string:
            raw("\"s\"")
            put(value.stringBytes)
        case .int:
            raw("\"i\"")
            put(value.intValue)
        case .double:
            raw("\"d\"")
            put(value.doubleValue)
        case .array:
            raw("\"a\"")
            value.forEachElement { put($0) }
        case .kvlist:
            raw("\"k\"")
            value.forEachEntry { put($0, $1) }
        default:
            raw("\"b\"")
            put(value.stringBytes)
        }
        close()
    }

    mutating func put(_ key: WireBytes, _ value: AnyValueView) {
        open()
        put(key)
        put(value)
        close()
    }

    mutating func put(_ attributes: AttributeList) {
        open()
        attributes.forEach { put($0, $1) }
        close()
    }

    mutating func put(_ value: NumberValue) {
        switch value {
        case .none: null()
        case .int(let number):
            open()
            raw("\"i\"")
            put(number)
            close()
        case .double(let number):
            open()
            raw("\"d\"")
            put(number)
            close()
        }
    }
}
