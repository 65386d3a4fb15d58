/// Chooses how to answer a scrape. RFC 9110 §12.5; Prometheus content negotiation.
public func negotiate(accept: String?, acceptEncoding: String?) -> Negotiated {
    Negotiated(
        format: .text, contentType: "text/plain; version=0.0.4; charset=utf-8", coding: .identity)
}
