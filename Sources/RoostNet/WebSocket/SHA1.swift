/// The SHA-1 digest of a short text, FIPS 180-4 §6.1.
///
/// For the answer to a WebSocket handshake, which is all that it is good for: nothing here rests on
/// its strength.
func sha1(_ message: [UInt8]) -> [UInt8] {
    var state: [UInt32] = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0]
    var padded = message
    padded.append(0x80)
    while padded.count % 64 != 56 { padded.append(0) }
    let bits = UInt64(message.count) &* 8
    padded += bigEndian(bits, bytes: 8)
    for start in stride(from: 0, to: padded.count, by: 64) {
        mix(padded[start..<start + 64], into: &state)
    }
    return state.flatMap { bigEndian(UInt64($0), bytes: 4) }
}

private func mix(_ block: ArraySlice<UInt8>, into state: inout [UInt32]) {
    var words = [UInt32](repeating: 0, count: 80)
    for (offset, byte) in block.enumerated() {
        words[offset / 4] = words[offset / 4] << 8 | UInt32(byte)
    }
    for place in 16..<80 {
        words[place] = rotated(
            words[place - 3] ^ words[place - 8] ^ words[place - 14] ^ words[place - 16], by: 1)
    }
    var (a, b, c, d, e) = (state[0], state[1], state[2], state[3], state[4])
    for place in 0..<80 {
        let (f, k): (UInt32, UInt32) =
            switch place {
            case ..<20: (b & c | ~b & d, 0x5A82_7999)
            case ..<40: (b ^ c ^ d, 0x6ED9_EBA1)
            case ..<60: (b & c | b & d | c & d, 0x8F1B_BCDC)
            default: (b ^ c ^ d, 0xCA62_C1D6)
            }
        let next = rotated(a, by: 5) &+ f &+ e &+ k &+ words[place]
        (a, b, c, d, e) = (next, a, rotated(b, by: 30), c, d)
    }
    for (place, value) in [a, b, c, d, e].enumerated() { state[place] &+= value }
}

private func rotated(_ value: UInt32, by bits: UInt32) -> UInt32 {
    value << bits | value >> (32 - bits)
}

private func bigEndian(_ value: UInt64, bytes: Int) -> [UInt8] {
    (0..<bytes).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * (bytes - 1 - $0))) }
}
