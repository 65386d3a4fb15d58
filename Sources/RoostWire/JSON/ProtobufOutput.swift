import Glibc
import RoostCore

/// Protobuf bytes as they grow, never past a limit.
///
/// A message's length stands before it and is known after it: room for the usual length is left
/// open, and the message is moved by a few bytes when the guess was wrong. Lengths are therefore
/// always minimal, and nothing but the bytes is kept.
@safe struct ProtobufOutput: ~Copyable {
    private var base: UnsafeMutablePointer<UInt8>
    private(set) var count = 0
    private var capacity: Int
    private let limit: Int
    /// On top of the limit while it grows: room is asked for the longest form of what is about to
    /// be written, and open messages may hold longer lengths than they need in the end.
    private static let slack = 256

    /// Grows from `capacity` bytes to at most `limit`.
    init(capacity: Int, limit: Int) {
        self.limit = max(limit, 0)
        self.capacity = max(min(capacity, self.limit), 16)
        unsafe base = .allocate(capacity: self.capacity)
    }

    deinit { unsafe base.deallocate() }

    /// A message whose length is not known yet.
    struct OpenMessage {
        let contentStart: Int
        let lengthBytes: Int
    }

    mutating func open(tag: UInt32, usualLengthBytes: Int) throws(JSONFault) -> OpenMessage {
        try reserve(5 + usualLengthBytes)
        put(varint: UInt64(tag))
        count += usualLengthBytes
        return OpenMessage(contentStart: count, lengthBytes: usualLengthBytes)
    }

    mutating func close(_ message: OpenMessage) throws(JSONFault) {
        let length = count - message.contentStart
        let needed = ProtobufOutput.varintBytes(UInt64(length))
        let lengthStart = message.contentStart - message.lengthBytes
        if needed != message.lengthBytes {
            if needed > message.lengthBytes { try reserve(needed - message.lengthBytes) }
            unsafe _ = memmove(
                base + lengthStart + needed, base + message.contentStart, length)
        }
        count = lengthStart
        put(varint: UInt64(length))
        count += length
    }

    /// Takes back an open message and its tag.
    mutating func discard(_ message: OpenMessage, tag: UInt32) {
        count =
            message.contentStart - message.lengthBytes - ProtobufOutput.varintBytes(UInt64(tag))
    }

    /// Takes back everything from `count` bytes on.
    mutating func takeBack(to count: Int) { self.count = count }

    mutating func append(varint value: UInt64) throws(JSONFault) {
        try reserve(10)
        put(varint: value)
    }

    mutating func append(fixed64 value: UInt64) throws(JSONFault) {
        try reserve(8)
        unsafe UnsafeMutableRawPointer(base + count).storeBytes(
            of: value.littleEndian, as: UInt64.self)
        count += 8
    }

    mutating func append(fixed32 value: UInt32) throws(JSONFault) {
        try reserve(4)
        unsafe UnsafeMutableRawPointer(base + count).storeBytes(
            of: value.littleEndian, as: UInt32.self)
        count += 4
    }

    /// Tag, length and room for `length` bytes, all of which `fill` writes.
    @inline(__always)
    mutating func append(
        tag: UInt32, length: Int, fill: (UnsafeMutablePointer<UInt8>) -> Void
    ) throws(JSONFault) {
        try reserve(15 + length)
        put(varint: UInt64(tag))
        put(varint: UInt64(length))
        unsafe fill(base + count)
        count += length
    }

    /// The bytes so far as a block of their own; this output is empty afterwards.
    mutating func finish(reservation: MemoryReservation?) throws(JSONFault) -> ByteBlock {
        guard count <= limit else { throw .tooLarge(limit: limit) }
        let result: ByteBlock
        if count >= capacity / 4 * 3 {
            unsafe result = ByteBlock(
                adopting: UnsafeMutableRawPointer(base), count: count, reservation: reservation)
            unsafe base = .allocate(capacity: 16)
            capacity = 16
        } else {
            unsafe result = ByteBlock(
                copying: UnsafeRawBufferPointer(start: base, count: count),
                reservation: reservation)
        }
        count = 0
        return result
    }

    private static func varintBytes(_ value: UInt64) -> Int {
        (70 - (value | 1).leadingZeroBitCount) / 7
    }

    /// There must be room.
    @inline(__always)
    private mutating func put(varint value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            unsafe base[count] = UInt8(truncatingIfNeeded: rest) | 0x80
            count += 1
            rest >>= 7
        }
        unsafe base[count] = UInt8(truncatingIfNeeded: rest)
        count += 1
    }

    /// Makes room for `bytes` more.
    @inline(__always)
    private mutating func reserve(_ bytes: Int) throws(JSONFault) {
        if capacity - count < bytes { try grow(by: bytes) }
    }

    @inline(never)
    private mutating func grow(by bytes: Int) throws(JSONFault) {
        let most = limit + ProtobufOutput.slack
        guard bytes <= most - count else { throw .tooLarge(limit: limit) }
        let larger = max(min(capacity * 2, most), count + bytes)
        let new = UnsafeMutablePointer<UInt8>.allocate(capacity: larger)
        unsafe new.update(from: base, count: count)
        unsafe base.deallocate()
        unsafe base = new
        capacity = larger
    }
}
