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
        "\"", "\"\\x\"", "\"\\u12\"", "\"\\ud800\"", "\"\\udc00\"", "\"\u{1}\"", "1 2", "1e999",
        "[" + String(repeating: "[", count: 40),
    ])
    func `what is no JSON is a fault`(text: String) {
        #expect(throws: JSONValue.Fault.self) { try JSONValue(parsing: text.utf8) }
        #expect(!JSONValue.isDocument(Array(text.utf8)))
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
            #expect(JSONValue.isDocument(bytes) == (value != nil))
        }
    }
}
