import COpenSSL

/// Why a handshake came to nothing. A closed list: the raw values are labels of a metric.
public enum TLSFailure: String, Sendable, CaseIterable {
    /// Plain HTTP, which was told so.
    case plainHTTP = "plain_http"
    /// Bytes that are neither TLS nor HTTP.
    case notTLS = "not_tls"
    /// TLS that breaks its own rules.
    case malformed
    /// Not finished within the header timeout.
    case timeout
    /// The peer closed in the middle of it.
    case clientLeft = "client_left"
    /// The peer sent an alert: mostly it does not trust our certificate.
    case refusedByClient = "refused_by_client"
    /// No version in common; we speak 1.2 and 1.3.
    case version = "protocol_version"
    /// No cipher, group or signature in common.
    case cipher = "no_shared_cipher"
    /// ALPN names nothing that this listener speaks.
    case applicationProtocol = "no_application_protocol"
    case missingCertificate = "client_certificate_missing"
    /// No longer valid, or not yet.
    case expiredCertificate = "client_certificate_expired"
    /// From none of our authorities.
    case untrustedCertificate = "client_certificate_untrusted"
    /// For another purpose, or damaged.
    case invalidCertificate = "client_certificate_invalid"
}

extension TLSFailure {
    /// Of what OpenSSL has noted on this thread, which is then forgotten.
    init(of ssl: OpaquePointer) {
        var reason: CInt = 0
        while true {
            let error = ERR_get_error()
            if error == 0 { break }
            if reason == 0, roost_err_library(error) == ERR_LIB_SSL {
                reason = roost_err_reason(error)
            }
        }
        self =
            switch reason {
            case 0: .clientLeft
            case roost_ssl_first_alert_reason()...: .refusedByClient
            case SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_VERSION_TOO_LOW, SSL_R_WRONG_SSL_VERSION,
                SSL_R_VERSION_TOO_HIGH, SSL_R_NO_PROTOCOLS_AVAILABLE:
                .version
            case SSL_R_NO_SHARED_CIPHER, SSL_R_NO_SUITABLE_KEY_SHARE, SSL_R_NO_SHARED_GROUPS,
                SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
                .cipher
            case SSL_R_NO_APPLICATION_PROTOCOL: .applicationProtocol
            case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE: .missingCertificate
            case SSL_R_CERTIFICATE_VERIFY_FAILED:
                unsafe Self(verification: SSL_get_verify_result(ssl))
            default: .malformed
            }
    }

    private init(verification result: Int) {
        self =
            switch CInt(truncatingIfNeeded: result) {
            case X509_V_ERR_CERT_HAS_EXPIRED, X509_V_ERR_CERT_NOT_YET_VALID: .expiredCertificate
            case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT,
                X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
                X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
                X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_CERT_UNTRUSTED,
                X509_V_ERR_CERT_SIGNATURE_FAILURE:
                .untrustedCertificate
            default: .invalidCertificate
            }
    }
}

/// The versions that are spoken. The raw values are labels of a metric.
public enum TLSVersion: String, Sendable, CaseIterable {
    case tls12 = "1.2"
    case tls13 = "1.3"
}

/// What happened at one listener. Values, under the lock of `ServerCounters`.
public struct TLSCounts: Sendable, Equatable {
    private var finished = [Int](repeating: 0, count: TLSVersion.allCases.count)
    private var failed = [Int](repeating: 0, count: TLSFailure.allCases.count)

    public init() {}

    public func handshakes(_ version: TLSVersion) -> Int { finished[index(of: version)] }

    public func failures(_ reason: TLSFailure) -> Int { failed[index(of: reason)] }

    mutating func note(_ version: TLSVersion) { finished[index(of: version)] += 1 }

    mutating func note(_ reason: TLSFailure) { failed[index(of: reason)] += 1 }

    private func index<Value: CaseIterable & Equatable>(of value: Value) -> Int
    where Value.AllCases == [Value] {
        Value.allCases.firstIndex(of: value) ?? 0
    }
}
