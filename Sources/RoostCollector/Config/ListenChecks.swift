import RoostCore
import RoostNet

/// Reads the files that `listen` names, and tells what is wrong or doubtful about them.
struct ListenChecks {
    /// Of one key: `listen.tls.key`, `server.key holds no private key`.
    typealias Remark = (key: String, text: String)

    private(set) var secrets = ListenSecrets()
    private(set) var faults: [Remark] = []
    private(set) var warnings: [Remark] = []
    private let listen: Config.Listen
    private let now: Int64
    private let whyUnreadable: (String) -> String?
    private var read: [String: [UInt8]?] = [:]

    private static let mostBytes = 1 << 20

    /// `now` is Unix time in seconds.
    init(
        _ listen: Config.Listen, now: Int64, whyUnreadable: @escaping (String) -> String?
    ) {
        self.listen = listen
        self.whyUnreadable = whyUnreadable
        self.now = now
    }

    mutating func run() {
        for listener in Listener.allCases { checkTLS(listener) }
        checkTokens(listen.tokensFile, "listen.tokens_file")
        for listener in Listener.allCases {
            checkTokens(
                listen.override[listener].tokensFile,
                "listen.override.\(listener.rawValue).tokens_file")
        }
        for listener in Listener.allCases { checkOpenness(listener) }
    }

    private mutating func fault(_ key: String, _ text: String) {
        guard !faults.contains(where: { $0.key == key && $0.text == text }) else { return }
        faults.append((key, text))
    }

    private mutating func warn(_ key: String, _ text: String) {
        guard !warnings.contains(where: { $0.key == key && $0.text == text }) else { return }
        warnings.append((key, text))
    }

    /// The contents; nil, with a fault told, when there are none.
    private mutating func contents(_ file: ListenerTLS.File) -> [UInt8]? {
        if let known = read[file.path] { return known }
        var bytes: [UInt8]?
        if let reason = whyUnreadable(file.path) {
            fault(file.key, "\(file.path) \(reason)")
        } else {
            bytes = readFile(file.path, limit: Self.mostBytes)
            if bytes == nil {
                fault(file.key, "\(file.path) cannot be read whole, or is above 1 MiB")
            }
        }
        read[file.path] = .some(bytes)
        return bytes
    }

    // MARK: TLS

    private mutating func checkTLS(_ listener: Listener) {
        guard let files = listen.tls(of: listener) else { return }
        guard let cert = files.cert else {
            let given = files.key ?? files.clientCA
            return fault(given?.key ?? "listen.tls", "needs a certificate: tls.cert and tls.key")
        }
        guard let key = files.key else {
            return fault(cert.key, "needs key, the private key of the certificate")
        }
        let certBytes = contents(cert)
        let keyBytes = contents(key)
        let authorities = files.clientCA.map { contents($0) }
        guard let certBytes, let keyBytes, authorities != .some(nil) else { return }
        do throws(TLSIdentityError) {
            let identity = try TLSIdentity(
                certificate: certBytes, key: keyBytes, authorities: authorities ?? nil,
                protocols: listener == .grpc ? [.http2] : [.http2, .http1])
            secrets.identities[listener] = identity
            checkValidity(identity, cert)
        } catch {
            switch error.file {
            case .certificate: fault(cert.key, "\(cert.path) \(error.reason)")
            case .key: fault(key.key, "\(key.path) \(error.reason)")
            case .authorities:
                if let file = files.clientCA { fault(file.key, "\(file.path) \(error.reason)") }
            }
        }
    }

    private mutating func checkValidity(_ identity: TLSIdentity, _ file: ListenerTLS.File) {
        func time(_ seconds: Int64) -> String {
            rfc3339(unixNanoseconds: UInt64(clamping: seconds) &* 1_000_000_000)
        }
        if identity.validUntil < now {
            warn(
                file.key,
                "\(file.path) has expired (\(time(identity.validUntil))); clients will refuse it")
        } else if identity.validFrom > now {
            warn(
                file.key,
                "\(file.path) is not valid before \(time(identity.validFrom)); "
                    + "clients will refuse it")
        }
    }

    // MARK: Tokens

    private mutating func checkTokens(_ path: String?, _ key: String) {
        guard let path, let bytes = contents((path, key)) else { return }
        var tokens: [String] = []
        for (index, line) in bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
            .enumerated()
        {
            let text = Self.trimmed(line)
            guard let first = text.first, first != 0x23 else { continue }
            // Never shown: a line that is wrong may still be a secret.
            guard text.allSatisfy({ (0x21...0x7E).contains($0) }) else {
                fault(key, "\(path): line \(index + 1) holds more than one word of plain ASCII")
                continue
            }
            tokens.append(String(decoding: text, as: UTF8.self))
        }
        // Without one everybody would be let in.
        if tokens.isEmpty { fault(key, "\(path) holds no token") }
        secrets.tokens[path] = tokens
    }

    private static func trimmed(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var line = line
        func isBlank(_ byte: UInt8?) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D }
        while isBlank(line.first) { line.removeFirst() }
        while isBlank(line.last) { line.removeLast() }
        return line
    }

    // MARK: Who can reach it

    private mutating func checkOpenness(_ listener: Listener) {
        let own = listen.override[listener]
        let hasTokens =
            !(listen.tokens.isEmpty && own.tokens.isEmpty)
            || listen.tokensFile != nil || own.tokensFile != nil
        guard !OwnAddresses.isLoopback(listen[listener]), !hasTokens,
            listen.tls(of: listener) == nil
        else { return }
        warn(
            "listen.\(listener.rawValue)",
            "\(listen[listener]) is open to other machines with neither TLS nor tokens; see "
                + "listen.tls and listen.tokens")
    }
}
