import RoostCore
import RoostNet

/// One client of server-sent events: an answer that goes on until the client goes.
///
/// HTML Living Standard, "Server-sent events". Confined to the web loop.
final class EventStream: LiveClient, BodySource {
    var lost = 0
    var latest: UInt64 = 0
    private(set) var isOver = false
    private let responder: Responder
    private var waiting: [UInt8] = []
    private var onSent: (() -> Void)?
    private let hub: LiveHub
    /// Counts it among the open streams until it is over.
    private var place: ConnectionLimit.Place?

    /// More than this waits for nobody.
    private static let mostWaiting = 64 << 10

    /// Answers a request with a stream, which `subscribe` takes to the hub; it leaves by itself.
    ///
    /// Who asks for the head alone gets that, and nothing is made. A client that turns out to be
    /// gone while it is answered is not subscribed. Throws where as many streams as `limit` allows
    /// are open.
    static func open(
        _ head: RequestHead, _ responder: Responder, on hub: LiveHub, within limit: ConnectionLimit,
        _ subscribe: (EventStream) -> Void
    ) throws(APIError) {
        guard !head.methodIs("HEAD") else { return responder.send(answer(with: NoEvents())) }
        guard let place = limit.takePlace() else { throw .tooManyStreams(limit.limit) }
        let stream = EventStream(responder, hub, place)
        responder.send(answer(with: stream))
        guard !stream.isOver else { return }
        subscribe(stream)
        stream.flush()
    }

    private init(_ responder: Responder, _ hub: LiveHub, _ place: ConnectionLimit.Place) {
        self.responder = responder
        self.hub = hub
        self.place = place
        // How long a browser waits before it comes back.
        waiting = Array("retry: 2000\n\n".utf8)
    }

    private static func answer(with source: any BodySource) -> Response {
        Response(
            status: 200,
            headers: [
                ("content-type", "text/event-stream"), ("cache-control", "no-store"),
                ("x-accel-buffering", "no"),
            ], body: .stream(source))
    }

    func send(_ text: LiveText) -> Bool {
        if waiting.count + text.json.count >= Self.mostWaiting {
            // Of many that come together a client that reads loses none.
            flush()
            guard waiting.count + text.json.count < Self.mostWaiting else { return false }
        }
        if let id = text.id { waiting += Array("id: \(id)\n".utf8) }
        waiting += Array("data: ".utf8)
        unsafe text.json.withBytes { unsafe waiting.append(contentsOf: $0) }
        waiting += [0x0A, 0x0A]
        return true
    }

    func flush() { if !waiting.isEmpty { responder.resumeBody() } }

    var hasUnsent: Bool { !waiting.isEmpty }

    func whenSent(_ call: @escaping () -> Void) { onSent = call }

    func beat() {
        waiting += Array(": heartbeat\n\n".utf8)
        responder.resumeBody()
    }

    func end(_ reason: String) {
        isOver = true
        onSent = nil
        responder.resumeBody()
    }

    func next(into bytes: inout [UInt8]) -> Bool {
        bytes += waiting
        waiting.removeAll(keepingCapacity: waiting.count < 16 << 10)
        onSent.take()?()
        if isOver { place = nil }
        return !isOver
    }

    func cancel() {
        isOver = true
        onSent = nil
        place = nil
        hub.leave(self)
    }

    var waitingBytes: Int { waiting.capacity }
}

/// The body of a stream of which only the head was asked for.
private final class NoEvents: BodySource {
    func next(into bytes: inout [UInt8]) -> Bool { false }
}
