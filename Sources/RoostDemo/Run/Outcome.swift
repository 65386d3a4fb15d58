import RoostHTTPClient

/// What an answer means for the batch that was sent.
///
/// OTLP specification, "Failures" of both transports.
enum Outcome: Equatable, Sendable {
    /// Taken, but for `rejected` items.
    case accepted(rejected: Int, message: String)
    /// The same batch may succeed later; `after` is the server's own delay in seconds.
    case later(reason: String, after: Double?)
    /// The same batch would fail again.
    case refused(reason: String)

    init(_ answer: ClientAnswer, over transport: DemoOptions.Transport) {
        switch transport {
        case .grpc: self.init(grpc: answer)
        case .http: self.init(http: answer)
        }
    }

    private init(grpc answer: ClientAnswer) {
        guard let status = answer.grpcStatus else {
            self.init(noStatus: answer)
            return
        }
        let reason = "gRPC status \(status)" + (answer.grpcStatusMessage.map { ": " + $0 } ?? "")
        switch status {
        case 0: self = Outcome.reading(Array(answer.grpcMessage ?? []))
        case 1, 4, 10, 11, 14, 15: self = .later(reason: reason, after: nil)
        // RESOURCE_EXHAUSTED may be repeated when the status says when, that is, has details.
        case 8 where answer.grpcStatusDetails != nil: self = .later(reason: reason, after: nil)
        default: self = .refused(reason: reason)
        }
    }

    private init(http answer: ClientAnswer) {
        guard answer.failure == nil, answer.httpStatus != 0 else {
            self.init(noStatus: answer)
            return
        }
        let reason = "HTTP status \(answer.httpStatus)"
        switch answer.httpStatus {
        case 200..<300: self = Outcome.reading(answer.body)
        case 429, 502, 503, 504:
            self = .later(reason: reason, after: answer.header("retry-after").flatMap(Double.init))
        default: self = .refused(reason: reason)
        }
    }

    private init(noStatus answer: ClientAnswer) {
        guard let failure = answer.failure else {
            self = .refused(reason: "HTTP status \(answer.httpStatus) without a gRPC status")
            return
        }
        switch failure.kind {
        // Whoever refuses a call answers it without a message.
        case .statusLost: self = Outcome.reading(Array(answer.grpcMessage ?? []))
        case .tls, .answerTooLarge, .invalidRequest: self = .refused(reason: failure.text)
        default: self = .later(reason: failure.text, after: nil)
        }
    }

    /// Reads an export response: field 1 is the partial success, in it 1 the count, 2 the message.
    private static func reading(_ response: [UInt8]) -> Outcome {
        var fields = FieldReader(response[...])
        var rejected = 0
        var message = ""
        while let field = fields.next() {
            guard field.number == 1, let partial = field.bytes else { continue }
            var inner = FieldReader(partial)
            while let entry = inner.next() {
                if entry.number == 1 { rejected = Int(clamping: Int64(bitPattern: entry.varint)) }
                if entry.number == 2, let text = entry.bytes {
                    message = String(decoding: text, as: UTF8.self)
                }
            }
        }
        return .accepted(rejected: max(0, rejected), message: message)
    }
}

/// Walks the fields of a small protobuf message; stops at the first byte that is none.
private struct FieldReader {
    struct Field {
        var number: UInt64
        var varint: UInt64 = 0
        var bytes: ArraySlice<UInt8>?
    }

    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    mutating func next() -> Field? {
        guard let tag = varint() else { return nil }
        var field = Field(number: tag >> 3)
        switch tag & 7 {
        case 0:
            guard let value = varint() else { return nil }
            field.varint = value
        case 1: rest = rest.dropFirst(8)
        case 2:
            guard let length = varint(), length <= UInt64(rest.count) else { return nil }
            field.bytes = rest.prefix(Int(length))
            rest = rest.dropFirst(Int(length))
        case 5: rest = rest.dropFirst(4)
        default: return nil
        }
        return field
    }

    private mutating func varint() -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            guard let byte = rest.popFirst() else { return nil }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        return nil
    }
}
