import RoostCore
import RoostWire

/// Values of attributes as text: strings as they are, the rest as the OpenTelemetry specification
/// "AnyValue representation for non-OTLP protocols" has it.
enum LabelValue {
    /// Longer values are cut.
    static let maxBytes = 4_096

    /// Appends the text of `value`; answers whether it was cut.
    static func append(_ value: AnyValueView, to target: inout [UInt8]) -> Bool {
        let start = target.count
        switch value.kind {
        case .none: break
        case .string:
            unsafe target.append(contentsOf: value.stringBytes.buffer.prefix(maxBytes + 1))
        case .bool: target.append(contentsOf: (value.boolValue ? "true" : "false").utf8)
        case .int: target.append(contentsOf: String(value.intValue).utf8)
        case .double: appendNumber(value.doubleValue, to: &target)
        case .bytes: appendBase64(value.stringBytes, to: &target)
        case .array, .kvlist: appendJSON(value, to: &target, depth: 0, end: start + maxBytes)
        }
        guard target.count - start > maxBytes else { return false }
        var end = start + maxBytes
        while end > start, target[end] & 0xC0 == 0x80 { end -= 1 }
        target.removeSubrange(end...)
        return true
    }

    private static func appendNumber(_ value: Double, to target: inout [UInt8]) {
        guard value.isFinite else {
            let word = value.isNaN ? "NaN" : value > 0 ? "Infinity" : "-Infinity"
            target.append(contentsOf: word.utf8)
            return
        }
        if let whole = Int64(exactly: value) {
            target.append(contentsOf: (value.sign == .minus && whole == 0 ? "-0" : "\(whole)").utf8)
        } else {
            target.append(contentsOf: value.description.utf8)
        }
    }

    private static func appendBase64(_ bytes: WireBytes, to target: inout [UInt8]) {
        let alphabet: StaticString =
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        func digit(_ bits: UInt32) -> UInt8 { unsafe alphabet.utf8Start[Int(bits & 63)] }
        var offset = 0
        let count = min(bytes.count, maxBytes)
        while offset < count {
            let rest = count - offset
            let first = unsafe UInt32(bytes.base[offset]) << 16
            let second = unsafe rest > 1 ? UInt32(bytes.base[offset + 1]) << 8 : 0
            let third = unsafe rest > 2 ? UInt32(bytes.base[offset + 2]) : 0
            let group = first | second | third
            target.append(digit(group >> 18))
            target.append(digit(group >> 12))
            target.append(rest > 1 ? digit(group >> 6) : 0x3D)
            target.append(rest > 2 ? digit(group) : 0x3D)
            offset += 3
        }
    }

    // MARK: JSON

    /// Stops adding members once `target` has grown past `end`, since the rest is cut anyway.
    private static func appendJSON(
        _ value: AnyValueView, to target: inout [UInt8], depth: Int, end: Int
    ) {
        switch value.kind {
        case .none: target.append(contentsOf: "null".utf8)
        case .string: appendQuoted(value.stringBytes, to: &target)
        case .bool: target.append(contentsOf: (value.boolValue ? "true" : "false").utf8)
        case .int: target.append(contentsOf: String(value.intValue).utf8)
        case .double:
            let isFinite = value.doubleValue.isFinite
            if !isFinite { target.append(0x22) }
            appendNumber(value.doubleValue, to: &target)
            if !isFinite { target.append(0x22) }
        case .bytes:
            target.append(0x22)
            appendBase64(value.stringBytes, to: &target)
            target.append(0x22)
        case .array, .kvlist:
            // The reader refuses what is nested deeper.
            guard depth < 64 else { return }
            appendMembers(value, to: &target, depth: depth + 1, end: end)
        }
    }

    private static func appendMembers(
        _ value: AnyValueView, to target: inout [UInt8], depth: Int, end: Int
    ) {
        let isArray = value.kind == .array
        target.append(isArray ? 0x5B : 0x7B)
        var isFirst = true
        func separate(_ target: inout [UInt8]) {
            if !isFirst { target.append(0x2C) }
            isFirst = false
        }
        if isArray {
            value.forEachElement { element in
                guard target.count <= end else { return }
                separate(&target)
                appendJSON(element, to: &target, depth: depth, end: end)
            }
        } else {
            value.forEachEntry { key, entry in
                guard target.count <= end else { return }
                separate(&target)
                appendQuoted(key, to: &target)
                target.append(0x3A)
                appendJSON(entry, to: &target, depth: depth, end: end)
            }
        }
        target.append(isArray ? 0x5D : 0x7D)
    }

    private static func appendQuoted(_ text: WireBytes, to target: inout [UInt8]) {
        target.append(0x22)
        for byte in unsafe [UInt8](text.buffer.prefix(maxBytes + 1)) {
            switch byte {
            case 0x22, 0x5C:
                target.append(0x5C)
                target.append(byte)
            case 0x0A: target.append(contentsOf: "\\n".utf8)
            case 0x0D: target.append(contentsOf: "\\r".utf8)
            case 0x09: target.append(contentsOf: "\\t".utf8)
            case 0..<0x20:
                target.append(contentsOf: "\\u00".utf8)
                target.append(hexDigit(byte >> 4))
                target.append(hexDigit(byte & 15))
            default: target.append(byte)
            }
        }
        target.append(0x22)
    }
}
