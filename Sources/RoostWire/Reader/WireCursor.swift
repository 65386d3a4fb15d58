import CScan

/// A place in a protobuf message and its end. Every read is checked against the end first.
///
/// Offsets are positions after `base`, so a cursor for a part of a message shares its base and
/// reports faults in the same coordinates. Protobuf encoding guide, "Message Structure".
@safe @frozen @usableFromInline struct WireCursor {
    @usableFromInline let base: UnsafePointer<UInt8>
    @usableFromInline var position: Int
    @usableFromInline let end: Int

    /// The bytes from `base + start` to `base + end` must be readable, and `0 <= start <= end`.
    @inlinable @inline(__always)
    init(base: UnsafePointer<UInt8>, start: Int, end: Int) {
        unsafe self.base = base
        self.position = start
        self.end = end
    }

    @inlinable @inline(__always)
    init(_ bytes: WireBytes) {
        unsafe self.init(base: bytes.base, start: 0, end: bytes.count)
    }

    @inlinable @inline(__always)
    init(_ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress else {
            self.init(WireBytes.empty)
            return
        }
        unsafe self.init(
            base: base.assumingMemoryBound(to: UInt8.self), start: 0, end: bytes.count)
    }

    @inlinable var hasMore: Bool { @inline(__always) get { position < end } }

    /// What lies between two positions that this cursor has passed.
    @inlinable @inline(__always)
    func bytes(from start: Int, to end: Int) -> WireBytes {
        unsafe WireBytes(base: base + start, count: end &- start)
    }

    /// A cursor over a part that this cursor has passed.
    @inlinable @inline(__always)
    func cursor(from start: Int, to end: Int) -> WireCursor {
        unsafe WireCursor(base: base, start: start, end: end)
    }

    /// Asks for what follows `asked` to be brought into the core's own cache, where the message is
    /// small enough to stay there. Answers up to where that has been asked for now.
    @usableFromInline @inline(never)
    func bringNear(from asked: Int) -> Int {
        guard end &- position <= Self.mostKeptNear else { return .max }
        let from = max(asked, position)
        let to = min(from &+ Self.distance, end)
        unsafe roost_prefetch_run(base, from, to)
        return to < end ? to : .max
    }

    /// How far ahead is asked for, in bytes.
    @inlinable static var distance: Int { 4096 }
    private static var mostKeptNear: Int { 1 << 19 }

    // MARK: Values

    /// A base-128 varint of at most ten bytes; bits above 64 are dropped, as protobuf does.
    @inlinable @inline(__always)
    mutating func varint() throws(WireFault) -> UInt64 {
        if position < end {
            let byte = unsafe base[position]
            if byte < 0x80 {
                position &+= 1
                return UInt64(byte)
            }
        }
        let (value, next) = try longVarint()
        position = next
        return value
    }

    /// Field number and wire type, `number << 3 | type`. At most five bytes and 32 bits.
    @inlinable @inline(__always)
    mutating func tag() throws(WireFault) -> UInt32 {
        if position < end {
            let byte = unsafe base[position]
            if byte < 0x80 {
                position &+= 1
                return UInt32(byte)
            }
        }
        let start = position
        let (value, next) = try longVarint()
        if next &- start > 5 { throw WireFault(.varintTooLong, at: start) }
        if value > UInt64(UInt32.max) { throw WireFault(.invalidTag, at: start) }
        position = next
        return UInt32(truncatingIfNeeded: value)
    }

    /// The length of what follows, which is checked to be there, and moves to its first byte.
    @inlinable @inline(__always)
    mutating func length() throws(WireFault) -> Int {
        let start = position
        var length: Int
        if end &- position >= 2 {
            let first = unsafe base[position]
            let second = unsafe base[position &+ 1]
            if first < 0x80 {
                length = Int(first)
                position &+= 1
            } else if second < 0x80 {
                length = Int(first & 0x7F) | Int(second) << 7
                position &+= 2
            } else {
                length = try longLength()
            }
        } else {
            length = try longLength()
        }
        if length > end &- position { throw WireFault(.lengthOutOfBounds, at: start) }
        return length
    }

    /// Moves past a length and what it covers, and answers where that lies.
    @inlinable @inline(__always)
    mutating func payload() throws(WireFault) -> WireBytes {
        let length = try length()
        let start = position
        position &+= length
        return bytes(from: start, to: position)
    }

    /// Moves past a length and the message it covers, and answers a cursor for that message.
    @inlinable @inline(__always)
    mutating func message() throws(WireFault) -> WireCursor {
        let length = try length()
        let start = position
        position &+= length
        return cursor(from: start, to: position)
    }

    /// Eight bytes, least significant first.
    @inlinable @inline(__always)
    mutating func fixed64() throws(WireFault) -> UInt64 {
        guard end &- position >= 8 else { throw WireFault(.truncated, at: position) }
        let value = unsafe UnsafeRawPointer(base).loadUnaligned(
            fromByteOffset: position, as: UInt64.self)
        position &+= 8
        return UInt64(littleEndian: value)
    }

    /// Four bytes, least significant first.
    @inlinable @inline(__always)
    mutating func fixed32() throws(WireFault) -> UInt32 {
        guard end &- position >= 4 else { throw WireFault(.truncated, at: position) }
        let value = unsafe UnsafeRawPointer(base).loadUnaligned(
            fromByteOffset: position, as: UInt32.self)
        position &+= 4
        return UInt32(littleEndian: value)
    }

    @inlinable @inline(__always)
    mutating func double() throws(WireFault) -> Double {
        Double(bitPattern: try fixed64())
    }

    /// The low 32 bits of a varint, as protobuf reads `int32` and enums.
    @inlinable @inline(__always)
    mutating func int32() throws(WireFault) -> Int32 {
        Int32(truncatingIfNeeded: try varint())
    }

    /// The low 32 bits of a varint.
    @inlinable @inline(__always)
    mutating func uint32() throws(WireFault) -> UInt32 {
        UInt32(truncatingIfNeeded: try varint())
    }

    /// The low 32 bits of a varint, zigzag.
    @inlinable @inline(__always)
    mutating func sint32() throws(WireFault) -> Int32 {
        let value = try uint32()
        return Int32(bitPattern: (value >> 1) ^ (0 &- (value & 1)))
    }

    /// Moves past the value of an unknown field, or of a known one with another wire type.
    @inlinable
    mutating func skip(_ tag: UInt32) throws(WireFault) {
        if tag < 8 { throw WireFault(.invalidTag, at: position) }
        switch tag & 7 {
        case 0: _ = try varint()
        case 1: _ = try fixed64()
        case 2: _ = try payload()
        case 5: _ = try fixed32()
        case 3, 4: throw WireFault(.unsupportedWireType, at: position)
        default: throw WireFault(.invalidTag, at: position)
        }
    }

    // MARK: Rare paths

    @inlinable @inline(never)
    func longVarint() throws(WireFault) -> (value: UInt64, next: Int) {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        var next = position
        while next < end {
            let byte = unsafe base[next]
            next &+= 1
            value |= UInt64(byte & 0x7F) &<< shift
            if byte < 0x80 { return (value, next) }
            shift &+= 7
            if shift >= 70 { throw WireFault(.varintTooLong, at: position) }
        }
        throw WireFault(.truncated, at: position)
    }

    /// A length of any number of bytes that protobuf takes: five, below 2^31.
    @inlinable @inline(never)
    mutating func longLength() throws(WireFault) -> Int {
        let (value, next) = try longVarint()
        if next &- position > 5 { throw WireFault(.varintTooLong, at: position) }
        if value > UInt64(Int32.max) { throw WireFault(.lengthOutOfBounds, at: position) }
        position = next
        return Int(value)
    }
}
