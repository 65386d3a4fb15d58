import RoostHTTPClient

/// What an answer means for the batch, after the tables of the OTLP specification ("OTLP/gRPC
/// Response", "OTLP/HTTP Response"). `unixSeconds` is now, for a `Retry-After` that is a date.
func classify(
    _ answer: ClientAnswer, _ protocol: ExportProtocol, unixSeconds: Int
) -> ExportVerdict {
    let isTold =
        switch `protocol` {
        case .grpc: answer.grpcStatus != nil || answer.httpStatus >= 400
        // A server may answer and close before it has read the whole request.
        case .httpProtobuf: answer.httpStatus >= 400
        }
    if let failure = answer.failure, !isTold {
        return taken(failure, answer, `protocol`) ?? classify(failure, of: answer)
    }
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
    // REFUSED_STREAM and ENHANCE_YOUR_CALM are about the load. RFC 9113 §7.
    case .streamReset(code: 7), .streamReset(code: 11):
        .retryable(.connectionLost, failure.text, after: nil)
    // CANCEL is how some gRPC servers refuse a large message; others end the connection.
    case .streamReset where !answer.isUploadComplete,
        .connectionLost where !answer.isUploadComplete:
        .brokenUpload(failure.text, byPeer: false)
    case .streamReset where answer.httpStatus == 0, .connectionLost where answer.httpStatus == 0:
        .unanswered(failure.text)
    case .streamReset, .connectionLost, .statusLost:
        .retryable(.connectionLost, failure.text, after: nil)
    case .malformedAnswer: .retryable(.invalidAnswer, failure.text, after: nil)
    case .answerTooLarge: .permanent(.invalidAnswer, failure.text)
    case .invalidRequest: .permanent(.invalidAnswer, failure.text)
    case .cancelled, .other: .retryable(.connectionLost, failure.text, after: nil)
    }
}

/// What is a yes though something is missing.
///
/// One in more words than are read: the peer has the batch, and what it says about single items is
/// not known. Over gRPC the status would come behind them, but a refusal has no long message.
///
/// Of a gRPC call that ended in good order with its one message the status may be lost, as it is for
/// libcurl behind GOAWAY: a message that says something of the batch is a yes. An empty one may go
/// with a refusal, too, as from handlers of grpcio that set a code and return.
private func taken(
    _ failure: ClientFailure, _ answer: ClientAnswer, _ protocol: ExportProtocol
) -> ExportVerdict? {
    let text = "HTTP \(answer.httpStatus), taken as a yes: \(failure.text)"
    switch (failure.kind, `protocol`) {
    case (.answerTooLarge, .httpProtobuf)
    where 200..<300 ~= answer.httpStatus && mediaType(answer) != "text/html":
        return .delivered(rejected: 0, message: text)
    case (.answerTooLarge, .grpc) where answer.httpStatus == 200 && answer.isGRPC:
        return .delivered(rejected: 0, message: text)
    case (.statusLost, .grpc):
        let partial = partialSuccess(grpc: answer)
        guard partial.rejected > 0 || partial.message != nil else {
            return .unconfirmed(failure.text)
        }
        return .delivered(rejected: partial.rejected, message: partial.message ?? text)
    default: return nil
    }
}

/// A yes, with what the peer says about single items. Of a long answer only the beginning is kept:
/// then it may have said more.
private func delivered(_ partial: PeerPartialSuccess, _ answer: ClientAnswer) -> ExportVerdict {
    let isCut = answer.droppedBytes > 0
    let long = "the answer is longer than \(answer.body.count) bytes"
    guard isCut, partial.rejected == 0 else {
        return .delivered(
            rejected: partial.rejected, message: partial.message ?? (isCut ? long : nil))
    }
    let text = "taken as a yes: " + long
    return .delivered(rejected: 0, message: partial.message.map { text + ": " + $0 } ?? text)
}

// MARK: gRPC

private func classifyGRPC(_ answer: ClientAnswer, _ unixSeconds: Int) -> ExportVerdict {
    guard let code = answer.grpcStatus ?? impliedStatus(answer.httpStatus) else {
        let text = "HTTP \(answer.httpStatus) without grpc-status"
        return answer.httpStatus == 200 && answer.isGRPC
            ? .doubtful(.invalidAnswer, text) : .permanent(.invalidAnswer, text)
    }
    guard code != 0 else { return delivered(partialSuccess(grpc: answer), answer) }
    let status = answer.grpcStatusDetails.map { PeerStatus(status: $0[...]) }
    let said = answer.grpcStatusMessage.map { peerText($0.utf8) } ?? status?.message ?? ""
    let text = "gRPC \(grpcName(code))" + (said.isEmpty ? "" : ": " + said)
    let after = status?.retryDelay ?? retryAfter(answer, unixSeconds)
    switch code {
    case 8 where status?.retryDelay != nil: return .retryable(.retryLater, text, after: after)
    case 8: return .tooLarge(text)
    case _ where status?.retryDelay == nil && tellsOfSize(said): return .tooLarge(text)
    case 1, 4, 10, 11, 14, 15: return .retryable(.retryLater, text, after: after)
    default: return .permanent(.permanent, text)
    }
}

private func partialSuccess(grpc answer: ClientAnswer) -> PeerPartialSuccess {
    PeerPartialSuccess(response: answer.grpcMessage ?? [], isCut: answer.droppedBytes > 0)
}

/// Whether a refusal is about the size of the request, whatever its status: OUT_OF_RANGE from
/// servers written with tonic, which would be tried for ever, and 400 from Go's `MaxBytesReader`,
/// as the OpenTelemetry Collector answers, which would be given up whole.
private func tellsOfSize(_ text: String) -> Bool {
    let text = shortText(text.utf8).lowercased()
    return sizeTexts.contains { text.contains($0) }
}

private let sizeTexts = [
    "larger than max", "message length too large", "exceeds maximum size",
    "exceeds the maximum configured message size", "frame length exceeds maximum",
    "message too large", "message is too large", "body too large", "body is too large",
    "entity too large", "payload too large", "content too large", "body exceeded",
    "length limit exceeded", "maximum upload size exceeded", "reached size limit",
]

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
        let isCut = answer.droppedBytes > 0
        switch type {
        case "application/x-protobuf":
            return delivered(PeerPartialSuccess(response: answer.body[...], isCut: isCut), answer)
        case "application/json":
            return delivered(PeerPartialSuccess(json: answer.body, isCut: isCut), answer)
        default: return .delivered(rejected: 0, message: nil)
        }
    case 429, 502, 503, 504:
        return .retryable(
            .retryLater, describe(answer, type),
            after: retryAfter(answer, unixSeconds) ?? retryDelay(answer, type))
    case 413:
        return .tooLarge(describe(answer, type))
    default:
        let text = describe(answer, type)
        return answer.httpStatus >= 400 && tellsOfSize(text)
            ? .tooLarge(text) : .permanent(.permanent, text)
    }
}

private func mediaType(_ answer: ClientAnswer) -> String {
    let value = answer.header("content-type") ?? ""
    return value.prefix { $0 != ";" && $0 != " " }.lowercased()
}

/// The status and what the body says to people, if it says it in a form that is known.
private func describe(_ answer: ClientAnswer, _ type: String) -> String {
    let isCut = answer.droppedBytes > 0
    let said: String? =
        switch type {
        case "application/x-protobuf": PeerStatus(status: answer.body[...], isCut: isCut).message
        case "application/json": jsonMessage(answer.body, isCut: isCut) ?? peerText(answer.body)
        case "text/plain": peerText(answer.body)
        default: nil
        }
    let head = "HTTP \(answer.httpStatus)"
    guard let said, !said.isEmpty else { return head }
    return head + ": " + said
}

/// What a `RetryInfo` in the body says.
private func retryDelay(_ answer: ClientAnswer, _ type: String) -> Duration? {
    switch type {
    case "application/x-protobuf": PeerStatus(status: answer.body[...]).retryDelay
    case "application/json": jsonRetryDelay(answer.body, isCut: answer.droppedBytes > 0)
    default: nil
    }
}

/// `Retry-After` in its two forms. RFC 9110 §10.2.3.
private func retryAfter(_ answer: ClientAnswer, _ unixSeconds: Int) -> Duration? {
    guard let text = answer.header("retry-after") else { return nil }
    if !text.isEmpty, text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) {
        // More digits than a number holds are a long time.
        return .seconds(min(Int(text) ?? .max, 1 << 31))
    }
    return httpDateSeconds(text, now: unixSeconds).map {
        .seconds(min(max(0, $0 - unixSeconds), 1 << 31))
    }
}
