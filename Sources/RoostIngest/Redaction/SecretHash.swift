/// Names a secret without showing it: the same secret has the same name wherever it is met.
///
/// HMAC-SHA-256 under a key of the installation, so that nobody without the key can try candidates;
/// the first 64 bits. RFC 2104, FIPS 180-4.
struct SecretHash: Sendable {
    private let inner: SHA256
    private let outer: SHA256

    init(key: [UInt8]) {
        var block = key
        if block.count > 64 {
            var hash = SHA256()
            hash.add(block)
            block = hash.finish()
        }
        block += [UInt8](repeating: 0, count: 64 - block.count)
        var inner = SHA256()
        inner.add(block.map { $0 ^ 0x36 })
        var outer = SHA256()
        outer.add(block.map { $0 ^ 0x5C })
        self.inner = inner
        self.outer = outer
    }

    /// Sixteen hexadecimal digits.
    func name(of bytes: some Sequence<UInt8>) -> [UInt8] {
        var inner = inner
        inner.add(bytes)
        var outer = outer
        outer.add(inner.finish())
        return outer.finish().prefix(8).flatMap { [Self.digit($0 >> 4), Self.digit($0 & 15)] }
    }

    private static func digit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x57 + value }
}

/// SHA-256 over bytes that come in parts. FIPS 180-4, section 6.2.
struct SHA256: Sendable {
    private var state: [UInt32] = [
        0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab,
        0x5be0_cd19,
    ]
    private var block: [UInt8] = []
    private var count: UInt64 = 0

    mutating func add(_ bytes: some Sequence<UInt8>) {
        for byte in bytes { add(byte) }
    }

    mutating func finish() -> [UInt8] {
        let bits = count &* 8
        add(0x80)
        while block.count != 56 { add(0) }
        for shift in stride(from: UInt64(56), through: 0, by: -8) {
            add(UInt8(truncatingIfNeeded: bits >> shift))
        }
        return state.flatMap { word in
            [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: word >> UInt32($0)) }
        }
    }

    private mutating func add(_ byte: UInt8) {
        block.append(byte)
        count &+= 1
        guard block.count == 64 else { return }
        compress()
        block.removeAll(keepingCapacity: true)
    }

    private mutating func compress() {
        var words = (0..<16).map { index in
            block[index * 4..<index * 4 + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        }
        for index in 16..<64 {
            let early = words[index - 15]
            let late = words[index - 2]
            words.append(
                words[index - 16] &+ (Self.turn(early, 7) ^ Self.turn(early, 18) ^ early >> 3)
                    &+ words[index - 7] &+ (Self.turn(late, 17) ^ Self.turn(late, 19) ^ late >> 10))
        }
        var now = state
        for index in 0..<64 {
            let spread = Self.turn(now[4], 6) ^ Self.turn(now[4], 11) ^ Self.turn(now[4], 25)
            let chosen = now[4] & now[5] ^ ~now[4] & now[6]
            let first = now[7] &+ spread &+ chosen &+ Self.constants[index] &+ words[index]
            let mixed = Self.turn(now[0], 2) ^ Self.turn(now[0], 13) ^ Self.turn(now[0], 22)
            let most = now[0] & now[1] ^ now[0] & now[2] ^ now[1] & now[2]
            now = [
                first &+ mixed &+ most, now[0], now[1], now[2], now[3] &+ first, now[4], now[5],
                now[6],
            ]
        }
        for index in 0..<8 { state[index] = state[index] &+ now[index] }
    }

    private static func turn(_ word: UInt32, _ bits: UInt32) -> UInt32 {
        word >> bits | word << (32 - bits)
    }

    /// The fractional parts of the cube roots of the first 64 primes.
    private static let constants: [UInt32] = {
        var primes: [UInt64] = []
        var candidate: UInt64 = 2
        while primes.count < 64 {
            if primes.allSatisfy({ candidate % $0 != 0 }) { primes.append(candidate) }
            candidate += 1
        }
        return primes.map(fractionOfCubeRoot)
    }()

    /// 32 bits after the point of the cube root: the largest x with x³ ≤ n · 2⁹⁶.
    private static func fractionOfCubeRoot(_ number: UInt64) -> UInt32 {
        var root: UInt64 = 0
        for bit in (0..<36).reversed() {
            let tried = root | 1 << UInt64(bit)
            let square = UInt128(tried) * UInt128(tried)
            if square * UInt128(tried) <= UInt128(number) << 96 { root = tried }
        }
        return UInt32(truncatingIfNeeded: root)
    }
}
