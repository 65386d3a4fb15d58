/// A place in a JSON text, and the steps that can be made from it.
///
/// Every read is checked against the end; the bytes must outlive the cursor. RFC 8259.
@safe struct JSONCursor {
    let bytes: UnsafePointer<UInt8>
    let count: Int
    private(set) var offset = 0
    /// The start of the last string that was read and is no text, although one can tell where it
    /// ends; -1 before there is one. It is here, and not in `JSONString`, for speed.
    var flawedString = -1

    /// Values that are skipped may be nested this deep.
    static let maxSkippedDepth = 64

    init(_ bytes: UnsafePointer<UInt8>, count: Int) {
        unsafe self.bytes = bytes
        self.count = count
    }

    /// The byte here, nil at the end.
    @inline(__always)
    func peek() -> UInt8? {
        guard offset < count else { return nil }
        return unsafe bytes[offset]
    }

    /// Never past the end: the caller has seen the bytes that it passes.
    @inline(__always)
    mutating func advance(_ bytes: Int) { offset &+= bytes }

    /// Passes `byte` if it stands here.
    @inline(__always)
    mutating func take(_ byte: UInt8) -> Bool {
        guard offset < count, unsafe bytes[offset] == byte else { return false }
        offset &+= 1
        return true
    }

    /// Passes over white space.
    @inline(__always)
    mutating func skipSpace() {
        while offset < count {
            let byte = unsafe bytes[offset]
            guard byte <= 0x20, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09
            else { return }
            offset &+= 1
        }
    }

    /// Passes `byte`, with white space before and after it.
    @inline(__always)
    mutating func expect(_ byte: UInt8) throws(JSONFault) {
        skipSpace()
        guard take(byte) else { throw unexpected(wanted: quoted(byte)) }
        skipSpace()
    }

    /// After a member of an object or an element of an array: true when another follows, false
    /// when `closer` ended it.
    @inline(__always)
    mutating func another(until closer: UInt8) throws(JSONFault) -> Bool {
        skipSpace()
        if take(UInt8(ascii: ",")) {
            skipSpace()
            return true
        }
        guard take(closer) else { throw unexpected(wanted: "\",\" or " + quoted(closer)) }
        return false
    }

    /// The key of a member, to behind its colon and the space there.
    @inline(__always)
    mutating func key() throws(JSONFault) -> JSONString {
        guard take(UInt8(ascii: "\"")) else { throw unexpected(wanted: "a key in quotes") }
        let key = try string()
        try expect(UInt8(ascii: ":"))
        return key
    }

    /// Passes `word` if it stands here. What follows is judged by the next step.
    mutating func take(_ word: StaticString) -> Bool {
        let length = word.utf8CodeUnitCount
        guard count - offset >= length else { return false }
        for place in 0..<length {
            guard unsafe bytes[offset + place] == word.utf8Start[place] else { return false }
        }
        offset += length
        return true
    }

    /// Passes over any value, checking that it is JSON.
    mutating func skipValue() throws(JSONFault) {
        // One bit for each open container, the innermost lowest: 1 for an object.
        var isObject: UInt64 = 0
        var depth = 0
        while true {
            var isOpen = false
            switch peek() {
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                let opensObject = take(UInt8(ascii: "{"))
                if !opensObject { advance(1) }
                skipSpace()
                guard depth < JSONCursor.maxSkippedDepth else {
                    throw JSONFault("nested too deeply", at: offset)
                }
                if !take(opensObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) {
                    if opensObject { _ = try key() }
                    isObject = isObject << 1 | (opensObject ? 1 : 0)
                    depth += 1
                    isOpen = true
                }
            case UInt8(ascii: "\""):
                advance(1)
                _ = try string()
            case UInt8(ascii: "t") where take("true"): break
            case UInt8(ascii: "f") where take("false"): break
            case UInt8(ascii: "n") where take("null"): break
            default: _ = try number()
            }
            if isOpen { continue }
            // After a value: as many containers end here as are closed.
            while true {
                if depth == 0 { return }
                let inObject = isObject & 1 == 1
                if try another(until: inObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) {
                    if inObject { _ = try key() }
                    break
                }
                isObject >>= 1
                depth -= 1
            }
        }
    }

    /// Says what stands here instead of what was wanted.
    @inline(never)
    func unexpected(wanted: String) -> JSONFault {
        guard let byte = peek() else {
            return JSONFault("wanted \(wanted), found the end", at: offset)
        }
        let found = byte > 0x20 && byte < 0x7F ? quoted(byte) : "byte \(byte)"
        return JSONFault("wanted \(wanted), found \(found)", at: offset)
    }

    private func quoted(_ byte: UInt8) -> String {
        "\"" + String(Unicode.Scalar(byte)) + "\""
    }
}
