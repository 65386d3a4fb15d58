/// Undoes percent-encoding; a `%` without two digits stays as it is. Bytes that are no UTF-8 then
/// become U+FFFD. gRPC over HTTP2, "Status-Message".
func percentDecoded(_ text: String) -> String {
    let bytes = Array(text.utf8)
    guard bytes.contains(0x25) else { return text }
    var decoded: [UInt8] = []
    decoded.reserveCapacity(bytes.count)
    var index = 0
    while index < bytes.count {
        if bytes[index] == 0x25, index + 2 < bytes.count,
            let high = hexValue(bytes[index + 1]), let low = hexValue(bytes[index + 2])
        {
            decoded.append(high << 4 | low)
            index += 3
        } else {
            decoded.append(bytes[index])
            index += 1
        }
    }
    return String(decoding: decoded, as: UTF8.self)
}

private func hexValue(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x37
    case 0x61...0x66: byte - 0x57
    default: nil
    }
}

/// Standard base64 with or without padding; nil where it is neither. RFC 4648 §4.
package func base64Decoded(_ text: String) -> [UInt8]? {
    var decoded: [UInt8] = []
    decoded.reserveCapacity(text.utf8.count / 4 * 3 + 3)
    var bits: UInt32 = 0
    var count = 0
    var padding = 0
    for byte in text.utf8 {
        if byte == 0x3D {
            padding += 1
            continue
        }
        guard padding == 0, let value = base64Value(byte) else { return nil }
        bits = bits << 6 | UInt32(value)
        count += 1
        guard count % 4 == 0 else { continue }
        decoded.append(UInt8(truncatingIfNeeded: bits >> 16))
        decoded.append(UInt8(truncatingIfNeeded: bits >> 8))
        decoded.append(UInt8(truncatingIfNeeded: bits))
    }
    switch count % 4 {
    case 0: return decoded
    case 2:
        decoded.append(UInt8(truncatingIfNeeded: bits >> 4))
    case 3:
        decoded.append(UInt8(truncatingIfNeeded: bits >> 10))
        decoded.append(UInt8(truncatingIfNeeded: bits >> 2))
    default: return nil
    }
    return padding <= 2 ? decoded : nil
}

private func base64Value(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x41...0x5A: byte - 0x41
    case 0x61...0x7A: byte - 0x47
    case 0x30...0x39: byte + 4
    case 0x2B: 62
    case 0x2F: 63
    default: nil
    }
}
