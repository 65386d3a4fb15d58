extension HeaderBlock {
    /// What is wrong with the head of an HTTP/1.1 request beside its syntax: where its body ends must
    /// be beyond doubt, and whom it is for. RFC 9112 §3.2 and §6, RFC 9110 §10.1.1.
    func faultInHTTP1(isHTTP10: Bool) -> RequestFault? {
        if let fault = faultInTransferEncoding(isHTTP10) { return fault }
        if let expected = unsafe firstValue(of: "expect"),
            unsafe !equalsIgnoringCase(expected, "100-continue")
        {
            return .expectationFailed
        }
        guard isHTTP10 || hasOne("host") else { return .malformed("not exactly one host header") }
        return nil
    }

    private func faultInTransferEncoding(_ isHTTP10: Bool) -> RequestFault? {
        guard let coding = unsafe firstValue(of: "transfer-encoding") else { return nil }
        guard index(of: "content-length") == nil else {
            return .malformed("both a transfer-encoding and a content-length")
        }
        guard hasOne("transfer-encoding") else {
            return .malformed("more than one transfer-encoding")
        }
        guard unsafe equalsIgnoringCase(coding, "chunked") else {
            return unsafe .unsupportedTransferEncoding(String(decoding: coding, as: UTF8.self))
        }
        return isHTTP10 ? .malformed("a transfer-encoding in HTTP/1.0") : nil
    }

    private func hasOne(_ name: StaticString) -> Bool {
        guard let first = index(of: name) else { return false }
        return index(of: name, from: first + 1) == nil
    }
}
