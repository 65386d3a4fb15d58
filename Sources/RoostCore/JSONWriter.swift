/// Writes one JSON document, front to back, into bytes.
///
/// The caller keeps the order right (a key before each value inside an object); commas are put in
/// by the writer. RFC 8259. One that is paid for (`JSONWriter+Paid.swift`) asks before it takes
/// memory.
public struct JSONWriter: Sendable {
    /// What comes behind the pieces that are full, of which only one that is paid for has any.
    var tail: [UInt8] = []
    var needsComma = false
    /// The tail has room for so many bytes and a few more.
    var end = Int.max
    var paid: Paid?

    public init() {}

    public mutating func beginObject() { open(0x7B) }
    public mutating func endObject() { close(0x7D) }
    public mutating func beginArray() { open(0x5B) }
    public mutating func endArray() { close(0x5D) }

    public mutating func key(_ name: String) {
        separate()
        quote(name)
        tail.append(0x3A)
        needsComma = false
    }

    public mutating func value(_ text: String) {
        separate()
        quote(text)
    }

    public mutating func value(_ number: UInt64) {
        separate()
        digits(number)
    }

    public mutating func value(_ number: Int) {
        separate()
        if number < 0 { tail.append(0x2D) }
        digits(UInt64(number.magnitude))
    }

    public mutating func value(_ number: some BinaryInteger) { literal(String(number)) }

    public mutating func value(_ flag: Bool) { literal(flag ? "true" : "false") }
    public mutating func null() { literal("null") }

    /// A number; NaN and the infinities, which JSON has not, become null.
    public mutating func value(_ number: Double) {
        // Whole numbers are many, and zero most of them.
        if number >= 0, number < 1e15, number.rounded(.towardZero) == number, number.sign == .plus {
            separate()
            digits(UInt64(number))
            tail.append(0x2E)
            tail.append(0x30)
        } else {
            literal(number.isFinite ? "\(number)" : "null")
        }
    }

    /// Nanoseconds, written as milliseconds with up to six decimals, `12.345678`.
    public mutating func field(_ name: String, milliseconds nanoseconds: Double) {
        key(name)
        guard nanoseconds >= 0, nanoseconds < 1e15 else { return value(nanoseconds / 1e6) }
        let (whole, rest) = UInt64(nanoseconds.rounded()).quotientAndRemainder(
            dividingBy: 1_000_000)
        separate()
        digits(whole)
        // The digits of `rest` behind a 1 that gives way to the point; one of them is written in any
        // case.
        var text = DecimalText(1_000_000 + rest)
        text.digits[text.start] = 0x2E
        var end = 20
        while end > text.start + 2, text.digits[end - 1] == 0x30 { end -= 1 }
        append(text, to: end)
    }

    /// Puts in a value that is JSON already.
    public mutating func raw(_ json: [UInt8]) {
        separate()
        unsafe json.withUnsafeBytes { unsafe append($0) }
    }

    /// Puts in a text that is the JSON which `body` writes.
    public mutating func text(of body: (inout JSONWriter) -> Void) {
        separate()
        var part = paid.map { JSONWriter(paidBy: $0.lease) } ?? JSONWriter()
        body(&part)
        tail.append(0x22)
        for piece in part.pieces { unsafe piece.withUnsafeBytes { unsafe appendEscaped($0) } }
        tail.append(0x22)
        part.discard()
        if part.isCut { cut() }
    }

    public mutating func field(_ name: String, _ text: String) { key(name); value(text) }
    public mutating func field(_ name: String, _ flag: Bool) { key(name); value(flag) }
    public mutating func field(_ name: String, _ number: UInt64) { key(name); value(number) }
    public mutating func field(_ name: String, _ number: Int) { key(name); value(number) }
    public mutating func field(_ name: String, _ number: some BinaryInteger) {
        key(name)
        value(number)
    }
    public mutating func field(_ name: String, _ number: Double) { key(name); value(number) }

    /// An object under `name`, its fields written by `body`.
    public mutating func object(_ name: String, _ body: (inout JSONWriter) -> Void) {
        key(name)
        beginObject()
        body(&self)
        endObject()
    }

    /// An array under `name`, its elements written by `body`.
    public mutating func array(_ name: String, _ body: (inout JSONWriter) -> Void) {
        key(name)
        beginArray()
        body(&self)
        endArray()
    }

    private mutating func literal(_ text: String) {
        separate()
        tail.append(contentsOf: text.utf8)
    }

    private mutating func digits(_ number: UInt64) {
        if number < 10 {
            tail.append(0x30 &+ UInt8(truncatingIfNeeded: number))
            return
        }
        append(DecimalText(number), to: 20)
    }

    private mutating func append(_ text: DecimalText, to end: Int) {
        unsafe text.digits.span.extracting(text.start..<end).withUnsafeBytes {
            unsafe tail.append(contentsOf: $0)
        }
    }

    mutating func append(_ text: UnsafeRawBufferPointer) {
        guard tail.count &+ text.count <= end || makeRoom(for: text.count) else { return }
        unsafe tail.append(contentsOf: text)
    }

    private mutating func open(_ byte: UInt8) {
        separate()
        tail.append(byte)
        needsComma = false
    }

    private mutating func close(_ byte: UInt8) {
        if tail.count > end { _ = makeRoom(for: 0) }
        tail.append(byte)
        needsComma = true
    }

    private mutating func separate() {
        if tail.count > end { _ = makeRoom(for: 0) }
        if needsComma { tail.append(0x2C) }
        needsComma = true
    }

    private mutating func quote(_ text: String) {
        let isWritten: Void? = unsafe text.utf8.withContiguousStorageIfAvailable {
            unsafe quote(UnsafeRawBufferPointer($0))
        }
        if isWritten == nil {
            unsafe Array(text.utf8).withUnsafeBytes { unsafe quote($0) }
        }
    }

    private mutating func quote(_ text: UnsafeRawBufferPointer) {
        tail.append(0x22)
        unsafe appendEscaped(text)
        tail.append(0x22)
    }

    /// Most texts need no escape, and are taken over whole.
    private mutating func appendEscaped(_ text: UnsafeRawBufferPointer) {
        var start = 0
        while true {
            let end = unsafe firstEscape(text, from: start)
            unsafe append(UnsafeRawBufferPointer(rebasing: text[start..<end]))
            guard end < text.count else { break }
            unsafe escape(text[end])
            start = end + 1
        }
    }

    private mutating func escape(_ byte: UInt8) {
        tail.append(0x5C)
        switch byte {
        case 0x22, 0x5C: tail.append(byte)
        case 0x0A: tail.append(0x6E)
        case 0x0D: tail.append(0x72)
        case 0x09: tail.append(0x74)
        default:
            tail.append(contentsOf: [0x75, 0x30, 0x30, hexDigit(byte >> 4), hexDigit(byte & 15)])
        }
    }
}

/// A number's decimal digits, at the end of the most that there may be.
private struct DecimalText {
    var digits = InlineArray<20, UInt8>(repeating: 0x30)
    private(set) var start = 20

    @inline(__always)
    init(_ number: UInt64) {
        var rest = number
        repeat {
            let next = rest / 10
            start &-= 1
            digits[start] = 0x30 &+ UInt8(truncatingIfNeeded: rest &- next &* 10)
            rest = next
        } while rest > 0
    }
}

/// Where the first byte stands that JSON wants escaped, at `start` or behind; the end without one.
private func firstEscape(_ text: UnsafeRawBufferPointer, from start: Int) -> Int {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let tops: UInt64 = 0x8080_8080_8080_8080
    var place = start
    while place &+ 8 <= text.count {
        let word = unsafe UInt64(
            littleEndian: text.loadUnaligned(fromByteOffset: place, as: UInt64.self))
        let quote = word ^ 0x22 &* ones
        let backslash = word ^ 0x5C &* ones
        // The lowest mark is right; a borrow may only add wrong ones above it.
        let found =
            ((word &- 0x20 &* ones) & ~word | (quote &- ones) & ~quote
                | (backslash &- ones) & ~backslash) & tops
        if found != 0 { return place &+ found.trailingZeroBitCount / 8 }
        place &+= 8
    }
    while place < text.count {
        let byte = unsafe text[place]
        if byte < 0x20 || byte == 0x22 || byte == 0x5C { return place }
        place &+= 1
    }
    return place
}

/// The lower-case hexadecimal digit of a value below 16.
@inlinable public func hexDigit(_ value: UInt8) -> UInt8 {
    value < 10 ? 0x30 &+ value : 0x57 &+ value
}
