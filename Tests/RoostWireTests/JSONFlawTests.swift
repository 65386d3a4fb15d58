import RoostCore
import Testing

@testable import RoostWire

/// What a JSON request comes to, read as the collector reads it.
private struct Reading {
    let flaw: JSONError?
    let outcome: Outcome

    init(_ json: [UInt8], _ signal: Signal = .traces) throws(JSONError) {
        var flaw: JSONError?
        let request = try unsafe ByteBlock(json).withBytes { bytes throws(JSONError) in
            try unsafe transcodeJSON(bytes, signal: signal, maxBytes: 1 << 20, flaw: &flaw)
        }
        self.flaw = flaw
        outcome = read(request.array, signal)
    }

    init(_ json: String, _ signal: Signal = .traces) throws(JSONError) {
        try self.init(Array(json.utf8), signal)
    }
}

private let hexTraceID = #""traceId":"0af7651916cd43dd8448eb211c80319c""#
private let ids = hexTraceID + #","spanId":"b7ad6b7169203331""#

/// A request of two spans, the first with these members.
private func spans(_ members: String) -> String {
    #"{"resourceSpans":[{"scopeSpans":[{"spans":[{\#(members)},{"name":"good",\#(ids)}]}]}]}"#
}

/// A request of a point with this exemplar and one without.
private func points(_ exemplar: String) -> String {
    #"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"m","gauge":{"dataPoints":["#
        + #"{"asInt":1,"exemplars":[{\#(exemplar)}]},{"asInt":2}]}}]}]}]}"#
}

/// A request of two log records, the first with these members.
private func records(_ members: String) -> String {
    #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{\#(members)},{}]}]}]}"#
}

@Suite struct JSONFlawTests {
    @Test(arguments: [
        (spans(#""traceId":"abc","spanId":"b7ad6b7169203331""#), Signal.traces, "traceId"),
        (spans(#"\#(hexTraceID),"spanId":"b7ad6b716920333g""#), .traces, "spanId"),
        (spans(#"\#(hexTraceID),"spanId":"\u00e97ad6b71692033""#), .traces, "spanId"),
        (spans(#"\#(hexTraceID),"spanId":"\uD8007ad6b7169203""#), .traces, "spanId"),
        (spans(#"\#(ids),"parentSpanId":"1""#), .traces, "parentSpanId"),
        (spans(#"\#(ids),"parentSpanId":"b7ad6b71 6920333""#), .traces, "parentSpanId"),
        (spans(#"\#(ids),"links":[{\#(ids)},{\#(hexTraceID),"spanId":"x"}]"#), .traces, "spanId"),
        (spans(#"\#(ids),"links":[{"traceId":"z\u007a"}]"#), .traces, "traceId"),
        (points(#""traceId":"0""#), .metrics, "traceId"),
        (points(#"\#(hexTraceID),"spanId":"--------""#), .metrics, "spanId"),
        (records(#""traceId":"zz""#), .logs, "traceId"),
        (records(#""spanId":"123""#), .logs, "spanId"),
    ])
    func `an id that is not hexadecimal costs its item`(
        _ json: String, _ signal: Signal, _ field: String
    ) throws {
        let reading = try Reading(json, signal)
        #expect(reading.outcome.items == 1 && reading.outcome.rejections.count == 1)
        #expect(reading.flaw?.field == field)
        #expect((reading.flaw?.offset ?? 0) > 40)
    }

    @Test(
        arguments: [
            [0x80], [0xC0, 0x80], [0xC1, 0xBF], [0xC3], [0xE0, 0x9F, 0x80], [0xED, 0xA0, 0x80],
            [0xE2, 0x82], [0xF0, 0x8F, 0x80, 0x80], [0xF4, 0x90, 0x80, 0x80],
            [0xF5, 0x80, 0x80, 0x80], [0xFF], [0xF0, 0x9F, 0x98],
            Array(#"\uD800"#.utf8), Array(#"\uDC00"#.utf8), Array(#"\uDBFF\u0041"#.utf8),
            Array(#"\uD83D\uD83D\uDE00"#.utf8), Array(#"\uD83D\n\uDE00"#.utf8),
            [0xC3] + Array(#"\u00e9"#.utf8), Array(#"\uD83D"#.utf8) + [0xED, 0xB8, 0x80],
        ] as [[UInt8]])
    func `a string that is no text costs its item`(_ bytes: [UInt8]) throws {
        let parts = spans(#"\#(ids),"name":"a@é\u00e9""#).split(separator: "@")
        let reading = try Reading(Array(parts[0].utf8) + bytes + Array(parts[1].utf8))
        #expect(reading.outcome.items == 1 && reading.outcome.rejections.count == 1)
        #expect(reading.outcome.rejections.hasInvalidText)
        #expect(reading.flaw?.description.hasPrefix("name: a string is not UTF-8") == true)

        let unknown =
            Array("{\"x\":\"".utf8) + bytes + Array("\",\"".utf8) + bytes + Array("\":[]}".utf8)
        #expect(try Reading(unknown).flaw == nil)
    }

    @Test func `a string that is no text is found in every field that has text`() throws {
        for (signal, request) in [
            (Signal.traces, OTLPMessage.traceRequest), (.metrics, .metricsRequest),
            (.logs, .logsRequest),
        ] {
            let texts = textFields(of: request)
            #expect(texts.count > 10)
            for json in texts {
                let reading = try Reading(json, signal)
                #expect(reading.flaw != nil && reading.outcome.rejections.hasInvalidText, "\(json)")
            }
        }
    }

    @Test func `tells of the first`() throws {
        let reading = try Reading(spans(#"\#(ids),"name":"\udead","parentSpanId":"?""#))
        #expect(reading.flaw?.field == "name")
        #expect(reading.flaw?.kind == .malformed)
    }

    /// For each field with text below `message` a request in which it is none.
    private func textFields(of message: OTLPMessage, within: [OTLPMessage] = []) -> [String] {
        guard !within.contains(message) else { return [] }
        // Without one a metric is not looked into.
        let hasTemporality = message.fields.contains { "\($0.name)" == "aggregationTemporality" }
        let start = hasTemporality ? #"{"aggregationTemporality":2,"# : "{"
        return message.fields.flatMap { field in
            let values =
                switch field.kind {
                case .string: [#""\uD800""#]
                case .message: textFields(of: field.message, within: within + [message])
                default: [] as [String]
                }
            return values.map {
                start + "\"\(field.name)\":" + (field.isRepeated ? "[\($0)]" : $0) + "}"
            }
        }
    }
}
