import RoostCore
import Testing

@testable import RoostWire

@Suite struct KeyMemoTests {
    private static let list: [UInt8] = [
        0x0A, 1, 0x61, 0x12, 10, 0x2A, 8, 0x0A, 6, 0x0A, 4, 0x73, 0x74, 0x6F, 0x70,
    ]

    @Test(arguments: UsualAttributeTests.usual.filter { $0[1] <= 64 } + [list])
    func `reads what the long way reads, whatever one byte is`(bytes: [UInt8]) {
        let memo = KeyMemo()
        defer { memo.free() }
        // Every key that one other byte makes of this one is known, and the empty one.
        let key = Array(bytes[2..<(2 + Int(bytes[1]))])
        learn(memo, key)
        learn(memo, [])
        learn(memo, key + [0x12])
        for place in key.indices {
            for byte in UInt8.min..<0x80 {
                var bent = key
                bent[place] = byte
                learn(memo, bent)
            }
        }
        learn(memo, key)
        #expect(reading(memo, bytes) != nil)
        for place in bytes.indices {
            var bent = bytes
            for byte in UInt8.min...UInt8.max {
                bent[place] = byte
                expectAgreement(memo, bent)
            }
        }
        for count in bytes.indices { expectAgreement(memo, Array(bytes[..<count])) }
    }

    @Test func `a memo that knows nothing recognises nothing`() {
        let memo = KeyMemo()
        defer { memo.free() }
        #expect(reading(memo, [0, 0, 0x12, 2, 0x0A, 0]) == nil)
        #expect(reading(memo, [0x0A, 0, 0x12, 2, 0x0A, 0]) == nil)
        for length in UInt8.min...UInt8.max {
            for tag in [0, 0x0A, 0xFF] as [UInt8] {
                let bytes = [tag, length, 0x12, 2, 0x0A, 0] + [UInt8](repeating: 0, count: 120)
                #expect(reading(memo, bytes) == nil)
            }
        }
    }

    private func learn(_ memo: KeyMemo, _ key: [UInt8]) {
        unsafe key.withUnsafeBufferPointer { key in
            guard let base = key.baseAddress else {
                _ = memo.search(.empty) { _ in 1 }
                return
            }
            _ = memo.search(unsafe WireBytes(base: base, count: key.count)) { _ in 1 }
        }
    }

    /// Kind, bits and bytes of the value, as the memo reads it with bytes before and behind it.
    private func reading(_ memo: KeyMemo, _ bytes: [UInt8]) -> String? {
        let framed =
            [UInt8](repeating: 0x2A, count: 8) + bytes + [UInt8](repeating: 0xFF, count: 200)
        return unsafe framed.withUnsafeBufferPointer { buffer -> String? in
            guard let base = buffer.baseAddress else { return nil }
            let attribute = unsafe memo.attribute(
                WireBytes(base: base + 8, count: bytes.count), before: base + buffer.count)
            return attribute.map { shown($0.value) }
        }
    }

    private func expectAgreement(_ memo: KeyMemo, _ bytes: [UInt8]) {
        guard let short = reading(memo, bytes) else { return }
        let long = unsafe bytes.withUnsafeBytes { buffer -> String? in
            var check = ItemCheck()
            guard
                let parts = try? unsafe checkKeyValue(WireCursor(buffer), depth: 4, &check),
                check.isFlawless, parts.values == 1
            else { return nil }
            return shown(parts.value)
        }
        #expect(short == long, "\(bytes)")
    }

    private func shown(_ value: AnyValueView) -> String { "\(value.kind) \(text(value))" }
}
