/// A JSON string that has been read, still in its place.
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
    /// Refuses control characters and unknown escapes. Invalid UTF-8 and surrogates without their
    /// other half only make it the cursor's `flawedString`. RFC 8259, section 7.
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
                if !isASCII && !isUTF8(text) { flawedString = start }
                advance(1)
                return JSONString(start: start, end: end, decodedCount: end - start - removed)
            case UInt8(ascii: "\\"): removed += try skipEscape(ofStringAt: start)
            default: throw JSONFault("a control character inside a string", at: offset)
            }
        }
    }

    /// Undoes the escapes of `string`, whose `decodedCount` bytes `target` takes. A surrogate
    /// without its other half becomes the three bytes that UTF-8 would have for it, and forbids.
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
            let (value, length) = decodedEscape(at: from, end: string.end)
            from += length
            unsafe to += encode(value, into: target + to)
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

    /// UTF-8 for `value`, also where it is a surrogate; answers how many bytes that took.
    private func encode(_ value: UInt32, into target: UnsafeMutablePointer<UInt8>) -> Int {
        func continuation(_ shift: UInt32) -> UInt8 {
            UInt8(truncatingIfNeeded: value >> shift & 0x3F | 0x80)
        }
        switch value {
        case ..<0x80:
            unsafe target[0] = UInt8(truncatingIfNeeded: value)
            return 1
        case ..<0x800:
            unsafe target[0] = UInt8(truncatingIfNeeded: value >> 6 | 0xC0)
            unsafe target[1] = continuation(0)
            return 2
        case ..<0x10000:
            unsafe target[0] = UInt8(truncatingIfNeeded: value >> 12 | 0xE0)
            unsafe target[1] = continuation(6)
            unsafe target[2] = continuation(0)
            return 3
        default:
            unsafe target[0] = UInt8(truncatingIfNeeded: value >> 18 | 0xF0)
            unsafe target[1] = continuation(12)
            unsafe target[2] = continuation(6)
            unsafe target[3] = continuation(0)
            return 4
        }
    }

    /// Passes over an escape; answers by how many bytes it is longer than what it stands for.
    private mutating func skipEscape(ofStringAt string: Int) throws(JSONFault) -> Int {
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
            if lowSurrogate(after: unit, at: start, end: count) != nil {
                advance(12)
                return 8
            }
            if 0xD800..<0xE000 ~= unit { flawedString = string }
            advance(6)
            return unit < 0x80 ? 5 : unit < 0x800 ? 4 : 3
        default: throw JSONFault("an unknown escape in a string", at: start)
        }
    }

    /// What a checked escape stands for, and its length; its string ends at `end`.
    private func decodedEscape(at start: Int, end: Int) -> (value: UInt32, length: Int) {
        switch unsafe bytes[start + 1] {
        case UInt8(ascii: "b"): return (0x08, 2)
        case UInt8(ascii: "f"): return (0x0C, 2)
        case UInt8(ascii: "n"): return (0x0A, 2)
        case UInt8(ascii: "r"): return (0x0D, 2)
        case UInt8(ascii: "t"): return (0x09, 2)
        case UInt8(ascii: "u"):
            let unit = hexUnit(at: start + 2) ?? 0
            guard let low = lowSurrogate(after: unit, at: start, end: end) else {
                return (unit, 6)
            }
            return (0x10000 &+ (unit &- 0xD800) << 10 &+ (low &- 0xDC00), 12)
        case let plain: return (UInt32(plain), 2)
        }
    }

    /// The other half of the surrogate `unit`, whose escape begins at `start`; nil when `unit` is
    /// none, or stands alone.
    @inline(__always)
    private func lowSurrogate(after unit: UInt32, at start: Int, end: Int) -> UInt32? {
        guard 0xD800..<0xDC00 ~= unit, end - start >= 12,
            unsafe bytes[start + 6] == UInt8(ascii: "\\"),
            unsafe bytes[start + 7] == UInt8(ascii: "u"),
            let low = hexUnit(at: start + 8), 0xDC00..<0xE000 ~= low
        else { return nil }
        return low
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
