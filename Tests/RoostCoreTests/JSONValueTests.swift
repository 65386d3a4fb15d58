import RoostCore
import Testing

@Suite struct JSONValueTests {
    @Test(arguments: [
        (#"{"a":[1,-2.5e3,true,null,"x"],"b":{}}"#, #"{"a":[1,-2500,true,null,"x"],"b":{}}"#),
        (#" "a\"\\\/\b\f\n\r\tz" "#, #""a\"\\/\u0008\u000c\n\r\tz""#),
        (#""\u00e9\ud83d\ude00""#, "\"é😀\""),
        ("[]", "[]"), ("0", "0"), ("-0.5", "-0.5"),
    ])
    func `what is read is written again`(text: String, expected: String) throws {
        var writer = JSONWriter()
        writer.value(try JSONValue(parsing: text.utf8))
        #expect(String(decoding: writer.bytes, as: UTF8.self) == expected)
        #expect(JSONValue.isDocument(Array(text.utf8)))
    }

    @Test(arguments: [
        "", " ", "{", "[1,]", "{\"a\"}", "{\"a\":1,}", "{a:1}", "01", "1.", "1e", "+1", "nul",
        "tru",
        "\"", "\"\\x\"", "\"\\u12\"", "\"\\ud800\"", "\"\\udc00\"", "\"\u{1}\"", "1 2",
        "[" + String(repeating: "[", count: 40),
    ])
    func `what is no JSON is a fault`(text: String) {
        #expect(throws: JSONValue.Fault.self) { try JSONValue(parsing: text.utf8) }
        #expect(!JSONValue.isDocument(Array(text.utf8)))
    }

    @Test func `more values than are wanted are a fault where the first of them begins`() throws {
        let text = #"{"a":[1,{"b":null}],"c":""}"#.utf8
        #expect(try JSONValue(parsing: text, mostValues: 6)["c"] == .string(""))
        let fault = #expect(throws: JSONValue.Fault.self) {
            try JSONValue(parsing: text, mostValues: 5)
        }
        #expect(fault?.reason == "more than 5 values" && fault?.offset == 24)
        #expect(throws: JSONValue.Fault.self) {
            try JSONValue(
                parsing: ("[" + String(repeating: "0,", count: 9) + "0]").utf8, mostValues: 10)
        }
    }

    @Test(arguments: [
        "9007199254740993", "-9007199254740993", "12345678901234567890123", "18446744073709551615",
        "4611686018427388000", "0.1000000000000000055511151231257827", "1E400", "-1e-400",
        "1e99999999999999999999", "1.00000000000000000001e2",
    ])
    func `a number that is no double keeps its digits`(text: String) throws {
        let value = try JSONValue(parsing: "{\"a\":[ \(text) ]}".utf8)
        #expect(value["a"] == .array([.decimal(text)]))
        var writer = JSONWriter()
        writer.value(value)
        #expect(String(decoding: writer.bytes, as: UTF8.self) == "{\"a\":[\(text)]}")
        #expect(JSONValue.isDocument(writer.bytes))
        #expect(value["a"]?.array?[0].number == Double(text).flatMap { $0.isFinite ? $0 : nil })
    }

    @Test(arguments: [
        ("9007199254740992", 9_007_199_254_740_992), ("1e23", 1e23), ("1.50", 1.5),
        ("0.10000000000000000000", 0.1), ("-0", 0), ("0e99999999999999999999", 0),
        ("1000000000000000000e-18", 1), ("1.7976931348623157E+308", .greatestFiniteMagnitude),
        ("5e-324", .leastNonzeroMagnitude), ("123456789012345.6", 123456789012345.6),
    ])
    func `other ways to write the same number are the same`(text: String, number: Double) throws {
        #expect(try JSONValue(parsing: text.utf8) == .number(number))
    }

    @Test func `a double that was written is read as itself`() throws {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<5_000 {
            let number = Double(bitPattern: .random(in: 0...(.max), using: &generator))
            guard number.isFinite else { continue }
            var writer = JSONWriter()
            writer.value(.number(number))
            #expect(try JSONValue(parsing: writer.bytes) == .number(number))
        }
    }

    @Test(arguments: [
        (#"{"a":{"b":"7","c":"x"#, #"{"a":{"b":"7"}}"#),
        (#"{"a":{"b":"7","c":"#, #"{"a":{"b":"7"}}"#),
        (#"{"a":[{"b":true},{"c":tr"#, #"{"a":[{"b":true},{}]}"#),
        (#"{"a":12,"b":12"#, #"{"a":12}"#),
        (#"{"a":"1","b":"\u00"#, #"{"a":"1"}"#), (#"{"a":"1","#, #"{"a":"1"}"#), ("[1,2", "[1]"),
        (#"{"a":1}"#, #"{"a":1}"#), ("{", "{}"), (#"{"a":[1,?"#, #"{"a":[1]}"#),
    ])
    func `of what was cut off there is what is whole`(text: String, expected: String) throws {
        var writer = JSONWriter()
        writer.value(try JSONValue(parsingCut: text.utf8))
        #expect(String(decoding: writer.bytes, as: UTF8.self) == expected)
    }

    @Test func `of nothing nothing is left`() {
        for text in ["", "\"a", "12", "tr", "[1] 2"] {
            #expect(throws: JSONValue.Fault.self) { try JSONValue(parsingCut: text.utf8) }
        }
    }

    @Test func `broken UTF-8 is a fault`() {
        for text: [UInt8] in [[0xFF], [0x5C, 0x6E, 0xFF], [0xC3, 0x5C, 0x6E, 0xA9]] {
            #expect(throws: JSONValue.Fault.self) {
                try JSONValue(parsing: [0x22] + text + [0x22])
            }
            #expect(!JSONValue.isDocument([0x22] + text + [0x22]))
        }
    }

    @Test func `what stands between escapes is kept`() throws {
        let text = #""\u0000a\tbc\n\né""#
        #expect(try JSONValue(parsing: text.utf8).string == "\0a\tbc\n\né")
    }

    @Test func `members are found by name`() throws {
        let value = try JSONValue(parsing: #"{"a":{"b":"c"},"n":3,"f":false,"l":[1]}"#.utf8)
        #expect(value["a"]?["b"]?.string == "c")
        #expect(value["n"]?.number == 3)
        #expect(value["f"]?.bool == false)
        #expect(value["l"]?.array?.count == 1)
        #expect(value["x"] == nil)
    }

    @Test func `random bytes never trap`() {
        var generator = SystemRandomNumberGenerator()
        let alphabet = Array(#"{}[]",:\u0123.eE+-truefalsn "#.utf8)
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0..<24, using: &generator)).map { _ in
                alphabet[Int.random(in: 0..<alphabet.count, using: &generator)]
            }
            let value = try? JSONValue(parsing: bytes)
            let cut = try? JSONValue(parsingCut: bytes)
            #expect(value == nil || value?.number != nil || cut == value)
            #expect(JSONValue.isDocument(bytes) == (value != nil))
        }
    }
}
