import RoostWire
import Testing

@testable import RoostCollector

@Suite struct ExportEndpointTests {
    @Test(arguments: [
        ("http://jaeger:4318", "http://jaeger:4318/v1/traces"),
        ("http://jaeger:4318/", "http://jaeger:4318/v1/traces"),
        ("HTTP://[::1]:4318/otlp/", "http://[::1]:4318/otlp/v1/traces"),
        ("jaeger:4318", "http://jaeger:4318/v1/traces"),
        (
            "https://c.example:4317",
            "https://c.example:4317/opentelemetry.proto.collector.trace.v1.TraceService/Export"
        ),
        (
            "c:4317", "http://c:4317/opentelemetry.proto.collector.trace.v1.TraceService/Export"
        ),
    ])
    func `the port tells the protocol, and the path is appended`(text: String, url: String) throws {
        #expect(try ExportEndpoint(text).url(for: .traces) == url)
    }

    @Test func `a given protocol wins, and the port follows the scheme`() throws {
        let endpoint = try ExportEndpoint("https://o.example/x", protocol: .httpProtobuf)
        #expect(endpoint.url(for: .metrics) == "https://o.example:443/x/v1/metrics")
        #expect(
            try ExportEndpoint("h", protocol: .grpc, isInsecure: false).origin == "https://h:443")
    }

    @Test func `an address for one signal is taken as it is`() throws {
        let bare = try ExportEndpoint("http://o:4318")
        #expect(bare.urlAsGiven(for: .logs) == "http://o:4318/")
        let path = try ExportEndpoint("http://o:4318/my/logs")
        #expect(path.urlAsGiven(for: .logs) == "http://o:4318/my/logs")
    }

    @Test(arguments: [
        ("ftp://x:4317", ExportEndpointError.unknownScheme("ftp")), ("http://:4317", .noHost),
        ("", .noHost), ("http://x:99999", .badPort("99999")), ("http://x:0", .badPort("0")),
        ("http://x:", .badPort("")), ("http://x y:4317", .illegalByte),
        ("http://u:p@x:4317", .hasCredentials), ("http://x:4317/?a=b", .hasQuery),
        ("http://x", .protocolUnknown(port: 80)), ("http://x:9999", .protocolUnknown(port: 9999)),
        ("http://[::1:4317", .noHost), ("http://[::1]x:4317", .badPort("x:4317")),
    ])
    func `a faulty address is named`(text: String, error: ExportEndpointError) {
        #expect(throws: error) { try ExportEndpoint(text) }
    }
}
