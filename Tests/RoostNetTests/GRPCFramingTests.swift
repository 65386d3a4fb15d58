import Testing

@testable import RoostNet

@Suite struct GRPCFramingTests {
    private func feed(
        _ reader: inout GRPCMessageReader, _ bytes: [UInt8], limit: Int = 100
    ) throws -> Int {
        unsafe try bytes.withUnsafeBytes {
            let used = unsafe try reader.feed($0, limit: limit)
            try reader.take($0.count - used)
            return used
        }
    }

    @Test func `finds the message however it is cut`() throws {
        let frame: [UInt8] = [0, 0, 0, 0, 3, 7, 8, 9]
        for size in 1...frame.count {
            var reader = GRPCMessageReader()
            var prefix = 0
            for start in stride(from: 0, to: frame.count, by: size) {
                prefix += try feed(&reader, Array(frame[start..<min(start + size, frame.count)]))
            }
            try reader.checkEnd()
            #expect(prefix == 5 && reader.length == 3 && !reader.isCompressed)
        }
    }

    @Test func `takes an empty message`() throws {
        var reader = GRPCMessageReader()
        #expect(try feed(&reader, [1, 0, 0, 0, 0]) == 5)
        try reader.checkEnd()
        #expect(reader.isCompressed)
    }

    @Test func `says too large as soon as the prefix does`() {
        var reader = GRPCMessageReader()
        #expect(throws: RequestFault.tooLarge(limit: 100)) { try feed(&reader, [0, 0, 0, 0, 101]) }
        var huge = GRPCMessageReader()
        #expect(throws: RequestFault.tooLarge(limit: 100)) {
            try feed(&huge, [0, 255, 255, 255, 255])
        }
    }

    @Test(arguments: [[2, 0, 0, 0, 0], [0, 0, 0, 0, 1, 9, 0], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0]])
    func `refuses unknown flags and a second message`(_ bytes: [UInt8]) {
        var reader = GRPCMessageReader()
        #expect(throws: RequestFault.self) { try feed(&reader, bytes) }
    }

    @Test(arguments: [[], [0, 0], [0, 0, 0, 0, 2, 1]])
    func `refuses a request that ends early`(_ bytes: [UInt8]) throws {
        var reader = GRPCMessageReader()
        _ = try feed(&reader, bytes)
        #expect(throws: RequestFault.self) { try reader.checkEnd() }
    }

    @Test(arguments: [
        ("1H", 3_600_000), ("2M", 120_000), ("3S", 3_000), ("4m", 4), ("5u", 1), ("1001u", 2),
        ("6n", 1), ("99999999H", 359_999_996_400_000), ("0m", 0),
    ])
    func `reads timeouts, rounded up to milliseconds`(_ text: String, _ expected: UInt64) {
        var text = text
        #expect(text.withUTF8 { unsafe parseGRPCTimeout(UnsafeRawBufferPointer($0)) } == expected)
    }

    @Test(arguments: ["", "S", "1", "1s", "-1S", "123456789S", "1 S", "+1S", "1.5S"])
    func `refuses other timeouts`(_ text: String) {
        var text = text
        #expect(text.withUTF8 { unsafe parseGRPCTimeout(UnsafeRawBufferPointer($0)) } == nil)
    }

    @Test func `percent-encodes messages and keeps them short`() {
        #expect(percentEncodedGRPCMessage("50% für\n") == Array("50%25 f%C3%BCr%0A".utf8))
        #expect(
            percentEncodedGRPCMessage(String(repeating: "ü", count: 2_000)).count == 512 * 6)
    }

    @Test(arguments: [
        ("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"),
        ("fooba", "Zm9vYmE"), ("foobar", "Zm9vYmFy"),
    ])
    func `writes base64 without padding`(_ text: String, _ expected: String) {
        #expect(unpaddedBase64(Array(text.utf8)) == Array(expected.utf8))
    }
}
