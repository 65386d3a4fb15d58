import RoostCore

/// How bytes lie in a segment file; every number is little-endian. docs/queue.md.
///
///     0          48         96
///     | header   | header   | record | record | …
///                  again      48 bytes of head, then the payload
enum SegmentFormat {
    /// Of a file that was new: behind its last record lies nothing, or zeros.
    static let version: UInt16 = 1
    /// Of a file that was another segment before, whose bytes lie behind its last record.
    static let reusedVersion: UInt16 = 2
    static let suffix = ".segment"
    /// Of a file that waits to be a segment again.
    static let spareSuffix = ".spare"
    /// Both copies of the header: where the first record is.
    static let start = 2 * SegmentHeader.bytes
    /// A number above is none of ours, so that counting on never overflows.
    static let mostSequence: UInt64 = 1 << 62

    private static let digits = 20

    /// A file is named after the first record that it may hold.
    static func fileName(_ id: UInt64) -> String { number(id, digits) + suffix }

    /// The number in a file's name; nil for names of other files.
    static func id(ofFile name: String) -> UInt64? { number(in: name, before: suffix) }

    static func spareName(_ id: UInt64) -> String { number(id, digits) + spareSuffix }

    static func isSpare(_ name: String) -> Bool { number(in: name, before: spareSuffix) != nil }

    private static func number(in name: String, before suffix: String) -> UInt64? {
        guard name.hasSuffix(suffix) else { return nil }
        let text = name.utf8.dropLast(suffix.utf8.count)
        guard text.count == digits, text.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }),
            let id = UInt64(String(decoding: text, as: UTF8.self)), id > 0, id < mostSequence
        else { return nil }
        return id
    }

    static func number(_ value: UInt64, _ digits: Int) -> String {
        let text = String(value)
        return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
    }
}

/// What a segment file begins with, twice: either copy is enough.
struct SegmentHeader: Equatable {
    static let bytes = 48
    private static let magic: UInt64 = 0x3147_6573_7473_6F52

    /// The sequence number of its first record, also in its name.
    var id: UInt64
    var createdUnixNano: UInt64
    /// Goes into the checksum of each record's head, so that bytes inside a payload that look like
    /// a record are never taken for one. Random.
    var salt: UInt64
    /// Half of it is in either copy.
    var before = SegmentBefore(bits: 0)
    /// The file was another segment before.
    var isReused = false

    enum Reading: Equatable {
        case valid(SegmentHeader)
        /// Of a file that waits to be a segment again, or has become one and was not written to.
        case spare
        /// Whole, and written by another version of the format.
        case version(UInt16)
        case damaged
    }

    /// Writes copy 0 or 1 to `target`, which has room for `bytes`.
    func write(to target: UnsafeMutableRawBufferPointer, copy: Int = 0) {
        unsafe target.put(Self.magic, at: 0)
        unsafe target.put(
            isReused ? SegmentFormat.reusedVersion : SegmentFormat.version, at: 8)
        unsafe target.put(UInt16(Self.bytes), at: 10)
        unsafe target.put(UInt32(truncatingIfNeeded: before.bits >> UInt64(32 * copy)), at: 12)
        unsafe target.put(id, at: 16)
        unsafe target.put(createdUnixNano, at: 24)
        unsafe target.put(salt, at: 32)
        unsafe target.put(XXHash64.of(UnsafeRawBufferPointer(rebasing: target[..<40])), at: 40)
    }

    /// What a file begins with, both copies.
    var begin: [UInt8] {
        var bytes = [UInt8](repeating: 0, count: SegmentFormat.start)
        unsafe bytes.withUnsafeMutableBytes { buffer in
            unsafe write(to: .init(rebasing: buffer[..<Self.bytes]))
            unsafe write(to: .init(rebasing: buffer[Self.bytes...]), copy: 1)
        }
        return bytes
    }

    /// What a file that waits to be a segment again begins with.
    static let spare = SegmentHeader(id: 0, createdUnixNano: 0, salt: 0, isReused: true)

    /// Reads what a file begins with; one whole copy is enough, though not for `before`.
    static func readBoth(_ source: UnsafeRawBufferPointer) -> Reading {
        let first = unsafe read(source)
        guard source.count > bytes else { return first }
        let copy = unsafe UnsafeRawBufferPointer(rebasing: source[bytes...])
        let second = unsafe read(copy)
        guard case .valid(var header) = first else { return first == .damaged ? second : first }
        guard case .valid(let other) = second, other.id == header.id else { return first }
        let low = unsafe UInt64(source.get(UInt32.self, at: 12))
        let high = unsafe UInt64(copy.get(UInt32.self, at: 12))
        header.before = SegmentBefore(bits: high << 32 | low)
        return .valid(header)
    }

    /// Magic, version and the checksum after 40 bytes stay where they are in every version.
    static func read(_ source: UnsafeRawBufferPointer) -> Reading {
        guard source.count >= bytes, unsafe source.get(UInt64.self, at: 0) == magic,
            unsafe source.get(UInt64.self, at: 40)
                == XXHash64.of(UnsafeRawBufferPointer(rebasing: source[..<40]))
        else { return .damaged }
        let version = unsafe source.get(UInt16.self, at: 8)
        let isReused = version == SegmentFormat.reusedVersion
        guard isReused || version == SegmentFormat.version else { return .version(version) }
        let header = unsafe SegmentHeader(
            id: source.get(UInt64.self, at: 16), createdUnixNano: source.get(UInt64.self, at: 24),
            salt: source.get(UInt64.self, at: 32), isReused: isReused)
        if isReused, header.id == 0 { return .spare }
        return header.id > 0 && header.id < SegmentFormat.mostSequence ? .valid(header) : .damaged
    }
}

/// What comes before each payload.
struct RecordHead: Equatable {
    static let bytes = 48
    static let magic: UInt32 = 0x5EC3_A9D1

    var length: UInt32
    var sequence: UInt64
    var timeUnixNano: UInt64
    var items: UInt32
    /// Below `QueueCounts.signals`.
    var signal: UInt8
    var payloadChecksum: UInt64

    /// Of head and payload.
    var totalBytes: Int { Self.bytes + Int(length) }

    var counts: QueueCounts {
        QueueCounts(signal: signal, items: Int(items), bytes: totalBytes)
    }

    func write(to target: UnsafeMutableRawBufferPointer, salt: UInt64) {
        unsafe target.put(Self.magic, at: 0)
        unsafe target.put(length, at: 4)
        unsafe target.put(sequence, at: 8)
        unsafe target.put(timeUnixNano, at: 16)
        unsafe target.put(items, at: 24)
        unsafe target.put(UInt32(signal), at: 28)
        unsafe target.put(payloadChecksum, at: 32)
        unsafe target.put(
            XXHash64.of(UnsafeRawBufferPointer(rebasing: target[..<40]), seed: salt), at: 40)
    }

    /// Nil when these bytes are no head of this segment.
    static func read(_ source: UnsafeRawBufferPointer, salt: UInt64) -> RecordHead? {
        guard source.count >= bytes, unsafe source.get(UInt32.self, at: 0) == magic,
            unsafe source.get(UInt64.self, at: 40)
                == XXHash64.of(UnsafeRawBufferPointer(rebasing: source[..<40]), seed: salt)
        else { return nil }
        let signal = unsafe source.get(UInt32.self, at: 28)
        let sequence = unsafe source.get(UInt64.self, at: 8)
        guard signal < UInt32(QueueCounts.signals), sequence < SegmentFormat.mostSequence else {
            return nil
        }
        return unsafe RecordHead(
            length: source.get(UInt32.self, at: 4), sequence: sequence,
            timeUnixNano: source.get(UInt64.self, at: 16), items: source.get(UInt32.self, at: 24),
            signal: UInt8(signal), payloadChecksum: source.get(UInt64.self, at: 32))
    }
}

extension UnsafeMutableRawBufferPointer {
    /// Traps outside of the buffer: only for buffers that we made.
    func put<Number: FixedWidthInteger & BitwiseCopyable>(_ value: Number, at offset: Int) {
        precondition(offset >= 0 && offset + MemoryLayout<Number>.size <= count)
        unsafe storeBytes(of: value.littleEndian, toByteOffset: offset, as: Number.self)
    }
}

extension UnsafeRawBufferPointer {
    /// Traps outside of the buffer: the caller has compared its length.
    func get<Number: FixedWidthInteger & BitwiseCopyable>(_: Number.Type, at offset: Int) -> Number
    {
        precondition(offset >= 0 && offset + MemoryLayout<Number>.size <= count)
        return unsafe Number(littleEndian: loadUnaligned(fromByteOffset: offset, as: Number.self))
    }
}
