import RoostCore

/// People who have shown a token, by the cookie that they got for it.
struct LoginSessions {
    private var ends: [String: UInt64] = [:]

    private static let name = "roost_session"
    /// Nanoseconds; twelve hours.
    private static let lifetime: UInt64 = 43_200_000_000_000
    private static let most = 1_000

    /// Takes the cookie away again.
    static let clearing = name + "=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0"

    /// The value of `set-cookie` for somebody new, who came over TLS or not.
    mutating func begin(now: UInt64, isEncrypted: Bool) -> String {
        ends = ends.filter { $0.value > now }
        if ends.count >= Self.most, let oldest = ends.min(by: { $0.value < $1.value })?.key {
            ends[oldest] = nil
        }
        var generator = SystemRandomNumberGenerator()
        var id = ""
        for _ in 0..<4 {
            let part = String(generator.next(), radix: 16)
            id += String(repeating: "0", count: 16 - part.count) + part
        }
        ends[id] = now &+ Self.lifetime
        return "\(Self.name)=\(id); Path=/; HttpOnly; SameSite=Strict; Max-Age=43200"
            + (isEncrypted ? "; Secure" : "")
    }

    /// Whether a `cookie` header brings a session that goes on.
    func holds(cookie: String, now: UInt64) -> Bool {
        guard let end = Self.id(cookie).flatMap({ ends[$0] }) else { return false }
        return end > now
    }

    mutating func end(cookie: String) {
        if let id = Self.id(cookie) { ends[id] = nil }
    }

    private static func id(_ cookie: String) -> String? {
        for part in cookie.split(separator: ";") {
            let trimmed = part.drop { $0 == " " }
            if trimmed.hasPrefix(name + "=") { return String(trimmed.dropFirst(name.count + 1)) }
        }
        return nil
    }
}
