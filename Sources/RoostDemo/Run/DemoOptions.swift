import RoostHTTPClient

/// What the user asked `roost demo` for.
struct DemoOptions: Equatable, Sendable {
    enum Transport: String, Sendable {
        case grpc
        case http = "http/protobuf"
    }

    /// Workflows a minute, above zero.
    var rate = 30.0
    /// nil goes on until it is interrupted.
    var seconds: Double?
    /// `http://host:port` or `https://…`, perhaps with a path, without a slash at its end.
    var endpoint = "http://127.0.0.1:4317"
    var transport = Transport.grpc
    /// nil takes one from the clock.
    var seed: UInt64?
    /// One of the collector's `listen.tokens`.
    var token: String?
    /// Whom to trust and what to show when the endpoint is `https://`.
    var tls = ClientTLS()

    /// What is wrong with the arguments, as one line for the user.
    struct Fault: Error, Equatable { var message: String }

    /// Reads `--name value` and `--name=value`; the last of a name wins. `standardToken` is taken
    /// without `--token`.
    init(_ arguments: [String], standardToken: String? = nil) throws(Fault) {
        token = standardToken
        var chosen: Transport?
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            let parts = argument.split(
                separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(parts[0])
            guard Self.names.contains(name) else {
                throw Fault(
                    message: "roost demo: unknown argument \(argument); it takes "
                        + Self.names.joined(separator: ", "))
            }
            guard let text = parts.count == 2 ? String(parts[1]) : rest.popFirst() else {
                throw Fault(message: "roost demo: \(name) needs a value")
            }
            switch name {
            case "--rate": rate = try Self.positive(text, name, "workflows a minute")
            case "--for": seconds = try Self.positive(text, name, "seconds")
            case "--endpoint": endpoint = try Self.url(text)
            case "--protocol": chosen = try Self.transport(text)
            case "--token": token = try Self.token(text)
            case "--ca": tls.caFile = text
            case "--cert": tls.certificateFile = text
            case "--key": tls.keyFile = text
            default: seed = try Self.seed(text)
            }
        }
        transport = chosen ?? (endpoint.hasSuffix(":4318") ? .http : .grpc)
    }

    private static let names = [
        "--rate", "--for", "--endpoint", "--protocol", "--seed", "--token", "--ca", "--cert",
        "--key",
    ]

    private static func positive(
        _ text: String, _ name: String, _ unit: String
    ) throws(Fault) -> Double {
        guard let number = Double(text), number > 0, number <= 1_000_000 else {
            throw Fault(
                message: "roost demo: \(name) \(text): a number of \(unit) above 0 and at most "
                    + "1000000 is needed")
        }
        return number
    }

    private static func url(_ text: String) throws(Fault) -> String {
        guard let scheme = ["http://", "https://"].first(where: text.hasPrefix),
            text.utf8.count > scheme.utf8.count, !text.utf8.contains(where: { $0 <= 0x20 })
        else {
            throw Fault(
                message:
                    "roost demo: --endpoint \(text): a URL like http://127.0.0.1:4317 is needed"
            )
        }
        return text.hasSuffix("/") ? String(text.dropLast()) : text
    }

    private static func token(_ text: String) throws(Fault) -> String {
        guard !text.isEmpty, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw Fault(
                message: "roost demo: --token: one of listen.tokens is needed, without spaces")
        }
        return text
    }

    private static func transport(_ text: String) throws(Fault) -> Transport {
        guard let transport = Transport(rawValue: text) else {
            throw Fault(
                message: "roost demo: --protocol \(text): grpc or http/protobuf is needed")
        }
        return transport
    }

    private static func seed(_ text: String) throws(Fault) -> UInt64 {
        guard let seed = UInt64(text) else {
            throw Fault(message: "roost demo: --seed \(text): a whole number is needed")
        }
        return seed
    }
}
