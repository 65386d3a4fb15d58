import RoostCore

/// The names and values behind a `?`, decoded. WHATWG URL Standard,
/// "application/x-www-form-urlencoded parsing".
struct QueryString {
    struct Pair {
        let name: String
        let value: String
        /// Both were UTF-8.
        let isText: Bool
    }

    private(set) var pairs: [Pair] = []
    /// There are more of them than are kept.
    private(set) var isTooLong = false

    static let mostPairs = 64

    init(_ text: some StringProtocol) {
        for part in text.utf8.split(separator: UInt8(ascii: "&")) {
            guard pairs.count < QueryString.mostPairs else {
                isTooLong = true
                return
            }
            let halves = part.split(
                separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            let name = QueryString.bytes(halves[0], plusIsSpace: true)
            let value = halves.count > 1 ? QueryString.bytes(halves[1], plusIsSpace: true) : []
            let texts = (
                String(validating: name, as: UTF8.self), String(validating: value, as: UTF8.self)
            )
            pairs.append(
                Pair(
                    name: texts.0 ?? String(decoding: name, as: UTF8.self),
                    value: texts.1 ?? String(decoding: value, as: UTF8.self),
                    isText: texts.0 != nil && texts.1 != nil))
        }
    }

    /// The last value of a name.
    func last(_ name: String) -> String? { pairs.last { $0.name == name }?.value }

    /// All values of a name.
    func all(_ name: String) -> [String] { pairs.filter { $0.name == name }.map(\.value) }

    /// Percent signs that begin no escape stand for themselves; bytes that are no UTF-8 become U+FFFD.
    static func decoded(_ bytes: some Collection<UInt8>, plusIsSpace: Bool) -> String {
        String(decoding: QueryString.bytes(bytes, plusIsSpace: plusIsSpace), as: UTF8.self)
    }

    private static func bytes(_ bytes: some Collection<UInt8>, plusIsSpace: Bool) -> [UInt8] {
        let bytes = Array(bytes)
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var place = 0
        while place < bytes.count {
            let byte = bytes[place]
            if byte == UInt8(ascii: "%"), place + 2 < bytes.count,
                let high = hexValue(bytes[place + 1]), let low = hexValue(bytes[place + 2])
            {
                result.append(high << 4 | low)
                place += 3
                continue
            }
            result.append(plusIsSpace && byte == UInt8(ascii: "+") ? 0x20 : byte)
            place += 1
        }
        return result
    }
}
