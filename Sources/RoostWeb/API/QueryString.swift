import RoostCore

/// The names and values behind a `?`, decoded. WHATWG URL Standard,
/// "application/x-www-form-urlencoded parsing".
struct QueryString {
    private(set) var pairs: [(name: String, value: String)] = []

    /// More than these are left out.
    private static let mostPairs = 64

    init(_ text: some StringProtocol) {
        for part in text.utf8.split(separator: UInt8(ascii: "&")).prefix(QueryString.mostPairs) {
            let halves = part.split(
                separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            pairs.append(
                (
                    QueryString.decoded(halves[0], plusIsSpace: true),
                    halves.count > 1 ? QueryString.decoded(halves[1], plusIsSpace: true) : ""
                ))
        }
    }

    /// The last value of a name.
    func last(_ name: String) -> String? { pairs.last { $0.name == name }?.value }

    /// All values of a name.
    func all(_ name: String) -> [String] { pairs.filter { $0.name == name }.map(\.value) }

    /// Percent signs that begin no escape stand for themselves; bytes that are no UTF-8 become U+FFFD.
    static func decoded(_ bytes: some Collection<UInt8>, plusIsSpace: Bool) -> String {
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
        return String(decoding: result, as: UTF8.self)
    }
}
