public import RoostCollector
public import RoostCore
public import RoostNet

/// Answers the web port: probes, `/metrics`, `/status` and a first page. Confined to the web loop.
public final class WebHandler: RequestHandler {
    private let collector: CollectorView
    private let hosts: AllowedHosts
    private let turns: SliceTurns

    public init(collector: CollectorView, loop: EventLoop) {
        self.collector = collector
        turns = SliceTurns(loop: loop)
        hosts = AllowedHosts(listeners: collector.addresses.map(\.address))
    }

    public func admit(_ head: RequestHead) -> BodyPolicy {
        guard head.methodIs("GET") || head.methodIs("HEAD") else {
            let isKnown = WebRoute(head) != nil
            return .answer(
                isKnown
                    ? WebAnswer.error(
                        405, "method_not_allowed", "\(head.method) is not allowed here, use GET",
                        headers: [("allow", "GET, HEAD")])
                    : WebAnswer.notFound(head.path))
        }
        return .read
    }

    public func handle(_ head: RequestHead, body: ByteBlock, responder: Responder) {
        guard let route = WebRoute(head) else {
            return responder.send(WebAnswer.notFound(head.path))
        }
        guard route.isProbe || hosts.allows(head) else {
            return responder.send(
                WebAnswer.error(403, "forbidden", "this host name is not one of Roost's addresses"))
        }
        switch route {
        case .health: responder.send(HealthAnswers.health(collector))
        case .ready: responder.send(HealthAnswers.ready(collector))
        case .status: responder.send(StatusAnswer.status(collector))
        case .metrics: MetricsAnswer.answer(head, collector, turns, responder)
        case .index: responder.send(IndexPage.response(collector))
        }
    }

    public func answer(to fault: RequestFault, head: RequestHead) -> Response {
        WebAnswer.error(fault.status, "bad_request", fault.message)
    }
}

/// The paths of the web port.
enum WebRoute {
    case health, ready, status, metrics, index

    init?(_ head: RequestHead) {
        if head.pathIs("/metrics") {
            self = .metrics
        } else if head.pathIs("/health") {
            self = .health
        } else if head.pathIs("/ready") {
            self = .ready
        } else if head.pathIs("/status") {
            self = .status
        } else if head.pathIs("/") {
            self = .index
        } else {
            return nil
        }
    }

    /// Probes are answered whatever name they are asked under.
    var isProbe: Bool { self == .health || self == .ready }
}

/// Answers in the shape that `contract.md` gives to errors.
enum WebAnswer {
    static func json(_ status: Int, _ bytes: [UInt8]) -> Response {
        Response(
            status: status,
            headers: [("content-type", "application/json"), ("cache-control", "no-store")],
            body: .bytes(bytes))
    }

    static func error(
        _ status: Int, _ code: String, _ message: String, headers: [(String, String)] = []
    ) -> Response {
        var writer = JSONWriter()
        writer.beginObject()
        writer.object("error") {
            $0.field("code", code)
            $0.field("message", message)
        }
        writer.endObject()
        var response = json(status, writer.bytes)
        response.headers += headers
        return response
    }

    static func notFound(_ path: String) -> Response {
        error(404, "not_found", "there is nothing at \(path)")
    }
}
