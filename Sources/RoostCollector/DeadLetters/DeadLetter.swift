import RoostCore
import RoostHTTPClient
import RoostWire

/// What is known about a request that a destination will not get: the side file beside its bytes.
///
/// It holds no header of a request and no path of an address, where keys may stand.
struct DeadLetter: Sendable, Equatable {
    /// The `exporter` of the metrics.
    var destination: String
    /// `scheme://host:port`.
    var endpoint: String
    var `protocol`: ExportProtocol
    var signal: Signal
    /// Spans, data points or log records.
    var items: Int
    /// Of the request, an `Export…ServiceRequest` as protobuf.
    var bytes: Int
    var reason: DropReason
    /// Requests that carried it as it is, not counting those it was cut from.
    var attempts: Int
    /// When it was given up.
    var unixNano: UInt64
    /// The last one; nil when nothing was ever sent.
    var answer: Answer?

    /// What the peer, or the connection, said.
    struct Answer: Sendable, Equatable {
        /// Nil when no answer began.
        var httpStatus: Int?
        var grpcStatus: Int?
        /// For people, without our secrets.
        var message: String

        init(httpStatus: Int? = nil, grpcStatus: Int? = nil, message: String) {
            self.httpStatus = httpStatus
            self.grpcStatus = grpcStatus
            self.message = message
        }

        /// `message` is the verdict's text.
        init(_ answer: ClientAnswer, message: String) {
            httpStatus = answer.httpStatus == 0 ? nil : answer.httpStatus
            grpcStatus = answer.grpcStatus.map(Int.init)
            self.message = message
        }
    }
}

extension DeadLetter {
    private static let version = 1

    /// One JSON object and a line feed; `body` is the name of the file with the bytes.
    func json(body: String) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.field("version", Self.version)
        writer.field("destination", destination)
        writer.field("endpoint", endpoint)
        writer.field("protocol", `protocol`.rawValue)
        writer.field("signal", signal.name)
        writer.field("items", items)
        writer.field("bytes", bytes)
        writer.field("reason", reason.name)
        writer.field("attempts", attempts)
        writer.field("time", rfc3339(unixNanoseconds: unixNano))
        writer.key("answer")
        if let answer {
            writer.beginObject()
            if let status = answer.httpStatus { writer.field("http_status", status) }
            if let status = answer.grpcStatus { writer.field("grpc_status", status) }
            writer.field("message", answer.message)
            writer.endObject()
        } else {
            writer.null()
        }
        writer.field("body", body)
        writer.endObject()
        return writer.bytes + [0x0A]
    }

    /// Nil for what is not such an object, or of another version.
    init?(json: [UInt8]) {
        guard let value = try? JSONValue(parsing: json), value["version"]?.number == 1,
            let destination = value["destination"]?.string,
            let endpoint = value["endpoint"]?.string,
            let form = value["protocol"]?.string.flatMap(ExportProtocol.init),
            let signal = Signal.allCases.first(where: { $0.name == value["signal"]?.string }),
            let items = whole(value["items"]), let bytes = whole(value["bytes"]),
            let reason = DropReason.allCases.first(where: { $0.name == value["reason"]?.string }),
            let attempts = whole(value["attempts"]),
            let time = value["time"]?.string.flatMap({ unixNanoseconds(rfc3339: $0) })
        else { return nil }
        self.init(
            destination: destination, endpoint: endpoint, protocol: form, signal: signal,
            items: items, bytes: bytes, reason: reason, attempts: attempts, unixNano: time,
            answer: value["answer"].flatMap(Answer.init))
    }
}

extension DeadLetter.Answer {
    fileprivate init?(_ value: JSONValue) {
        guard let message = value["message"]?.string else { return nil }
        self.init(
            httpStatus: whole(value["http_status"]), grpcStatus: whole(value["grpc_status"]),
            message: message)
    }
}

/// A whole number that is not negative.
private func whole(_ value: JSONValue?) -> Int? {
    guard let number = value?.number.flatMap({ Int(exactly: $0) }), number >= 0 else { return nil }
    return number
}
