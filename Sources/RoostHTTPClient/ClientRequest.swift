public import RoostCore

/// One request to send.
public struct ClientRequest: Sendable {
    /// The verb; a GET has no body.
    public enum Method: Sendable { case get, post }

    /// What is spoken.
    public enum Flavour: Sendable {
        /// HTTP/1.1; over TLS HTTP/2 where the server offers it.
        case http
        /// A unary gRPC call: HTTP/2 with prior knowledge over plain text, by ALPN over TLS. The
        /// body is the one message, without its prefix.
        case grpc(compression: String?)
    }

    /// `http` or `https`, absolute.
    public var url: String
    public var method: Method = .post
    public var flavour: Flavour = .http
    /// `Content-Type` among them. For gRPC, that and `te` are set by the client.
    public var headers: [(name: String, value: String)] = []
    /// Sent one after the other, without being joined.
    public var body: [ByteSlice] = []
    /// From the start to the last byte of the answer.
    public var timeout: Duration = .seconds(10)
    /// For name, connection and TLS handshake.
    public var connectTimeout: Duration = .seconds(10)
    public var tls = ClientTLS()
    /// A longer answer is broken off and failed with `answerTooLarge`.
    public var maxAnswerBytes = 4 << 20
    /// So much of an answer's body is kept; the rest is read and thrown away.
    public var maxKeptBytes = Int.max
    /// How much of the body is read at once, at most; 16 KiB to 2 MiB.
    public var mostUploadBytes = 2 << 20

    public init(url: String) { self.url = url }

    var bodyBytes: Int { body.reduce(0) { $0 + $1.count } }

    /// A little less than `connectTimeout`, so that it does not end in the moment in which the C
    /// library gives up a name server: that waits for whole seconds. Both ending at once, libcurl
    /// before 8.14 may read what its thread has just freed.
    var connectMilliseconds: Int {
        let most = min(timeout, connectTimeout).wholeMilliseconds
        return most - min(most / 16, 300)
    }
}

/// How to trust the server, and what to show it. Files are PEM.
public struct ClientTLS: Sendable, Equatable {
    /// Certificate authorities instead of the system's.
    public var caFile: String?
    public var certificateFile: String?
    public var keyFile: String?

    public init(caFile: String? = nil, certificateFile: String? = nil, keyFile: String? = nil) {
        self.caFile = caFile
        self.certificateFile = certificateFile
        self.keyFile = keyFile
    }
}
