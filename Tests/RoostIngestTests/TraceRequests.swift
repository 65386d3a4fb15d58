import RoostCore
import RoostWire

/// Trace requests for tests, written field by field.
struct TestSpan {
    var name = "call"
    var traceID = [UInt8](repeating: 7, count: 16)
    var spanID = [UInt8](repeating: 9, count: 8)
    var kind: UInt64 = 3
    var status: UInt64 = 0
    var start: UInt64 = 1_000_000_000
    var end: UInt64 = 1_250_000_000
}

func traceRequest(service: String?, _ spans: [TestSpan]) -> ByteBlock {
    var writer = MessageWriter()
    writer.message(1) { resourceSpans in
        resourceSpans.message(1) { resource in
            guard let service else { return }
            resource.message(1) { attribute in
                attribute.string(1, "service.name")
                attribute.message(2) { $0.string(1, service) }
            }
        }
        resourceSpans.message(2) { scopeSpans in
            for span in spans {
                scopeSpans.message(2) { message in
                    message.bytes(1, span.traceID)
                    message.bytes(2, span.spanID)
                    message.string(5, span.name)
                    message.varint(6, span.kind)
                    message.fixed64(7, span.start)
                    message.fixed64(8, span.end)
                    message.message(15) { $0.varint(3, span.status) }
                }
            }
        }
    }
    return ByteBlock(writer.bytes)
}
