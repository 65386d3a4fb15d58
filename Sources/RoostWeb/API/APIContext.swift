import RoostCollector
import RoostCore
import RoostNet

/// What the endpoints work with. Confined to the web loop.
final class APIContext {
    let collector: CollectorView
    let loop: EventLoop
    let hub: LiveHub

    /// Questions to the store that are under way, and those that wait for one to end.
    private var running = 0
    private var waiting: [() -> Void] = []

    /// Of the four threads of the pool, one is left to others.
    private static let mostRunning = 3
    private static let mostWaiting = 256

    init(collector: CollectorView, loop: EventLoop) {
        self.collector = collector
        self.loop = loop
        hub = LiveHub(collector: collector, loop: loop)
    }

    /// Makes an answer beside the loop, because it reads from the disk or takes long.
    func answer(
        _ request: APIRequest,
        _ work: @escaping @Sendable () throws(APIError) -> Response
    ) {
        guard waiting.count < Self.mostWaiting else {
            return request.refuse(
                APIError(
                    status: 503, code: "busy",
                    message: "too many questions wait for the store, ask again later"))
        }
        let start = { [self] in
            running += 1
            loop.offload({ Result { () throws(APIError) in Parcel(response: try work()) } }) {
                [self] (result: Result<Parcel, APIError>) in
                running -= 1
                if running < Self.mostRunning, !waiting.isEmpty { waiting.removeFirst()() }
                switch result {
                case .success(let parcel): request.responder.send(parcel.response)
                case .failure(let error): request.refuse(error)
                }
            }
        }
        if running < Self.mostRunning { start() } else { waiting.append(start) }
    }

    /// The same for a document.
    func document(
        _ request: APIRequest,
        _ write: @escaping @Sendable (inout JSONWriter) throws(APIError) -> Void
    ) {
        answer(request) { () throws(APIError) in
            var writer = JSONWriter()
            try write(&writer)
            return WebAnswer.json(200, writer.bytes)
        }
    }
}

/// Carries an answer from the thread that made it to the loop.
///
/// `@unchecked Sendable`: whoever made it lets go of it.
private struct Parcel: @unchecked Sendable { let response: Response }
