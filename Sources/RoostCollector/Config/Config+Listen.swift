public import RoostNet

/// The listeners, by the names that keys and metric labels have.
public enum Listener: String, Sendable, CaseIterable { case grpc, http, web }

extension Config {
    /// Addresses, and who may use them.
    public struct Listen: Sendable, Equatable {
        public var grpc = ListenAddress(host: "127.0.0.1", port: 4317)
        public var http = ListenAddress(host: "127.0.0.1", port: 4318)
        public var web = ListenAddress(host: "127.0.0.1", port: 8080)
        public var tls = ServerTLS()
        /// Bearer tokens; secrets.
        public var tokens: [String] = []
        /// A file of more of them.
        public var tokensFile: String?
        /// Origins of browsers that may send OTLP; `*` is any.
        public var cors: [String] = []
        public var override = ListenOverrides()
        /// What the files hold; read when the configuration is checked.
        var secrets = ListenSecrets()
        public init() {}
    }

    /// Files of the server's certificate; no TLS without them.
    public struct ServerTLS: Sendable, Equatable {
        public var cert: String?
        public var key: String?
        /// Makes client certificates a must.
        public var clientCA: String?
        public init() {}
    }

    /// What is otherwise at single listeners.
    public struct ListenOverrides: Sendable, Equatable {
        public var grpc = ListenOverride()
        public var http = ListenOverride()
        public var web = ListenOverride()
        public init() {}

        subscript(_ listener: Listener) -> ListenOverride {
            switch listener {
            case .grpc: grpc
            case .http: http
            case .web: web
            }
        }
    }

    /// What is otherwise at one listener. What is not given is as `listen` says.
    public struct ListenOverride: Sendable, Equatable {
        /// False: plain text, though `listen.tls` names a certificate.
        public var tls = true
        public var cert: String?
        public var key: String?
        /// `none` asks for no certificate.
        public var clientCA: String?
        public var tokens: [String] = []
        public var tokensFile: String?
        public init() {}
    }
}

/// Contents of the files that `listen` names.
struct ListenSecrets: Sendable, Equatable {
    var identities: [Listener: TLSIdentity] = [:]
    /// By the path of the file.
    var tokens: [String: [String]] = [:]
}

extension Config.Listen {
    subscript(_ listener: Listener) -> ListenAddress {
        switch listener {
        case .grpc: grpc
        case .http: http
        case .web: web
        }
    }

    /// The files that a listener's identity is made of, each with the key that names it; nil where
    /// plain text is spoken.
    func tls(of listener: Listener) -> ListenerTLS? {
        let own = override[listener]
        let place = "listen.override.\(listener.rawValue)."
        guard own.tls else { return nil }
        var files = ListenerTLS(
            cert: tls.cert.map { ($0, "listen.tls.cert") },
            key: tls.key.map { ($0, "listen.tls.key") })
        if own.cert != nil || own.key != nil {
            files.cert = own.cert.map { ($0, place + "cert") }
            files.key = own.key.map { ($0, place + "key") }
        }
        if let path = own.clientCA {
            files.clientCA = path == Config.noFile ? nil : (path, place + "client_ca")
        } else {
            files.clientCA = tls.clientCA.map { ($0, "listen.tls.client_ca") }
        }
        guard files.cert != nil || files.key != nil || files.clientCA != nil else { return nil }
        return files
    }

    /// The tokens that a listener takes: its own where it has any, else everybody's.
    func tokens(of listener: Listener) -> [String] {
        let own = override[listener]
        if own.tokens.isEmpty, own.tokensFile == nil {
            return tokens + (tokensFile.flatMap { secrets.tokens[$0] } ?? [])
        }
        return own.tokens + (own.tokensFile.flatMap { secrets.tokens[$0] } ?? [])
    }
}

/// Files of one listener, and the keys of the configuration that name them.
struct ListenerTLS {
    typealias File = (path: String, key: String)
    var cert: File?
    var key: File?
    var clientCA: File?
}

extension Config {
    /// Stands for a file that there is not.
    static let noFile = "none"
}

extension Config.Listen {
    static let section = ConfigSection<Config.Listen>([
        .value("grpc", \.grpc, .listenAddress, "OTLP/gRPC over HTTP/2"),
        .value(
            "http", \.http, .listenAddress,
            "OTLP/HTTP: `/v1/traces`, `/v1/metrics` and `/v1/logs`, as protobuf or JSON"),
        .value(
            "web", \.web, .listenAddress,
            "`/metrics`, `/health`, `/ready`, `/status`, the API and live streams"),
        .section("tls", \.tls, Config.ServerTLS.section),
        .list("tokens", \.tokens, bearerToken, tokensText),
        .optional(
            "tokens_file", \.tokensFile, pathOfFile,
            "More tokens, one on each line; empty lines and those with `#` in front say nothing"),
        .list(
            "cors", \.cors, .webOrigin, "Web pages, by origin, that may send OTLP from a browser"),
        overrides,
    ])

    /// Three sections of the same keys, which the reference tells once.
    private static var overrides: ConfigKey<Config.Listen> {
        var key: ConfigKey<Config.Listen> = .section(
            "override", \.override, Config.ListenOverrides.section)
        key.rows = { _, path in
            Config.ListenOverride.section.keys.flatMap {
                $0.rows(Config.ListenOverride(), path + ".LISTENER." + $0.name)
            }
        }
        return key
    }

    private static let tokensText =
        "Every request but probes, logging in and out and a browser's preflight has to bring one "
        + "of these as `Authorization: Bearer`; people log in with one at `/login`"
}

/// As a line of `tokens_file` has to be: no client could send another.
private let bearerToken = ConfigForm<String>(
    allowed: "a bearer token",
    parse: { text throws(ConfigFormError) in
        guard !text.isEmpty else { throw ConfigFormError("is empty") }
        guard text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw ConfigFormError("holds more than one word of plain ASCII")
        }
        return text
    }, show: { _ in .text("***") }, isSecret: true)

extension Config.ServerTLS {
    static let section = ConfigSection<Config.ServerTLS>([
        .optional(
            "cert", \.cert, pathOfFile,
            "The server's certificate, then what it is signed by, PEM. Every listener then speaks "
                + "TLS 1.2 and 1.3 only"),
        .optional("key", \.key, pathOfFile, "Its private key, PEM, not encrypted"),
        .optional(
            "client_ca", \.clientCA, pathOfFile,
            "Lets in only clients with a certificate signed by one of these, PEM"),
    ])
}

extension Config.ListenOverrides {
    static let section = ConfigSection<Config.ListenOverrides>([
        .section("grpc", \.grpc, Config.ListenOverride.section),
        .section("http", \.http, Config.ListenOverride.section),
        .section("web", \.web, Config.ListenOverride.section),
    ])
}

extension Config.ListenOverride {
    static let section = ConfigSection<Config.ListenOverride>([
        .value(
            "tls", \.tls, .flag,
            "Of `grpc`, `http` or `web` only. `false`: plain text, whatever `listen.tls` says"),
        .optional("cert", \.cert, pathOfFile, "In place of `listen.tls.cert`; needs `key`"),
        .optional("key", \.key, pathOfFile, "In place of `listen.tls.key`"),
        .optional(
            "client_ca", \.clientCA,
            .text("the path of a file, or \(Config.noFile)"),
            "In place of `listen.tls.client_ca`; `\(Config.noFile)` asks for no certificate"),
        .list("tokens", \.tokens, bearerToken, "In place of `listen.tokens` and its file"),
        .optional("tokens_file", \.tokensFile, pathOfFile, "The same, from a file"),
    ])
}
