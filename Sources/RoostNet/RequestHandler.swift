public import RoostCore

/// Answers the requests of one server. Confined to its loop's thread.
public protocol RequestHandler: AnyObject {
    /// Decides before the body is read: 404, 401, draining are answered here.
    func admit(_ head: RequestHead) -> BodyPolicy

    /// Takes a whole body, inflated; for gRPC the one message. Answers exactly once, now or later.
    func handle(_ head: RequestHead, body: ByteBlock, responder: Responder)

    /// Words the answer to a request that could not be read.
    func answer(to fault: RequestFault, head: RequestHead) -> Response
}

/// Whether a request's body is worth reading.
public enum BodyPolicy {
    case read
    /// Read, and the body that is, or inflates to, more than `bytes` is refused as `tooLarge`. Only
    /// below the limit of all requests.
    case readUpTo(bytes: Int)
    /// Answer at once; the body is discarded.
    case answer(Response)
    /// Speak WebSocket from here on, HTTP/1.1 only. A request that is no handshake is answered with
    /// the fault `upgradeRequired` or `malformed`, one too many with `unavailable`.
    ///
    /// A browser lets any page open a WebSocket to any host and only tells whose page it is: the
    /// handler looks at `origin` first.
    case upgrade(WebSocketAcceptance)
}

/// Why a request could not be given to its handler.
public enum RequestFault: Error, Equatable, Sendable {
    /// The body is, or inflates to, more than `limit` bytes.
    case tooLarge(limit: Int)
    /// A `content-encoding` or `grpc-encoding` that is not understood.
    case unsupportedCoding(String)
    /// A compressed body that does not inflate.
    case corruptBody(String)
    /// The budget has no room for the body now.
    case noMemory
    /// Working on it takes so many bytes, more than the budget has in all.
    case beyondMemory(bytes: Int)
    /// The head or the body did not arrive in time.
    case timeout
    /// The `grpc-timeout` passed before the answer.
    case deadlineExceeded
    /// The request breaks the rules of HTTP.
    case malformed(String)
    /// The body is not one gRPC message.
    case badGRPCFrame(String)
    /// A `grpc-timeout` that cannot be read.
    case badGRPCTimeout(String)
    case headersTooLarge(limit: Int)
    case targetTooLong(limit: Int)
    /// What was asked for is only to be had over WebSocket, version 13.
    case upgradeRequired
    /// It cannot be had now, for this reason.
    case unavailable(String)
    /// An `expect` other than `100-continue`.
    case expectationFailed
    /// A `content-type` of gRPC's family that is not protobuf.
    case unsupportedMediaType(String)
    /// A `transfer-encoding` other than `chunked`.
    case unsupportedTransferEncoding(String)

    /// The HTTP status that fits.
    public var status: Int {
        switch self {
        case .tooLarge, .beyondMemory: 413
        case .unsupportedCoding, .unsupportedMediaType: 415
        case .corruptBody, .malformed, .badGRPCFrame, .badGRPCTimeout: 400
        case .noMemory, .unavailable: 503
        case .timeout: 408
        case .deadlineExceeded: 504
        case .headersTooLarge: 431
        case .targetTooLong: 414
        case .expectationFailed: 417
        case .upgradeRequired: 426
        case .unsupportedTransferEncoding: 501
        }
    }

    /// The gRPC code that fits.
    public var grpcCode: Int32 {
        switch self {
        // RESOURCE_EXHAUSTED
        case .tooLarge, .beyondMemory, .headersTooLarge, .targetTooLong: 8
        // UNIMPLEMENTED
        case .unsupportedCoding, .unsupportedTransferEncoding, .upgradeRequired: 12
        case .noMemory, .timeout, .unavailable: 14  // UNAVAILABLE
        case .deadlineExceeded: 4  // DEADLINE_EXCEEDED: the caller's own deadline only
        case .corruptBody, .badGRPCFrame, .badGRPCTimeout: 13  // INTERNAL
        case .malformed, .expectationFailed, .unsupportedMediaType: 13
        }
    }

    /// A sentence for the sender.
    public var message: String {
        switch self {
        case .tooLarge(let limit): "the request is larger than \(limit) bytes"
        case .unsupportedCoding(let name): "the encoding \(name) is not supported"
        case .corruptBody(let reason): "the compressed body does not inflate: \(reason)"
        case .noMemory: "no memory is free for this request, try again later"
        case .beyondMemory(let bytes):
            "the request takes \(bytes) bytes of memory to work on, more than there is in all; "
                + "send it in parts"
        case .timeout: "the request did not arrive in time"
        case .deadlineExceeded: "the deadline passed before the answer"
        case .malformed(let reason): reason
        case .badGRPCFrame(let reason): reason
        case .badGRPCTimeout(let text): "grpc-timeout cannot be read: \(text)"
        case .headersTooLarge(let limit): "the headers are larger than \(limit) bytes"
        case .targetTooLong(let limit): "the request target is longer than \(limit) bytes"
        case .upgradeRequired: "this is only to be had over WebSocket, version 13"
        case .unavailable(let reason): reason
        case .expectationFailed: "only the expectation 100-continue is understood"
        case .unsupportedMediaType(let name): "the content type \(name) is not supported"
        case .unsupportedTransferEncoding(let name):
            "the transfer encoding \(name) is not supported"
        }
    }
}
