public import RoostCore

/// Compares, checks and hashes texts of up to 32 bytes all at once, whatever their length: a
/// processor guesses the lengths of texts wrong, and a wrong guess costs as much as ten compares.
///
/// Reads past the end of a text, up to 32 bytes from its beginning: the caller sees to it that they
/// can be read. Copies share its memory, which its owner frees.
@safe @frozen public struct ShortText {
    /// 32 bytes of ones, then 32 of zeros: from place 32 - n on, a mask for the first n bytes.
    @usableFromInline let masks: UnsafeMutablePointer<UInt8>

    @usableFromInline typealias Wide = SIMD2<UInt64>

    public init() {
        unsafe masks = .allocate(capacity: 64)
        unsafe masks.initialize(repeating: 0xFF, count: 32)
        unsafe (masks + 32).initialize(repeating: 0, count: 32)
    }

    public func free() { unsafe masks.deallocate() }

    /// Whether both begin with the same `count` bytes; longer ones are compared to their end.
    @inlinable @inline(__always)
    public func isSame(
        _ left: UnsafeRawPointer, _ right: UnsafeRawPointer, count: Int
    ) -> Bool {
        if count > 32 { return unsafe memoryIsSame(left, right, count: count) }
        let mask = unsafe UnsafeRawPointer(masks + (32 &- count))
        let first =
            unsafe (left.loadUnaligned(as: Wide.self) ^ right.loadUnaligned(as: Wide.self))
            & mask.loadUnaligned(as: Wide.self)
        let second =
            unsafe (left.loadUnaligned(fromByteOffset: 16, as: Wide.self)
            ^ right.loadUnaligned(fromByteOffset: 16, as: Wide.self))
            & mask.loadUnaligned(fromByteOffset: 16, as: Wide.self)
        let difference = first | second
        return difference[0] | difference[1] == 0
    }

    /// Whether no byte is above 0x7F.
    @inlinable @inline(__always)
    public func isASCII(_ bytes: UnsafeRawPointer, count: Int) -> Bool {
        if count > 32 {
            return unsafe RoostWire.isASCII(
                WireBytes(base: bytes.assumingMemoryBound(to: UInt8.self), count: count))
        }
        let mask = unsafe UnsafeRawPointer(masks + (32 &- count))
        let seen =
            unsafe bytes.loadUnaligned(as: Wide.self) & mask.loadUnaligned(as: Wide.self)
            | bytes.loadUnaligned(fromByteOffset: 16, as: Wide.self)
            & mask.loadUnaligned(fromByteOffset: 16, as: Wide.self)
        return (seen[0] | seen[1]) & 0x8080_8080_8080_8080 == 0
    }

    /// A hash of the first and the last eight bytes and the length. Eight bytes before the end can
    /// be read, even when the text is shorter. For tables of texts that are compared besides.
    @inlinable @inline(__always)
    public static func hash(_ text: UnsafeRawPointer, count: Int) -> UInt64 {
        let first = unsafe text.loadUnaligned(as: UInt64.self)
        let last = unsafe text.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self)
        let isLong = count >= 8
        let mask = isLong ? UInt64.max : (1 &<< UInt64(truncatingIfNeeded: 8 &* count)) &- 1
        return hash(first: first & mask, last: isLong ? last : 0, count: count)
    }

    @inlinable @inline(__always)
    static func hash(first: UInt64, last: UInt64, count: Int) -> UInt64 {
        let mixed =
            (first ^ (last &<< 23 | last &>> 41)) &+ UInt64(truncatingIfNeeded: count)
        return mixed &* 0x9E37_79B9_7F4A_7C15
    }

    /// The same for a text with nothing around it that can be read.
    public static func hash(alone text: WireBytes) -> UInt64 {
        if text.count >= 8 {
            return unsafe hash(UnsafeRawPointer(text.base), count: text.count)
        }
        var word: UInt64 = 0
        for index in 0..<text.count {
            word |= unsafe UInt64(text.base[index]) &<< UInt64(8 * index)
        }
        return hash(first: word, last: 0, count: text.count)
    }
}
