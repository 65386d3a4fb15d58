import COpenSSL

/// Whether a TLS client could use PEM files, found out before there is anything to send: with a bad
/// one each request fails, and says so only then.
public enum ClientTLSCheck {
    /// Of the file at `path`, what libcurl reads it with must find something to trust in it.
    public static func authorities(at path: String) throws(TLSIdentityError) {
        ERR_clear_error()
        guard let store = unsafe X509_STORE_new() else {
            throw TLSIdentityError(.authorities, "cannot be used: \(openSSLReason())")
        }
        defer { unsafe X509_STORE_free(store) }
        guard unsafe X509_STORE_load_file(store, path) == 1 else {
            let isEmpty =
                roost_err_reason(ERR_peek_error()) == PEM_R_NO_START_LINE
                || roost_err_reason(ERR_peek_last_error()) == X509_R_NO_CERTIFICATE_OR_CRL_FOUND
            let reason = openSSLReason()
            throw TLSIdentityError(
                .authorities,
                isEmpty
                    ? "holds no certificate in PEM"
                    : "holds a certificate that cannot be read: \(reason)")
        }
    }

    /// The contents of the client's own files: whether they belong together.
    public static func identity(certificate: [UInt8], key: [UInt8]) throws(TLSIdentityError) {
        _ = try TLSIdentity(certificate: certificate, key: key)
    }
}
