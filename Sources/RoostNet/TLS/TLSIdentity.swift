import COpenSSL
import Glibc

/// What a listener shows in TLS handshakes, and whom it lets in: a certificate with its key, and
/// perhaps the authorities of client certificates. Immutable and shared by all loops.
///
/// TLS 1.2 and 1.3, only suites with forward secrecy and authenticated encryption, no compression,
/// no renegotiation, no early data. Tickets are kept by the client and good for one identity only;
/// where client certificates are asked for there are none, so that each handshake checks one.
@safe public final class TLSIdentity: Sendable {
    private let handle: TLSContextHandle
    /// What is offered by ALPN, the best first.
    let protocols: [ApplicationProtocol]
    /// Whether a client has to show a certificate.
    public let asksForCertificate: Bool
    /// Of the certificate, as OpenSSL words it: `/CN=collector.example.org`.
    public let subject: String
    /// Seconds of Unix time between which the certificate is good.
    public let validFrom: Int64
    public let validUntil: Int64
    /// Equal for equal files.
    let fingerprint: [UInt8]

    /// 128-bit AES first: it costs least and is enough.
    private static let suites13 =
        "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
    private static let suites12 = ["AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305"]
        .map { "ECDHE-ECDSA-\($0):ECDHE-RSA-\($0)" }.joined(separator: ":")
    /// Bytes of the chain that a client may send.
    private static let mostChainBytes = 32 << 10

    /// From the contents of PEM files. `authorities` makes client certificates a must.
    public init(
        certificate: [UInt8], key: [UInt8], authorities: [UInt8]? = nil,
        protocols: [ApplicationProtocol] = [.http2, .http1]
    ) throws(TLSIdentityError) {
        ERR_clear_error()
        handle = try TLSContextHandle()
        self.protocols = protocols
        asksForCertificate = authorities != nil
        fingerprint = Self.digest([certificate, key, authorities ?? []])
        let chain = try PEMCertificates(certificate, .certificate)
        guard chain.count > 0 else {
            throw TLSIdentityError(.certificate, "holds no certificate in PEM")
        }
        let leaf = unsafe chain[0]
        subject = unsafe chain.subject(of: leaf)
        unsafe (validFrom, validUntil) = chain.validity(of: leaf)
        try configure()
        unsafe try use(chain, leaf)
        unsafe try use(key, for: leaf)
        if let authorities { try trust(authorities) }
        unsafe SSL_CTX_set_alpn_select_cb(
            context, Self.onALPN, Unmanaged.passUnretained(self).toOpaque())
    }

    var context: OpaquePointer { unsafe handle.context }

    private func configure() throws(TLSIdentityError) {
        unsafe roost_ssl_ctx_set_max_cert_list(context, Self.mostChainBytes)
        let isSet =
            unsafe roost_ssl_ctx_set_up(context, asksForCertificate ? 0 : 1) == 1
            && SSL_CTX_set_cipher_list(context, Self.suites12) == 1
            && SSL_CTX_set_ciphersuites(context, Self.suites13) == 1
        guard isSet else {
            throw TLSIdentityError(.certificate, "cannot be used: \(openSSLReason())")
        }
    }

    private func use(_ chain: borrowing PEMCertificates, _ leaf: OpaquePointer)
        throws(TLSIdentityError)
    {
        guard unsafe SSL_CTX_use_certificate(context, leaf) == 1 else {
            throw TLSIdentityError(.certificate, "is not accepted: \(openSSLReason())")
        }
        for index in 1..<chain.count {
            let certificate = unsafe chain[index]
            guard unsafe roost_ssl_ctx_add_chain(context, certificate) == 1 else {
                throw TLSIdentityError(
                    .certificate, "has a chain that is not accepted: \(openSSLReason())")
            }
        }
    }

    private func use(_ key: [UInt8], for leaf: OpaquePointer) throws(TLSIdentityError) {
        var isEncrypted = false
        let parsed = unsafe key.withUnsafeBytes { bytes -> OpaquePointer? in
            guard
                let bio = unsafe BIO_new_mem_buf(bytes.baseAddress, CInt(clamping: bytes.count))
            else { return nil }
            defer { unsafe BIO_free(bio) }
            return unsafe withUnsafeMutablePointer(to: &isEncrypted) {
                unsafe PEM_read_bio_PrivateKey(bio, nil, Self.onPassphrase, $0)
            }
        }
        guard let parsed = unsafe parsed else {
            throw TLSIdentityError(
                .key,
                isEncrypted
                    ? "is encrypted, and there is nobody to ask for its passphrase; "
                        + "decrypt it: openssl pkey -in FILE -out NEWFILE"
                    : "holds no private key in PEM")
        }
        defer { unsafe EVP_PKEY_free(parsed) }
        guard unsafe X509_check_private_key(leaf, parsed) == 1 else {
            throw TLSIdentityError(.key, "is not the key of the certificate (\(subject))")
        }
        guard unsafe SSL_CTX_use_PrivateKey(context, parsed) == 1 else {
            throw TLSIdentityError(.key, "is not accepted: \(openSSLReason())")
        }
    }

    /// Whoever they have signed is let in, directly or through intermediates that the client sends;
    /// an intermediate may stand for its root.
    private func trust(_ authorities: [UInt8]) throws(TLSIdentityError) {
        let certificates = try PEMCertificates(authorities, .authorities)
        guard certificates.count > 0 else {
            throw TLSIdentityError(.authorities, "holds no certificate in PEM")
        }
        guard let store = unsafe SSL_CTX_get_cert_store(context) else {
            throw TLSIdentityError(.authorities, "cannot be used: \(openSSLReason())")
        }
        unsafe X509_STORE_set_flags(store, UInt(X509_V_FLAG_PARTIAL_CHAIN))
        for index in 0..<certificates.count {
            let certificate = unsafe certificates[index]
            guard
                unsafe X509_STORE_add_cert(store, certificate) == 1
                    && SSL_CTX_add_client_CA(context, certificate) == 1
            else {
                throw TLSIdentityError(.authorities, "is not accepted: \(openSSLReason())")
            }
        }
        unsafe SSL_CTX_set_verify(
            context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
    }

    /// Notes that a passphrase was asked for, and gives none.
    private static let onPassphrase:
        @convention(c) @Sendable (
            UnsafeMutablePointer<CChar>?, CInt, CInt, UnsafeMutableRawPointer?
        ) -> CInt = { _, _, _, wasAsked in
            unsafe wasAsked?.storeBytes(of: true, as: Bool.self)
            return -1
        }

    /// Chooses the first of ours that the client names. RFC 7301 §3.2.
    private static let onALPN: SSL_CTX_alpn_select_cb_func = { _, out, length, names, count, data in
        guard let data = unsafe data, let names = unsafe names, let out = unsafe out,
            let length = unsafe length
        else { return SSL_TLSEXT_ERR_NOACK }
        let identity = unsafe Unmanaged<TLSIdentity>.fromOpaque(data).takeUnretainedValue()
        let offered = unsafe UnsafeRawBufferPointer(start: names, count: Int(count))
        for name in identity.protocols {
            guard let place = unsafe name.place(in: offered) else { continue }
            unsafe out.pointee = names + place
            unsafe length.pointee = UInt8(name.rawValue.utf8.count)
            return SSL_TLSEXT_ERR_OK
        }
        return SSL_TLSEXT_ERR_ALERT_FATAL
    }

    private static func digest(_ parts: [[UInt8]]) -> [UInt8] {
        var sums: [UInt8] = []
        for part in parts {
            var sum = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
            unsafe part.withUnsafeBufferPointer { part in
                _ = unsafe SHA256(part.baseAddress, part.count, &sum)
            }
            sums += sum
        }
        return sums
    }
}

extension TLSIdentity: Equatable {
    public static func == (one: TLSIdentity, other: TLSIdentity) -> Bool {
        one.fingerprint == other.fingerprint && one.protocols == other.protocols
    }
}

/// Frees OpenSSL's object, also when an identity is given up half made.
@safe private final class TLSContextHandle: Sendable {
    // Sendable: OpenSSL counts its references atomically; nothing changes it once it is shared.
    nonisolated(unsafe) let context: OpaquePointer

    init() throws(TLSIdentityError) {
        guard let context = unsafe SSL_CTX_new(TLS_server_method()) else {
            throw TLSIdentityError(.certificate, "cannot be used: \(openSSLReason())")
        }
        unsafe self.context = context
    }

    deinit { unsafe SSL_CTX_free(context) }
}

/// What can be spoken over TLS, by its ALPN name.
public enum ApplicationProtocol: String, Sendable {
    case http2 = "h2"
    case http1 = "http/1.1"

    /// Where it stands in a list of names, each behind its length.
    func place(in names: UnsafeRawBufferPointer) -> Int? {
        var place = 0
        while place < names.count {
            let length = unsafe Int(names[place])
            let end = place + 1 + length
            guard end <= names.count else { return nil }
            if unsafe names[(place + 1)..<end].elementsEqual(rawValue.utf8) { return place + 1 }
            place = end
        }
        return nil
    }
}

/// Why there is no identity: which of its files is at fault, and what is wrong with it, to follow
/// after the file's name.
public struct TLSIdentityError: Error, Equatable {
    public enum File: Sendable { case certificate, key, authorities }
    public let file: File
    public let reason: String

    init(_ file: File, _ reason: String) {
        self.file = file
        self.reason = reason
    }
}
