import RoostWire

/// Writers of what the three signals share. Field numbers as in OTLP's common and resource
/// messages.
extension MessageWriter {
    mutating func attributes(_ field: Int, _ attributes: Attributes) {
        for pair in attributes.pairs {
            message(field) { entry in
                entry.string(1, pair.key)
                entry.message(2) { $0.anyValue(pair.value) }
            }
        }
    }

    mutating func anyValue(_ value: AttributeValue) {
        switch value {
        case .string(let text): string(1, text)
        case .bool(let flag): varint(2, flag ? 1 : 0)
        case .int(let number): varint(3, UInt64(bitPattern: number))
        case .double(let number): double(4, number)
        case .strings(let texts):
            message(5) { array in
                for text in texts { array.message(1) { $0.string(1, text) } }
            }
        }
    }

    mutating func resource(_ field: Int, _ process: FleetProcess) {
        message(field) { $0.attributes(1, process.resource) }
    }

    mutating func scope(_ field: Int, _ scope: Scope) {
        message(field) { writer in
            writer.string(1, scope.name)
            writer.string(2, "1.0.0")
        }
    }

    mutating func time(_ field: Int, _ unixNanoseconds: Int64) {
        fixed64(field, UInt64(clamping: unixNanoseconds))
    }
}

/// The schema whose names the fleet uses.
let schemaURL = "https://opentelemetry.io/schemas/1.41.0"

/// One request as an exporter sends it, and what it holds.
struct EncodedRequest: Sendable {
    var signal: Signal
    /// Spans, points or records.
    var items: Int
    var bytes: [UInt8]
}
