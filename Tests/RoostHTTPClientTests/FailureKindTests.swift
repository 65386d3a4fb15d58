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
}
