import RoostCollector
import RoostCore
import RoostNet

/// Who may ask the web port for what. `contract.md`, "Browsers and the web port".
///
/// Confined to the web loop.
final class AccessControl {
    private let hosts: AllowedHosts
    private let credentials: Credentials
    private var sessions = LoginSessions()

    init(hosts: AllowedHosts, credentials: Credentials) {
        self.hosts = hosts
        self.credentials = credentials
    }

    /// Why a request is not let in; nil when it is.
    func refusal(_ head: RequestHead, now: UInt64) -> Response? {
        guard credentials.isTokenNeeded else {
            guard hosts.allows(head) else {
                return WebAnswer.error(
                    403, "forbidden", "this host name is not one of Roost's addresses")
            }
            return isFromElsewhere(head) ? Self.foreign : nil
        }
        if credentials.admit(head) { return nil }
        if let cookie = head.header("cookie"),
            sessions.holds(cookie: cookie, now: now, isGood: credentials.holds)
        {
            return isFromElsewhere(head) ? Self.foreign : nil
        }
        return unauthorized(head)
    }

    /// Why what changes something is not allowed; nil when it is.
    func administrativeRefusal(_ head: RequestHead) -> Response? {
        guard !credentials.isTokenNeeded, !Self.isLoopback(head.peerAddress) else { return nil }
        return WebAnswer.error(
            403, "forbidden",
            "changes are taken over loopback only, as long as listen.tokens is empty")
    }

    /// A page of another site makes a browser do what changes something, or open a WebSocket.
    private func isFromElsewhere(_ head: RequestHead) -> Bool {
        let isSafe = head.methodIs("GET") || head.methodIs("HEAD")
        guard !isSafe || head.header("upgrade") != nil else { return false }
        guard let origin = head.header("origin") else { return false }
        guard let authority = head.authority?.lowercased() else { return true }
        let named = origin.lowercased()
        return named != "http://" + authority && named != "https://" + authority
    }

    private static var foreign: Response {
        WebAnswer.error(
            403, "forbidden", "a page of another origin may not do this")
    }

    private func unauthorized(_ head: RequestHead) -> Response {
        if head.methodIs("GET"), head.header("accept")?.contains("text/html") == true,
            head.header("upgrade") == nil
        {
            return Response(
                status: 303,
                headers: [
                    ("location", "/login?next=" + Self.encoded(head.path)),
                    ("cache-control", "no-store"),
                ])
        }
        return WebAnswer.error(
            401, "unauthorized", "this needs the header authorization: Bearer with a known token",
            headers: [("www-authenticate", "Bearer realm=\"roost\"")])
    }

    // MARK: /login

    /// The page that asks a person for a token.
    func loginPage(next: String?, isWrong: Bool = false) -> Response {
        LoginPage.response(
            next: Self.local(next), isWrong: isWrong, isNeeded: credentials.isTokenNeeded)
    }

    /// Takes the form of that page.
    func login(_ head: RequestHead, body: ByteBlock, now: UInt64) -> Response {
        if isFromElsewhere(head) { return Self.foreign }
        let form = QueryString(String(decoding: body.array, as: UTF8.self))
        let next = Self.local(form.last("next"))
        guard let token = form.last("token"), credentials.holds(token) else {
            return loginPage(next: next, isWrong: true)
        }
        return Response(
            status: 303,
            headers: [
                ("location", next),
                ("set-cookie", sessions.begin(token, now: now, isEncrypted: head.isEncrypted)),
                ("cache-control", "no-store"),
            ])
    }

    func logout(_ head: RequestHead) -> Response {
        if isFromElsewhere(head) { return Self.foreign }
        if let cookie = head.header("cookie") { sessions.end(cookie: cookie) }
        return Response(
            status: 303,
            headers: [("location", "/login"), ("set-cookie", LoginSessions.clearing)])
    }

    /// Only a path of this server is gone to after the login.
    private static func local(_ next: String?) -> String {
        guard let next, next.hasPrefix("/"), !next.hasPrefix("//"), !next.hasPrefix("/\\"),
            next.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else { return "/" }
        return next
    }

    private static func encoded(_ path: String) -> String {
        var text = ""
        for byte in path.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2F, 0x2D, 0x2E, 0x5F, 0x7E:
                text.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                text += "%" + String(byte >> 4, radix: 16, uppercase: true)
                text += String(byte & 15, radix: 16, uppercase: true)
            }
        }
        return text
    }

    private static func isLoopback(_ address: String) -> Bool {
        address.hasPrefix("127.") || address == "::1" || address.hasPrefix("::ffff:127.")
    }
}
