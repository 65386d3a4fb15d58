import RoostWire
import Testing

@testable import RoostCollector

@Suite struct OTLPVariablesTests {
    private let general = "OTEL_EXPORTER_OTLP_ENDPOINT"

    @Test func `one endpoint gives one destination named otlp`() throws {
        let config = try loadConfig(
            "", [],
            [
                general: "http://h:4318", "OTEL_EXPORTER_OTLP_HEADERS": "a=b%20c, D = e",
                "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip", "OTEL_EXPORTER_OTLP_TIMEOUT": "2500",
                "OTEL_EXPORTER_OTLP_CERTIFICATE": "ca.pem",
            ]
        ).config
        let settings = config.exportSettings
        #expect(settings.map(\.name) == ["otlp"])
        #expect(settings[0].protocol == .httpProtobuf)
        #expect(settings[0].urls[.logs] == "http://h:4318/v1/logs")
        #expect(
            settings[0].headers == [.init(name: "a", value: "b c"), .init(name: "D", value: "e")])
        #expect(settings[0].compression == .gzip)
        #expect(settings[0].timeout == .milliseconds(2500))
        #expect(settings[0].tls.ca == "ca.pem")
    }

    @Test(arguments: [
        (["": "http://h:4317"], "http://h:4317", ExportProtocol.grpc),
        (["": "http://h:9999"], "http://h:9999", .httpProtobuf),
        (["": "http://h:9999", "PROTOCOL": "grpc"], "http://h:9999", .grpc),
        (["": "h:4317"], "https://h:4317", .grpc),
        (["": "h:4317", "INSECURE": "TRUE"], "http://h:4317", .grpc),
        (["": "h:4318"], "http://h:4318", .httpProtobuf),
        (["": "http://h:4318", "PROTOCOL": ""], "http://h:4318", .httpProtobuf),
    ])
    func `scheme and protocol follow the specification`(
        _ variables: [String: String], _ endpoint: String, _ expected: ExportProtocol
    ) throws {
        var environment: [String: String] = [:]
        for (name, value) in variables {
            environment["OTEL_EXPORTER_OTLP_" + (name.isEmpty ? "ENDPOINT" : name)] = value
        }
        let export = try #require(try loadConfig("", [], environment).config.export.first)
        #expect(export.endpoint == endpoint)
        #expect(export.protocol == expected)
    }

    @Test func `an endpoint of one signal is taken as it is and wins`() throws {
        let settings = try loadConfig(
            "", [],
            [general: "http://h:4318/p", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://t:99"]
        ).config.exportSettings
        #expect(settings.count == 1)
        #expect(settings[0].urls[.traces] == "http://t:99/")
        #expect(settings[0].urls[.metrics] == "http://h:4318/p/v1/metrics")
    }

    @Test func `signals that differ get destinations of their own`() throws {
        let settings = try loadConfig(
            "", [],
            [
                general: "http://h:4318", "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "http://l:4317",
                "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL": "grpc",
                "OTEL_EXPORTER_OTLP_METRICS_HEADERS": "k=v",
            ]
        ).config.exportSettings
        #expect(settings.map(\.name) == ["otlp", "otlp_metrics", "otlp_logs"])
        #expect(settings[0].urls[.metrics] == nil)
        #expect(settings[2].protocol == .grpc)
    }

    @Test func `a signal alone is sent alone`() throws {
        let settings = try loadConfig(
            "", [], ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://t:4318/v1/traces"]
        ).config.exportSettings
        #expect(settings.map(\.name) == ["otlp"])
        #expect(settings[0].urls == ExportURLs(traces: "http://t:4318/v1/traces"))
    }

    @Test func `bad values are told once and ignored`() throws {
        let loaded = try loadConfig(
            "", [],
            [
                general: "http://h:4318", "OTEL_EXPORTER_OTLP_COMPRESSION": "snappy",
                "OTEL_EXPORTER_OTLP_TIMEOUT": "10s", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json",
                "OTEL_EXPORTER_OTLP_HEADERS": "nonsense,a=%zz,host=x,ok=1",
            ])
        #expect(loaded.warnings.count == 6)
        #expect(loaded.config.export[0].compression == .none)
        #expect(loaded.config.export[0].timeout == .seconds(10))
        #expect(loaded.config.export[0].headers.map(\.name) == ["ok"])
    }

    @Test(arguments: [
        ("Authorization: Bearer aHVudGVyMg==", "entry 1 (Authorization) is ignored: its"),
        ("Authorization: Bearer hunter2", "entry 1 (Authorization) is ignored: no = in it"),
        ("a=b, x-key hunter2=", "entry 2 (x-key) is ignored: its name is no name of a header"),
        ("hunter2", "entry 1 is ignored: no = in it"), ("{hunter2}=a", "entry 1 is ignored: its"),
        ("a=b,host=hunter2", "entry 2 (host) is ignored: its name is set by Roost itself"),
        ("x-key=%zzhunter2", "entry 1 (x-key) is ignored: its value is not percent-encoded"),
    ])
    func `a header that is no header is told without what may be its value`(
        _ headers: String, _ told: String
    ) throws {
        let loaded = try loadConfig(
            "", [], [general: "http://h:4318", "OTEL_EXPORTER_OTLP_HEADERS": headers])
        let message = try #require(loaded.warnings.first?.message)
        #expect(loaded.warnings.count == 1 && message.hasPrefix(told))
        #expect(!message.contains("hunter2") && !message.contains("aHVudGVy"))
    }

    @Test(arguments: [
        "user:hunter2@h:4318", "h:4318?key=hunter2", "user:hunter2/x@h:4318",
        "user:hunter2@h://x", "http://user:hunter2@h:4318", "http://h:4318/?hunter2",
    ])
    func `an endpoint with credentials is ignored without repeating them`(_ endpoint: String) throws
    {
        let loaded = try loadConfig("", [], [general: endpoint])
        #expect(loaded.config.export.isEmpty && loaded.warnings.count == 1)
        #expect(loaded.warnings.allSatisfy { !$0.description.contains("hunter2") })
    }

    @Test func `nonsense gives no destination`() throws {
        let loaded = try loadConfig("", [], [general: "ftp://h"])
        #expect(loaded.config.export.isEmpty)
        #expect(loaded.warnings.count == 1)
    }

    @Test func `a list in the file wins, flags win over both`() throws {
        let loaded = try loadConfig(
            "export: [{ name: a, endpoint: 'http://f:4318' }]", [], [general: "http://h:4318"])
        #expect(loaded.config.export.map(\.name) == ["a"])
        #expect(loaded.warnings.map(\.origin) == [.environment(general)])
        let changed = try loadConfig("", ["export[0].timeout=1s"], [general: "http://h:4318"])
        #expect(changed.config.export.map(\.name) == ["otlp"])
        #expect(changed.config.export[0].timeout == .seconds(1))
    }

    @Test(arguments: [
        "http://localhost:4318", "http://127.0.0.1:4317", "http://0.0.0.0:4318",
        "http://[::]:8080", "LOCALHOST:4317", "http://[::ffff:127.0.0.1]:4318",
    ])
    func `our own listener is ignored with one warning`(_ endpoint: String) throws {
        let loaded = try loadConfig("", [], [general: endpoint])
        #expect(loaded.config.export.isEmpty)
        #expect(loaded.warnings.count == 1)
        #expect(loaded.warnings[0].message.contains("own listen."))
    }

    @Test(arguments: [
        ("127.0.0.1:4318", "http://localhost:4318", true),
        ("127.0.0.1:4318", "http://0.0.0.0:4318", true),
        ("127.0.0.1:4318", "http://127.0.0.1:4318", true),
        ("127.0.0.1:4318", "http://127.0.0.2:4318", false),
        ("127.0.0.1:4318", "http://localhost:4317", false),
        ("127.0.0.1:4318", "http://jaeger:4318", false),
        ("localhost:4318", "http://[::1]:4318", true),
        ("0.0.0.0:4318", "http://127.0.0.9:4318", true),
        ("0.0.0.0:4318", "http://10.0.0.7:4318", true),
        ("[::]:4318", "http://collector-0:4318", true),
        ("[::]:4318", "http://[FE80:0::7]:4318", true),
        ("10.0.0.7:4318", "http://10.0.0.7:4318", true),
        ("10.0.0.7:4318", "http://localhost:4318", false),
    ])
    func `our own listener in the file is a fault`(
        _ listener: String, _ endpoint: String, _ isOwn: Bool
    ) {
        let text = """
            listen: { http: "\(listener)", grpc: "127.0.0.1:1", web: "127.0.0.1:2" }
            export:
              - { name: a, protocol: grpc, endpoint: "\(endpoint)" }
            """
        let faults = configFaults(text)
        #expect(faults.count == (isOwn ? 1 : 0))
        #expect(faults.allSatisfy { $0.hasPrefix("f.yaml:3:") && $0.contains("own listen.http") })
    }
}
