/// Stands for the identity of something: two unrelated keyed hashes of 64 bits.
///
/// Equal fingerprints are taken for equal identities. Nobody outside knows the keys, so a
/// collision is a matter of luck: below 10^-20 for ten billion streams.
struct Fingerprint: Hashable {
    var low: UInt64 = 0
    var high: UInt64 = 0

    /// Adds the fingerprint of one more member; the order of members does not matter.
    @inline(__always)
    mutating func add(_ member: Fingerprint) {
        low &+= member.low
        high &+= member.high
    }

    func hash(into hasher: inout Hasher) { hasher.combine(low) }
}

/// The secret of one store.
struct FingerprintKeys: Sendable {
    let first: UInt64
    let second: UInt64
    let third: UInt64
    let fourth: UInt64

    init() {
        var generator = SystemRandomNumberGenerator()
        first = generator.next() | 1
        second = generator.next() | 1
        third = generator.next() | 1
        fourth = generator.next() | 1
    }
}

/// Takes in one member's bytes, eight at a time, in two lanes that the processor runs side by side.
struct FingerprintHasher {
    private let keys: FingerprintKeys
    private var low: UInt64
    private var high: UInt64

    @inline(__always)
    init(_ keys: FingerprintKeys, seed: UInt64 = 0) {
        self.keys = keys
        low = keys.third ^ seed
        high = keys.fourth &+ seed
    }

    @inline(__always)
    mutating func absorb(_ word: UInt64) {
        low = Self.fold(low ^ word, keys.first)
        high = Self.fold(high &+ word, keys.second)
    }

    /// Takes in the length too, so that two texts in a row cannot be mistaken for others.
    @inline(__always)
    mutating func absorb(_ base: UnsafePointer<UInt8>, count: Int) {
        let raw = unsafe UnsafeRawPointer(base)
        absorb(UInt64(truncatingIfNeeded: count))
        if count >= 8 {
            var offset = 0
            while offset &+ 8 < count {
                absorb(unsafe raw.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
                offset &+= 8
            }
            absorb(unsafe raw.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self))
        } else if count >= 4 {
            let front = unsafe raw.loadUnaligned(as: UInt32.self)
            let back = unsafe raw.loadUnaligned(fromByteOffset: count &- 4, as: UInt32.self)
            absorb(UInt64(front) << 32 | UInt64(back))
        } else if count > 0 {
            let middle = unsafe UInt64(base[count >> 1]) << 8
            absorb(unsafe UInt64(base[0]) << 16 | middle | UInt64(base[count &- 1]))
        }
    }

    @inline(__always)
    func finish() -> Fingerprint {
        Fingerprint(
            low: Self.fold(low ^ keys.second, keys.third),
            high: Self.fold(high ^ keys.first, keys.fourth))
    }

    @inline(__always)
    private static func fold(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low
    }
}
