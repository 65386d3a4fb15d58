import RoostCore
import RoostWire
import Testing

private func refusal(_ json: [UInt8], _ signal: Signal = .traces) -> JSONError? {
    do throws(JSONError) {
        _ = try unsafe ByteBlock(json).withBytes { bytes throws(JSONError) in
            try unsafe transcodeJSON(bytes, signal: signal, maxBytes: 1 << 20)
        }
        return nil
    } catch {
        return error
    }
}

@Suite struct JSONRefusalTests {
    @Test(arguments: [
        ("", "wanted \"{\", found the end", 0), ("[]", "wanted \"{\", found \"[\"", 0),
        ("null", "wanted \"{\", found \"n\"", 0), ("\u{FEFF}", "wanted \"{\", found the end", 3),
        ("{", "wanted a key in quotes, found the end", 1),
        ("{} {}", "wanted the end, found \"{\"", 3),
        ("{,}", "wanted a key in quotes, found \",\"", 1),
        (#"{"x":1,}"#, "wanted a key in quotes, found \"}\"", 7),
        (#"{"x" 1}"#, "wanted \":\", found \"1\"", 5),
        (#"{"x":01}"#, "wanted \",\" or \"}\", found \"1\"", 6),
        (#"{"x":+1}"#, "wanted a value, found \"+\"", 5),
        (#"{"x":1.}"#, "wanted a digit, found \"}\"", 7),
        (#"{"x":1e}"#, "wanted a digit, found \"}\"", 7),
        (#"{"x":NaN}"#, "wanted a value, found \"N\"", 5),
        (#"{"x":truth}"#, "wanted a value, found \"t\"", 5),
        (#"{"x":nullnull}"#, "wanted \",\" or \"}\", found \"n\"", 9),
        (#"{"x":[1 2]}"#, "wanted \",\" or \"]\", found \"2\"", 8),
        (#"{"x":[}}"#, "wanted a value, found \"}\"", 6),
        (#"{"x":"a"#, "a string has no end", 5), (#"{"x":"a\"#, "a string has no end", 7),
        (#"{"x":"\x"}"#, "an unknown escape in a string", 6),
        (#"{"x":"\u12g4"}"#, #"\u wants four hexadecimal digits"#, 6),
        (#"{"x":"\uD800\u12"}"#, #"\u wants four hexadecimal digits"#, 12),
        ("{\"x\":\"a\nb\"}", "a control character inside a string", 7),
        ("{\"x\":\0}", "wanted a value, found byte 0", 5),
    ])
    func `refuses what is not JSON, with the place`(_ json: String, _ reason: String, _ offset: Int)
    {
        let error = refusal(Array(json.utf8))
        #expect(error?.reason == reason)
        #expect(error?.offset == offset)
        #expect(error?.field == "")
    }

    @Test(arguments: [
        (#""kind":"CLIENT""#, "kind", "a name that the enumeration has not"),
        (#""kind":2.5"#, "kind", "no integer of 32 bits"),
        (#""kind":2147483648"#, "kind", "no integer of 32 bits"),
        (#""kind":true"#, "kind", "wanted a value, found \"t\""),
        (#""name":1"#, "name", "wanted a string, found \"1\""),
        (#""name":"a","name":null"#, "name", "the key occurs twice"),
        (#""flags":-1"#, "flags", "no unsigned integer of 32 bits"),
        (#""flags":4294967296"#, "flags", "no unsigned integer of 32 bits"),
        (
            #""startTimeUnixNano":18446744073709551616"#, "startTimeUnixNano",
            "no unsigned integer of 64 bits"
        ),
        (#""startTimeUnixNano":"-1""#, "startTimeUnixNano", "no unsigned integer of 64 bits"),
        (#""startTimeUnixNano":"""#, "startTimeUnixNano", "a string that is no integer"),
        (#""startTimeUnixNano":" 1""#, "startTimeUnixNano", "a string that is no integer"),
        (#""startTimeUnixNano":1e400"#, "startTimeUnixNano", "no unsigned integer of 64 bits"),
        (#""attributes":{}"#, "attributes", "wanted an array, found \"{\""),
        (#""attributes":[null]"#, "attributes[0]", "wanted an object, found \"n\""),
        (
            #""attributes":[{},{"value":[]}]"#, "attributes[1].value",
            "wanted an object, found \"[\""
        ),
        (
            #""attributes":[{"value":{"stringValue":"","intValue":1}}]"#,
            "attributes[0].value.intValue", "another value stands beside this one"
        ),
        (
            #""attributes":[{"value":{"doubleValue":1e309}}]"#,
            "attributes[0].value.doubleValue", "a number beyond the range of a double"
        ),
        (
            #""attributes":[{"value":{"doubleValue":"1e309"}}]"#,
            "attributes[0].value.doubleValue", "a string that is no double"
        ),
        (
            #""attributes":[{"value":{"doubleValue":"nan"}}]"#,
            "attributes[0].value.doubleValue", "a string that is no double"
        ),
        (
            #""attributes":[{"value":{"boolValue":"true"}}]"#,
            "attributes[0].value.boolValue", "wanted true or false, found \"\"\""
        ),
        (
            #""attributes":[{"value":{"bytesValue":"A"}}]"#,
            "attributes[0].value.bytesValue", "base64 of impossible length"
        ),
        (
            #""attributes":[{"value":{"bytesValue":"AQ="}}]"#,
            "attributes[0].value.bytesValue", "base64 of impossible length"
        ),
        (
            #""attributes":[{"value":{"bytesValue":"A Q="}}]"#,
            "attributes[0].value.bytesValue", "a byte that is not base64"
        ),
        (#""status":{"code":9223372036854775808}"#, "status.code", "no integer of 32 bits"),
    ])
    func `refuses values that do not fit, with the field`(
        _ members: String, _ field: String, _ reason: String
    ) {
        let start = #"{"resourceSpans":[{"scopeSpans":[{},{"spans":[{"#
        let error = refusal(Array((start + members + "}]}]}]}").utf8))
        #expect(error?.field == "resourceSpans[0].scopeSpans[1].spans[0]." + field)
        #expect(error?.reason == reason)
        #expect((error?.offset ?? 0) >= start.utf8.count)
        #expect(error?.kind == .malformed)
    }

    @Test func `refuses what is not JSON beside an item that is malformed`() {
        let start = #"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"zz","name":"\uD800"}"#
        #expect(refusal(Array((start + "]}]}]}").utf8)) == nil)
        for end in ["]}]}]", "]}]}]},", "7]}]}]}", ",]}]}]}", #",{"name":"\x"}]}]}]}"#] {
            #expect(refusal(Array((start + end).utf8))?.kind == .malformed)
        }
    }

    @Test func `refuses elements that do not fit, with their index`() {
        let json = """
            {"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"histogram":{"dataPoints":[
            {"bucketCounts":[1,2,null]}]}}]}]}]}
            """
        #expect(
            refusal(Array(json.utf8), .metrics)?.field
                == "resourceMetrics[0].scopeMetrics[0].metrics[0].histogram.dataPoints[0]"
                + ".bucketCounts[2]")
    }

    @Test func `refuses numbers of absurd length`() {
        let digits = String(repeating: "1", count: 1_025)
        #expect(
            refusal(Array("{\"x\":\(digits)}".utf8))?.reason
                == "a number of more than 1024 characters")
        #expect(refusal(Array("{\"x\":\(digits.dropLast())}".utf8)) == nil)
    }

    @Test func `says field, reason and place in one line`() {
        let error = refusal(Array(#"{"resourceSpans":[7]}"#.utf8))
        #expect(
            error?.description == "resourceSpans[0]: wanted an object, found \"7\" (at byte 18)")
    }
}
