/// Ids of traces and spans that are made from what a sender says, where it tells none.
///
/// The same in every run of the program, as what was stored before a restart and what comes after it
/// belong together. Nothing secret goes into them, so no table may rest on them alone.
enum MadeID {
    /// From the fraction digits of pi.
    private static let (first, second): (UInt64, UInt64) = (
        0x243F_6A88_85A3_08D3, 0x1319_8A2E_0370_7345
    )

    /// Another `seed` gives an unrelated one.
    static func hash(_ bytes: UnsafeRawBufferPointer, seed: UInt64) -> UInt64 {
        var state = mix(seed ^ first, UInt64(truncatingIfNeeded: bytes.count) ^ second)
        var offset = 0
        while bytes.count &- offset >= 8 {
            let word = unsafe bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            state = mix(word ^ state, second)
            offset &+= 8
        }
        var rest: UInt64 = 0
        var shift: UInt64 = 0
        while offset < bytes.count {
            rest |= unsafe UInt64(bytes[offset]) << shift
            shift &+= 8
            offset &+= 1
        }
        return mix(rest ^ state, first)
    }

    private static func mix(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low
    }
}
