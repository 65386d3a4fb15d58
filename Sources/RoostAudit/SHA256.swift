import COpenSSL
import RoostCore

/// SHA-256, one message after the other. FIPS 180-4.
///
/// Confined to one thread at a time.
@safe final class SHA256 {
    static let hexBytes = 64

    private let context: OpaquePointer?
    private let digest: OpaquePointer?

    init() {
        unsafe context = EVP_MD_CTX_new()
        // Fetched once: EVP_sha256() would look for an implementation with every message.
        unsafe digest = EVP_MD_fetch(nil, "SHA256", nil)
    }

    deinit {
        unsafe EVP_MD_free(digest)
        unsafe EVP_MD_CTX_free(context)
    }

    /// Whether the library gave what is needed; without it every sum is empty.
    var isUsable: Bool { unsafe context != nil && digest != nil }

    /// The sum of the bytes followed by `last`, as 64 lower-case hexadecimal digits.
    func hex(of bytes: Span<UInt8>, followedBy last: UInt8) -> [UInt8] {
        var sum = [UInt8](repeating: 0, count: 32)
        var closing = last
        let isDone = unsafe bytes.withUnsafeBytes { bytes in
            unsafe sum.withUnsafeMutableBufferPointer { sum in
                unsafe EVP_DigestInit_ex2(context, digest, nil) == 1
                    && EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) == 1
                    && EVP_DigestUpdate(context, &closing, 1) == 1
                    && EVP_DigestFinal_ex(context, sum.baseAddress, nil) == 1
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
