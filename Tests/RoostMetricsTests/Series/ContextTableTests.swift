import Testing

@testable import RoostMetrics

@Suite struct ContextTableTests {
    @Test func `forgets scopes when their texts are too much`() {
        var table = ContextTable()
        let value = [UInt8](repeating: 0x61, count: 16_000)
        let identities = (0..<1_000).map { Fingerprint(low: $0, high: 0) }
        for identity in identities {
            table.insert(identity, ScopeLabels([(name: [0x61], value: value)]))
        }
        #expect(table.scope(identities[999]) != nil)
        #expect(identities.count { table.scope($0) != nil } * value.count <= 8 << 20)
    }
}
