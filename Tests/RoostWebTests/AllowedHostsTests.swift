import RoostNet
import Testing

@testable import RoostWeb

@Suite struct AllowedHostsTests {
    private func head(_ host: String?) -> RequestHead {
        RequestHead(
            method: "GET", target: "/metrics", headers: host.map { [("host", $0)] } ?? [])
    }

    private let loopback = AllowedHosts(listeners: [
        ("web", ListenAddress(host: "127.0.0.1", port: 8080)),
        ("http", ListenAddress(host: "roost.lan", port: 1)),
        ("grpc", ListenAddress(host: "fd00::5", port: 8080)),
    ])

    @Test(arguments: [
        "localhost:8080", "LOCALHOST", "127.0.0.1:8080", "[::1]:8080", "[fd00::5]:8080",
        "[FD00::5]", "roost.lan:8080",
    ])
    func `allows its own names and addresses`(_ host: String) {
        #expect(loopback.allows(head(host)))
    }

    @Test(arguments: [
        "evil.example:8080", "127.0.0.1.evil.example", "", "localhost.evil.example",
        "0.0.0.0:8080", "127.0.0.2", "127.1", "2130706433", "10.1.2.3", "[::1",
        "127.0.0.1:port", "fd00::5",
    ])
    func `refuses what is no address of its own`(_ host: String) {
        #expect(!loopback.allows(head(host)))
    }

    @Test func `allows a request without a name, as HTTP 1.0 sends it`() {
        #expect(loopback.allows(head(nil)))
    }

    @Test func `allows any name when it listens on every interface`() {
        let any = AllowedHosts(listeners: [("web", ListenAddress(host: "0.0.0.0", port: 8080))])
        #expect(any.allows(head("roost.monitoring.svc:8080")))
    }

    @Test(arguments: ["grpc", "http"], ["0.0.0.0", "::"])
    func `another listener on every interface opens nothing`(name: String, everywhere: String) {
        let web = AllowedHosts(listeners: [
            (name, ListenAddress(host: everywhere, port: 4317)),
            ("web", ListenAddress(host: "127.0.0.1", port: 8080)),
        ])
        #expect(web.allows(head("localhost:8080")))
        for host in ["evil.example:8080", "0.0.0.0:8080", "[::]:8080"] {
            #expect(!web.allows(head(host)))
        }
    }
}
