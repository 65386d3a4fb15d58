import RoostCore
import Testing

@testable import RoostCollector

@Suite struct CollectorPartsTests {
    private func config(_ change: (inout Config) -> Void = { _ in }) -> Config {
        var config = Config()
        config.store.path = "/nowhere/at/all"
        config.limits.memory = 256 << 20
        change(&config)
        return config
    }

    private func parts(_ config: Config) -> CollectorParts {
        CollectorParts(config: config, log: Log(level: .error), version: "0")
    }

    @Test func `a reload gives the store its part of the memory anew`() {
        let parts = parts(config())
        #expect(parts.store.store.status.queueCapacityBytes == 32 << 20)
        parts.use(config { $0.limits.memory = 64 << 20 }, userKey: nil)
        #expect(parts.store.store.status.queueCapacityBytes == 8 << 20)
    }

    @Test func `a reload gives WebSockets their part of the connections anew`() {
        let parts = parts(config { $0.limits.connections = 100 })
        let limit = parts.settings(.web).webSockets
        #expect(limit.limit == 50)
        parts.use(config { $0.limits.connections = 40 }, userKey: nil)
        #expect(limit.limit == 20)
    }

    @Test func `analytics have memory set aside while they are on`() {
        let parts = parts(config { $0.enable.analytics = false })
        let without = parts.budget.usedBytes
        parts.turn(.analytics, on: true)
        let with = parts.budget.usedBytes
        #expect(with >= without + (24 << 20))
        parts.turn(.analytics, on: false)
        #expect(parts.budget.usedBytes == without)
    }
}
