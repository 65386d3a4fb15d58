import RoostNet

/// Who may speak to which listener, and how; exchanged by a reload without touching connections.
/// Any thread.
final class ListenAccess: Sendable {
    /// Of one listener.
    struct Entry: Sendable {
        let credentials: Credentials
        let tls: TLSDoor

        var isTLS: Bool { tls.current != nil }
    }

    private let grpc: Entry
    private let http: Entry
    private let web: Entry

    init(_ listen: Config.Listen) {
        func entry(_ listener: Listener) -> Entry {
            Entry(
                credentials: Credentials(listen.tokens(of: listener)),
                tls: TLSDoor(listen.secrets.identities[listener]))
        }
        grpc = entry(.grpc)
        http = entry(.http)
        web = entry(.web)
    }

    subscript(_ listener: Listener) -> Entry {
        switch listener {
        case .grpc: grpc
        case .http: http
        case .web: web
        }
    }

    /// Tokens from the next request on, certificates from the next connection on.
    func use(_ listen: Config.Listen) {
        for listener in Listener.allCases {
            self[listener].credentials.use(listen.tokens(of: listener))
            self[listener].tls.use(listen.secrets.identities[listener])
        }
    }

    /// Until when the certificates in force are valid, in seconds of Unix time, by listener.
    var certificates: [String: Int64] {
        var found: [String: Int64] = [:]
        for listener in Listener.allCases {
            found[listener.rawValue] = self[listener].tls.current?.validUntil
        }
        return found
    }

    /// How a listener's address is written for people.
    func url(_ listener: Listener, _ address: ListenAddress) -> String {
        (self[listener].isTLS ? "https://" : "http://") + address.description
    }
}
