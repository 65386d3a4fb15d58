import RoostCore

/// What stands for users in labels: keyed hashes, which nobody finds by trying names who does not
/// have the key. Bounded: each user is hashed once, and those that find no room not at all.
struct UserLabels: Sendable {
    private let hash: SecretHash
    /// Numbers of the texts of those met, by a hash of the id that holds for this process alone.
    private var numbers: [UInt64: Int32] = [:]

    init(key: [UInt8]) { hash = SecretHash(key: key) }

    /// The number of the text that stands for a user; at most `most` get one of their own.
    mutating func number(
        of user: ArraySlice<UInt8>, most: Int, _ texts: inout TextTable
    ) -> Int32 {
        guard !user.isEmpty else { return TextTable.none }
        let id = unsafe user.withUnsafeBufferPointer { unsafe ByteHash.hash($0, seed: 0x05E2) }
        if let known = numbers[id] { return known }
        // Like names of spans they leave room to other labels.
        guard numbers.count < most, texts.hasRoomForNames else { return TextTable.overflow }
        let number = texts.number(hash.name(of: user)[...], isName: true)
        if number != TextTable.overflow { numbers[id] = number }
        return number
    }
}

/// What stands for a user in labels: the first sixteen hexadecimal digits of HMAC-SHA-256.
public func userLabel(of user: String, key: [UInt8]) -> String {
    var id = Array(user.utf8)
    if id.count > ActivityBatch.longestText {
        var end = ActivityBatch.longestText
        while end > 0, id[end] & 0xC0 == 0x80 { end -= 1 }
        id = Array(id[..<end])
    }
    return String(decoding: SecretHash(key: key).name(of: id), as: UTF8.self)
}
