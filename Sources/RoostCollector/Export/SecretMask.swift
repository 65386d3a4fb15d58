import RoostCore
import RoostHTTPClient
import RoostWire

/// Takes what is secret about one destination out of what its peer, or a proxy on the way, says:
/// values of our headers, the path of the address beyond OTLP's own, names and passwords of proxies.
///
/// Letters of either case are the same in ASCII, since a peer may repeat a token as it likes.
struct SecretMask: Sendable {
    /// What takes the place of a secret.
    private static let mask = Array("***".utf8)
    /// Shorter ones stay: they would be found in any text.
    private static let shortest = 4
    /// Parts of a value that are long enough to be a secret by themselves.
    private static let shortestWord = 8

    /// In small letters.
    private let secrets: [[UInt8]]
    /// Of them, those whose beginning is one, too.
    private let beginnings: [[UInt8]]

    /// `environment` is what libcurl finds its proxies in.
    init(headers: [ExportSettings.Header], urls: ExportURLs, environment: [String: String]) {
        var found = Found()
        for header in headers { found.add(headerValue: header.value) }
        for signal in Signal.allCases {
            if let url = urls[signal] { found.add(path: Self.ownPath(url, signal)) }
        }
        for name in ["http_proxy", "https_proxy", "all_proxy"] {
            for name in [name, name.uppercased()] {
                if let address = environment[name] { found.add(proxy: address) }
            }
        }
        secrets = Self.prepared(found.whole)
        beginnings = Self.prepared(found.whole.subtracting(found.withScheme))
    }

    /// `text` with each secret replaced, also one that is cut at the end of the text.
    func masked(_ text: String) -> String {
        guard !secrets.isEmpty else { return text }
        let bytes = Array(text.utf8)
        let folded = bytes.map(Self.small)
        var isSecret = [Bool](repeating: false, count: bytes.count)
        for secret in secrets { Self.mark(secret, in: folded, &isSecret) }
        for secret in beginnings { Self.markCut(secret, in: folded, &isSecret) }
        guard isSecret.contains(true) else { return text }
        var result: [UInt8] = []
        for (index, byte) in bytes.enumerated() {
            if !isSecret[index] {
                result.append(byte)
            } else if index == 0 || !isSecret[index - 1] {
                result += Self.mask
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    // MARK: Finding

    private static func mark(_ secret: [UInt8], in text: [UInt8], _ isSecret: inout [Bool]) {
        guard secret.count <= text.count else { return }
        for start in 0...(text.count - secret.count)
        where text[start] == secret[0] && text[start..<start + secret.count].elementsEqual(secret) {
            for index in start..<start + secret.count { isSecret[index] = true }
        }
    }

    /// The end of the text, where the secret begins there and does not end.
    private static func markCut(_ secret: [UInt8], in text: [UInt8], _ isSecret: inout [Bool]) {
        let longest = min(secret.count - 1, text.count)
        guard longest >= shortest else { return }
        for start in (text.count - longest)...(text.count - shortest)
        where text[start] == secret[0] && secret.starts(with: text[start...]) {
            for index in start..<text.count { isSecret[index] = true }
            return
        }
    }

    private static func prepared(_ texts: Set<String>) -> [[UInt8]] {
        Set(texts.map { $0.utf8.map(small) }).filter { $0.count >= shortest }
    }

    private static func small(_ byte: UInt8) -> UInt8 {
        (0x41...0x5A).contains(byte) ? byte | 0x20 : byte
    }

    // MARK: What is secret

    /// What a user has put before the path of OTLP; empty when it is nothing.
    private static func ownPath(_ url: String, _ signal: Signal) -> String {
        let parts = url.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count == 4 else { return "" }
        let path = "/" + parts[3]
        for known in ["/v1/" + signal.name, "/" + ExportEndpoint.grpcMethod(signal)]
        where path.hasSuffix(known) {
            return String(path.dropLast(known.count))
        }
        return path
    }

    private struct Found {
        var whole: Set<String> = []
        /// Those that begin with a word that is none: `Bearer`.
        var withScheme: Set<String> = []

        /// The value, what stands behind its first word, as the credentials of `Bearer` do, and
        /// every long word: a peer may repeat the token alone.
        mutating func add(headerValue value: String) {
            add(value)
            addWords(of: value, " ,;=\"")
            let parts = value.split(separator: " ", maxSplits: 1)
            guard parts.count == 2 else { return }
            withScheme.insert(value)
            let credentials = String(parts[1].drop { $0 == " " })
            add(credentials)
            if parts[0].lowercased() == "basic", let bytes = base64Decoded(credentials) {
                add(userInfo: String(decoding: bytes, as: UTF8.self))
            }
        }

        mutating func add(path: String) {
            add(path)
            addWords(of: path, "/")
            if let decoded = percentDecoded(path) { add(decoded) }
        }

        /// The name and password of a proxy's address, however wrong the rest of it is.
        mutating func add(proxy address: String) {
            guard let at = address.lastIndex(of: "@") else { return }
            let start = address.firstRange(of: "://")?.upperBound ?? address.startIndex
            guard start < at else { return }
            let userInfo = String(address[start..<at])
            add(userInfo: userInfo)
            if let decoded = percentDecoded(userInfo) { add(userInfo: decoded) }
        }

        private mutating func add(userInfo: String) {
            add(userInfo)
            if let colon = userInfo.firstIndex(of: ":") {
                add(String(userInfo[userInfo.index(after: colon)...]))
            }
        }

        private mutating func addWords(of text: String, _ separators: String) {
            for word in text.split(whereSeparator: { separators.contains($0) })
            where word.utf8.count >= SecretMask.shortestWord {
                add(String(word))
            }
        }

        /// As it is, and as it stands in JSON.
        private mutating func add(_ text: String) {
            whole.insert(text)
            guard text.contains(where: { $0 == "\"" || $0 == "\\" }) else { return }
            whole.insert(text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\""))
        }
    }
}
