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
    private static let mostTexts = 200_000
    private static let mostBytes = 8 << 20

    /// The number of a text.
    mutating func number(_ bytes: ArraySlice<UInt8>) -> Int32 {
        if bytes.isEmpty { return TextTable.none }
        let hash = unsafe bytes.withUnsafeBufferPointer {
            unsafe ByteHash.hash($0, seed: 0x7E57)
        }
        if let known = numbers.find(hash, where: { hashes[Int($0)] == hash }) { return known }
        guard texts.count < TextTable.mostTexts, byteCount + bytes.count <= TextTable.mostBytes
        else { return TextTable.overflow }
        let number = Int32(texts.count)
        texts.append(Array(bytes))
        byteCount += bytes.count
        hashes.append(hash)
        numbers.insert(hash, number)
        return number
    }

    mutating func number(_ text: StaticString) -> Int32 {
        number(Array(text.description.utf8)[...])
    }
}
