public import RoostCollector
public import RoostCore
public import RoostNet

/// Answers the web port: probes, `/metrics`, `/status`, the first page, and the API. Confined to the
/// web loop.
public final class WebHandler: RequestHandler {
    private let collector: CollectorView
    private let access: AccessControl
    private let metrics: MetricsAnswer
    private let endpoints: EndpointTable

    public init(collector: CollectorView, loop: EventLoop) {
        self.collector = collector
        metrics = MetricsAnswer(collector, loop: loop)
        access = AccessControl(
            hosts: AllowedHosts(listeners: collector.addresses),
            credentials: collector.credentials)
        endpoints = API.table(APIContext(collector: collector, loop: loop))
    }

    /// Above what a form of `/login` takes; the other pages, and most of the API, have no use for a
    /// body.
    static let mostPageBytes = 8 << 10

    public func admit(_ head: RequestHead) -> BodyPolicy {
        let page = WebPage(head)
        if page?.isOpen != true, let refusal = access.refusal(head, now: unixNanoseconds()) {
            return .answer(refusal)
        }
        if let page {
            guard !page.allows(head) else { return .readUpTo(bytes: Self.mostPageBytes) }
            return .answer(methodNotAllowed(head, page.methods))
        }
        switch endpoints.find(head.method, head.path) {
        case .endpoint(let endpoint, let path):
            if let upgrade = endpoint.upgrade { return accept(endpoint, upgrade, head, path) }
            if endpoint.isAdministrative, let refusal = access.administrativeRefusal(head) {
                return .answer(refusal)
            }
            return .readUpTo(
                bytes: endpoint.bodySchema == nil ? Self.mostPageBytes : APIRequest.mostBodyBytes)
        case .otherMethods(let methods): return .answer(methodNotAllowed(head, methods))
        case .nothing: return .answer(notFound(head))
        }
    }

    public func handle(_ head: RequestHead, body: ByteBlock, responder: Responder) {
        let now = unixNanoseconds()
        switch WebPage(head) {
        case .health: responder.send(HealthAnswers.health(collector))
        case .ready: responder.send(HealthAnswers.ready(collector))
        case .status: responder.send(StatusAnswer.status(collector))
        case .metrics: metrics.answer(head, responder)
        case .index: responder.send(IndexPage.response(collector))
        case .login:
            responder.send(
                head.methodIs("POST")
                    ? access.login(head, body: body, now: now)
                    : access.loginPage(next: QueryString(head.query).last("next")))
        case .logout: responder.send(access.logout(head))
        case nil: ask(head, body: body, responder: responder, now: now)
        }
    }

    public func answer(to fault: RequestFault, head: RequestHead) -> Response {
        // Of a line that is too long it is not known what it asks for.
        let style = fault.status == 414 ? .roost : Endpoint.Style(ofPath: head.path)
        return APIError(fault).response(style)
    }

    private func ask(
        _ head: RequestHead, body: ByteBlock, responder: Responder, now: UInt64
    ) {
        guard case .endpoint(let endpoint, let path) = endpoints.find(head.method, head.path) else {
            return responder.send(notFound(head))
        }
        do throws(APIError) {
            let values = try endpoint.values(path: path, query: QueryString(head.query), now: now)
            try endpoint.handle(
                APIRequest(
                    head: head, body: body, responder: responder, now: now, values: values,
                    style: endpoint.style, room: collector.answers))
        } catch {
            responder.send(error.response(endpoint.style))
        }
    }

    /// Checks the request for a WebSocket as any other.
    private func accept(
        _ endpoint: Endpoint, _ upgrade: (APIRequest) throws(APIError) -> WebSocketAcceptance,
        _ head: RequestHead, _ path: [String: String]
    ) -> BodyPolicy {
        let now = unixNanoseconds()
        do throws(APIError) {
            let values = try endpoint.values(path: path, query: QueryString(head.query), now: now)
            return .upgrade(
                try upgrade(
                    APIRequest(
                        head: head, body: ByteBlock([]), responder: Responder { _ in }, now: now,
                        values: values)))
        } catch {
            return .answer(error.response(endpoint.style))
        }
    }

    private func methodNotAllowed(_ head: RequestHead, _ methods: [String]) -> Response {
        let allowed = methods.flatMap { $0 == "GET" ? ["GET", "HEAD"] : [$0] }
        let error = APIError(
            status: 405, code: "method_not_allowed",
            message: "\(head.method) is not allowed here, use \(methods.joined(separator: " or "))")
        var response = error.response(Endpoint.Style(ofPath: head.path))
        response.headers.append(("allow", allowed.joined(separator: ", ")))
        return response
    }

    private func notFound(_ head: RequestHead) -> Response {
        let error = APIError(
            status: 404, code: "not_found", message: "there is nothing at \(head.path)")
        return error.response(Endpoint.Style(ofPath: head.path))
    }
}

/// The pages of the web port that are not part of the API.
enum WebPage {
    case health, ready, status, metrics, index, login, logout

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
        } else if head.pathIs("/login") {
            self = .login
        } else if head.pathIs("/logout") {
            self = .logout
        } else {
            return nil
        }
    }

    /// Probes are answered whatever name they are asked under, and who logs in has no token yet.
    var isOpen: Bool { self == .health || self == .ready || self == .login || self == .logout }

    var methods: [String] {
        switch self {
        case .login: ["GET", "POST"]
        case .logout: ["POST"]
        default: ["GET"]
        }
    }

    func allows(_ head: RequestHead) -> Bool {
        let method = head.method
        return methods.contains(method == "HEAD" ? "GET" : method)
    }
}

/// Answers in the shape that `contract.md` gives to errors.
enum WebAnswer {
    static func json(_ status: Int, _ bytes: [UInt8]) -> Response {
        Response(
            status: status,
            headers: [("content-type", "application/json"), ("cache-control", "no-store")],
            body: SlicedBody.body(bytes))
    }

    static func json(_ document: JSONWriter) -> Response {
        var response = json(200, [])
        response.body = SlicedBody.body(pieces: document.pieces)
        return response
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
}
