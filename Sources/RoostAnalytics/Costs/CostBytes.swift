/// Writes what costs and budgets keep between two starts: a mark and a version, numbers in as few
/// bytes as they need, and a sum over all at the end, by which damage is known.
struct CostBytesWriter {
    private(set) var bytes: [UInt8]

    init(mark: StaticString, version: UInt8) {
        bytes = Array(mark.description.utf8)
        bytes.append(version)
    }

    mutating func number(_ value: some UnsignedInteger) {
        var rest = UInt64(value)
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    mutating func real(_ value: Double) {
        for shift in stride(from: 0, to: 64, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: value.bitPattern >> UInt64(shift)))
        }
    }

    mutating func text(_ value: String) {
        number(UInt(value.utf8.count))
        bytes.append(contentsOf: value.utf8)
    }

    consuming func finished() -> [UInt8] {
        let sum = CostBytesReader.sum(bytes[...])
        for shift in stride(from: 0, to: 64, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: sum >> UInt64(shift)))
        }
        return bytes
    }
}

/// Reads what `CostBytesWriter` wrote. Past the end everything is 0 and `isDamaged` is set.
struct CostBytesReader {
    private let bytes: ArraySlice<UInt8>
    private var next: Int
    private(set) var isDamaged = false

    /// Nil for anything but what was written under this mark in this version, whole.
    init?(_ all: [UInt8], mark: StaticString, version: UInt8) {
        let start = Array(mark.description.utf8) + [version]
        guard all.count >= start.count + 8, all.starts(with: start) else { return nil }
        bytes = all[..<(all.count - 8)]
        var sum: UInt64 = 0
        for byte in all.suffix(8).reversed() { sum = sum << 8 | UInt64(byte) }
        guard sum == CostBytesReader.sum(bytes) else { return nil }
        next = start.count
    }

    /// FNV-1a.
    static func sum(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        var sum: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes { sum = (sum ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return sum
    }

    var isAtEnd: Bool { next == bytes.endIndex }

    private mutating func byte() -> UInt8 {
        guard next < bytes.endIndex else {
            isDamaged = true
            return 0
        }
        next += 1
        return bytes[next - 1]
    }

    mutating func number() -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: 0, to: 64, by: 7) {
            let byte = byte()
            value |= UInt64(byte & 0x7F) << UInt64(shift)
            if byte < 0x80 { return value }
        }
        isDamaged = true
        return 0
    }

    mutating func small() -> UInt32 {
        let value = number()
        if value > UInt64(UInt32.max) { isDamaged = true }
        return UInt32(truncatingIfNeeded: value)
    }

    /// A number of things of which each takes a byte at least.
    mutating func count() -> Int {
        let value = number()
        guard value <= UInt64(bytes.endIndex - next) else {
            isDamaged = true
            return 0
        }
        return Int(value)
    }

    mutating func real() -> Double {
        var bits: UInt64 = 0
        for shift in stride(from: 0, to: 64, by: 8) { bits |= UInt64(byte()) << UInt64(shift) }
        return Double(bitPattern: bits)
    }

    /// An amount of money; anything else is damage.
    mutating func amount() -> Double {
        let value = real()
        guard value.isFinite else {
            isDamaged = true
            return 0
        }
        return value
    }

    mutating func text() -> String {
        let count = count()
        let text = String(decoding: bytes[next..<(next + count)], as: UTF8.self)
        next += count
        return text
    }
}
