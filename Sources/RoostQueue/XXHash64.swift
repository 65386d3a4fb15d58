/// The 64-bit hash of the xxHash specification (XXH64), fed in pieces.
///
/// Finds every damage that a disk, a cut write or a flipped bit does in practice; it is no secret
/// and proves nothing about who wrote. Four independent lanes of 8 bytes, so that it runs at the
/// speed of memory without instructions of one kind of processor.
struct XXHash64 {
    private static let prime1: UInt64 = 0x9E37_79B1_85EB_CA87
    private static let prime2: UInt64 = 0xC2B2_AE3D_27D4_EB4F
    private static let prime3: UInt64 = 0x1656_67B1_9E37_79F9
    private static let prime4: UInt64 = 0x85EB_CA77_C2B2_AE63
    private static let prime5: UInt64 = 0x27D4_EB2F_1656_67C5
    private static let stripe = 32

    private let seed: UInt64
    private var lanes: SIMD4<UInt64>
    /// The bytes after the last whole stripe.
    private var rest: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    private var restCount = 0
    private var total: UInt64 = 0

    init(seed: UInt64 = 0) {
        self.seed = seed
        lanes = SIMD4(
            seed &+ Self.prime1 &+ Self.prime2, seed &+ Self.prime2, seed, seed &- Self.prime1)
    }

    static func of(_ bytes: UnsafeRawBufferPointer, seed: UInt64 = 0) -> UInt64 {
        var hash = XXHash64(seed: seed)
        unsafe hash.update(bytes)
        return hash.value
    }

    /// The same as `update`, and copies what it reads: together they take hardly longer than the
    /// hash alone. `target` is as long as `bytes`.
    mutating func update(
        _ bytes: UnsafeRawBufferPointer, copyingTo target: UnsafeMutableRawBufferPointer
    ) {
        precondition(target.count == bytes.count)
        guard let place = bytes.baseAddress, let copy = target.baseAddress else { return }
        // Up to where the stripes of the whole begin, and after the last one, in the usual way.
        let first = min(bytes.count, restCount == 0 ? 0 : Self.stripe - restCount)
        let stripes = (bytes.count - first) / Self.stripe
        let last = first + stripes * Self.stripe
        for part in [0..<first, last..<bytes.count] where !part.isEmpty {
            unsafe (copy + part.lowerBound).copyMemory(
                from: place + part.lowerBound, byteCount: part.count)
        }
        unsafe update(UnsafeRawBufferPointer(rebasing: bytes[..<first]))
        unsafe consume(place + first, stripes: stripes, copyingTo: copy + first)
        total &+= UInt64(last - first)
        unsafe update(UnsafeRawBufferPointer(rebasing: bytes[last...]))
    }

    mutating func update(_ bytes: UnsafeRawBufferPointer) {
        guard var place = bytes.baseAddress else { return }
        var left = bytes.count
        total &+= UInt64(left)
        if restCount > 0 {
            let taken = min(Self.stripe - restCount, left)
            unsafe withUnsafeMutableBytes(of: &rest) { buffer in
                unsafe buffer.baseAddress?.advanced(by: restCount)
                    .copyMemory(from: place, byteCount: taken)
            }
            restCount += taken
            unsafe place += taken
            left -= taken
            guard restCount == Self.stripe else { return }
            unsafe withUnsafeBytes(of: rest) { buffer in
                if let base = buffer.baseAddress { unsafe consume(base, stripes: 1) }
            }
            restCount = 0
        }
        let stripes = left / Self.stripe
        unsafe consume(place, stripes: stripes)
        unsafe place += stripes * Self.stripe
        left -= stripes * Self.stripe
        guard left > 0 else { return }
        unsafe withUnsafeMutableBytes(of: &rest) { buffer in
            unsafe buffer.baseAddress?.copyMemory(from: place, byteCount: left)
        }
        restCount = left
    }

    private mutating func consume(_ base: UnsafeRawPointer, stripes: Int) {
        var (a, b, c, d) = (lanes[0], lanes[1], lanes[2], lanes[3])
        var place = unsafe base
        for _ in 0..<stripes {
            a = unsafe Self.round(a, Self.word(place, 0))
            b = unsafe Self.round(b, Self.word(place, 8))
            c = unsafe Self.round(c, Self.word(place, 16))
            d = unsafe Self.round(d, Self.word(place, 24))
            unsafe place += Self.stripe
        }
        lanes = SIMD4(a, b, c, d)
    }

    private mutating func consume(
        _ base: UnsafeRawPointer, stripes: Int, copyingTo target: UnsafeMutableRawPointer
    ) {
        var (a, b, c, d) = (lanes[0], lanes[1], lanes[2], lanes[3])
        var place = unsafe base
        var copy = unsafe target
        for _ in 0..<stripes {
            let words = unsafe place.loadUnaligned(as: SIMD4<UInt64>.self)
            unsafe copy.storeBytes(of: words, as: SIMD4<UInt64>.self)
            a = Self.round(a, UInt64(littleEndian: words[0]))
            b = Self.round(b, UInt64(littleEndian: words[1]))
            c = Self.round(c, UInt64(littleEndian: words[2]))
            d = Self.round(d, UInt64(littleEndian: words[3]))
            unsafe place += Self.stripe
            unsafe copy += Self.stripe
        }
        lanes = SIMD4(a, b, c, d)
    }

    /// Of everything fed so far.
    var value: UInt64 {
        var hash: UInt64
        if total >= UInt64(Self.stripe) {
            hash =
                Self.rotate(lanes[0], 1) &+ Self.rotate(lanes[1], 7)
                &+ Self.rotate(lanes[2], 12) &+ Self.rotate(lanes[3], 18)
            for lane in 0..<4 {
                hash = (hash ^ Self.round(0, lanes[lane])) &* Self.prime1 &+ Self.prime4
            }
        } else {
            hash = seed &+ Self.prime5
        }
        hash &+= total
        unsafe withUnsafeBytes(of: rest) { buffer in
            guard let base = buffer.baseAddress else { return }
            var offset = 0
            while offset + 8 <= restCount {
                hash ^= unsafe Self.round(0, Self.word(base, offset))
                hash = Self.rotate(hash, 27) &* Self.prime1 &+ Self.prime4
                offset += 8
            }
            if offset + 4 <= restCount {
                let half = unsafe UInt32(
                    littleEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
                hash ^= UInt64(half) &* Self.prime1
                hash = Self.rotate(hash, 23) &* Self.prime2 &+ Self.prime3
                offset += 4
            }
            while offset < restCount {
                hash ^= unsafe UInt64(buffer[offset]) &* Self.prime5
                hash = Self.rotate(hash, 11) &* Self.prime1
                offset += 1
            }
        }
        hash = (hash ^ (hash >> 33)) &* Self.prime2
        hash = (hash ^ (hash >> 29)) &* Self.prime3
        return hash ^ (hash >> 32)
    }

    @inline(__always)
    private static func round(_ lane: UInt64, _ word: UInt64) -> UInt64 {
        rotate(lane &+ word &* prime2, 31) &* prime1
    }

    @inline(__always)
    private static func rotate(_ value: UInt64, _ bits: UInt64) -> UInt64 {
        value &<< bits | value &>> (64 &- bits)
    }

    @inline(__always)
    private static func word(_ base: UnsafeRawPointer, _ offset: Int) -> UInt64 {
        unsafe UInt64(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }
}
