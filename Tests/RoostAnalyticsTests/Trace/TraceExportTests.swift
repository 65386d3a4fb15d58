import RoostCore
import Testing

@testable import RoostAnalytics

@Suite struct TraceExportTests {
    private func text(_ format: TraceExportFormat, _ chunks: [ByteBlock]) -> String {
        var writer = JSONWriter()
        TraceExport.write(
            format, chunks: chunks, traceIDHigh: TestTrace.high, traceIDLow: TestTrace.low,
            into: &writer)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    private let chunks = [
        TestTrace.chunk([TestSpan(1, "a", 0, 5)]), TestTrace.chunk([TestSpan(1, "a", 0, 5)]),
        TestTrace.chunk([TestSpan(2, under: 1, "b", 1, 2)], service: "back"),
    ]

    @Test func `OTLP holds each span once and no empty resource`() {
        #expect(
            text(.otlp, chunks)
                == #"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","#
                + #""value":{"stringValue":"desk"}}]},"scopeSpans":[{"scope":{},"spans":["#
                + #"{"traceId":"01020304050607081112131415161718","spanId":"0000000000000001","#
                + #""name":"a","kind":1,"startTimeUnixNano":"1798761600000000000","#
                + #""endTimeUnixNano":"1798761600005000000"}]}]},"#
                + #"{"resource":{"attributes":[{"key":"service.name","#
                + #""value":{"stringValue":"back"}}]},"scopeSpans":[{"scope":{},"spans":["#
                + #"{"traceId":"01020304050607081112131415161718","spanId":"0000000000000002","#
                + #""parentSpanId":"0000000000000001","name":"b","kind":1,"#
                + #""startTimeUnixNano":"1798761600001000000","#
                + #""endTimeUnixNano":"1798761600002000000"}]}]}]}"#)
    }

    @Test func `Jaeger has a process for each service`() throws {
        let json = try #require(JSONText.value(text(.jaeger, chunks)))
        let trace = try #require(json["data"]?.array?.first)
        #expect(trace["spans"]?.array?.map { $0["processID"]?.text } == ["p1", "p2"])
        #expect(trace["processes"]?["p2"]?["serviceName"]?.text == "back")
    }

    @Test func `every format of every kind of value is JSON`() {
        for format in TraceExportFormat.allCases {
            #expect(JSONText.value(text(format, [TestTrace.whole()])) != nil)
            #expect(JSONText.value(text(format, [])) != nil)
        }
    }

    @Test func `damaged bytes do no harm`() {
        let whole = TestTrace.whole().array
        for length in 0..<whole.count {
            let cut = ByteBlock(Array(whole[..<length]))
            for format in TraceExportFormat.allCases {
                #expect(JSONText.value(text(format, [cut, TestTrace.whole()])) != nil)
            }
        }
    }
}
