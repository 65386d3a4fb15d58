import COpenSSL
import RoostCore

/// SHA-256, one message after the other. FIPS 180-4.
///
/// Holds nothing; any thread.
struct SHA256 {
    static let hexBytes = 64

    /// The sum of the bytes followed by `last`, as 64 lower-case hexadecimal digits.
    func hex(of bytes: Span<UInt8>, followedBy last: UInt8) -> [UInt8] {
        var sum = [UInt8](repeating: 0, count: 32)
        var closing = last
        var context = SHA256_CTX()
        let isDone = unsafe bytes.withUnsafeBytes { bytes in
            unsafe sum.withUnsafeMutableBufferPointer { sum in
                unsafe SHA256_Init(&context) == 1
                    && SHA256_Update(&context, bytes.baseAddress, bytes.count) == 1
                    && SHA256_Update(&context, &closing, 1) == 1
                    && SHA256_Final(sum.baseAddress, &context) == 1
            }
        }
        guard isDone else { return [] }
        var text: [UInt8] = []
        text.reserveCapacity(Self.hexBytes)
        for byte in sum {
            text.append(hexDigit(byte >> 4))
            text.append(hexDigit(byte & 15))
        }
        return text
    }
}
