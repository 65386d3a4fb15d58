import Testing

@testable import RoostHTTPClient

@Suite struct FailureKindTests {
    /// What libcurl 7.88 says of a stream that the server has ended, in its own words.
    @Test(arguments: [
        ("HTTP/2 stream 1 was not closed cleanly: CANCEL (err 8)", 8),
        ("HTTP/2 stream 1 was not closed cleanly: NO_ERROR (err 0)", 0),
        (
            "HTTP/2 stream 1 was closed cleanly, but before getting  all response header fields, "
                + "treated as error", 0
        ),
        ("Stream error in the HTTP/2 framing layer", 0), ("", 0),
    ])
    func `a stream that was ended early has the code of its reset`(text: String, code: Int) {
        #expect(failureKind(.init(rawValue: 92), text: text) == .streamReset(code: code))
    }

    /// What OpenSSL says after a handshake that only the client took for complete.
    @Test(arguments: [
        (
            "OpenSSL SSL_read: error:0A00045C:SSL routines::tlsv13 alert certificate required, "
                + "errno 0", ClientFailure.Kind.tls
        ),
        ("OpenSSL SSL_read: error:0A000418:SSL routines::tlsv1 alert unknown ca, errno 0", .tls),
        ("OpenSSL SSL_read: Connection reset by peer, errno 104", .connectionLost),
        (
            "OpenSSL SSL_read: error:0A000126:SSL routines::unexpected eof while reading, errno 0",
            .connectionLost
        ),
        ("Recv failure: Connection reset by peer", .connectionLost), ("", .connectionLost),
    ])
    func `a server that refuses our certificate is TLS trouble`(
        text: String, kind: ClientFailure.Kind
    ) {
        for code in [55, 56] as [UInt32] {
            #expect(failureKind(.init(rawValue: code), text: text) == kind)
        }
    }
}
