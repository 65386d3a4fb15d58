import Testing

@testable import RoostQueue

@Suite struct XXHash64Tests {
    /// From the Python package `xxhash`, over bytes (index * 7 + 3) mod 256.
    @Test(
        arguments: [
            (0, 0x0000000000000000, 0xEF46DB3751D8E999),
            (0, 0x123456789ABCDEF0, 0x7FEF5B0C316777ED),
            (1, 0x0000000000000000, 0x1F25C8D0BC1F4BB6),
            (1, 0x123456789ABCDEF0, 0x1E2EA53A3040E362),
            (3, 0x0000000000000000, 0x31D2363F52E564C9),
            (3, 0x123456789ABCDEF0, 0x05C22BC4B93347D9),
            (4, 0x0000000000000000, 0x9BB64B7D66EE9FDA),
            (4, 0x123456789ABCDEF0, 0x6F43828B2DC8C736),
            (7, 0x0000000000000000, 0x9A7B149959CE60D8),
            (7, 0x123456789ABCDEF0, 0x8BA3F8E8DCFC9A32),
            (8, 0x0000000000000000, 0xDAB99D95C6F90092),
            (8, 0x123456789ABCDEF0, 0x311893BA9020DEDF),
            (15, 0x0000000000000000, 0x1B47CB8243CC8E32),
            (15, 0x123456789ABCDEF0, 0x727335ED67F88E56),
            (31, 0x0000000000000000, 0xA2AA5F33CC4A6119),
            (31, 0x123456789ABCDEF0, 0x2C9E9C9D631D0AAA),
            (32, 0x0000000000000000, 0x23C3C17EF790FD97),
            (32, 0x123456789ABCDEF0, 0xD1DC5D84AEBDAFB4),
            (33, 0x0000000000000000, 0x50A7CFC7BA588784),
            (33, 0x123456789ABCDEF0, 0x4C4DB23E16391B47),
            (63, 0x0000000000000000, 0x5E3E54B431C7493C),
            (63, 0x123456789ABCDEF0, 0xA89A91242F37EB2D),
            (64, 0x0000000000000000, 0x0EB64B3EF6EEB01F),
            (64, 0x123456789ABCDEF0, 0xF5D7DA99A82361FB),
            (100, 0x0000000000000000, 0xA61F8D4C170FE531),
            (100, 0x123456789ABCDEF0, 0x3C691E06B9FCC7DB),
            (1000, 0x0000000000000000, 0x5F235FA033F1A3FB),
            (1000, 0x123456789ABCDEF0, 0x2C07C91F9C8937BD),
        ] as [(Int, UInt64, UInt64)])
    func `agrees with another implementation`(
        _ length: Int, _ seed: UInt64, _ expected: UInt64
    ) {
        let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 * 7 + 3) }
        #expect(unsafe bytes.withUnsafeBytes { unsafe XXHash64.of($0, seed: seed) } == expected)
    }

    @Test func `does not depend on how its bytes come`() {
        let bytes = (0..<300).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let whole = unsafe bytes.withUnsafeBytes { unsafe XXHash64.of($0) }
        for step in 1..<100 {
            var hash = XXHash64()
            for start in stride(from: 0, to: bytes.count, by: step) {
                let part = Array(bytes[start..<min(start + step, bytes.count)])
                unsafe part.withUnsafeBytes { unsafe hash.update($0) }
            }
            #expect(hash.value == whole)
        }
    }

    @Test func `copies what it hashes`() {
        let bytes = (0..<300).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let whole = unsafe bytes.withUnsafeBytes { unsafe XXHash64.of($0) }
        for step in 1..<100 {
            var hash = XXHash64()
            var copy: [UInt8] = []
            for start in stride(from: 0, to: bytes.count, by: step) {
                let part = Array(bytes[start..<min(start + step, bytes.count)])
                // One more on either side must stay as it is.
                var target = [UInt8](repeating: 0xAA, count: part.count + 2)
                unsafe target.withUnsafeMutableBytes { target in
                    let inner = unsafe UnsafeMutableRawBufferPointer(
                        rebasing: target[1..<target.count - 1])
                    unsafe part.withUnsafeBytes { unsafe hash.update($0, copyingTo: inner) }
                }
                #expect(target.first == 0xAA && target.last == 0xAA)
                copy += target.dropFirst().dropLast()
            }
            #expect(hash.value == whole && copy == bytes)
        }
    }
}
