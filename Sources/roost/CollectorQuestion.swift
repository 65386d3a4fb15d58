import RoostCollector
import RoostHTTPClient

/// Asks a running collector something over its web port.
struct CollectorQuestion {
    /// Why there is no answer, for people.
    struct Failure: Error { let text: String }

    static let usualURL = "http://127.0.0.1:8080"

    /// Its address: scheme, host and port.
    let url: String
    /// For `authorization: Bearer`; nil without.
    let token: String?
    let tls: ClientTLS

    /// From `--url` and the token.
    init(_ options: Options) {
        var url = options.last("--url") ?? Self.usualURL
        while url.hasSuffix("/") { url.removeLast() }
        self.url = url.contains("://") ? url : "http://" + url
        token = Self.token(options)
        tls = Self.tls(options)
    }

    /// Whom to trust and what to show when the address is `https://`.
    static func tls(_ options: Options) -> ClientTLS {
        ClientTLS(
            caFile: options.last("--ca"), certificateFile: options.last("--cert"),
            keyFile: options.last("--key"))
    }

    static let tls = [
        Options.Known(
            name: "--ca", value: "FILE",
            doc: "of authorities that may have signed its certificate, instead of the system's"),
        Options.Known(name: "--cert", value: "FILE", doc: "our certificate, where it asks for one"),
        Options.Known(name: "--key", value: "FILE", doc: "its private key"),
    ]

    /// From `--token`, else from ROOST_TOKEN.
    static func token(_ options: Options) -> String? {
        options.last("--token") ?? startEnvironment()["ROOST_TOKEN"]
    }

    static let url = Options.Known(
        name: "--url", value: "URL", doc: "of the collector, default http://127.0.0.1:8080")
    static let token = Options.Known(
        name: "--token", value: "TOKEN", doc: "one of listen.tokens; default $ROOST_TOKEN")

    /// The body of the answer to a GET. At most half a minute.
    func get(_ path: String) throws(Failure) -> [UInt8] {
        var request = ClientRequest(url: url + path)
        request.method = .get
        request.timeout = .seconds(30)
        request.connectTimeout = .seconds(3)
        request.maxAnswerBytes = 1 << 30
        request.tls = tls
        if let token { request.headers.append(("authorization", "Bearer " + token)) }
        let client: HTTPClient
        do { client = try HTTPClient(name: "question") } catch {
            throw Failure(text: "cannot start the HTTP client: \(error)")
        }
        defer {
            client.stop()
            client.join()
        }
        let answer = client.perform(request)
        if let failure = answer.failure {
            throw Failure(text: "no answer from \(url): \(failure.text)")
        }
        guard answer.httpStatus == 200 else {
            let told = String(decoding: answer.body.prefix(500), as: UTF8.self)
            throw Failure(text: "\(url)\(path) answers \(answer.httpStatus): \(told)")
        }
        return answer.body
    }
}
