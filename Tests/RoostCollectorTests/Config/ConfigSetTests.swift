import RoostNet
import Testing

@testable import RoostCollector

@Suite struct ConfigSetTests {
    @Test func `flags win over the file`() throws {
        let config = try loadConfig(
            "limits: { memory: 1GiB }\nexport: [{ name: a, endpoint: 'http://h:4318' }]",
            [
                "limits.memory=64MiB", "listen.grpc=[::1]:5", "export[0].timeout=3s",
                "export[1].name=b", "export[1].endpoint=http://i:4317", "export[0].signals=logs",
                "export[1].signals=[traces, metrics]", "export[0].headers.x-key=v=1",
                "export[0].headers.y=2",
            ]
        ).config
        #expect(config.limits.memory == 64 << 20)
        #expect(config.listen.grpc == ListenAddress(host: "::1", port: 5))
        #expect(config.export.map(\.name) == ["a", "b"])
        #expect(config.export[0].timeout == .seconds(3))
        #expect(config.export[0].signals == [.logs])
        #expect(config.export[1].signals == [.traces, .metrics])
        #expect(config.export[0].headers.map(\.value) == ["v=1", "2"])
    }

    @Test(arguments: [
        (
            "limits.memory=x",
            "--set limits.memory: limits.memory: \"x\" is no size; allowed: a size such as 512MiB, from 16MiB to 1TiB"
        ),
        ("limit.memory=1GiB", "--set limit.memory: unknown key limit; did you mean limits?"),
        ("shutdown", "--set shutdown: no = in it; write KEY=VALUE"),
        (
            "export[1].name=a",
            "--set export[1].name: export[1]: the list has 0 entries; the next one is export[0]"
        ),
        ("export[x].name=a", "--set export[x].name: [x] is no index; write export[0].name=VALUE"),
        ("a..b=1", "--set a..b: an empty name; write KEY=VALUE"),
    ])
    func `a fault names the flag`(_ set: String, _ fault: String) {
        #expect(configFaults("", [set]) == [fault])
    }
}
