import RoostCore
import RoostWire
import Testing

@testable import RoostIngest

/// Ids that Roost makes are the same in every run of the program.
@Suite struct MadeIDTests {
    private func hash(_ text: String, seed: UInt64) -> UInt64 {
        unsafe Array(text.utf8).withUnsafeBytes { unsafe MadeID.hash($0, seed: seed) }
    }

    @Test func `an id of somebody's own making stands for the same trace after a restart`() throws {
        let event = try PostedEvent(
            JSONValue(
                parsing: #"{"event_type":"agent.invoked","trace_id":"order-17"}"#.utf8), now: 1)
        #expect(event.traceIDHigh == 0xE595_5A31_C1E9_BEFD)
        #expect(event.traceIDLow == 0x25AF_6161_E8A4_CE0C)
    }

    @Test func `the events of a prompt are one trace before and after a restart`() throws {
        var source = NameSource()
        source.attributes = [.session: ["session.id"], .prompt: ["prompt.id"]]
        source.logEvents = ["step": NameEvent(kind: .llm)]
        let scan = LogScan()
        try scan.read(record(["session.id": "s1", "prompt.id": "p1"]), names: NameTable(source))
        let activity = try #require(scan.activities.activities.first)
        #expect(activity.flags.contains(.isDerivedTrace))
        #expect(activity.traceIDHigh == 0xB5C7_1826_2B66_4AA8)
        #expect(activity.traceIDLow == 0x8F58_4246_2BDD_CCC9)
    }

    /// A record of `claude-code` with the body `step`.
    private func record(_ attributes: [String: String]) -> ByteBlock {
        func attribute(_ message: inout MessageWriter, _ key: String, _ value: String) {
            message.string(1, key)
            message.message(2) { $0.string(1, value) }
        }
        var writer = MessageWriter()
        writer.message(1) { resourceLogs in
            resourceLogs.message(1) { resource in
                resource.message(1) { attribute(&$0, "service.name", "claude-code") }
            }
            resourceLogs.message(2) { scope in
                scope.message(2) { record in
                    record.fixed64(1, 1_790_000_000_000_000_000)
                    record.message(5) { $0.string(1, "step") }
                    for (key, value) in attributes.sorted(by: { $0.key < $1.key }) {
                        record.message(6) { attribute(&$0, key, value) }
                    }
                }
            }
        }
        return ByteBlock(writer.bytes)
    }

    @Test func `texts, ends and seeds tell ids apart`() {
        let texts = ["", "a", "b", "\0", "a\0", "12345678", "123456789", "12345678\0"]
        let ids = texts.flatMap { [hash($0, seed: 1), hash($0, seed: 2)] }
        #expect(Set(ids).count == ids.count)
    }
}
