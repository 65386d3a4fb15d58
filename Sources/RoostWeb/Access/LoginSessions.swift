import RoostCore

/// People who have shown a token, by the cookie that they got for it. A session is as good as its
/// token, and no longer.
struct LoginSessions {
    private struct Session {
        let end: UInt64
        let token: String
    }

    private var sessions: [String: Session] = [:]

    private static let name = "roost_session"
    /// Nanoseconds; twelve hours.
    private static let lifetime: UInt64 = 43_200_000_000_000
    private static let most = 1_000

    /// Takes the cookie away again.
    static let clearing = name + "=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0"

    /// The value of `set-cookie` for somebody new, who showed `token` and came over TLS or not.
    mutating func begin(_ token: String, now: UInt64, isEncrypted: Bool) -> String {
        sessions = sessions.filter { $0.value.end > now }
        if sessions.count >= Self.most,
            let oldest = sessions.min(by: { $0.value.end < $1.value.end })?.key
        {
            sessions[oldest] = nil
        }
        var generator = SystemRandomNumberGenerator()
        var id = ""
        for _ in 0..<4 {
            let part = String(generator.next(), radix: 16)
            id += String(repeating: "0", count: 16 - part.count) + part
        }
        sessions[id] = Session(end: now &+ Self.lifetime, token: token)
        return "\(Self.name)=\(id); Path=/; HttpOnly; SameSite=Strict; Max-Age=43200"
            + (isEncrypted ? "; Secure" : "")
    }

    /// Whether a `cookie` header brings a session that goes on. One that has ended, or whose token
    /// `isGood` no longer knows, is dropped.
    mutating func holds(cookie: String, now: UInt64, isGood: (String) -> Bool) -> Bool {
        for id in Self.ids(cookie) {
            guard let session = sessions[id] else { continue }
            if session.end > now, isGood(session.token) { return true }
            sessions[id] = nil
        }
        return false
    }

    mutating func end(cookie: String) {
        for id in Self.ids(cookie) { sessions[id] = nil }
    }

    /// A browser sends every cookie of that name that it has, also one of another path.
    private static func ids(_ cookie: String) -> [String] {
        cookie.split(separator: ";").compactMap { part in
            let trimmed = part.drop { $0 == " " }
            return trimmed.hasPrefix(name + "=") ? String(trimmed.dropFirst(name.count + 1)) : nil
        }
    }
}
