import RoostWire
import Testing

@testable import RoostIngest

/// The search with vector instructions against one that looks at each place with each window.
struct SecretNeedlesTests {
    private let needles = SecretNeedles(Set(SecretKind.allCases))
    private let windows = SecretForm.all.map { form in Array("\(form.window)".utf8) }

    /// Behind a window of three bytes an ASCII byte follows, if any: no secret goes on otherwise.
    private func first(in bytes: [UInt8], from start: Int) -> Int? {
        (start..<bytes.count).first { place in
            windows.contains { window in
                bytes[place...].starts(with: window)
                    && (window.count == 4 || bytes[place...].dropFirst(3).first ?? 0 < 0x80)
            }
        }
    }

    private func found(in bytes: [UInt8], from start: Int) -> Int? {
        unsafe bytes.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return nil }
            let text = unsafe WireBytes(base: base, count: buffer.count)
            return needles.nextWindow(in: text, from: start)?.place
        }
    }

    @Test func `every window is found at every place`() {
        for window in windows {
            for count in [window.count, 66, 67, 68, 131, 200] {
                for place in 0...(count - window.count) {
                    var bytes = [UInt8](repeating: UInt8(ascii: " "), count: count)
                    bytes.replaceSubrange(place..<(place + window.count), with: window)
                    #expect(found(in: bytes, from: 0) == place)
                }
            }
        }
    }

    /// Made of the bytes that windows are made of, and of some that have one half in common.
    @Test func `what is found in bytes that look alike is what is there`() {
        var random = SystemRandomNumberGenerator()
        let parts: [UInt8] = Array(windows.joined()) + [0x00, 0x80, 0xE1, 0xF3, 0x0B, 0x9B]
        for _ in 0..<400 {
            let bytes = (0..<300).map { _ -> UInt8 in
                let byte = parts[Int(random.next() % UInt64(parts.count))]
                return random.next() % 8 == 0 ? byte ^ 0x10 : byte
            }
            var start = 0
            while let place = found(in: bytes, from: start) {
                #expect(place == first(in: bytes, from: start))
                start = place + 1
            }
            #expect(first(in: bytes, from: start) == nil)
        }
    }
}
