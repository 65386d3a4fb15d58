import RoostWire

/// Numbers inside a JSON text, found by their keys at any depth.
///
/// Lenient, since some senders write a Python dictionary: single quotes do as well. Nothing is
/// built; what is no number is passed over. Reads at most the first 64 KiB.
struct UsageJSON {
    private let bytes: WireBytes

    private static let longest = 64 << 10

    init(_ bytes: WireBytes) { self.bytes = bytes }

    /// Calls `body` with each key that has a number, in order.
    func forEachNumber(_ body: (WireBytes, Double) -> Void) {
        var place = 0
        let end = min(bytes.count, UsageJSON.longest)
        while place < end {
            let quote = unsafe bytes.base[place]
            guard quote == 0x22 || quote == 0x27 else {
                place += 1
                continue
            }
            guard let key = text(from: &place, end: end, quote: quote) else { return }
            skipSpace(&place, end)
            guard place < end, unsafe bytes.base[place] == 0x3A else { continue }
            place += 1
            skipSpace(&place, end)
            if let number = number(at: &place, end) { body(key, number) }
        }
    }

    /// The text behind `key` in the outermost map; what lies deeper has its own meanings.
    func outermostText(_ key: StaticString) -> WireBytes? {
        var place = 0
        var depth = 0
        let end = min(bytes.count, UsageJSON.longest)
        while place < end {
            let quote = unsafe bytes.base[place]
            guard quote == 0x22 || quote == 0x27 else {
                // Braces and brackets.
                if quote | 0x20 == 0x7B { depth += 1 }
                if quote | 0x20 == 0x7D { depth -= 1 }
                place += 1
                continue
            }
            guard let found = text(from: &place, end: end, quote: quote) else { return nil }
            guard depth == 1, found.equals(key) else { continue }
            skipSpace(&place, end)
            guard place < end, unsafe bytes.base[place] == 0x3A else { continue }
            place += 1
            skipSpace(&place, end)
            guard place < end else { return nil }
            let opening = unsafe bytes.base[place]
            guard opening == 0x22 || opening == 0x27 else { continue }
            return text(from: &place, end: end, quote: opening)
        }
        return nil
    }

    private func skipSpace(_ place: inout Int, _ end: Int) {
        while place < end, unsafe bytes.base[place] <= 0x20 { place += 1 }
    }

    /// From the quote at `place` to the one that ends it, past which it goes.
    private func text(from place: inout Int, end: Int, quote: UInt8) -> WireBytes? {
        let start = place + 1
        var next = start
        while next < end, unsafe bytes.base[next] != quote {
            next += unsafe bytes.base[next] == 0x5C ? 2 : 1
        }
        guard next < end else { return nil }
        place = next + 1
        return unsafe WireBytes(base: bytes.base + start, count: next - start)
    }

    private func number(at place: inout Int, _ end: Int) -> Double? {
        let start = place
        while place < end {
            let byte = unsafe bytes.base[place]
            guard
                byte &- 0x30 < 10 || byte == 0x2E || byte == 0x2D || byte == 0x2B
                    || byte | 0x20 == 0x65
            else { break }
            place += 1
        }
        guard place > start, place - start <= 40 else { return nil }
        return Double(unsafe WireBytes(base: bytes.base + start, count: place - start).string)
    }
}
