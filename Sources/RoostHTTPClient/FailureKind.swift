import CCurl

/// What an error of libcurl means for the caller. `text` is the error buffer's.
func failureKind(_ code: CURLcode, text: String) -> ClientFailure.Kind {
    switch code {
    case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY, CURLE_COULDNT_CONNECT:
        .unreachable
    // The proxy ended the connection before it answered.
    case CURLE_RECV_ERROR where text.hasPrefix("Proxy CONNECT aborted"):
        .unreachable
    case CURLE_OPERATION_TIMEDOUT:
        .timeout
    case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM,
        CURLE_SSL_CIPHER, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CRL_BADFILE, CURLE_SSL_ISSUER_ERROR,
        CURLE_SSL_ENGINE_NOTFOUND, CURLE_SSL_ENGINE_SETFAILED, CURLE_SSL_ENGINE_INITFAILED,
        CURLE_SSL_PINNEDPUBKEYNOTMATCH, CURLE_SSL_INVALIDCERTSTATUS, CURLE_SSL_CLIENTCERT:
        .tls
    // With TLS 1.3 the client is done before the server has looked at its certificate.
    case CURLE_SEND_ERROR where isTLSTrouble(text), CURLE_RECV_ERROR where isTLSTrouble(text):
        .tls
    case CURLE_GOT_NOTHING, CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_PARTIAL_FILE,
        CURLE_SSL_SHUTDOWN_FAILED, CURLE_SEND_FAIL_REWIND:
        .connectionLost
    case CURLE_HTTP2_STREAM:
        .streamReset(code: resetCode(in: text) ?? 0)
    case CURLE_WEIRD_SERVER_REPLY, CURLE_UNSUPPORTED_PROTOCOL, CURLE_BAD_CONTENT_ENCODING,
        CURLE_HTTP2:
        .malformedAnswer
    case CURLE_URL_MALFORMAT, CURLE_BAD_FUNCTION_ARGUMENT:
        .invalidRequest
    case CURLE_ABORTED_BY_CALLBACK:
        .cancelled
    default:
        .other
    }
}

/// Whether OpenSSL has more to say than that the connection ended, as in "OpenSSL SSL_read:
/// error:0A00045C:SSL routines::tlsv13 alert certificate required, errno 0".
private func isTLSTrouble(_ text: String) -> Bool {
    text.contains("SSL routines") && !text.contains("unexpected eof")
}

/// The code in "HTTP/2 stream 1 was not closed cleanly: CANCEL (err 8)", which is the only place
/// where libcurl tells it. A stream that was closed cleanly, but early, has none: it says that the
/// headers are missing, or, where they came while it was sending and are lost, nothing.
private func resetCode(in text: String) -> Int? {
    guard let start = text.split(separator: "(err ", maxSplits: 1).dropFirst().first else {
        return nil
    }
    return Int(start.prefix { $0.isNumber })
}

extension Duration {
    /// Rounded up, and at least 1, since libcurl takes 0 for "for ever".
    var wholeMilliseconds: Int {
        let (seconds, attoseconds) = components
        let whole = Int(clamping: seconds).multipliedReportingOverflow(by: 1000)
        guard !whole.overflow, whole.partialValue < 1 << 31 else { return 1 << 31 }
        return max(
            1, whole.partialValue + Int((attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
        )
    }
}
