/// Writes protobuf messages field by field: requests for tests, made without the code under test.
struct OTLPBytes {
    var bytes: [UInt8] = []

    mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    mutating func number(_ field: UInt64, _ value: UInt64) {
        varint(field << 3)
        varint(value)
    }

    mutating func signed(_ field: UInt64, _ value: Int32) {
        number(field, UInt64(UInt32(bitPattern: value << 1 ^ value >> 31)))
    }

    mutating func fixed(_ field: UInt64, _ value: UInt64) {
        varint(field << 3 | 1)
        append(value)
    }

    mutating func double(_ field: UInt64, _ value: Double) { fixed(field, value.bitPattern) }

    mutating func raw(_ field: UInt64, _ value: [UInt8]) {
        varint(field << 3 | 2)
        varint(UInt64(value.count))
        bytes += value
    }

    mutating func text(_ field: UInt64, _ value: String) {
        if !value.isEmpty { raw(field, Array(value.utf8)) }
    }

    mutating func message(_ field: UInt64, _ body: (inout OTLPBytes) -> Void) {
        var inner = OTLPBytes()
        body(&inner)
        raw(field, inner.bytes)
    }

    mutating func packed(_ field: UInt64, fixed values: [UInt64]) {
        message(field) { for value in values { $0.append(value) } }
    }

    mutating func append(_ value: UInt64) {
        for shift in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * shift))) }
    }

    mutating func attributes(_ field: UInt64, _ list: [(String, AttributeValue)]) {
        for (key, value) in list {
            message(field) {
                $0.text(1, key)
                $0.message(2) { value.write(&$0) }
            }
        }
    }
}

/// A value of an attribute.
indirect enum AttributeValue: ExpressibleByStringLiteral {
    case text(String)
    case bool(Bool)
    case int(Int64)
    case double(Double)
    case bytes([UInt8])
    case array([AttributeValue])
    case map([(String, AttributeValue)])
    case none

    init(stringLiteral value: String) { self = .text(value) }

    func write(_ out: inout OTLPBytes) {
        switch self {
        case .text(let value): out.raw(1, Array(value.utf8))
        case .bool(let value): out.number(2, value ? 1 : 0)
        case .int(let value): out.number(3, UInt64(bitPattern: value))
        case .double(let value): out.double(4, value)
        case .array(let values):
            out.message(5) { list in for value in values { list.message(1) { value.write(&$0) } } }
        case .map(let entries): out.message(6) { $0.attributes(1, entries) }
        case .bytes(let value): out.raw(7, value)
        case .none: break
        }
    }
}
