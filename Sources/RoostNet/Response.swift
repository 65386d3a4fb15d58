/// An answer, written by a handler without knowing which protocol carries it.
public struct Response {
    public var status: Int
    /// Names in lower case. `content-length`, `transfer-encoding`, `connection` and `date` are not
    /// for the handler.
    public var headers: [(String, String)]
    public var body: ResponseBody
    /// Only for gRPC requests; without it an answer to one is UNKNOWN or, with status 200 and a
    /// body, OK with the body as its message.
    public var grpc: GRPCOutcome?
    /// Let go of when the body has left, or never will: what pays for the memory that it takes.
    public var holding: (any AnyObject & Sendable)?

    public init(
        status: Int, headers: [(String, String)] = [], body: ResponseBody = .bytes([])
    ) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// gRPC success with one message.
    public static func grpc(message: [UInt8]) -> Response {
        var response = Response(status: 200, body: .bytes(message))
        response.grpc = GRPCOutcome(code: 0, message: "")
        return response
    }

    /// A gRPC error; `details` are the bytes of a `google.rpc.Status`, empty for none.
    public static func grpc(code: Int32, message: String, details: [UInt8] = []) -> Response {
        var response = Response(status: 200)
        response.grpc = GRPCOutcome(code: code, message: message, details: details)
        return response
    }
}

/// The body of an answer.
public enum ResponseBody {
    case bytes([UInt8])
    case stream(any BodySource)
}

/// Makes a body piece by piece, as fast as the peer takes it.
///
/// Called on the loop's thread, and only when everything before has left for the socket.
public protocol BodySource: AnyObject {
    /// Appends the next piece (64 to 256 KiB is a good size); false after the last one.
    ///
    /// Appending nothing and answering true means "nothing yet": it is asked again after
    /// `Responder.resumeBody()`.
    func next(into bytes: inout [UInt8]) -> Bool

    /// The peer is gone; nothing more will be asked.
    func cancel()

    /// Bytes that wait in it for the peer and that nothing else pays for.
    var waitingBytes: Int { get }
}

extension BodySource {
    public func cancel() {}
    public var waitingBytes: Int { 0 }
}

/// How a gRPC call ended.
public struct GRPCOutcome: Sendable, Equatable {
    /// A status code of gRPC, 0 (OK) to 16.
    public var code: Int32
    /// Plain text; it is percent-encoded on the way out.
    public var message: String
    /// The bytes of a `google.rpc.Status`, sent as `grpc-status-details-bin`; empty for none.
    public var details: [UInt8]

    public init(code: Int32, message: String, details: [UInt8] = []) {
        self.code = code
        self.message = message
        self.details = details
    }
}
