import Testing

@testable import RoostWire

@Suite struct UsualAttributeTests {
    /// Key and value as the SDKs write them, one of each kind and the edges of the lengths.
    static let usual: [[UInt8]] = [
        [0x0A, 0, 0x12, 2, 0x0A, 0],
        [0x0A, 1, 0x61, 0x12, 2, 0x10, 0],
        [0x0A, 1, 0x61, 0x12, 2, 0x10, 1],
        [0x0A, 2, 0x61, 0x62, 0x12, 2, 0x18, 0x7F],
        [0x0A, 2, 0x61, 0x62, 0x12, 3, 0x18, 0x80, 0x01],
        [0x0A, 1, 0x61, 0x12, 9, 0x21, 0, 0, 0, 0, 0, 0, 0xF8, 0xBF],
        text(key: 5, value: 11),
        text(key: 22, value: 40),
        text(key: 127, value: 125),
    ]

    @Test(arguments: usual)
    func `the usual shape goes the short way`(bytes: [UInt8]) {
        #expect(reading(bytes).short != nil)
    }

    @Test(arguments: usual)
    func `the short way reads what the long way reads, whatever one byte is`(bytes: [UInt8]) {
        for place in bytes.indices {
            var bent = bytes
            for byte in UInt8.min...UInt8.max {
                bent[place] = byte
                expectAgreement(bent)
            }
        }
    }

    @Test func `the short way reads what the long way reads when tags and lengths are shuffled`() {
        var generator = Steps(state: 7)
        let pieces: [UInt8] = [0, 1, 2, 3, 4, 5, 6, 0x0A, 0x0A, 0x12, 0x10, 0x18, 0x21, 0x61, 0x80]
        for _ in 0..<60_000 {
            let count = Int(generator.next() % 14)
            var bytes: [UInt8] = [0x0A, 1, 0x61, 0x12]
            if generator.next() % 4 == 0 { bytes.removeAll() }
            for _ in 0..<count { bytes.append(pieces[Int(generator.next() % 15)]) }
            expectAgreement(bytes)
        }
    }

    @Test func `an attribute cut short goes the long way, and so does one with more behind it`() {
        for bytes in Self.usual {
            for count in bytes.indices { #expect(reading(Array(bytes[..<count])).short == nil) }
            for more: [UInt8] in [[0x0A, 0], [0x12, 0], [0x12, 2, 0x10, 1], [0x18, 0], [0]] {
                #expect(reading(bytes + more).short == nil)
            }
        }
    }

    static func text(key: Int, value: Int) -> [UInt8] {
        [0x0A, UInt8(key)] + [UInt8](repeating: 0x6B, count: key)
            + [0x12, UInt8(value + 2), 0x0A, UInt8(value)]
            + [UInt8](repeating: 0x76, count: value)
    }
}

/// What can be compared of an attribute once its bytes are gone.
private struct PlainAttribute: Equatable {
    var key: String
    var kind: AnyValueView.Kind
    var bits: UInt64
    var payload: String
    var values: Int
    var isFlawless: Bool
}

private func reading(_ bytes: [UInt8]) -> (short: PlainAttribute?, long: PlainAttribute?) {
    // Nothing stands behind the message, so that reading on would be seen.
    unsafe bytes.withUnsafeBytes { buffer in
        let message = unsafe WireCursor(buffer)
        var short: PlainAttribute?
        if let (key, value) = usualAttribute(message) {
            short = plain(key, value, values: 1, isFlawless: true)
        }
        var check = ItemCheck()
        guard let parts = try? checkKeyValue(message, depth: 4, &check) else {
            return (short, nil)
        }
        return (
            short,
            plain(parts.key, parts.value, values: parts.values, isFlawless: check.isFlawless)
        )
    }
}

private func plain(
    _ key: WireBytes, _ value: AnyValueView, values: Int, isFlawless: Bool
) -> PlainAttribute {
    PlainAttribute(
        key: key.string, kind: value.kind, bits: value.kind == .string ? 0 : value.bits,
        payload: value.stringBytes.string, values: values, isFlawless: isFlawless)
}

private func expectAgreement(_ bytes: [UInt8]) {
    let (short, long) = reading(bytes)
    if let short, short != long {
        Issue.record("\(bytes) is \(short) the short way and \(String(describing: long)) the long")
    }
}

/// Repeatable numbers.
private struct Steps {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state >> 33
    }
}
