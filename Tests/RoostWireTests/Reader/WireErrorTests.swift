import Testing

@testable import RoostWire

@Suite struct WireErrorTests {
    @Test func `names the field and the byte`() {
        // The name of the second span claims more bytes than there are.
        let broken = span("a") + [0x2A, 0x70]
        let body = request(item(span("ok")), item(broken))
        let error = read(body, .traces).error
        #expect(error?.reason == .lengthOutOfBounds)
        #expect(error?.field == "resource_spans.scope_spans.spans.name")
        #expect(error?.offset == body.count - 1)
        #expect(
            error?.description
                == "resource_spans.scope_spans.spans.name: a length points past the end"
                + " at byte \(body.count - 1)")
    }

    @Test func `follows values down to the damage`() {
        let value = Proto.bytes(5, Proto.bytes(1, [0x18, 0x80]))
        let record = Proto.bytes(6, keyValue("k", value))
        let error = read(request(item(record)), .logs).error
        #expect(error?.reason == .truncated)
        #expect(
            error?.field
                == "resource_logs.scope_logs.log_records.attributes.value.array_value.values.int_value"
        )
    }

    @Test func `says so when the top of the request is no protobuf`() {
        let error = read(Array("hello".utf8), .traces).error
        #expect(error != nil)
        #expect(read([0x00], .traces).error?.reason == .invalidTag)
        #expect(read([0x0B, 0x0C], .traces).error?.reason == .unsupportedWireType)
    }

    @Test func `refuses every truncation of a request or reads what is left`() {
        let body = request(
            item(span("a", Proto.bytes(9, keyValue("k", Proto.bytes(5, Proto.bytes(1, [])))))))
        for count in 1..<body.count {
            #expect(read(Array(body.prefix(count)), .traces).error != nil)
        }
    }
}
