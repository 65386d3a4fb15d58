import RoostNet
import RoostWire

/// Why a request is not accepted, told once and worded for either protocol.
///
/// `contract.md`, "What a receiver answers"; OTLP specification, "Failures" of both bindings.
struct Refusal {
    let httpStatus: Int
    let grpcCode: Int32
    let message: String
    var details: [StatusDetail] = []
    var headers: [(String, String)] = []

    /// Seconds after which a sender may try again.
    static let retrySeconds = 1

    static func later(_ message: String) -> Refusal {
        Refusal(
            httpStatus: 503, grpcCode: 14, message: message,
            details: [.retryInfo(delayMilliseconds: retrySeconds * 1000)],
            headers: [("retry-after", String(retrySeconds))])
    }

    static func undecodable(field: String, reason: String, offset: Int) -> Refusal {
        let description = "\(reason) at byte \(offset)"
        return Refusal(
            httpStatus: 400, grpcCode: 3,
            message: "the request cannot be decoded: \(field): \(description)",
            details: [.badRequest(field: field, description: description)])
    }

    /// RFC 6750 §3: the scheme that would let the sender in.
    static let unauthorized = Refusal(
        httpStatus: 401, grpcCode: 16,
        message: "this needs authorization: Bearer with a known token",
        headers: [("www-authenticate", "Bearer realm=\"roost\"")])

    static func unimplemented(_ what: String) -> Refusal {
        Refusal(httpStatus: 404, grpcCode: 12, message: what)
    }

    static func wrongMethod(_ method: String) -> Refusal {
        Refusal(
            httpStatus: 405, grpcCode: 12, message: "\(method) is not allowed here, use POST",
            headers: [("allow", "POST")])
    }

    static func wrongMediaType(_ type: String?) -> Refusal {
        Refusal(
            httpStatus: 415, grpcCode: 3,
            message: "content-type \(type ?? "(none)") is not supported, "
                + "use application/x-protobuf or application/json")
    }

    static func fault(_ fault: RequestFault) -> Refusal {
        switch fault {
        case .noMemory: return later(fault.message)
        case .tooLarge, .beyondMemory:
            return Refusal(httpStatus: 413, grpcCode: 8, message: fault.message)
        case .corruptBody(let reason):
            return Refusal(
                httpStatus: 400, grpcCode: 3, message: fault.message,
                details: [.badRequest(field: "body", description: reason)])
        case .unsupportedCoding:
            return Refusal(
                httpStatus: fault.status, grpcCode: fault.grpcCode, message: fault.message,
                headers: [("accept-encoding", "gzip, zstd, identity")])
        default:
            return Refusal(
                httpStatus: fault.status, grpcCode: fault.grpcCode, message: fault.message)
        }
    }

    /// The answer to a request that came as `head`.
    func response(to head: RequestHead) -> Response {
        if head.isGRPC {
            let status =
                details.isEmpty
                ? []
                : ExportAnswer.status(
                    code: grpcCode, message: message, details: details, encoding: .protobuf)
            return .grpc(code: grpcCode, message: message, details: status)
        }
        let encoding = Encoding(head) ?? .protobuf
        let body = ExportAnswer.status(
            code: grpcCode, message: message, details: details, encoding: encoding)
        return Response(
            status: httpStatus, headers: [("content-type", encoding.mediaType)] + headers,
            body: .bytes(body))
    }
}
