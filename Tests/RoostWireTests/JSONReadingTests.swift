import RoostCore
import RoostWire
import Testing

private struct RecordCount: LogsVisitor {
    var records = 0
    mutating func logRecord(_ record: LogRecordView) { records += 1 }
}

private struct SpanNames: TraceVisitor {
    var names: [String] = []
    mutating func span(_ span: SpanView) { names.append(span.name.string) }
}

@Suite struct JSONReadingTests {
    @Test func `what is transcoded at the depth limit can be read`() throws {
        let json =
            #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":"#
            + String(repeating: #"{"arrayValue":{"values":["#, count: 30) + "{}"
            + String(repeating: "]}}", count: 30) + "}]}]}]}"
        var visitor = RecordCount()
        var rejections = Rejections()
        let request = try transcode(json, .logs)
        let count = try unsafe request.withBytes { bytes throws(WireError) in
            try unsafe readLogs(bytes, visitor: &visitor, rejections: &rejections)
        }
        #expect(count == 1 && visitor.records == 1 && rejections.isEmpty)
    }

    @Test func `an id of wrong length costs only its span`() throws {
        let ids = #""traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331""#
        let json =
            #"{"resourceSpans":[{"scopeSpans":[{"spans":["#
            + #"{"name":"short","traceId":"0af7","spanId":"b7ad6b7169203331"},"#
            + #"{"name":"none"},{"name":"good",\#(ids)}]}]}]}"#
        var visitor = SpanNames()
        var rejections = Rejections()
        let request = try transcode(json, .traces)
        let count = try unsafe request.withBytes { bytes throws(WireError) in
            try unsafe readTraces(bytes, visitor: &visitor, rejections: &rejections)
        }
        #expect(count == 1 && visitor.names == ["good"] && rejections.count == 2)
    }

    private func transcode(_ json: String, _ signal: Signal) throws(JSONError) -> ByteBlock {
        try unsafe ByteBlock(Array(json.utf8)).withBytes { bytes throws(JSONError) in
            try unsafe transcodeJSON(bytes, signal: signal, maxBytes: 1 << 20)
        }
    }
}
