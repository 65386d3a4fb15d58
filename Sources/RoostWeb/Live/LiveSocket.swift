import RoostAnalytics
import RoostCore
import RoostNet

/// One client of a live stream over WebSocket: says what it wants, gets it. Confined to the web
/// loop.
///
/// `contract.md`, "WS ws/events": it may send `{"subscribe":{…}}` at any time, `{"resume":"<id>"}`
/// after a reconnect, `{"ping":…}` for a `{"type":"pong"}`.
final class LiveSocket: LiveClient, WebSocketHandler {
    var lost = 0
    var latest: UInt64 = 0
    /// From `opened` to `closed`.
    private var socket: WebSocket?
    private let hub: LiveHub
    /// The trace that this stream is about.
    private let trace: TraceID?
    private let opening: (LiveSocket) -> Void
    private var onSent: (() -> Void)?

    /// `opening` subscribes it to something, once it is open.
    init(hub: LiveHub, trace: TraceID? = nil, opening: @escaping (LiveSocket) -> Void) {
        self.hub = hub
        self.trace = trace
        self.opening = opening
    }

    func opened(_ socket: WebSocket) {
        self.socket = socket
        opening(self)
    }

    func closed(_ socket: WebSocket, code: UInt16) {
        self.socket = nil
        onSent = nil
        hub.leave(self)
    }

    var isOver: Bool { socket?.isOpen != true }

    func send(_ text: LiveText) -> Bool { socket?.put(text.frame) ?? false }

    func flush() { socket?.flush() }

    var hasUnsent: Bool { (socket?.unsentBytes ?? 0) > 0 }

    func whenSent(_ call: @escaping () -> Void) {
        onSent = call
        socket?.tellWhenSent()
    }

    func sent(on socket: WebSocket) { onSent.take()?() }

    func beat() {
        _ = send(Self.heartbeat)
        socket?.ping()
    }

    func end(_ reason: String) {
        onSent = nil
        socket?.close(code: 1001, reason: reason)
    }

    private static var heartbeat: LiveText {
        LiveText(ByteBlock(Array(#"{"type":"heartbeat"}"#.utf8)))
    }

    func received(_ text: [UInt8], on socket: WebSocket) {
        guard let document = try? JSONValue(parsing: text), document.members != nil else {
            return complain("a message is a JSON object")
        }
        if let ping = document["ping"] {
            _ = send(
                .notice("pong") { data in
                    data.key("ping")
                    data.value(ping)
                })
            return flush()
        }
        let resume = document["resume"]
        let id = resume?.string.flatMap { UInt64(digits: $0) }
        if resume != nil, id == nil { return complain("resume is the id of a message, as a text") }
        var filter = hub.filter(of: self) ?? LiveFilter(trace: trace)
        if let wanted = document["subscribe"] {
            switch LiveFilter.read(wanted, trace: trace) {
            case .failure(let fault): return complain(fault.message)
            case .success(let read): filter = read
            }
        } else if resume == nil {
            return complain("say subscribe or resume")
        }
        hub.subscribe(self, to: filter, resume: id)
        guard document["subscribe"] != nil else { return }
        _ = send(.notice("subscribed"))
        flush()
    }

    private func complain(_ message: String) {
        _ = send(.notice("error") { $0.field("message", message) })
        flush()
    }
}
