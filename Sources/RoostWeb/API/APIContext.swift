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

    /// What most answers and their making take.
    static let usualBytes = 128 << 10

    init(collector: CollectorView, loop: EventLoop) {
        self.collector = collector
        self.loop = loop
        hub = LiveHub(
            collector.analytics, counters: collector.liveCounters, switches: collector.switches,
            loop: loop)
    }

    /// Makes an answer beside the loop, because it reads from the disk or takes long. About `bytes`
    /// are held for it while it is made; `work` has them held for more before it takes more.
    func answer(
        _ request: APIRequest, about bytes: Int = usualBytes,
        _ work: @escaping @Sendable (AnswerRoom.Lease) throws(APIError) -> Response
    ) {
        guard waiting.count < Self.mostWaiting else { return request.refuse(.busy) }
        let start = { [self] in
            guard let lease = collector.answers.lease(bytes) else {
                request.refuse(.noMemory)
                return startNext()
            }
            running += 1
            loop.offload({ Result { () throws(APIError) in Parcel(response: try work(lease)) } }) {
                [self] (result: Result<Parcel, APIError>) in
                running -= 1
                startNext()
                switch result {
                case .success(let parcel): request.send(parcel.response, lease)
                case .failure(let error): request.refuse(error)
                }
            }
        }
        if running < Self.mostRunning { start() } else { waiting.append(start) }
    }

    private func startNext() {
        if running < Self.mostRunning, !waiting.isEmpty { waiting.removeFirst()() }
    }

    /// The same for a document, which takes more where it needs more.
    func document(
        _ request: APIRequest, about bytes: Int = usualBytes,
        _ write: @escaping @Sendable (inout JSONWriter) throws(APIError) -> Void
    ) {
        document(request, about: bytes) { writer, _ throws(APIError) in try write(&writer) }
    }

    /// The same for one that may be large.
    func document(
        _ request: APIRequest, about bytes: Int = usualBytes,
        _ write: @escaping @Sendable (inout JSONWriter, AnswerRoom.Lease) throws(APIError) -> Void
    ) {
        answer(request, about: bytes) { lease throws(APIError) in
            var writer = JSONWriter(paidBy: lease)
            try write(&writer, lease)
            guard !writer.isCut else { throw lease.refusal(or: .answerTooLarge) }
            return WebAnswer.json(writer)
        }
    }
}

extension AnswerRoom.Lease {
    /// Why there is no more; `tooLarge` where there never will be.
    func refusal(or tooLarge: APIError) -> APIError { mayComeTrue ? .noMemory : tooLarge }
}

/// Carries an answer from the thread that made it to the loop.
///
/// `@unchecked Sendable`: whoever made it lets go of it.
private struct Parcel: @unchecked Sendable { let response: Response }
