import RoostCore
import RoostNet
import RoostWire

/// Answers the OTLP requests of one listener on one loop: gRPC and HTTP, protobuf and JSON.
///
/// Confined to its loop's thread.
final class OTLPReceiver: RequestHandler {
    private let intake: Intake
    private let switches: Switches
    private let lifecycle: Lifecycle
    private let ledger: Ledger
    private let origins: CORSOrigins
    private let credentials: Credentials

    init(intake: Intake, origins: CORSOrigins, credentials: Credentials) {
        self.intake = intake
        self.origins = origins
        switches = intake.shared.switches
        lifecycle = intake.shared.lifecycle
        ledger = intake.shared.ledger
        self.credentials = credentials
    }

    func admit(_ head: RequestHead) -> BodyPolicy {
        let route = OTLPRoute(head)
        if route.needsToken, !credentials.admit(head) {
            return refuse(head, .unauthorized, .unauthorized, route.signal)
        }
        switch route {
        case .export(let signal, _):
            if !switches.isOn(signal) {
                return refuse(
                    head, .unimplemented("\(signal.name) are switched off"), .disabled, signal)
            }
            if lifecycle.isDraining {
                return refuse(head, .later("the collector is stopping"), .draining, signal)
            }
            return .read
        case .health: return .readUpTo(bytes: 8 << 10)
        case .preflight:
            guard let response = origins.preflight(head) else {
                return refuse(head, .wrongMethod(head.method), .unsupported, nil)
            }
            return .answer(response)
        case .unknown:
            return refuse(
                head, .unimplemented("\(head.path) is not served here"), .unsupported, nil)
        case .wrongMethod(let signal):
            return refuse(head, .wrongMethod(head.method), .unsupported, signal)
        case .wrongMediaType(let signal):
            return refuse(head, .wrongMediaType(head.contentType), .unsupported, signal)
        }
    }

    func handle(_ head: RequestHead, body: ByteBlock, responder: Responder) {
        switch OTLPRoute(head) {
        case .export(let signal, let encoding):
            let transport = Transport(head)
            intake.take(body, signal: signal, encoding: encoding, transport: transport) {
                [origins] outcome in
                responder.send(
                    origins.marked(
                        OTLPReceiver.answer(outcome, signal, encoding, head), for: head))
            }
        case .health: responder.send(health(body))
        default: responder.send(Refusal.unimplemented(head.path).response(to: head))
        }
    }

    func answer(to fault: RequestFault, head: RequestHead) -> Response {
        count(fault.reason, OTLPRoute(head).signal, head)
        return origins.marked(Refusal.fault(fault).response(to: head), for: head)
    }

    private func refuse(
        _ head: RequestHead, _ refusal: Refusal, _ reason: RefusalReason, _ signal: Signal?
    ) -> BodyPolicy {
        count(reason, signal, head)
        return .answer(origins.marked(refusal.response(to: head), for: head))
    }

    /// A refused request whose items nobody has counted; one to an unknown path has no signal.
    private func count(_ reason: RefusalReason, _ signal: Signal?, _ head: RequestHead) {
        guard let signal else {
            // What is no request is counted as a breach of the protocol.
            guard !head.pathIs("") else { return }
            intake.shared.unrouted.wrappingAdd(1, ordering: .relaxed)
            return
        }
        ledger.refuse(signal: signal, transport: Transport(head), items: 0, reason: reason)
    }

    private static func answer(
        _ outcome: Intake.Outcome, _ signal: Signal, _ encoding: Encoding, _ head: RequestHead
    ) -> Response {
        switch outcome {
        case .refused(let refusal): return refusal.response(to: head)
        case .accepted(let rejected, let reason):
            let message = ExportAnswer.response(
                signal: signal, rejected: rejected, message: reason, encoding: encoding)
            return head.isGRPC
                ? .grpc(message: message)
                : Response(
                    status: 200, headers: [("content-type", encoding.mediaType)],
                    body: .bytes(message))
        }
    }

    /// gRPC health checking protocol: the empty name stands for the whole server.
    private func health(_ body: ByteBlock) -> Response {
        guard let service = unsafe body.withBytes({ unsafe HealthAnswer.service(inRequest: $0) })
        else {
            return .grpc(code: 3, message: "the health request cannot be decoded")
        }
        let known = [
            "", "opentelemetry.proto.collector.trace.v1.TraceService",
            "opentelemetry.proto.collector.metrics.v1.MetricsService",
            "opentelemetry.proto.collector.logs.v1.LogsService",
        ]
        guard known.contains(service) else {
            return .grpc(code: 5, message: "unknown service \(service)")
        }
        return .grpc(message: HealthAnswer.serving(intake.shared.isReady()))
    }
}

extension Transport {
    /// How a request came.
    init(_ head: RequestHead) { self = head.isGRPC ? .grpc : .http }
}

extension RequestFault {
    /// The reason under which a request that could not be read is counted.
    fileprivate var reason: RefusalReason {
        switch self {
        case .tooLarge, .beyondMemory: .tooLarge
        case .noMemory: .memory
        case .timeout, .deadlineExceeded: .timeout
        case .unsupportedCoding, .unsupportedMediaType, .unsupportedTransferEncoding: .unsupported
        default: .undecodable
        }
    }
}
