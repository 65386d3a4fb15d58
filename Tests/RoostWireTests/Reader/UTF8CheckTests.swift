import Testing

@testable import RoostWire

@Suite struct UTF8CheckTests {
    private func check(_ bytes: [UInt8]) -> Bool {
        unsafe bytes.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return isUTF8(.empty) }
            return unsafe isUTF8(WireBytes(base: base, count: buffer.count))
        }
    }

    @Test(arguments: [
        "", "a", "abc", "abcd", "abcdefg", "abcdefgh", "abcdefghi", "é", "日本語", "🐔",
        "\u{80}\u{7FF}\u{800}\u{D7FF}\u{E000}\u{FFFF}\u{10000}\u{10FFFF}", "a\0b",
        "plain text and then ü and plain text again, longer than eight bytes",
    ])
    func `takes every kind of character`(_ text: String) {
        #expect(check(Array(text.utf8)))
    }

    @Test(
        arguments: [
            [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC2], [0xC2, 0x41], [0xE0, 0x80, 0x80],
            [0xE0, 0x9F, 0xBF], [0xE2, 0x82], [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF],
            [0xF0, 0x80, 0x80, 0x80], [0xF0, 0x8F, 0xBF, 0xBF], [0xF0, 0x9F, 0x90],
            [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xFE], [0xFF],
        ] as [[UInt8]])
    func `refuses overlong forms, surrogates, what is too large or cut, wherever it stands`(
        _ bad: [UInt8]
    ) {
        for before in 0..<18 {
            for after in 0..<10 {
                let bytes =
                    [UInt8](repeating: 0x61, count: before) + bad
                    + [UInt8](repeating: 0x62, count: after)
                #expect(!check(bytes))
            }
        }
    }

    @Test func `agrees with the standard library on all pairs and many longer runs`() {
        for first in UInt8.min...UInt8.max {
            for second in UInt8.min...UInt8.max {
                let bytes = [first, second]
                #expect(check(bytes) == (String(validating: bytes, as: UTF8.self) != nil))
            }
        }
        var state: UInt64 = 7
        let leads: [UInt8] = [0xE0, 0xE1, 0xED, 0xEF, 0xF0, 0xF1, 0xF4, 0xF5, 0x61, 0xC3]
        for _ in 0..<20_000 {
            var bytes: [UInt8] = []
            for place in 0..<4 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                let byte = UInt8(truncatingIfNeeded: state >> 40)
                bytes.append(place == 0 ? leads[Int(byte) % leads.count] : byte | 0x80)
            }
            #expect(check(bytes) == (String(validating: bytes, as: UTF8.self) != nil))
        }
    }
}
