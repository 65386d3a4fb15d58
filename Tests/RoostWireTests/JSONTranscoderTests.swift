import RoostCore
import RoostWire
import Testing

/// The protobuf of a JSON request.
private func transcode(
    _ json: String, _ signal: Signal = .traces, maxBytes: Int = 1 << 20
) throws(JSONError) -> [UInt8] {
    try transcode(Array(json.utf8), signal, maxBytes: maxBytes)
}

private func transcode(
    _ json: [UInt8], _ signal: Signal = .traces, maxBytes: Int = 1 << 20
) throws(JSONError) -> [UInt8] {
    try unsafe ByteBlock(json).withBytes { bytes throws(JSONError) in
        try unsafe transcodeJSON(bytes, signal: signal, maxBytes: maxBytes).array
    }
}

/// A span with these members, as a request, and the protobuf of a span as one.
private func spanJSON(_ members: String) -> String {
    #"{"resourceSpans":[{"scopeSpans":[{"spans":[{"# + members + "}]}]}]}"
}
private func span(_ content: [UInt8]) -> [UInt8] {
    Proto.bytes(1, Proto.bytes(2, Proto.bytes(2, content)))
}

/// The same for the value of the body of a log record and a point of a gauge.
private func bodyJSON(_ value: String) -> String {
    #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":"# + value + "}]}]}]}"
}
private func body(_ value: [UInt8]) -> [UInt8] {
    Proto.bytes(1, Proto.bytes(2, Proto.bytes(2, Proto.bytes(5, value))))
}
private func pointJSON(_ members: String) -> String {
    #"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"gauge":{"dataPoints":[{"# + members
        + "}]}}]}]}]}"
}
private func point(_ content: [UInt8]) -> [UInt8] {
    Proto.bytes(
        1, Proto.bytes(2, Proto.bytes(2, Proto.bytes(5, Proto.bytes(1, content)))))
}

@Suite struct JSONTranscoderTests {
    @Test func `writes a span as its fields come`() throws {
        let json = spanJSON(
            """
            "traceId": "5B8EFFF798038103D269B633813FC60C", "spanId": "eee19b7ec3c1b174",
            "parentSpanId": "EEE19b7ec3c1b173", "traceState": "a=b", "name": "chat",
            "startTimeUnixNano": "1544712660000000000", "endTimeUnixNano": 1544712661000000000,
            "kind": 3, "flags": 257, "droppedEventsCount": 2,
            "status": {"code": 2, "message": "no"},
            "attributes": [{"key": "gen_ai.usage.input_tokens", "value": {"intValue": "41"}}],
            "events": [{"timeUnixNano": "1", "name": "e", "droppedAttributesCount": 1}],
            "links": [{"traceId": "00ff", "spanId": "", "flags": 768}]
            """)
        let traceID: [UInt8] = [
            0x5B, 0x8E, 0xFF, 0xF7, 0x98, 0x03, 0x81, 0x03, 0xD2, 0x69, 0xB6, 0x33, 0x81, 0x3F,
            0xC6, 0x0C,
        ]
        var expected = Proto.bytes(1, traceID)
        expected += Proto.bytes(2, [0xEE, 0xE1, 0x9B, 0x7E, 0xC3, 0xC1, 0xB1, 0x74])
        expected += Proto.bytes(4, [0xEE, 0xE1, 0x9B, 0x7E, 0xC3, 0xC1, 0xB1, 0x73])
        expected += Proto.string(3, "a=b") + Proto.string(5, "chat")
        expected += Proto.fixed64(7, 1_544_712_660_000_000_000)
        expected += Proto.fixed64(8, 1_544_712_661_000_000_000)
        expected += Proto.number(6, 3) + Proto.fixed32(16, 257) + Proto.number(12, 2)
        expected += Proto.bytes(15, Proto.number(3, 2) + Proto.string(2, "no"))
        expected += Proto.bytes(
            9,
            Proto.string(1, "gen_ai.usage.input_tokens") + Proto.bytes(2, Proto.number(3, 41)))
        expected += Proto.bytes(
            11, Proto.fixed64(1, 1) + Proto.string(2, "e") + Proto.number(4, 1))
        expected += Proto.bytes(13, Proto.bytes(1, [0, 0xFF]) + Proto.fixed32(6, 768))
        #expect(try transcode(json) == span(expected))
    }

    @Test func `writes every kind of number of a histogram`() throws {
        let json = """
            {"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"exponentialHistogram":{
              "aggregationTemporality":2,"dataPoints":[{"count":"5","sum":1.5,"scale":-3,
              "zeroCount":"1","positive":{"offset":-2,"bucketCounts":["1","300",2]},
              "min":0,"zeroThreshold":0}]}}]}]}]}
            """
        let buckets = Proto.number(1, 3) + Proto.bytes(2, [1, 0xAC, 0x02, 2])
        let content =
            Proto.fixed64(4, 5) + Proto.double(5, 1.5) + Proto.number(6, 5) + Proto.fixed64(7, 1)
            + Proto.bytes(8, buckets) + Proto.double(12, 0)
        let histogram = Proto.number(2, 2) + Proto.bytes(1, content)
        #expect(
            try transcode(json, .metrics)
                == Proto.bytes(1, Proto.bytes(2, Proto.bytes(2, Proto.bytes(10, histogram)))))
    }

    @Test func `packs fixed bucket counts and bounds`() throws {
        let json = """
            {"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"histogram":{"dataPoints":[
              {"bucketCounts":["1",2],"explicitBounds":["0.5"],"attributes":[]}]}}]}]}]}
            """
        let content =
            Proto.bytes(6, Proto.little(1) + Proto.little(2))
            + Proto.bytes(7, Proto.little(0.5.bitPattern))
        #expect(
            try transcode(json, .metrics)
                == Proto.bytes(
                    1,
                    Proto.bytes(2, Proto.bytes(2, Proto.bytes(9, Proto.bytes(1, content))))))
    }

    @Test(
        arguments: [
            ("{}", []), (#"{"stringValue":""}"#, Proto.string(1, "")),
            (#"{"boolValue":false}"#, Proto.number(2, 0)),
            (#"{"boolValue":true}"#, Proto.number(2, 1)),
            (#"{"intValue":"-1"}"#, Proto.number(3, UInt64.max)),
            (#"{"intValue":9223372036854775807}"#, Proto.number(3, 0x7FFF_FFFF_FFFF_FFFF)),
            (#"{"intValue":"-9223372036854775808"}"#, Proto.number(3, 1 << 63)),
            (#"{"intValue":1.50e1}"#, Proto.number(3, 15)),
            (#"{"intValue":-0}"#, Proto.number(3, 0)),
            (#"{"intValue":"1e2"}"#, Proto.number(3, 100)),
            (#"{"intValue":"\u0037"}"#, Proto.number(3, 7)),
            (#"{"intValue":100000000000000000000000000e-25}"#, Proto.number(3, 10)),
            (#"{"doubleValue":-0.0}"#, Proto.double(4, -0.0)),
            (#"{"doubleValue":1}"#, Proto.double(4, 1)),
            (#"{"doubleValue":"2.5e-3"}"#, Proto.double(4, 2.5e-3)),
            (#"{"doubleValue":0.1234567890123456789}"#, Proto.double(4, 0.1234567890123456789)),
            (#"{"doubleValue":5e-324}"#, Proto.double(4, .leastNonzeroMagnitude)),
            (#"{"doubleValue":1e-999}"#, Proto.double(4, 0)),
            (#"{"doubleValue":9007199254740993}"#, Proto.double(4, 9_007_199_254_740_992)),
            (#"{"doubleValue":"Infinity"}"#, Proto.double(4, .infinity)),
            (#"{"doubleValue":"-Infinity"}"#, Proto.double(4, -.infinity)),
            (#"{"bytesValue":""}"#, Proto.bytes(7, [])),
            (#"{"bytesValue":"+/8="}"#, Proto.bytes(7, [0xFB, 0xFF])),
            (#"{"bytesValue":"-_8"}"#, Proto.bytes(7, [0xFB, 0xFF])),
            (#"{"bytesValue":"AQ=="}"#, Proto.bytes(7, [1])),
            (#"{"bytesValue":"AQ"}"#, Proto.bytes(7, [1])),
            (#"{"bytesValue":"A\u0051ID"}"#, Proto.bytes(7, [1, 2, 3])),
            (
                #"{"arrayValue":{"values":[{},{"intValue":1}]}}"#,
                Proto.bytes(5, Proto.bytes(1, []) + Proto.bytes(1, Proto.number(3, 1)))
            ),
            (
                #"{"kvlistValue":{"values":[{"key":"k","value":{}}]}}"#,
                Proto.bytes(6, Proto.bytes(1, Proto.string(1, "k") + Proto.bytes(2, [])))
            ),
            (#"{"stringValue":null,"intValue":1}"#, Proto.number(3, 1)),
        ] as [(String, [UInt8])])
    func `writes a value`(_ json: String, _ expected: [UInt8]) throws {
        #expect(try transcode(bodyJSON(json), .logs) == body(expected))
    }

    @Test func `writes NaN`() throws {
        let bytes = try transcode(pointJSON(#""asDouble":"NaN""#), .metrics)
        #expect(bytes == point(Proto.double(4, .nan)))
    }

    @Test(arguments: [
        (#"plain"#, "plain"), (#"\" \\ \/ \b \f \n \r \t"#, "\" \\ / \u{8} \u{C} \n \r \t"),
        (#"\u00e9\u20AC\uD83D\uDE00"#, "é€😀"), ("é€😀", "é€😀"), (#"\u0000"#, "\0"),
        (#"eight by\u0074es before"#, "eight bytes before"), ("12345678", "12345678"),
        (
            "\u{7F}\u{80}\u{7FF}\u{800}\u{FFFF}\u{10000}\u{10FFFF}",
            "\u{7F}\u{80}\u{7FF}\u{800}\u{FFFF}\u{10000}\u{10FFFF}"
        ),
    ])
    func `undoes escapes`(_ json: String, _ text: String) throws {
        #expect(
            try transcode(spanJSON("\"name\":\"\(json)\"")) == span(Proto.string(5, text)))
    }

    @Test(arguments: [
        #""kind":0,"name":"","flags":0,"traceId":"","startTimeUnixNano":"0""#,
        #""kind":null,"attributes":null,"status":null,"events":[]"#,
        #""start_time_unix_nano":"5","NAME":"x","nam":"y","namee":"z""#,
        #""x":[1,-2.5e+3,{"y":[[],{},"\u00e9",true,false,null]}]"#,
    ])
    func `leaves out defaults, nulls and unknown keys`(_ members: String) throws {
        #expect(try transcode(spanJSON(members)) == span([]))
    }

    @Test func `takes names of enumerations and keys with escapes`() throws {
        let json = spanJSON(
            #""k\u0069nd":"SPAN_KIND_CLIENT","status":{"code":"STATUS_CODE_ERROR"}"#)
        #expect(
            try transcode(json) == span(Proto.number(6, 3) + Proto.bytes(15, Proto.number(3, 2))))
        #expect(try transcode(spanJSON(#""kind":77"#)) == span(Proto.number(6, 77)))
    }

    @Test(arguments: ["{}", " \r\n\t{ } \n", "\u{FEFF}{}", #"{"resourceSpans":[]}"#])
    func `takes an empty request, white space and a byte order mark`(_ json: String) throws {
        #expect(try transcode(json) == [])
    }

    @Test func `writes lengths in as few bytes as they need`() throws {
        for length in [0, 1, 100, 127, 128, 200, 16_000, 16_383, 16_384, 70_000, 2_100_000] {
            let name = String(repeating: "n", count: length)
            let expected = span(length == 0 ? [] : Proto.string(5, name))
            #expect(
                try transcode(spanJSON("\"name\":\"\(name)\""), maxBytes: 1 << 22) == expected)
        }
    }

    @Test func `makes at most so many bytes and says when that is too few`() throws {
        let json = spanJSON(#""name":"0123456789","kind":1"#)
        let size = try transcode(json).count
        #expect(try transcode(json, maxBytes: size).count == size)
        for less in [size - 1, 3, 0] {
            let error = #expect(throws: JSONError.self) { try transcode(json, maxBytes: less) }
            #expect(error?.kind == .tooLarge)
        }
        let zeros = String(repeating: "0,", count: 100_000) + "0"
        let many = pointJSON("\"exemplars\":[]")
            .replacing("\"gauge\"", with: "\"histogram\"")
            .replacing("\"exemplars\":[]", with: "\"bucketCounts\":[\(zeros)]")
        let error = #expect(throws: JSONError.self) {
            try transcode(many, .metrics, maxBytes: 400_000)
        }
        #expect(error?.kind == .tooLarge)
    }

    @Test func `takes values sixty-four messages deep and no deeper`() throws {
        // The body is the fourth message; each list adds two.
        func nested(_ lists: Int, _ innermost: String) -> String {
            bodyJSON(
                String(repeating: #"{"arrayValue":{"values":["#, count: lists) + innermost
                    + String(repeating: "]}}", count: lists))
        }
        #expect(try transcode(nested(30, "{}"), .logs).isEmpty == false)
        let error = #expect(throws: JSONError.self) { try transcode(nested(31, "{}"), .logs) }
        #expect(error?.reason == "nested more than 64 messages deep")
        #expect(throws: JSONError.self) { try transcode(nested(500_000, "{}"), .logs) }
        let open = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
        #expect(try transcode("{\"x\":\(open)}") == [])
        #expect(throws: JSONError.self) { try transcode("{\"x\":[\(open)]}") }
    }
}
