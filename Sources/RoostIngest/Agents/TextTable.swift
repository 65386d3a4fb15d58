import RoostCore

/// Texts that became labels, each with a number; only ever grows, up to a bound.
///
/// Number 0 is the empty text. A text that finds no room gets `overflow`, whose series say so.
struct TextTable: Sendable {
    private(set) var texts: [[UInt8]] = [[]]
    private var hashes: [UInt64] = [0]
    private var numbers = IdIndex()
    private var byteCount = 0

    static let none: Int32 = 0
    static let overflow: Int32 = -1
    private let mostTexts: Int
    private let mostBytes: Int

    /// `limitBytes` is that of all telemetry. A text takes some 200 bytes, here and in the tables of
    /// those who analyse.
    init(limitBytes: Int = .max) {
        mostTexts = min(200_000, max(4096, limitBytes >> 11))
        mostBytes = min(8 << 20, max(256 << 10, limitBytes >> 5))
    }

    /// The number of a text. Names of spans, of which there is no end where they hold ids, leave a
    /// quarter of the room to what becomes a label.
    mutating func number(_ bytes: ArraySlice<UInt8>, isName: Bool = false) -> Int32 {
        if bytes.isEmpty { return TextTable.none }
        let hash = unsafe bytes.withUnsafeBufferPointer {
            unsafe ByteHash.hash($0, seed: 0x7E57)
        }
        if let known = numbers.find(hash, where: { hashes[Int($0)] == hash }) { return known }
        let (most, mostBytes) =
            isName ? (mostTexts / 4 * 3, self.mostBytes / 4 * 3) : (mostTexts, self.mostBytes)
        guard texts.count < most, byteCount + bytes.count <= mostBytes else {
            return TextTable.overflow
        }
        let number = Int32(texts.count)
        texts.append(Array(bytes))
        byteCount += bytes.count
        hashes.append(hash)
        numbers.insert(hash, number)
        return number
    }

    /// Whether a short name of a span that is new would find room.
    var hasRoomForNames: Bool {
        texts.count < mostTexts / 4 * 3 && byteCount + 64 <= mostBytes / 4 * 3
    }

    mutating func number(_ text: StaticString) -> Int32 {
        number(Array(text.description.utf8)[...])
    }
}
