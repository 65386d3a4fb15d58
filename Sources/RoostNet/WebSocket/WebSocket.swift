import RoostCore

/// Who serves the WebSockets of one server, or one of them. Confined to the server's loop.
public protocol WebSocketHandler: AnyObject {
    /// The handshake is done; the socket may be kept and sent to until `closed`.
    func opened(_ socket: WebSocket)

    /// A whole text message, valid UTF-8.
    func received(_ text: [UInt8], on socket: WebSocket)

    /// What waited has left for the system's socket; called once for each `tellWhenSent`, while the
    /// socket is being written to: nothing may be sent before it returns.
    func sent(on socket: WebSocket)

    /// It is over; called once for each socket that was opened, the last call for it.
    ///
    /// `code` is the one in the peer's close frame (1005 when that has none), the one that ended the
    /// connection when this side found a fault, 1006 when the connection ended without a word.
    /// RFC 6455 §7.4.
    func closed(_ socket: WebSocket, code: UInt16)
}

extension WebSocketHandler {
    public func sent(on socket: WebSocket) {}
}

/// The server's side of one WebSocket, RFC 6455, without extensions.
///
/// ```
/// open ─▶ closing ─▶ closed     our close frame waits for the peer's, for some seconds
///   └────────────────▶ closed   the peer's close frame, a fault, silence, the end of the connection
/// ```
/// Loop thread only. A peer that reads too slowly loses messages, never the others.
public final class WebSocket {
    let context: ServerContext
    weak var host: (any SessionHost)?
    private let peer: Peer
    /// Nil once it was told of the end.
    private var handler: (any WebSocketHandler)?

    var reader: WebSocketReader
    /// What the peer said and nobody has heard yet, because a turn of the loop has no time for it.
    var unheard: ArraySlice<WebSocketEvent> = []
    var unheardBytes = 0
    /// What it did wrong behind that.
    var fault: WebSocketFault?
    private let maxUnsentBytes: Int
    let heartbeatMilliseconds: UInt64

    /// Goes out before all messages: the handshake's answer, pings and pongs.
    var urgent = OutputBuffer(reserving: WebSocket.usualUrgentBytes)
    private(set) var waiting: [WebSocketMessage] = []
    private var waitingBytes = 0
    private var mustTellWhenSent = false
    /// Goes out last, once.
    var closeFrame: [UInt8]?

    enum State { case open, closing, closed }
    private(set) var state = State.open
    /// Nothing more is expected of the peer.
    var isPeerDone = false
    var mustClose = false
    private(set) var closeDeadline = UInt64.max
    var nextHeartbeat: UInt64
    /// Heartbeats since the peer last sent a frame.
    var silentHeartbeats = 0

    static let usualUrgentBytes = 64
    /// Room for so many messages is kept while there are none.
    private static let usualWaiting = 16
    static let silentHeartbeatsAllowed = 2
    /// For the peer's close frame after ours.
    private static let closeMilliseconds: UInt64 = 5_000
    /// While the program ends.
    private static let lastCloseMilliseconds: UInt64 = 500

    init(
        _ acceptance: WebSocketAcceptance, context: ServerContext, peer: Peer,
        host: (any SessionHost)?
    ) {
        self.context = context
        self.peer = peer
        self.host = host
        handler = acceptance.handler
        reader = WebSocketReader(limit: max(acceptance.maxMessageBytes, 0))
        maxUnsentBytes = acceptance.maxUnsentBytes
        heartbeatMilliseconds = max(milliseconds(acceptance.heartbeat), 1)
        nextHeartbeat = context.now &+ heartbeatMilliseconds
        context.noteDeadline(nextHeartbeat)
    }

    // MARK: For handlers

    /// Whether messages are still taken.
    public var isOpen: Bool { state == .open }

    /// The number of the peer's host, without its port.
    public var peerAddress: String { peer.text }

    /// What waits here for the peer to read, in bytes; what the system's socket holds comes on top.
    public var unsentBytes: Int { waitingBytes &+ (host?.unwrittenBytes ?? 0) }

    /// Sends it, unless too much waits already (`WebSocketAcceptance.maxUnsentBytes`) or the socket
    /// is not open; false then, and the message is dropped. `closed` may be called before it returns.
    public func send(_ message: WebSocketMessage) -> Bool {
        guard put(message) else { return false }
        flush()
        return true
    }

    /// As `send`, but several of them leave together with the next `flush`, which has to follow.
    public func put(_ message: WebSocketMessage) -> Bool {
        guard state == .open else { return false }
        if waitingBytes >= WebSocket.pieceBytes { flush() }
        guard state == .open, unsentBytes <= maxUnsentBytes else { return false }
        waiting.append(message)
        waitingBytes &+= message.cost
        return true
    }

    /// Sends what was put, as far as the peer's socket takes it. `closed` may be called before it
    /// returns.
    public func flush() { if !waiting.isEmpty { host?.sessionHasOutput() } }

    /// Asks for a word when nothing waits any more; only while something does.
    public func tellWhenSent() { mustTellWhenSent = true }

    /// Asks the peer for a sign of life; heartbeats do so by themselves.
    public func ping() {
        guard state == .open else { return }
        urgent.append(frameHead(opcode: .ping, payloadBytes: 0))
        host?.sessionHasOutput()
    }

    /// Says goodbye after what waits has left, and waits a little for the peer's goodbye. `reason`
    /// is cut at 123 bytes. Twice does nothing.
    public func close(code: UInt16 = 1000, reason: String = "") {
        guard state == .open else { return }
        state = .closing
        say(code, reason)
        waitForGoodbye(WebSocket.closeMilliseconds)
        host?.sessionHasOutput()
    }

    // MARK: The end

    /// The program ends: what waits is not worth waiting for.
    func goAway() {
        guard state != .closed else { return }
        dropWaiting()
        if state == .open { close(code: 1001, reason: "the server is stopping") }
        waitForGoodbye(WebSocket.lastCloseMilliseconds)
    }

    private func waitForGoodbye(_ milliseconds: UInt64) {
        closeDeadline = min(closeDeadline, context.now &+ milliseconds)
        context.noteDeadline(closeDeadline)
    }

    /// The peer said goodbye: it is answered, and that is all.
    func peerClosed(code: UInt16) {
        isPeerDone = true
        dropWaiting()
        if state == .open {
            say(code == 1005 ? nil : code, "")
        } else if closeFrame == nil {
            mustClose = true
        }
        end(code: code)
    }

    /// The peer did what it must not.
    func fail(_ fault: WebSocketFault) {
        context.settings.counters.protocolErrors.add(1, ordering: .relaxed)
        isPeerDone = true
        dropWaiting()
        if state == .open {
            say(fault.code, fault.reason)
        } else if closeFrame == nil {
            mustClose = true
        }
        end(code: fault.code)
    }

    /// Nothing more can be said.
    func breakOff() {
        mustClose = true
        isPeerDone = true
        dropWaiting()
        dropUnheard()
        closeFrame = nil
        end(code: 1006)
    }

    private func say(_ code: UInt16?, _ reason: String) {
        var payload: [UInt8] = []
        if let code {
            payload = [UInt8(code >> 8), UInt8(truncatingIfNeeded: code)]
            for scalar in reason.unicodeScalars {
                guard payload.count + UTF8.width(scalar) <= 125 else { break }
                payload += UTF8.encode(scalar).map(Array.init) ?? []
            }
        }
        closeFrame = frameHead(opcode: .close, payloadBytes: payload.count) + payload
    }

    private func end(code: UInt16) {
        state = .closed
        closeDeadline = .max
        guard let handler else { return }
        self.handler = nil
        context.settings.webSockets.giveBack()
        handler.closed(self, code: code)
    }

    // MARK: What waits

    /// Takes messages from the front until `bytes` are reached.
    func takeWaiting(upTo bytes: Int, _ each: (WebSocketMessage) -> Void) {
        var taken = 0
        var count = 0
        while count < waiting.count, taken < bytes {
            each(waiting[count])
            waitingBytes &-= waiting[count].cost
            taken &+= waiting[count].byteCount
            count &+= 1
        }
        if count == waiting.count {
            waiting.removeAll(keepingCapacity: waiting.capacity <= WebSocket.usualWaiting)
        } else {
            waiting.removeFirst(count)
        }
    }

    /// The socket has taken what was drained before.
    func noteRoom() {
        guard mustTellWhenSent, waiting.isEmpty else { return }
        mustTellWhenSent = false
        handler?.sent(on: self)
    }

    private func dropWaiting() {
        waiting = []
        waitingBytes = 0
    }

    var waitingCost: Int { waitingBytes }

    // MARK: What the peer says

    func opened() { handler?.opened(self) }

    func received(_ text: [UInt8]) { handler?.received(text, on: self) }
}
