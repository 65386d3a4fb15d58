/// Writes the bytes that pairs of hexadecimal digits stand for; `text.count` is even.
func decodeHex(_ text: UnsafeBufferPointer<UInt8>, into target: UnsafeMutablePointer<UInt8>)
    -> Bool
{
    var from = 0
    while from < text.count {
        guard let high = unsafe hexDigitValue(text[from]),
            let low = unsafe hexDigitValue(text[from + 1])
        else { return false }
        unsafe target[from / 2] = high << 4 | low
        from += 2
    }
    return true
}

/// How many bytes base64 stands for, nil when no base64 has this length.
///
/// Padding may be there or not; RFC 4648, sections 3.2, 4 and 5.
func base64Length(_ text: UnsafeBufferPointer<UInt8>) -> Int? {
    let digits = unsafe base64Digits(text)
    guard digits % 4 != 1, digits == text.count || text.count % 4 == 0 else { return nil }
    return digits / 4 * 3 + (digits % 4 == 0 ? 0 : digits % 4 - 1)
}

/// Writes the bytes of base64, in the standard or the URL-safe alphabet or a mixture of both.
func decodeBase64(_ text: UnsafeBufferPointer<UInt8>, into target: UnsafeMutablePointer<UInt8>)
    -> Bool
{
    let digits = unsafe base64Digits(text)
    var bits: UInt32 = 0
    var to = 0
    for from in 0..<digits {
        guard let value = unsafe base64Value(text[from]) else { return false }
        bits = bits << 6 | value
        switch from % 4 {
        case 0: continue
        case 1: unsafe target[to] = UInt8(truncatingIfNeeded: bits >> 4)
        case 2: unsafe target[to] = UInt8(truncatingIfNeeded: bits >> 2)
        default: unsafe target[to] = UInt8(truncatingIfNeeded: bits)
        }
        to += 1
    }
    return true
}

/// Without padding, of which there are at most two.
private func base64Digits(_ text: UnsafeBufferPointer<UInt8>) -> Int {
    var count = text.count
    while count > 0, text.count - count < 2, unsafe text[count - 1] == UInt8(ascii: "=") {
        count -= 1
    }
    return count
}

private func base64Value(_ byte: UInt8) -> UInt32? {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(byte - UInt8(ascii: "A"))
    case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(byte - UInt8(ascii: "a") + 26)
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0") + 52)
    case UInt8(ascii: "+"), UInt8(ascii: "-"): 62
    case UInt8(ascii: "/"), UInt8(ascii: "_"): 63
    default: nil
    }
}
