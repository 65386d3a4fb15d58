import Glibc

/// Bytes that grow at the end: where a page is written.
///
/// The one place of the exposition with raw memory, because a page of 100,000 series is some
/// million small appends, and an array checks its uniqueness in each. Every append makes room
/// before it writes, so no use of a buffer can write outside it.
@safe struct ExpositionBuffer: ~Copyable {
    private var base: UnsafeMutablePointer<UInt8>
    private(set) var capacity: Int
    private(set) var count = 0

    init(capacity: Int = 4096) {
        unsafe base = .allocate(capacity: capacity)
        self.capacity = capacity
    }

    deinit { unsafe base.deallocate() }

    /// A copy of the bytes from `start` on.
    func copy(from start: Int = 0) -> [UInt8] {
        unsafe [UInt8](UnsafeBufferPointer(start: base + start, count: count - start))
    }

    /// Moves the first `length` bytes to the end of `target`.
    mutating func move(first length: Int, into target: inout [UInt8]) {
        precondition(length >= 0 && length <= count)
        unsafe target.append(contentsOf: UnsafeBufferPointer(start: base, count: length))
        unsafe memmove(base, base + length, count - length)
        count -= length
    }

    mutating func removeAll() { count = 0 }

    /// Forgets what stands behind `end`.
    mutating func truncate(to end: Int) { if end >= 0 && end < count { count = end } }

    // MARK: bytes

    @inline(__always)
    private mutating func makeRoom(_ length: Int) {
        if capacity - count < length { grow(length) }
    }

    @inline(never)
    private mutating func grow(_ length: Int) {
        let larger = max(capacity * 2, count + length)
        let moved = UnsafeMutablePointer<UInt8>.allocate(capacity: larger)
        unsafe moved.update(from: base, count: count)
        unsafe base.deallocate()
        unsafe base = moved
        capacity = larger
    }

    @inline(__always)
    mutating func append(_ byte: UInt8) {
        makeRoom(1)
        unsafe base[count] = byte
        count &+= 1
    }

    @inline(__always)
    mutating func append(_ bytes: Span<UInt8>) {
        let length = bytes.count
        makeRoom(length)
        unsafe bytes.withUnsafeBufferPointer { source in
            guard let start = source.baseAddress else { return }
            unsafe memcpy(base + count, start, length)
        }
        count &+= length
    }

    @inline(__always)
    mutating func append(_ bytes: [UInt8]) { append(bytes.span) }

    @inline(__always)
    mutating func append(_ text: StaticString) {
        let length = text.utf8CodeUnitCount
        makeRoom(length)
        unsafe memcpy(base + count, text.utf8Start, length)
        count &+= length
    }

    mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            makeRoom(bytes.count)
            guard let start = bytes.baseAddress else { return }
            unsafe memcpy(base + count, start, bytes.count)
            count &+= bytes.count
        }
    }

    /// The digits of `value`.
    @inline(__always)
    mutating func appendDecimal(_ value: UInt64) {
        makeRoom(20)
        if value < 10 {
            unsafe base[count] = 0x30 &+ UInt8(truncatingIfNeeded: value)
            count &+= 1
            return
        }
        let length = decimalDigits(value)
        var rest = value
        var place = count &+ length
        while rest >= 10 {
            let next = rest / 10
            place &-= 1
            unsafe base[place] = 0x30 &+ UInt8(truncatingIfNeeded: rest &- next &* 10)
            rest = next
        }
        unsafe base[count] = 0x30 &+ UInt8(truncatingIfNeeded: rest)
        count &+= length
    }

    /// The digits of `value` in lower-case hexadecimal, all sixteen.
    mutating func appendHex(_ value: UInt64) {
        makeRoom(16)
        for digit in 0..<16 {
            let nibble = UInt8(truncatingIfNeeded: value >> UInt64(60 - 4 * digit)) & 15
            unsafe base[count &+ digit] = nibble < 10 ? 0x30 &+ nibble : 0x57 &+ nibble
        }
        count &+= 16
    }

    // MARK: protobuf

    mutating func appendVarint(_ value: UInt64) {
        makeRoom(10)
        count &+= store(varint: value, at: count)
    }

    /// Writes over what stands at `offset`, where there must be room; answers how many bytes.
    private func store(varint value: UInt64, at offset: Int) -> Int {
        var rest = value
        var place = offset
        while rest >= 0x80 {
            unsafe base[place] = UInt8(truncatingIfNeeded: rest) | 0x80
            place &+= 1
            rest >>= 7
        }
        unsafe base[place] = UInt8(truncatingIfNeeded: rest)
        return place &+ 1 &- offset
    }

    mutating func appendFixed64(_ value: UInt64) {
        makeRoom(8)
        unsafe UnsafeMutableRawPointer(base + count).storeBytes(
            of: value.littleEndian, as: UInt64.self)
        count &+= 8
    }

    /// Leaves `width` bytes for the length of a message that starts now; answers where it starts.
    mutating func openMessage(width: Int) -> Int {
        makeRoom(width)
        count &+= width
        return count
    }

    /// Writes the length of the message that began at `start` into the room left for it, moving
    /// the message if the room does not fit.
    mutating func closeMessage(start: Int, width: Int) {
        let length = count - start
        precondition(start >= width && length >= 0)
        let needed = varintLength(UInt64(length))
        if needed != width {
            makeRoom(max(needed - width, 0))
            unsafe memmove(base + (start - width + needed), base + start, length)
        }
        _ = store(varint: UInt64(length), at: start - width)
        count = start - width + needed + length
    }
}

/// Where `byte` stands first in `bytes` from `start` on and before `end`; `end` when nowhere.
///
/// 0 ≤ start ≤ end ≤ bytes.count.
func place(of byte: UInt8, in bytes: Span<UInt8>, from start: Int, before end: Int) -> Int {
    precondition(start >= 0 && start <= end && end <= bytes.count)
    return unsafe bytes.withUnsafeBufferPointer { buffer in
        guard let base = buffer.baseAddress,
            let found = unsafe memchr(base + start, Int32(byte), end - start)
        else { return end }
        return unsafe UnsafeRawPointer(found) - UnsafeRawPointer(base)
    }
}

/// How many bytes `value` takes as a varint.
func varintLength(_ value: UInt64) -> Int {
    max(1, (64 - value.leadingZeroBitCount + 6) / 7)
}

/// How many decimal digits `value` has.
@inline(__always)
func decimalDigits(_ value: UInt64) -> Int {
    var length = 1
    var limit: UInt64 = 10
    while value >= limit {
        length &+= 1
        let (next, overflow) = limit.multipliedReportingOverflow(by: 10)
        if overflow { break }
        limit = next
    }
    return length
}
