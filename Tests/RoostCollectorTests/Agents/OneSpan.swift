import Foundation
import RoostCore
import RoostIngest
import RoostWire
import Testing

@testable import RoostCollector

/// A request with one span, and what is read of it.
struct OneSpan {
    var service = "s"
    var scope = "lib"
    var name = "step"
    /// Unix nanoseconds.
    var start: UInt64 = 1_790_000_000_000_000_000
    var end: UInt64 = 1_790_000_001_000_000_000
    /// By key, in the form of OTLP/JSON.
    var attributes: [String: Any] = [:]

    static let table = NameTable(NamesFile.builtIn)

    func read() throws -> ReadActivity {
        try #require(try ReadActivity.spans(of: request(), Self.table).first)
    }

    func request() throws -> ByteBlock {
        func list(_ items: [String: Any]) -> [[String: Any]] {
            items.map { ["key": $0.key, "value": $0.value] }
        }
        let span: [String: Any] = [
            "traceId": "000102030405060708090a0b0c0d0e0f", "spanId": "0102030405060708",
            "parentSpanId": "1112131415161718", "name": name, "kind": 1,
            "startTimeUnixNano": "\(start)", "endTimeUnixNano": "\(end)",
            "attributes": list(attributes),
        ]
        let root: [String: Any] = [
            "resourceSpans": [
                [
                    "resource": ["attributes": list(["service.name": ["stringValue": service]])],
                    "scopeSpans": [["scope": ["name": scope], "spans": [span]]],
                ]
            ]
        ]
        let json = try JSONSerialization.data(withJSONObject: root)
        return try unsafe json.withUnsafeBytes { bytes in
            unsafe try transcodeJSON(bytes, signal: .traces, maxBytes: 64 << 20)
        }
    }
}
