/// A JSON string that has been read and found well-formed, still in its place.
struct JSONString {
    /// Of its first byte, behind the quote.
    let start: Int
    /// Of the closing quote.
    let end: Int
    /// UTF-8 bytes once its escapes are undone.
    let decodedCount: Int

    var hasEscapes: Bool { decodedCount != end - start }
}

extension JSONCursor {
    /// Reads a string whose opening quote has just been passed, to behind its closing quote.
    ///
    /// Refuses control characters, unknown escapes, surrogates without their other half and
    /// invalid UTF-8. RFC 8259, section 7.
    mutating func string() throws(JSONFault) -> JSONString {
        let start = offset
        var removed = 0
        var isASCII = true
        while true {
            if !skipPlain() { isASCII = false }
            guard let byte = peek() else { throw JSONFault("a string has no end", at: start - 1) }
            switch byte {
            case UInt8(ascii: "\""):
                let end = offset
                let text = unsafe WireBytes(base: bytes + start, count: end - start)
                guard isASCII || isUTF8(text) else {
                    throw JSONFault("a string is not UTF-8", at: start - 1)
                }
                advance(1)
                return JSONString(start: start, end: end, decodedCount: end - start - removed)
            case UInt8(ascii: "\\"): removed += try skipEscape()
            default: throw JSONFault("a control character inside a string", at: offset)
            }
        }
    }

    /// Undoes the escapes of `string`, whose `decodedCount` bytes `target` takes.
    func decode(_ string: JSONString, into target: UnsafeMutablePointer<UInt8>) {
        var from = string.start
        var to = 0
        while from < string.end {
            let byte = unsafe bytes[from]
            guard byte == UInt8(ascii: "\\") else {
                unsafe target[to] = byte
                from += 1
                to += 1
                continue
            }
            let (scalar, length) = decodedEscape(at: from)
            from += length
            for unit in UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter {
                unsafe target[to] = unit
                to += 1
            }
        }
    }

    /// Passes over everything up to the next quote, backslash or control character, eight bytes at
    /// a time; answers whether all of it was ASCII.
    @inline(__always)
    private mutating func skipPlain() -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highs: UInt64 = 0x8080_8080_8080_8080
        var seen: UInt64 = 0
        while count - offset >= 8 {
            let word = unsafe UInt64(
                littleEndian: UnsafeRawPointer(bytes + offset).loadUnaligned(as: UInt64.self))
            let quote = word ^ (ones &* 0x22)
            let backslash = word ^ (ones &* 0x5C)
            // Subtracting borrows into a high bit where a byte is too small. A borrow can raise
            // wrong bits only above the first right one, so the lowest is right.
            let found =
                ((word &- ones &* 0x20) & ~word | (quote &- ones) & ~quote
                    | (backslash &- ones) & ~backslash) & highs
            if found != 0 {
                let length = found.trailingZeroBitCount >> 3
                seen |= word & ((1 << UInt64(length * 8)) &- 1)
                advance(length)
                return seen & highs == 0
            }
            seen |= word
            advance(8)
        }
        while let byte = peek(), byte >= 0x20, byte != 0x22, byte != 0x5C {
            seen |= UInt64(byte)
            advance(1)
        }
        return seen & highs == 0
    }

    /// Passes over an escape; answers by how many bytes it is longer than what it stands for.
    private mutating func skipEscape() throws(JSONFault) -> Int {
        let start = offset
        guard count - offset >= 2 else { throw JSONFault("a string has no end", at: start) }
        switch unsafe bytes[offset + 1] {
        case 0x22, 0x5C, 0x2F, 0x62, 0x66, 0x6E, 0x72, 0x74:
            advance(2)
            return 1
        case UInt8(ascii: "u"):
            guard let unit = hexUnit(at: offset + 2) else {
                throw JSONFault("\\u wants four hexadecimal digits", at: start)
            }
            switch unit {
            case 0xD800..<0xDC00:
                guard count - offset >= 12, unsafe bytes[offset + 6] == UInt8(ascii: "\\"),
                    unsafe bytes[offset + 7] == UInt8(ascii: "u"),
                    let low = hexUnit(at: offset + 8), 0xDC00..<0xE000 ~= low
                else { throw JSONFault("a surrogate without its other half", at: start) }
                advance(12)
                return 8
            case 0xDC00..<0xE000: throw JSONFault("a surrogate without its other half", at: start)
            default:
                advance(6)
                return unit < 0x80 ? 5 : unit < 0x800 ? 4 : 3
            }
        default: throw JSONFault("an unknown escape in a string", at: start)
        }
    }

    /// What a checked escape stands for, and its length.
    private func decodedEscape(at start: Int) -> (scalar: Unicode.Scalar, length: Int) {
        let replacement: Unicode.Scalar = "\u{FFFD}"
        switch unsafe bytes[start + 1] {
        case UInt8(ascii: "b"): return ("\u{8}", 2)
        case UInt8(ascii: "f"): return ("\u{C}", 2)
        case UInt8(ascii: "n"): return ("\n", 2)
        case UInt8(ascii: "r"): return ("\r", 2)
        case UInt8(ascii: "t"): return ("\t", 2)
        case UInt8(ascii: "u"):
            let unit = hexUnit(at: start + 2) ?? 0
            guard 0xD800..<0xDC00 ~= unit else {
                return (Unicode.Scalar(unit) ?? replacement, 6)
            }
            let low = hexUnit(at: start + 8) ?? 0xDC00
            let value = 0x10000 &+ (unit &- 0xD800) << 10 &+ (low &- 0xDC00)
            return (Unicode.Scalar(value) ?? replacement, 12)
        case let plain: return (Unicode.Scalar(plain), 2)
        }
    }

    /// Four hexadecimal digits as a number.
    private func hexUnit(at start: Int) -> UInt32? {
        guard count - start >= 4 else { return nil }
        var value: UInt32 = 0
        for place in start..<start + 4 {
            guard let digit = unsafe hexDigitValue(bytes[place]) else { return nil }
            value = value << 4 | UInt32(digit)
        }
        return value
    }
}

/// The value of a hexadecimal digit in either case.
@inline(__always)
func hexDigitValue(_ byte: UInt8) -> UInt8? {
    let decimal = byte &- UInt8(ascii: "0")
    if decimal < 10 { return decimal }
    let letter = (byte | 0x20) &- UInt8(ascii: "a")
    return letter < 6 ? letter &+ 10 : nil
}
