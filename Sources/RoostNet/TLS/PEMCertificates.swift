import COpenSSL
import Glibc

/// The certificates of a PEM file, in their order.
@safe struct PEMCertificates: ~Copyable {
    /// Freed with this value.
    private var all: [OpaquePointer]

    init(_ bytes: [UInt8], _ file: TLSIdentityError.File) throws(TLSIdentityError) {
        unsafe all = []
        let isWhole = unsafe bytes.withUnsafeBytes { unsafe read($0) }
        guard !isWhole else { return }
        let reason = openSSLReason()
        unsafe all.forEach { unsafe X509_free($0) }
        unsafe all = []
        throw TLSIdentityError(file, "holds a certificate that cannot be read: \(reason)")
    }

    deinit { unsafe all.forEach { unsafe X509_free($0) } }

    /// False when something between the marks of PEM is no certificate.
    private mutating func read(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let bio = unsafe BIO_new_mem_buf(bytes.baseAddress, CInt(clamping: bytes.count))
        else { return false }
        defer { unsafe BIO_free(bio) }
        while let certificate = unsafe PEM_read_bio_X509(bio, nil, nil, nil) {
            unsafe all.append(certificate)
        }
        // Its absence is how the end of the file shows.
        let isEnd = roost_err_reason(ERR_peek_last_error()) == PEM_R_NO_START_LINE
        if isEnd { ERR_clear_error() }
        return isEnd
    }

    var count: Int { unsafe all.count }

    subscript(index: Int) -> OpaquePointer { unsafe all[index] }

    func subject(of certificate: OpaquePointer) -> String {
        guard
            let text = unsafe X509_NAME_oneline(X509_get_subject_name(certificate), nil, 0)
        else { return "" }
        defer { unsafe CRYPTO_free(text, nil, 0) }
        return unsafe String(cString: text)
    }

    /// Seconds of Unix time.
    func validity(of certificate: OpaquePointer) -> (from: Int64, until: Int64) {
        unsafe (
            Self.seconds(X509_get0_notBefore(certificate)),
            Self.seconds(X509_get0_notAfter(certificate))
        )
    }

    private static func seconds(_ time: UnsafePointer<ASN1_TIME>?) -> Int64 {
        var parts = unsafe tm()
        guard unsafe ASN1_TIME_to_tm(time, &parts) == 1 else { return 0 }
        return unsafe Int64(timegm(&parts))
    }
}

/// What OpenSSL last noted on this thread, in its words; it is then forgotten.
func openSSLReason() -> String {
    let error = ERR_peek_last_error()
    ERR_clear_error()
    guard let text = unsafe ERR_reason_error_string(error) else { return "OpenSSL says nothing" }
    return unsafe String(cString: text)
}
