import RoostWire

/// What a service and an operation are called in lists, and found by.
enum ListedName {
    /// Bytes of a name; longer ones are cut, between two characters, in the list and in a question.
    static let mostBytes = 512
    /// Of spans whose resource has no name for a service. OpenTelemetry, "Resource Semantic
    /// Conventions", `service.name`.
    static let unknownService = "unknown_service"

    /// How many bytes of a name count.
    @inline(__always)
    static func bytes(of name: WireBytes) -> Int {
        guard name.count > mostBytes else { return name.count }
        return bytes { unsafe name.base[$0] }
    }

    static func service(_ name: String) -> String { name.isEmpty ? unknownService : cut(name) }

    static func cut(_ name: String, to most: Int = mostBytes) -> String {
        guard name.utf8.count > most else { return name }
        let all = Array(name.utf8)
        return String(decoding: all[..<bytes(most) { all[$0] }], as: UTF8.self)
    }

    /// The first of `most` bytes and those before it that begins a character.
    private static func bytes(_ most: Int = mostBytes, _ byte: (Int) -> UInt8) -> Int {
        var end = most
        while end > 0, byte(end) & 0xC0 == 0x80 { end -= 1 }
        return end
    }
}
