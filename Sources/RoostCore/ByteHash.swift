import Glibc

/// A fast hash of short byte strings for tables that live in this process only.
///
/// Eight bytes at a time, each step a 64 by 64 bit multiplication whose halves are folded together.
/// A secret made at start keeps outsiders from choosing names that collide.
public enum ByteHash {
    @usableFromInline static let secret: (UInt64, UInt64) = {
        var generator = SystemRandomNumberGenerator()
        return (generator.next() | 1, generator.next() | 1)
    }()

    /// The hash of `bytes`; another `seed` gives an unrelated one.
    @inlinable @inline(__always)
    public static func hash(_ bytes: UnsafeBufferPointer<UInt8>, seed: UInt64) -> UInt64 {
        guard let base = bytes.baseAddress else { return mix(seed ^ secret.0, secret.1) }
        return unsafe hash(UnsafeRawPointer(base), count: bytes.count, seed: seed)
    }

    /// The hash of the `count` bytes at `base`.
    @inlinable @inline(__always)
    public static func hash(_ base: UnsafeRawPointer, count: Int, seed: UInt64) -> UInt64 {
        let (first, second) = secret
        var state = mix(seed ^ first, UInt64(truncatingIfNeeded: count) ^ second)
        var offset = 0
        while count &- offset >= 8 {
            let word = unsafe base.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            state = mix(word ^ state, second)
            offset &+= 8
        }
        var rest: UInt64 = 0
        var shift: UInt64 = 0
        while offset < count {
            rest |= UInt64(unsafe base.load(fromByteOffset: offset, as: UInt8.self)) << shift
            shift &+= 8
            offset &+= 1
        }
        return mix(rest ^ state, first)
    }

    @inlinable @inline(__always)
    static func mix(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low
    }
}
