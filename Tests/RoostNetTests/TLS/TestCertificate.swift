import COpenSSL

/// A key with a certificate that it signed itself, as PEM.
@safe final class TestCertificate {
    private(set) var certificate: [UInt8] = []
    private(set) var key: [UInt8] = []
    private(set) var encryptedKey: [UInt8] = []

    /// Valid from and until so many seconds from now.
    init(name: String = "localhost", from: Int = -60, until: Int = 3_600) throws {
        guard let generator = unsafe EVP_PKEY_CTX_new_from_name(nil, "EC", nil),
            unsafe EVP_PKEY_keygen_init(generator) == 1,
            unsafe EVP_PKEY_CTX_set_group_name(generator, "P-256") == 1
        else { throw Failure() }
        defer { unsafe EVP_PKEY_CTX_free(generator) }
        var pair: OpaquePointer?
        guard unsafe EVP_PKEY_generate(generator, &pair) == 1, let pair = unsafe pair,
            let made = unsafe X509_new()
        else { throw Failure() }
        defer {
            unsafe EVP_PKEY_free(pair)
            unsafe X509_free(made)
        }
        unsafe X509_set_version(made, 2)
        unsafe ASN1_INTEGER_set(X509_get_serialNumber(made), Int.random(in: 1...1 << 30))
        unsafe X509_gmtime_adj(X509_getm_notBefore(made), from)
        unsafe X509_gmtime_adj(X509_getm_notAfter(made), until)
        let names = unsafe X509_get_subject_name(made)
        unsafe X509_NAME_add_entry_by_txt(
            names, "CN", 0x1001, Array(name.utf8), CInt(name.utf8.count), -1, 0)
        unsafe X509_set_issuer_name(made, names)
        unsafe X509_set_pubkey(made, pair)
        guard unsafe X509_sign(made, pair, EVP_sha256()) > 0 else { throw Failure() }
        unsafe certificate = try Self.written { unsafe PEM_write_bio_X509($0, made) }
        unsafe key = try Self.written {
            unsafe PEM_write_bio_PrivateKey($0, pair, nil, nil, 0, nil, nil)
        }
        var secret = Array("secret".utf8)
        unsafe encryptedKey = try Self.written {
            unsafe PEM_write_bio_PrivateKey(
                $0, pair, EVP_aes_128_cbc(), &secret, CInt(secret.count), nil, nil)
        }
    }

    private struct Failure: Error {}

    private static func written(_ body: (OpaquePointer) -> CInt) throws -> [UInt8] {
        guard let bio = unsafe BIO_new(BIO_s_mem()) else { throw Failure() }
        defer { unsafe BIO_free(bio) }
        guard unsafe body(bio) == 1 else { throw Failure() }
        var bytes = [UInt8](repeating: 0, count: 16_384)
        let count = unsafe BIO_read(bio, &bytes, CInt(bytes.count))
        return Array(bytes.prefix(max(0, Int(count))))
    }
}
