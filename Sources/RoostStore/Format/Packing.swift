/// Writes numbers and texts one after another.
struct Packer {
    private(set) var bytes: [UInt8] = []

    /// `capacity` is how many bytes there will be, about.
    init(capacity: Int = 0) { bytes.reserveCapacity(capacity) }

    mutating func byte(_ value: UInt8) { bytes.append(value) }

    mutating func number(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    mutating func number(_ value: Int) { number(UInt64(clamping: value)) }

    mutating func text(_ text: String) {
        number(text.utf8.count)
        bytes.append(contentsOf: text.utf8)
    }

    mutating func texts(_ list: [String]) {
        number(list.count)
        for text in list { self.text(text) }
    }

    /// All bytes of a number, least significant first.
    mutating func fixed(_ value: some FixedWidthInteger) {
        unsafe withUnsafeBytes(of: value.littleEndian) { unsafe bytes.append(contentsOf: $0) }
    }
}

/// Reads what `Packer` wrote. Past the end, or after nonsense, everything reads as nothing: a later
/// version may have written more, an earlier one less.
@safe struct Unpacker {
    private let bytes: UnsafeRawBufferPointer
    private let count: Int
    private var place = 0

    /// The bytes outlive it.
    @unsafe init(_ bytes: UnsafeRawBufferPointer) {
        unsafe self.bytes = bytes
        count = bytes.count
    }

    private var left: Int { count &- place }

    mutating func byte() -> UInt8 {
        guard left > 0 else { return 0 }
        defer { place &+= 1 }
        return unsafe bytes[place]
    }

    mutating func number() -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while left > 0, shift < 64 {
            let byte = byte()
            value |= UInt64(byte & 0x7F) &<< shift
            if byte < 0x80 { return value }
            shift &+= 7
        }
        return value
    }

    mutating func int() -> Int { Int(clamping: number()) }

    mutating func text() -> String {
        let count = int()
        guard count <= left else {
            place = self.count
            return ""
        }
        defer { place &+= count }
        return unsafe String(
            decoding: UnsafeRawBufferPointer(rebasing: bytes[place..<place &+ count]),
            as: UTF8.self)
    }

    mutating func texts() -> [String] {
        let count = int()
        guard count <= left else { return [] }
        return (0..<count).map { _ in text() }
    }

    mutating func fixed() -> UInt64 {
        guard left >= 8 else {
            place = self.count
            return 0
        }
        defer { place &+= 8 }
        return unsafe UInt64(
            littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self))
    }
}
