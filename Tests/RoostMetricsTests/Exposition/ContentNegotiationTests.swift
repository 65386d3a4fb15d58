import RoostMetrics
import Testing

@Suite struct ContentNegotiationTests {
    static let openMetrics = "application/openmetrics-text; version=1.0.0; charset=utf-8"
    static let text = "text/plain; version=0.0.4; charset=utf-8"
    static let protobuf =
        "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"

    @Test(arguments: [
        nil, "", "*/*", "text/html", "image/png, text/html;q=0.9", "text/plain;version=9.9.9",
        "application/vnd.google.protobuf", ";;;,,,q=;=", "\"", "text/plain;\"", "a/b;q=1;q=;;",
        "application/openmetrics-text;version=2.0.0", "application/json", "\u{0}\u{FF}",
        "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text",
        "application/openmetrics-text;version=1.0.0;q=0",
    ])
    func `answers text when nothing else is meant`(_ accept: String?) {
        let agreed = negotiate(accept: accept, acceptEncoding: nil)
        #expect(agreed.format == .text)
        #expect(agreed.contentType == Self.text)
    }

    @Test func `understands what Prometheus 2 asks for`() {
        let agreed = negotiate(
            accept: "application/openmetrics-text;version=1.0.0,application/openmetrics-text;"
                + "version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            acceptEncoding: "gzip")
        #expect(agreed.contentType == Self.openMetrics)
        #expect(agreed.coding == .gzip)
    }

    @Test func `understands what Prometheus 3 asks for and names the escaping`() {
        let accept =
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
            + "application/openmetrics-text;version=0.0.1;q=0.5,"
            + "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
            + "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
        #expect(
            negotiate(accept: accept, acceptEncoding: nil).contentType
                == Self.openMetrics + "; escaping=underscores")
        let protobufFirst =
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
            + "encoding=delimited;q=0.6,application/openmetrics-text;version=1.0.0;"
            + "escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
        #expect(
            negotiate(accept: protobufFirst, acceptEncoding: nil).contentType == Self.protobuf)
    }

    @Test(arguments: [
        ("application/openmetrics-text;q=0.2, text/plain;q=0.9", ExpositionFormat.text),
        ("application/openmetrics-text;q=0.9, text/plain;q=0.2", .openMetrics),
        ("text/plain, application/openmetrics-text", .text),
        ("application/openmetrics-text, text/plain", .openMetrics),
        ("*/*, application/openmetrics-text", .openMetrics),
        ("text/plain;q=0, */*;q=0.5, application/openmetrics-text;q=0.1", .openMetrics),
        ("application/*", .openMetrics),
        ("text/*;q=0.5, application/openmetrics-text;q=0.4", .text),
        (
            "APPLICATION/OpenMetrics-Text ; Version = \"1.0.0\" ; Q=0.9 , text/plain;q=.8",
            .openMetrics
        ),
        ("text/plain;version=1.0.0", .text),
        ("application/openmetrics-text;version=0.0.1", .openMetrics),
        ("application/openmetrics-text;q=abc, text/plain;q=0.9", .openMetrics),
        ("text/plain;q=99999999999999999999, application/openmetrics-text;q=1.0", .text),
        (
            "application/vnd.google.protobuf; proto=\"io.prometheus.client.MetricFamily\"; encoding=DELIMITED",
            .protobuf
        ),
    ])
    func `compares weights, then exactness, then order`(
        _ accept: String, _ format: ExpositionFormat
    ) {
        #expect(negotiate(accept: accept, acceptEncoding: nil).format == format)
    }

    @Test(arguments: [
        (nil, ExpositionCoding.identity), ("", .identity), ("gzip", .gzip), ("gzip;q=0", .identity),
        ("identity", .identity), ("zstd, gzip", .zstd), ("gzip, deflate, br, zstd", .zstd),
        ("gzip;q=1.0, zstd;q=0.5", .gzip), ("identity, gzip;q=0.5", .identity), ("*", .gzip),
        ("x-gzip", .gzip), ("br", .identity), (",,;q=;", .identity), ("*;q=0", .identity),
        ("GZIP;Q=0.001", .gzip), ("gzip;q=0.0009", .identity),
    ])
    func `chooses the coding by weight`(_ header: String?, _ coding: ExpositionCoding) {
        #expect(negotiate(accept: nil, acceptEncoding: header).coding == coding)
    }

    @Test func `reads headers of any length and content without harm`() {
        var generator = SystemRandomNumberGenerator()
        let alphabet = Array("aq=;,\"/*.01 \t\\-é".unicodeScalars)
        for _ in 0..<500 {
            var text = ""
            for _ in 0..<Int.random(in: 0...300, using: &generator) {
                text.unicodeScalars.append(alphabet.randomElement() ?? "a")
            }
            _ = negotiate(accept: text, acceptEncoding: text)
        }
        let long =
            String(repeating: "text/plain;q=0.1,", count: 5000) + "application/openmetrics-text"
        #expect(negotiate(accept: long, acceptEncoding: long).format == .text)
    }
}
