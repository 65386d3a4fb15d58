import RoostWire

/// The destinations that the standard variables `OTEL_EXPORTER_OTLP_*` describe.
///
/// Empty is not set, a variable for one signal wins over the general one, and a bad value is told
/// and taken as not set. OpenTelemetry specification, "OpenTelemetry Protocol Exporter" and
/// "Environment Variable Specification".
struct OTLPVariables {
    private let environment: [String: String]
    private(set) var warnings: [ConfigFault] = []

    init(_ environment: [String: String]) { self.environment = environment }

    /// A destination and the variable that gave its endpoint.
    struct Destination: Equatable {
        var export: Config.Export
        let variable: String
        /// By key, `tls.ca`: the variable that names the file.
        var files: [String: String] = [:]
    }

    /// One destination, or several where signals differ in more than their address. Signals
    /// without an endpoint are not sent. The first is named `otlp`.
    mutating func destinations() -> [Destination] {
        var found: [Destination] = []
        for signal in Signal.allCases {
            guard let one = destination(for: signal) else { continue }
            if let index = found.firstIndex(where: { isSame($0, one) }) {
                found[index].export.signals.append(signal)
                found[index].export.signalEndpoints[signal] = one.export.signalEndpoints[signal]
            } else {
                found.append(one)
            }
        }
        for index in found.indices {
            let signal = found[index].export.signals.first?.name ?? ""
            found[index].export.name = index == 0 ? "otlp" : "otlp_" + signal
        }
        return found
    }

    private func isSame(_ left: Destination, _ right: Destination) -> Bool {
        var (left, right) = (left.export, right.export)
        if left.protocol == .httpProtobuf {
            // Each signal has its own address there; the common one is not used.
            left.endpoint = right.endpoint
        }
        left.signals = []
        right.signals = []
        left.signalEndpoints = ExportURLs()
        right.signalEndpoints = ExportURLs()
        return left == right
    }

    private mutating func destination(for signal: Signal) -> Destination? {
        guard let (variable, text, isOwn) = value("ENDPOINT", signal) else { return nil }
        var export = Config.Export()
        export.signals = [signal]
        let given = exportProtocol(signal)
        guard let endpoint = endpoint(text, variable, given, signal) else { return nil }
        export.protocol = endpoint.protocol
        export.endpoint = endpoint.origin + endpoint.path
        if endpoint.protocol == .httpProtobuf {
            export.signalEndpoints[signal] =
                isOwn ? endpoint.urlAsGiven(for: signal) : endpoint.url(for: signal)
        }
        readRest(of: &export, signal)
        var found = Destination(export: export, variable: variable)
        readFiles(of: &found, signal)
        return found
    }

    private mutating func endpoint(
        _ text: String, _ variable: String, _ given: ExportProtocol?, _ signal: Signal
    ) -> ExportEndpoint? {
        var last: ExportEndpointError?
        // Without a scheme gRPC speaks TLS unless told not to; HTTP has no such variable.
        let isInsecure = given == .httpProtobuf || flag("INSECURE", signal)
        for choice in [given, given ?? .httpProtobuf] {
            do throws(ExportEndpointError) {
                let endpoint = try ExportEndpoint(text, protocol: choice, isInsecure: isInsecure)
                guard endpoint.protocol == .httpProtobuf, !isInsecure, !text.contains("://") else {
                    return endpoint
                }
                return try ExportEndpoint(text, protocol: .httpProtobuf, isInsecure: true)
            } catch {
                last = error
            }
        }
        if let last { warn(variable, "is ignored: \(last)") }
        return nil
    }

    private mutating func readRest(of export: inout Config.Export, _ signal: Signal) {
        export.headers = headers(signal)
        if let (variable, text, _) = value("COMPRESSION", signal) {
            if let compression = ExportCompression(rawValue: text) {
                export.compression = compression
            } else {
                let allowed = inWords(ExportCompression.allCases.map(\.rawValue))
                warn(variable, "\"\(text)\" is ignored; allowed: \(allowed)")
            }
        }
        if let (variable, text, _) = value("TIMEOUT", signal) {
            if let milliseconds = Int(text), (10...3_600_000).contains(milliseconds) {
                export.timeout = .milliseconds(milliseconds)
            } else {
                warn(variable, "\"\(text)\" is ignored; allowed: milliseconds, 10 to 3600000")
            }
        }
    }

    private func readFiles(of destination: inout Destination, _ signal: Signal) {
        let keys: [(String, WritableKeyPath<Config.ClientTLS, String?>, String)] = [
            ("tls.ca", \.ca, "CERTIFICATE"), ("tls.cert", \.cert, "CLIENT_CERTIFICATE"),
            ("tls.key", \.key, "CLIENT_KEY"),
        ]
        for (key, field, name) in keys {
            guard let (variable, file, _) = value(name, signal) else { continue }
            destination.export.tls[keyPath: field] = file
            destination.files[key] = variable
        }
    }

    private mutating func exportProtocol(_ signal: Signal) -> ExportProtocol? {
        guard let (variable, text, _) = value("PROTOCOL", signal) else { return nil }
        if let known = ExportProtocol(rawValue: text) { return known }
        if text == "http/json" {
            warn(variable, "http/json is not sent by Roost; http/protobuf is used instead")
            return .httpProtobuf
        }
        warn(variable, "\"\(text)\" is ignored; allowed: grpc or http/protobuf")
        return nil
    }

    /// `name=value,name=value`, the values percent-encoded as in W3C Baggage.
    private mutating func headers(_ signal: Signal) -> [ExportSettings.Header] {
        guard let (variable, text, _) = value("HEADERS", signal) else { return [] }
        var headers: [ExportSettings.Header] = []
        for (index, pair) in text.split(separator: ",").enumerated() {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = parts.first.map(trimmed) ?? ""
            // Only what is a name for sure: the rest may be a value that was written wrongly.
            let entry = "entry \(index + 1)" + shownHeaderName(name, isCut: parts.count < 2)
            guard parts.count == 2 else {
                warn(variable, "\(entry) is ignored: no = in it; write name=value,name=value")
                continue
            }
            if let problem = headerNameProblem(name.lowercased()) {
                warn(variable, "\(entry) is ignored: its name \(problem)")
                continue
            }
            guard let value = percentDecoded(trimmed(parts[1])) else {
                warn(variable, "\(entry) is ignored: its value is not percent-encoded text")
                continue
            }
            headers.removeAll { $0.name.lowercased() == name.lowercased() }
            headers.append(ExportSettings.Header(name: name, value: value))
        }
        return headers
    }

    private mutating func flag(_ name: String, _ signal: Signal) -> Bool {
        guard let (variable, text, _) = value(name, signal) else { return false }
        let isKnown = ["true", "false"].contains(text.lowercased())
        if !isKnown { warn(variable, "\"\(text)\" is taken as false; allowed: true or false") }
        return text.lowercased() == "true"
    }

    private func value(
        _ name: String, _ signal: Signal
    ) -> (variable: String, text: String, isOwn: Bool)? {
        let own = "OTEL_EXPORTER_OTLP_\(signal.name.uppercased())_\(name)"
        if let text = set(own) { return (own, text, true) }
        let general = "OTEL_EXPORTER_OTLP_\(name)"
        return set(general).map { (general, $0, false) }
    }

    private func set(_ variable: String) -> String? {
        let text = trimmed(environment[variable] ?? "")
        return text.isEmpty ? nil : text
    }

    /// Told once, though three signals look at it.
    private mutating func warn(_ variable: String, _ message: String) {
        let warning = ConfigFault(origin: .environment(variable), message: message)
        if !warnings.contains(warning) { warnings.append(warning) }
    }
}

private func trimmed(_ text: some StringProtocol) -> String {
    String(text.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
}

/// Text with `%41` replaced; nil when it is no such text, not UTF-8, or holds control characters.
func percentDecoded(_ text: String) -> String? {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
        guard byte == 0x25 else {
            bytes.append(byte)
            continue
        }
        guard rest.count >= 2, let high = hexValue(rest.removeFirst()),
            let low = hexValue(rest.removeFirst())
        else { return nil }
        bytes.append(high << 4 | low)
    }
    guard bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { return nil }
    return String(validating: bytes, as: UTF8.self)
}

private func hexValue(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x37
    case 0x61...0x66: byte - 0x57
    default: nil
    }
}
