/// Writes one protobuf message, front to back, into bytes.
///
/// For what Roost authors itself. Every call writes its field, also where the value is the type's
/// default: a caller that wants proto3's short form leaves such a call out.
public struct MessageWriter: Sendable {
    public private(set) var bytes: [UInt8] = []

    public init() {}

    /// Forgets what was written and keeps the memory.
    public mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }

    /// `int64`, `uint64`, `bool` and enums.
    public mutating func varint(_ field: Int, _ value: UInt64) {
        tag(field, .varint)
        append(varint: value)
    }

    /// `sint32` and `sint64`: zigzag, so that small negative numbers stay short.
    public mutating func zigzag(_ field: Int, _ value: Int64) {
        varint(field, UInt64(bitPattern: (value &<< 1) ^ (value &>> 63)))
    }

    /// `fixed64` and `sfixed64`.
    public mutating func fixed64(_ field: Int, _ value: UInt64) {
        tag(field, .fixed64)
        append(littleEndian: value, count: 8)
    }

    /// `fixed32` and `sfixed32`.
    public mutating func fixed32(_ field: Int, _ value: UInt32) {
        tag(field, .fixed32)
        append(littleEndian: UInt64(value), count: 4)
    }

    public mutating func double(_ field: Int, _ value: Double) { fixed64(field, value.bitPattern) }

    public mutating func string(_ field: Int, _ text: String) {
        tag(field, .lengthDelimited)
        append(varint: UInt64(text.utf8.count))
        bytes.append(contentsOf: text.utf8)
    }

    public mutating func bytes(_ field: Int, _ value: some Collection<UInt8>) {
        tag(field, .lengthDelimited)
        append(varint: UInt64(value.count))
        bytes.append(contentsOf: value)
    }

    /// The words of `value`, the most significant byte first, as OTLP ids are written.
    public mutating func bigEndian(_ field: Int, _ words: UInt64...) {
        tag(field, .lengthDelimited)
        append(varint: UInt64(words.count * 8))
        for word in words { append(littleEndian: word.byteSwapped, count: 8) }
    }

    public mutating func packedFixed64(_ field: Int, _ values: some Collection<UInt64>) {
        tag(field, .lengthDelimited)
        append(varint: UInt64(values.count * 8))
        for value in values { append(littleEndian: value, count: 8) }
    }

    public mutating func packedDouble(_ field: Int, _ values: some Collection<Double>) {
        packedFixed64(field, values.map(\.bitPattern))
    }

    public mutating func packedVarint(_ field: Int, _ values: some Collection<UInt64>) {
        message(field) { writer in
            for value in values { writer.append(varint: value) }
        }
    }

    /// A message inside this one, its fields written by `body`.
    ///
    /// One byte is left free for the length; a longer message moves by the bytes its length needs
    /// more, which for telemetry's mostly short messages is rare and small.
    public mutating func message(_ field: Int, _ body: (inout MessageWriter) -> Void) {
        tag(field, .lengthDelimited)
        let lengthIndex = bytes.count
        bytes.append(0)
        body(&self)
        let length = bytes.count - lengthIndex - 1
        if length < 0x80 {
            bytes[lengthIndex] = UInt8(length)
        } else {
            bytes.replaceSubrange(lengthIndex...lengthIndex, with: Self.varintBytes(UInt64(length)))
        }
    }

    private enum WireType: UInt64 { case varint = 0, fixed64, lengthDelimited, fixed32 = 5 }

    private mutating func tag(_ field: Int, _ type: WireType) {
        append(varint: UInt64(field) << 3 | type.rawValue)
    }

    private mutating func append(varint value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    private mutating func append(littleEndian value: UInt64, count: Int) {
        var rest = value
        for _ in 0..<count {
            bytes.append(UInt8(truncatingIfNeeded: rest))
            rest >>= 8
        }
    }

    private static func varintBytes(_ value: UInt64) -> [UInt8] {
        var writer = MessageWriter()
        writer.append(varint: value)
        return writer.bytes
    }
}
