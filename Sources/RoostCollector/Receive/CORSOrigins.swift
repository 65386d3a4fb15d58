import RoostNet
import Synchronization

/// Which web pages may send telemetry from a browser; a reload exchanges them. Fetch standard, "HTTP
/// CORS protocol". Any thread.
final class CORSOrigins: Sendable {
    private let allowed: Mutex<[String]>

    /// Exact origins, such as `https://app.example.org`; `*` admits every one.
    init(allowed: [String]) { self.allowed = Mutex(allowed) }

    func use(_ allowed: [String]) { self.allowed.withLock { $0 = allowed } }

    /// The answer to a preflight request; nil when its origin is not allowed.
    func preflight(_ head: RequestHead) -> Response? {
        guard let origin = allowedOrigin(head) else { return nil }
        let asked = head.header("access-control-request-headers") ?? "content-type"
        return Response(
            status: 204,
            headers: [
                ("access-control-allow-origin", origin),
                ("access-control-allow-methods", "POST, OPTIONS"),
                ("access-control-allow-headers", asked),
                ("access-control-max-age", "7200"),
                ("vary", "origin"),
            ])
    }

    /// The response with what lets the page read it.
    func marked(_ response: Response, for head: RequestHead) -> Response {
        guard !head.isGRPC, let origin = allowedOrigin(head) else {
            return response
        }
        var response = response
        response.headers.append(("access-control-allow-origin", origin))
        response.headers.append(("vary", "origin"))
        return response
    }

    private func allowedOrigin(_ head: RequestHead) -> String? {
        guard let origin = head.header("origin") else { return nil }
        let allowed = allowed.withLock { $0 }
        guard allowed.contains(origin) || allowed.contains("*"),
            !origin.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F })
        else { return nil }
        return origin
    }
}
