public import RoostWire

/// An address as a user writes it, checked, from which the address for each signal is made.
///
/// OTLP exporter specification, "Endpoint URLs for OTLP/HTTP".
public struct ExportEndpoint: Sendable, Equatable {
    /// `http` or `https`.
    public let scheme: String
    /// Without brackets around an IPv6 address.
    public let host: String
    public let port: Int
    /// Without a slash at its end.
    public let path: String
    public let `protocol`: ExportProtocol

    /// Reads `http://jaeger:4318`, `https://otlp.example.org/prefix`, or `collector:4317` (plain
    /// text is then assumed, unless `isInsecure` is false).
    ///
    /// Without `protocol` it follows from the port: 4317 gRPC, 4318 HTTP with protobuf.
    public init(
        _ text: String, protocol given: ExportProtocol? = nil, isInsecure: Bool = true
    ) throws(ExportEndpointError) {
        let (scheme, afterScheme) = try Self.splitScheme(text, isInsecure: isInsecure)
        let end = afterScheme.firstIndex { $0 == "/" || $0 == "?" || $0 == "#" }
        let authority = afterScheme[..<(end ?? afterScheme.endIndex)]
        let path = end.map { afterScheme[$0...] } ?? ""
        guard !authority.contains("@") else { throw .hasCredentials }
        guard !path.contains("?"), !path.contains("#") else { throw .hasQuery }
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { throw .illegalByte }
        let (host, port) = try Self.splitAuthority(authority, of: text)
        self.scheme = scheme
        self.host = host
        self.port = port ?? (scheme == "https" ? 443 : 80)
        self.path = String(path.reversed().drop { $0 == "/" }.reversed())
        switch (given, port) {
        case (let given?, _): self.protocol = given
        case (nil, 4317): self.protocol = .grpc
        case (nil, 4318): self.protocol = .httpProtobuf
        default: throw .protocolUnknown(port: self.port)
        }
    }

    /// The address to which requests of `signal` go, with its path appended.
    public func url(for signal: Signal) -> String {
        switch self.protocol {
        case .grpc: origin + path + "/" + Self.grpcMethod(signal)
        case .httpProtobuf: origin + path + "/v1/" + signal.name
        }
    }

    /// The address for `signal` where the user gave one for this signal alone: over HTTP it is
    /// taken as it is, and no path means `/`.
    public func urlAsGiven(for signal: Signal) -> String {
        switch self.protocol {
        case .grpc: url(for: signal)
        case .httpProtobuf: origin + (path.isEmpty ? "/" : path)
        }
    }

    /// `scheme://host:port`.
    public var origin: String {
        scheme + "://" + (host.contains(":") ? "[" + host + "]" : host) + ":" + String(port)
    }

    /// The path of the gRPC method, without its first slash.
    public static func grpcMethod(_ signal: Signal) -> String {
        switch signal {
        case .traces: "opentelemetry.proto.collector.trace.v1.TraceService/Export"
        case .metrics: "opentelemetry.proto.collector.metrics.v1.MetricsService/Export"
        case .logs: "opentelemetry.proto.collector.logs.v1.LogsService/Export"
        }
    }

    private static func splitScheme(
        _ text: String, isInsecure: Bool
    ) throws(ExportEndpointError) -> (String, Substring) {
        let parts = text.split(separator: "://", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else { return (isInsecure ? "http" : "https", text[...]) }
        let scheme = parts[0].lowercased()
        guard scheme == "http" || scheme == "https" else { throw .unknownScheme(scheme) }
        return (scheme, parts[1])
    }

    private static func splitAuthority(
        _ authority: Substring, of text: String
    ) throws(ExportEndpointError) -> (host: String, port: Int?) {
        var host = authority
        var port: Substring?
        if authority.hasPrefix("[") {
            guard let close = authority.firstIndex(of: "]") else { throw .noHost }
            host = authority[authority.index(after: authority.startIndex)..<close]
            let rest = authority[authority.index(after: close)...]
            guard rest.isEmpty || rest.hasPrefix(":") else { throw .badPort(String(rest)) }
            port = rest.isEmpty ? nil : rest.dropFirst()
        } else if let colon = authority.firstIndex(of: ":") {
            host = authority[..<colon]
            port = authority[authority.index(after: colon)...]
        }
        guard !host.isEmpty else { throw .noHost }
        guard let port else { return (String(host), nil) }
        guard let number = Int(port), (1...65_535).contains(number) else {
            throw .badPort(String(port))
        }
        return (String(host), number)
    }
}

/// What is wrong with an address.
public enum ExportEndpointError: Error, Equatable, CustomStringConvertible {
    case unknownScheme(String)
    case noHost
    case badPort(String)
    case illegalByte
    case hasCredentials
    case hasQuery
    /// The port does not tell and `protocol` was not given.
    case protocolUnknown(port: Int)

    public var description: String {
        switch self {
        case .unknownScheme(let scheme):
            "unknown scheme \"\(shownKey(scheme))\"; use http or https"
        case .noHost: "no host in the address"
        // What is no number may be the beginning of a password: `name:pass/word@host`.
        case .badPort(let port) where port.count < 6 && port.allSatisfy(\.isNumber):
            "\"\(port)\" is no port; use 1 to 65535"
        case .badPort: "what stands behind the host is no port; use 1 to 65535"
        case .illegalByte: "a space or a byte that an address cannot hold"
        case .hasCredentials: "a user name in the address; use headers for credentials"
        case .hasQuery: "a query or fragment in the address"
        case .protocolUnknown(let port):
            "port \(port) does not tell the protocol; add protocol: grpc or http/protobuf"
        }
    }
}
