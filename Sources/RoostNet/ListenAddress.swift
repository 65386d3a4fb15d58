/// Where to listen: a host, by name or number, and a port (0: any free one).
public struct ListenAddress: Hashable, Sendable, CustomStringConvertible {
    /// Without brackets.
    public let host: String
    public let port: UInt16

    public init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// Reads `127.0.0.1:4317`, `localhost:4317` or `[::1]:4317`; nil when it is none of these.
    public init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        var host = text[..<colon]
        let digits = text[text.index(after: colon)...]
        if host.hasPrefix("["), host.hasSuffix("]"), host.count > 2 {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        guard !host.isEmpty, !host.contains("["), !host.contains("]"),
            !digits.isEmpty, digits.utf8.allSatisfy({ 48...57 ~= $0 }),
            let port = UInt16(digits)
        else { return nil }
        self.init(host: String(host), port: port)
    }

    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// Why an address cannot be listened on.
public enum ListenError: Error, Equatable, CustomStringConvertible {
    /// Another program listens there; `holder` is its name and id where `/proc` shows them.
    case inUse(address: ListenAddress, holder: String?)
    /// The system refuses: no such host, no right to the port, no such interface.
    case cannotBind(address: ListenAddress, reason: String)

    public var description: String {
        switch self {
        case .inUse(let address, let holder):
            "\(address) is already in use" + (holder.map { " by \($0)" } ?? "")
        case .cannotBind(let address, let reason): "cannot listen on \(address): \(reason)"
        }
    }
}
