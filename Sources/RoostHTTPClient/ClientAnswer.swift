/// What came back for a request, complete or not.
///
/// Everything that arrived is here even when `failure` is set: a server that refuses an upload
/// early may have said why before the connection broke.
public struct ClientAnswer: Sendable {
    /// 0 when no answer began, or its head did not end.
    public var httpStatus = 0
    /// Names in lower case; trailers too.
    public var headers: [(name: String, value: String)] = []
    /// For gRPC still framed; see `grpcMessage`.
    public var body: [UInt8] = []
    /// How much of the body came after that and was not kept.
    public var droppedBytes = 0
    /// Nil when the answer arrived whole.
    public var failure: ClientFailure?
    /// Whether all of the body was handed to the connection before the end.
    public var isUploadComplete = false

    public init() {}

    /// The value of the last header `name` (lower case).
    public func header(_ name: String) -> String? {
        headers.last { $0.name == name }?.value
    }

    /// Whether it says that it is one to a gRPC call. gRPC over HTTP2, "Content-Type".
    public var isGRPC: Bool {
        header("content-type")?.lowercased().hasPrefix("application/grpc") == true
    }

    /// `grpc-status`, from the trailers or from an answer that has only trailers.
    public var grpcStatus: Int32? { header("grpc-status").flatMap { Int32($0) } }

    /// `grpc-message`, decoded.
    public var grpcStatusMessage: String? { header("grpc-message").map(percentDecoded) }

    /// `grpc-status-details-bin`: an encoded `google.rpc.Status`.
    public var grpcStatusDetails: [UInt8]? {
        header("grpc-status-details-bin").flatMap(base64Decoded)
    }

    /// The one message of a gRPC answer, as far as it was kept; nil when there is none, when it is cut
    /// off, or when it is compressed, which the client does not offer.
    /// gRPC over HTTP2, "Length-Prefixed-Message".
    public var grpcMessage: ArraySlice<UInt8>? {
        guard let length = grpcMessageLength, body[0] == 0 else { return nil }
        guard length <= body.count + droppedBytes - 5 else { return nil }
        return body[5..<min(5 + length, body.count)]
    }

    /// Whether the body is one whole message and nothing else.
    var isOneGRPCMessage: Bool { grpcMessageLength == body.count + droppedBytes - 5 }

    private var grpcMessageLength: Int? {
        guard body.count >= 5, body[0] <= 1 else { return nil }
        return body[1...4].reduce(0) { $0 << 8 | Int($1) }
    }
}

/// Why no whole answer came.
public struct ClientFailure: Error, Sendable, Equatable {
    /// The causes, told apart as far as a caller acts differently.
    public enum Kind: Sendable, Equatable {
        /// The name was not found, nobody accepts connections there, or a proxy opens none to it:
        /// nothing of the request has reached the server.
        case unreachable
        /// Handshake, certificate, or a file of ours that could not be read.
        case tls
        case timeout
        /// The connection ended before the answer was complete.
        case connectionLost
        /// A gRPC answer came to its end in good order, with one whole message, but its trailers are
        /// lost: the server had said that the connection will end, and libcurl up to 7.88 reads them
        /// no more then.
        case statusLost
        /// The server ended the stream with this HTTP/2 error code; 0 (`NO_ERROR`) is what one that
        /// refuses an upload early sends.
        case streamReset(code: Int)
        /// Not HTTP, or HTTP that cannot be read.
        case malformedAnswer
        case answerTooLarge
        /// The client was stopped.
        case cancelled
        /// The request itself cannot be sent: its address, or a line break in a header.
        case invalidRequest
        /// Something in libcurl or the system: no memory, no file descriptors.
        case other
    }

    public var kind: Kind
    /// For people; holds no header of the request.
    public var text: String

    public init(_ kind: Kind, _ text: String) {
        self.kind = kind
        self.text = text
    }
}
