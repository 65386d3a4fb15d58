import Foundation
import RoostCore
import RoostIngest
import RoostNet
import RoostWire
import Testing

@testable import RoostCollector

@Suite struct ConfigLoaderTests {
    @Test func `reads every key`() throws {
        let text = """
            listen:
              grpc: 0.0.0.0:5317
              http: "[::1]:5318"
              web: localhost:9090
              cors: [https://app.example.org]
            limits: { memory: 1GiB, request: 4MiB, connections: 10, header_timeout: 1s,
                      body_timeout: 2s, idle_timeout: 3m, series_per_metric: 5, series_expiry: 1h30m }
            export:
              - name: jaeger
                endpoint: http://jaeger:4318
                protocol: http/protobuf
                signals: [traces, logs]
                headers: { X-Key: "${KEY}", other: a$$b }
                compression: zstd
                timeout: 1500ms
                concurrency: 2
                batch: { bytes: 1MiB, delay: 0 }
                queue: { size: 2MiB, when_full: drop_oldest }
                retry: { initial: 2s, max: 1m, give_up_after: 1h }
              - { name: b, endpoint: "https://b:4317", tls: { ca: ca.crt, cert: c.crt, key: c.key } }
            store: { path: /data }
            enable: { logs: false }
            log: { format: json, level: warn }
            shutdown: 5s
            """
        let config = try loadConfig(text, [], ["KEY": "s3"]).config
        #expect(config.listen.grpc == ListenAddress(host: "0.0.0.0", port: 5317))
        #expect(config.listen.http == ListenAddress(host: "::1", port: 5318))
        #expect(config.listen.cors == ["https://app.example.org"])
        #expect(config.limits.memory == 1 << 30)
        #expect(config.limits.seriesExpiry == .seconds(5400))
        #expect(config.limits.seriesPerMetric == 5)
        let jaeger = config.export[0]
        #expect(jaeger.signals == [.traces, .logs])
        #expect(
            jaeger.headers == [
                .init(name: "X-Key", value: "s3"), .init(name: "other", value: "a$b"),
            ])
        #expect(jaeger.compression == .zstd)
        #expect(jaeger.timeout == .milliseconds(1500))
        #expect(jaeger.batch.delay == .zero)
        #expect(jaeger.queue.whenFull == .dropOldest)
        #expect(jaeger.retry.giveUpAfter == .seconds(3600))
        #expect(config.export[1].tls.key == "c.key")
        #expect(config.store.path == "/data")
        #expect(!config.enable.logs && config.enable.traces)
        #expect(config.log.level == .warn && config.log.format == .json)
        #expect(config.shutdown == .seconds(5))
    }

    @Test func `resolves the address for each signal`() throws {
        let text = "export: [{ name: j, endpoint: 'http://j:4318/p/', signals: [traces, logs] }]"
        let settings = try loadConfig(text).config.exportSettings
        #expect(settings.count == 1)
        #expect(settings[0].protocol == .httpProtobuf)
        #expect(settings[0].urls[.traces] == "http://j:4318/p/v1/traces")
        #expect(settings[0].urls[.metrics] == nil)
        // For what is left of them from before.
        #expect(settings[0].otherURLs == ExportURLs(metrics: "http://j:4318/p/v1/metrics"))
    }

    @Test(arguments: ["", "# nothing\n", "---\n", "{}", "listen:\nexport:\n", "null"])
    func `nothing is the defaults`(_ text: String) throws {
        #expect(try loadConfig(text).config == Config())
    }

    @Test(arguments: [
        (
            "limits: { memroy: 1GiB }",
            "f.yaml:1:11: unknown key memroy in limits; did you mean memory?"
        ),
        (
            "limits:\n  memory: 12 apples",
            "f.yaml:2:11: limits.memory: \"12 apples\" is no size; allowed: a size such as 512MiB, "
                + "from 16MiB to 1TiB"
        ),
        (
            "limits:\n  memory: 1MiB",
            "f.yaml:2:11: limits.memory: \"1MiB\" is out of range; allowed: a size such as 512MiB, "
                + "from 16MiB to 1TiB"
        ),
        (
            "shutdown: 10",
            "f.yaml:1:11: shutdown: \"10\" is no duration; allowed: a duration such as 10s, "
                + "from 0s to 1h"
        ),
        (
            "log: { level: warning }",
            "f.yaml:1:15: log.level: \"warning\" is no level, did you mean warn?; allowed: debug, info, warn or error"
        ),
        (
            "enable: { logs: yes }",
            "f.yaml:1:17: enable.logs: \"yes\" is neither true nor false; allowed: true or false"
        ),
        (
            "limits:\n  memory:",
            "f.yaml:2:10: limits.memory has no value; allowed: a size such as 512MiB, from 16MiB to 1TiB"
        ),
        ("log: json", "f.yaml:1:6: log is a single value; it has the keys format and level"),
        ("export: x", "f.yaml:1:9: export is a single value; write a list: [a, b]"),
        (
            "log: { level: [info] }",
            "f.yaml:1:15: log.level is a list; allowed: debug, info, warn or error"
        ),
        ("shutdown: 1s\nshutdown: 2s", "f.yaml:2:1: shutdown is given twice, first at f.yaml:1:1"),
        (
            "- a",
            "f.yaml:1:1: the configuration is a list; it has the keys listen, limits, export, store, agents, budgets, audit, machine, enable, log and shutdown"
        ),
        (
            "store:\n  path: ${NO_SUCH}",
            "f.yaml:2:9: store.path: the variable NO_SUCH is not set; set it, or give a default: ${NO_SUCH:-default}"
        ),
        (
            "store:\n  path: ${NO_SUCH:-${HOME}}",
            "f.yaml:2:9: store.path: the default of ${NO_SUCH:-...} names a variable itself, and defaults are taken as they stand; write a plain text behind the :-"
        ),
        ("a: &x 1", "f.yaml:1:4: anchors (&name) are not understood; write the value out"),
        ("a: *x", "f.yaml:1:4: aliases (*name) are not understood; write the value out"),
        ("a: !!str x", "f.yaml:1:4: tags (!name) are not understood; leave it out"),
        ("a: b\n---\nc: d", "f.yaml:2:1: a second document begins here; one is allowed"),
        (
            "listen: {",
            "f.yaml:2:1: not YAML: while parsing a flow node: did not find expected node content"
        ),
        ("[a]: b", "f.yaml:1:1: a key has to be a single word, this is a list"),
        (
            "listen: { grpc: '127.0.0.1:9', web: '127.0.0.1:9' }",
            "f.yaml:1:37: listen.web: 127.0.0.1:9 is the address of listen.grpc already"
        ),
        (
            "limits: { memory: 16MiB, request: 5MiB }",
            "f.yaml:1:35: limits.request: 5MiB is above a quarter of limits.memory (16MiB); no such request could be worked on"
        ),
    ])
    func `tells where and what`(_ text: String, _ fault: String) {
        #expect(configFaults(text) == [fault])
    }

    @Test func `destinations whose requests have no room beside each other are a fault`() {
        func faults(_ count: Int, _ more: String = "") -> [String] {
            let list = (0..<count).map { "{ name: d\($0), endpoint: 'http://h\($0):4318'\(more) }" }
            return configFaults(
                "limits: { memory: 16MiB }\nexport: [\(list.joined(separator: ", "))]")
        }
        #expect(faults(18) == [] && faults(5, ", compression: gzip") == [])
        #expect(faults(19).count == 1 && faults(6, ", compression: gzip").count == 1)
        #expect(
            faults(19).first?.hasSuffix(
                "export: requests to 19 destinations take 4256KiB at least, above a quarter of "
                    + "limits.memory (16MiB)") == true)
    }

    @Test func `files of an export that cannot be read are faults`() throws {
        let tls = "tls: { ca: missing.crt, cert: c.crt, key: missing.key }"
        #expect(
            configFaults("export: [{ name: a, endpoint: 'https://h:4317', \(tls) }]") == [
                "f.yaml:1:60: export[0].tls.ca: missing.crt cannot be read: No such file",
                "f.yaml:1:91: export[0].tls.key: missing.key cannot be read: No such file",
            ])
        // Nobody will look for them.
        for endpoint in ["http://h:4318", "HTTP://h:4318", "h:4318"] {
            #expect(configFaults("export: [{ name: a, endpoint: '\(endpoint)', \(tls) }]") == [])
        }
    }

    @Test func `files of an export that are no PEM are faults`() {
        let file = #filePath
        func faults(_ tls: String) -> [String] {
            configFaults("export: [{ name: a, endpoint: 'https://h:4317', tls: { \(tls) } }]")
        }
        #expect(
            faults("ca: '\(file)'") == [
                "f.yaml:1:60: export[0].tls.ca: \(file) holds no certificate in PEM"
            ])
        #expect(
            faults("cert: '\(file)', key: '\(file)'") == [
                "f.yaml:1:62: export[0].tls.cert: \(file) holds no certificate in PEM"
            ])
    }

    @Test func `a file that cannot be read is told with the variable that names it`() {
        let prefix = "OTEL_EXPORTER_OTLP_"
        let faults = configFaults(
            "", [],
            [
                prefix + "ENDPOINT": "https://h:4317", prefix + "CERTIFICATE": "ca.crt",
                prefix + "TRACES_CERTIFICATE": "missing.crt",
            ])
        #expect(
            faults == [
                prefix + "TRACES_CERTIFICATE: export[0].tls.ca: missing.crt cannot be read: "
                    + "No such file"
            ])
    }

    @Test func `tells everything at once, in the order of the file`() {
        let text = """
            export:
              - endpoint: http://h:9999
                signals: [traces, spans]
            limits: { connections: none, memory: 1 }
            lisen: {}
            """
        #expect(
            configFaults(text).map { $0.prefix { $0 != " " } } == [
                "f.yaml:2:5:", "f.yaml:2:15:", "f.yaml:3:23:", "f.yaml:4:24:", "f.yaml:4:38:",
                "f.yaml:5:1:",
            ])
    }

    @Test func `a byte that is no text is told with its place`() throws {
        let text = Array("log:\n  level: \u{22}".utf8) + [0xFF] + Array("\u{22}\n".utf8)
        do {
            _ = try ConfigLoader.load(
                text: text, name: "f.yaml", sets: [], environment: [:],
                addresses: OwnAddresses(local: []), whyUnreadable: { _ in nil })
            Issue.record("loaded")
        } catch {
            #expect(error.description.hasPrefix("f.yaml:2:11: not UTF-8 text"))
        }
    }

    @Test func `deep nesting is refused, not followed`() {
        let text = "a: " + String(repeating: "[", count: 20_000)
        #expect(configFaults(text) == ["f.yaml:1:35: nested more than 32 deep"])
    }

    @Test func `default limits give way to a small memory`() throws {
        let config = try loadConfig(
            "limits: { memory: 32MiB }\nexport: [{ name: a, endpoint: 'http://h:4318' }]"
        ).config
        #expect(config.limits.request == 8 << 20)
        #expect(config.export[0].queue.size == 32 << 20)
    }

    @Test func `the default size of a request gives way to a small queue`() throws {
        let text = "export: [{ name: a, endpoint: 'http://h:4318', queue: { size: 64KiB } }]"
        #expect(try loadConfig(text).config.export[0].batch.bytes == 64 << 10)
    }

    @Test func `what it prints loads again and is the same`() throws {
        #expect(try loadConfig(Config().yaml()).config == Config())
        let text = """
            listen: { http: "[::1]:0", cors: ["*"] }
            export: [{ name: a, endpoint: "http://h:9", protocol: grpc, signals: [logs] }]
            store: { path: "/a $$b: \\"c\\" #d" }
            """
        let config = try loadConfig(text).config
        #expect(config.store.path == "/a $b: \"c\" #d")
        #expect(try loadConfig(config.yaml()).config == config)
    }

    @Test func `secrets appear neither in what it prints nor in JSON`() throws {
        let config = try loadConfig(
            "export: [{ name: a, endpoint: 'http://h:4318', headers: { k: s3cret } }]"
        ).config
        var writer = JSONWriter()
        config.writeMasked(into: &writer)
        let json = String(decoding: writer.bytes, as: UTF8.self)
        #expect(!config.yaml().contains("s3cret") && !json.contains("s3cret"))
        #expect(json.contains("\"k\":\"***\""))
    }

    /// The example of everything from the contract: that its files are not here is all that is wrong.
    private static let everything = """
        listen:
          grpc: 127.0.0.1:4317
          http: 127.0.0.1:4318
          web:  127.0.0.1:8080
          tls: { cert: /etc/roost/tls.crt, key: /etc/roost/tls.key, client_ca: /etc/roost/ca.crt }
          tokens: [ "${ROOST_TOKEN}" ]          # then every request needs it
          cors: [ "https://app.example.org" ]
        limits:
          memory: 512MiB
          request: 64MiB
          connections: 4096
          header_timeout: 10s
          body_timeout: 30s
          idle_timeout: 2m
          series_per_metric: 10000
          series_expiry: 5m
          derived_expiry: never
        export:
          - name: jaeger
            endpoint: http://jaeger:4318
            protocol: http/protobuf
            signals: [traces]
            headers: {}
            compression: none
            timeout: 10s
            concurrency: 4
            batch: { bytes: 4MiB, delay: 200ms }
            tls: { ca: ca.crt, cert: client.crt, key: client.key }
            queue: { path: /var/lib/roost/queue, size: 1GiB, when_full: refuse }
            retry: { initial: 1s, max: 30s, give_up_after: never }
        store:
          path: /var/lib/roost
          keep: 7d
          size: 2GiB
        agents:
          names: names.yaml
          prices: prices.yaml
          redact: { content: false, keys: [], values: [api_key, private_key] }
        enable: { metrics: true, traces: true, logs: true, analytics: true, store: true,
                  live: true, audit: true }
        log: { format: text, level: info }
        shutdown: 20s
        """

    @Test func `takes the example of everything but for files that are not here`() {
        let faults = configFaults(Self.everything, [], ["ROOST_TOKEN": "t"])
        // Its files of tables and certificates are not here.
        #expect(faults.count == 5)
        #expect(
            faults.allSatisfy {
                $0.hasPrefix("names.yaml: cannot be read")
                    || $0.hasPrefix("prices.yaml: cannot be read")
                    || $0.contains("/etc/roost/") && $0.contains("cannot be read")
            })
    }

    @Test func `faults of the tables under agents are told with their own places`() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "roost-tables-\(UInt64.random(in: 0 ... .max))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let names = folder.appendingPathComponent("n.yaml")
        try Data("attributes:\n  agnet: [a]\n".utf8).write(to: names)
        let faults = configFaults("agents: { names: \(names.path) }")
        #expect(faults == ["\(names.path):2:3: \"agnet\" is no meaning, did you mean agent?"])
        try Data("attributes:\n  agent: [mine]\n".utf8).write(to: names)
        let config = try loadConfig("agents: { names: \(names.path) }").config
        #expect(config.names.attributes[.agent]?.first == "mine")
    }

    @Test func `a bent file is refused or taken, never more`() {
        var generator = SplitMix(state: 7)
        let original = Array(Self.everything.utf8)
        let marks = Array("[]{}:,-#&*!|>'\"%@`$\n\t \u{FF}0".utf8)
        for _ in 0..<3000 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.remove(at: place)
                case 2: bytes.insert(marks.randomElement(using: &generator) ?? 0, at: place)
                default:
                    bytes.removeSubrange(place..<min(place + 40, bytes.count))
                    if bytes.isEmpty { bytes = original }
                }
            }
            _ = try? ConfigLoader.load(
                text: bytes, name: "f", sets: [], environment: [:],
                addresses: OwnAddresses(local: []), whyUnreadable: { _ in nil })
        }
    }
}

/// Steele, Lea and Flood: the same numbers from the same seed.
private struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
