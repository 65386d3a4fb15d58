import RoostNet
import RoostWire

/// What a request to an OTLP listener asks for.
enum OTLPRoute: Equatable {
    case export(Signal, Encoding)
    /// `grpc.health.v1.Health/Check`.
    case health
    /// A browser asks whether it may send. Fetch standard, "CORS-preflight request".
    case preflight
    case unknown
    case wrongMethod(Signal)
    /// Neither `application/x-protobuf` nor `application/json`.
    case wrongMediaType(Signal)

    /// Told from the bytes of the head, without making a String.
    ///
    /// OTLP specification, "OTLP/gRPC" and "OTLP/HTTP"; gRPC over HTTP/2, "Requests".
    init(_ head: RequestHead) {
        if head.isGRPC {
            self = OTLPRoute.grpc(head)
            return
        }
        let signal: Signal
        if head.pathIs("/v1/traces") {
            signal = .traces
        } else if head.pathIs("/v1/metrics") {
            signal = .metrics
        } else if head.pathIs("/v1/logs") {
            signal = .logs
        } else {
            self = .unknown
            return
        }
        if head.methodIs("POST") {
            self = Encoding(head).map { .export(signal, $0) } ?? .wrongMediaType(signal)
        } else {
            self = head.methodIs("OPTIONS") ? .preflight : .wrongMethod(signal)
        }
    }

    private static func grpc(_ head: RequestHead) -> OTLPRoute {
        if head.pathIs("/opentelemetry.proto.collector.trace.v1.TraceService/Export") {
            return .export(.traces, .protobuf)
        }
        if head.pathIs("/opentelemetry.proto.collector.metrics.v1.MetricsService/Export") {
            return .export(.metrics, .protobuf)
        }
        if head.pathIs("/opentelemetry.proto.collector.logs.v1.LogsService/Export") {
            return .export(.logs, .protobuf)
        }
        return head.pathIs("/grpc.health.v1.Health/Check") ? .health : .unknown
    }

    /// Probes bring none, and browsers that only ask whether they may send.
    var needsToken: Bool {
        switch self {
        case .health, .preflight: false
        default: true
        }
    }

    /// The signal that the request is about, where it names one.
    var signal: Signal? {
        switch self {
        case .export(let signal, _), .wrongMethod(let signal), .wrongMediaType(let signal): signal
        default: nil
        }
    }
}

extension Encoding {
    /// The encoding that the request's content type names; its parameters and case do not matter.
    init?(_ head: RequestHead) {
        if head.header("content-type", is: "application/x-protobuf") {
            self = .protobuf
        } else if head.header("content-type", is: "application/json") {
            self = .json
        } else if head.header("content-type", is: "application/protobuf") {
            self = .protobuf
        } else {
            return nil
        }
    }

    /// The media type of answers in this encoding.
    var mediaType: String {
        switch self {
        case .protobuf: "application/x-protobuf"
        case .json: "application/json"
        }
    }
}
