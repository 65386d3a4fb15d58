import RoostHTTPClient

/// What an answer means for the batch, after the tables of the OTLP specification ("OTLP/gRPC
/// Response", "OTLP/HTTP Response"). `unixSeconds` is now, for a `Retry-After` that is a date.
func classify(
    _ answer: ClientAnswer, _ protocol: ExportProtocol, unixSeconds: Int
) -> ExportVerdict {
    let isTold =
        switch `protocol` {
        case .grpc: answer.grpcStatus != nil
        // A server may answer and close before it has read the whole request.
        case .httpProtobuf: answer.httpStatus >= 400
        }
    if let failure = answer.failure, !isTold { return classify(failure, of: answer) }
    return switch `protocol` {
    case .grpc: classifyGRPC(answer, unixSeconds)
    case .httpProtobuf: classifyHTTP(answer, unixSeconds)
    }
}

// MARK: No answer

private func classify(_ failure: ClientFailure, of answer: ClientAnswer) -> ExportVerdict {
    switch failure.kind {
    case .unreachable: .retryable(.unreachable, failure.text, after: nil)
    case .tls: .retryable(.tls, failure.text, after: nil)
    case .timeout: .retryable(.timeout, failure.text, after: nil)
    case .streamReset(code: 0): .brokenUpload(failure.text, byPeer: true)
    case .connectionLost where !answer.isUploadComplete: .brokenUpload(failure.text, byPeer: false)
    case .connectionLost, .streamReset: .retryable(.connectionLost, failure.text, after: nil)
    case .malformedAnswer: .retryable(.invalidAnswer, failure.text, after: nil)
    case .answerTooLarge: .permanent(.invalidAnswer, failure.text)
    case .invalidRequest: .permanent(.invalidAnswer, failure.text)
    case .cancelled, .other: .retryable(.connectionLost, failure.text, after: nil)
    }
}

// MARK: gRPC

private func classifyGRPC(_ answer: ClientAnswer, _ unixSeconds: Int) -> ExportVerdict {
    guard let code = answer.grpcStatus ?? impliedStatus(answer.httpStatus) else {
        return .permanent(.invalidAnswer, "HTTP \(answer.httpStatus) without grpc-status")
    }
    guard code != 0 else {
        let partial = PeerPartialSuccess(response: answer.grpcMessage ?? [])
        return .delivered(rejected: partial.rejected, message: partial.message)
    }
    let status = answer.grpcStatusDetails.map { PeerStatus(status: $0[...]) }
    let said = answer.grpcStatusMessage.map { shortText($0.utf8) } ?? status?.message ?? ""
    let text = "gRPC \(grpcName(code))" + (said.isEmpty ? "" : ": " + said)
    let after = status?.retryDelay ?? retryAfter(answer, unixSeconds)
    switch code {
    case 1, 4, 10, 11, 14, 15: return .retryable(.retryLater, text, after: after)
    case 8 where status?.retryDelay != nil: return .retryable(.retryLater, text, after: after)
    case 8: return .tooLarge(text)
    default: return .permanent(.permanent, text)
    }
}

/// The code that an answer without `grpc-status` stands for, as when a proxy made it; nil when it
/// stands for none. gRPC, "HTTP to gRPC Status Code Mapping".
private func impliedStatus(_ httpStatus: Int) -> Int32? {
    switch httpStatus {
    case 400: 13
    case 401: 16
    case 403: 7
    case 404: 12
    case 429, 502, 503, 504: 14
    case 413: 8
    default: nil
    }
}

private func grpcName(_ code: Int32) -> String {
    let names = [
        "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND",
        "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
        "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS",
        "UNAUTHENTICATED",
    ]
    return names.indices.contains(Int(code)) ? names[Int(code)] : String(code)
}

// MARK: HTTP

private func classifyHTTP(_ answer: ClientAnswer, _ unixSeconds: Int) -> ExportVerdict {
    let type = mediaType(answer)
    switch answer.httpStatus {
    case 200..<300:
        guard type != "text/html" else {
            return .permanent(.invalidAnswer, "the answer is a web page; is this an OTLP address?")
        }
        let isProtobuf = type == "application/x-protobuf"
        let partial = PeerPartialSuccess(response: isProtobuf ? answer.body[...] : [])
        return .delivered(rejected: partial.rejected, message: partial.message)
    case 429, 502, 503, 504:
        return .retryable(
            .retryLater, describe(answer, type), after: retryAfter(answer, unixSeconds))
    case 413:
        return .tooLarge(describe(answer, type))
    default:
        return .permanent(.permanent, describe(answer, type))
    }
}

private func mediaType(_ answer: ClientAnswer) -> String {
    let value = answer.header("content-type") ?? ""
    return value.prefix { $0 != ";" && $0 != " " }.lowercased()
}

/// The status and what the body says to people, if it says it in a form that is known.
private func describe(_ answer: ClientAnswer, _ type: String) -> String {
    let said: String? =
        switch type {
        case "application/x-protobuf": PeerStatus(status: answer.body[...]).message
        case "text/plain", "application/json": shortText(answer.body)
        default: nil
        }
    let head = "HTTP \(answer.httpStatus)"
    guard let said, !said.isEmpty else { return head }
    return head + ": " + said
}

/// `Retry-After` in its two forms. RFC 9110 §10.2.3.
private func retryAfter(_ answer: ClientAnswer, _ unixSeconds: Int) -> Duration? {
    guard let text = answer.header("retry-after") else { return nil }
    if let seconds = Int(text) { return seconds >= 0 ? .seconds(min(seconds, 1 << 31)) : nil }
    return httpDateSeconds(text).map { .seconds(max(0, $0 - unixSeconds)) }
}
