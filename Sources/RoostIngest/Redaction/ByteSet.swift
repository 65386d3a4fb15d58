/// A set of byte values.
struct ByteSet: Sendable, Equatable {
    private var words: SIMD4<UInt64> = .zero

    init() {}

    /// Every byte of `text`, where `a-z` is a range.
    init(_ text: StaticString) {
        let bytes = unsafe UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
        var index = 0
        while index < bytes.count {
            let first = unsafe bytes[index]
            if index + 2 < bytes.count, unsafe bytes[index + 1] == 0x2D {
                insert(first...(unsafe bytes[index + 2]))
                index += 3
            } else {
                insert(first)
                index += 1
            }
        }
    }

    @inline(__always)
    func contains(_ byte: UInt8) -> Bool {
        words[Int(byte >> 6)] >> UInt64(byte & 63) & 1 != 0
    }

    mutating func insert(_ byte: UInt8) { words[Int(byte >> 6)] |= 1 << UInt64(byte & 63) }

    mutating func insert(_ range: ClosedRange<UInt8>) { for byte in range { insert(byte) } }

    func union(_ other: ByteSet) -> ByteSet {
        var both = self
        both.words |= other.words
        return both
    }

    /// The ASCII characters that are not in it.
    var asciiComplement: ByteSet {
        var rest = ByteSet()
        for byte in UInt8(0)...0x7F where !contains(byte) { rest.insert(byte) }
        return rest
    }

    static let letters = ByteSet("A-Za-z")
    static let digits = ByteSet("0-9")
    static let alphanumerics = ByteSet("A-Za-z0-9")
    static let hexDigits = ByteSet("0-9A-Fa-f")
    /// What keys are made of, and words of identifiers.
    static let token: ByteSet = {
        var set = ByteSet.alphanumerics
        set.insert(0x5F)
        set.insert(0x2D)
        return set
    }()
}
