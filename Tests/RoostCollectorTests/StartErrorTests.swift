import RoostNet
import Testing

@testable import RoostCollector

@Suite struct StartErrorTests {
    private func text(_ port: UInt16, _ reason: String) -> String {
        let address = ListenAddress(host: "127.0.0.1", port: port)
        return "\(StartError.listener(name: "web", .cannotBind(address: address, reason: reason)))"
    }

    @Test func `a low port that is not allowed says which right is missing`() {
        let low = text(80, "Permission denied")
        #expect(low.contains("CAP_NET_BIND_SERVICE") && low.contains("--set listen.web="))
    }

    @Test func `an address that cannot be had says nothing of another program`() {
        let foreign = text(8080, "Cannot assign requested address")
        #expect(
            foreign.hasSuffix("address; choose another address with --set listen.web=HOST:PORT"))
    }
}
