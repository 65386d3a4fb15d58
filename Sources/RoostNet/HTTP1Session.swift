import RoostCore
import Synchronization

/// The server side of one HTTP/1.1 or 1.0 connection, driven by bytes.
///
/// One request at a time: while its answer is not complete, later input waits, so answers leave
/// in the order of their requests. Confined to one loop.
final class HTTP1Session: ProtocolSession, ExchangeCarrier, HTTP1ParserDelegate {
    private let context: ServerContext
    private let peer: Peer
    private weak var host: (any SessionHost)?
    private lazy var parser = HTTP1Parser(
        delegate: self, maxHeadBytes: context.settings.maxHeaderBytes,
        maxTargetBytes: context.settings.maxTargetBytes)

    /// The request that is read or answered now.
    private var exchange: Exchange?
    private var requestKeepsAlive = true
    private var isHTTP10 = false
    /// The answer's body goes out in chunks.
    private var isChunked = false
    private var isWritingBody = false

    private var pending = OutputBuffer(reserving: HTTP1Session.usualOutputBytes)
    /// Input that waits for the answer before it.
    private var waiting: [UInt8] = []
    private var isParserPaused = false
    private var isReceiving = false
    /// A request has ended in the input that is parsed now.
    private var hasParsedOne = false
    /// What waits is for the loop's next turn.
    private var isOutOfTime = false
    /// That has come: one request is parsed in any case.
    private var isItsTurn = false

    private var hasBroken = false
    private var closesAfterAnswer = false
    private var isDraining = false
    private var hasPeerEnded = false
    private(set) var mustClose = false
    private(set) var isBrokenOff = false
    /// The handshake is answered; it takes over when the parser has stopped behind it.
    private var upgraded: WebSocket?
    private(set) var successor: (any ProtocolSession)?

    /// When the connection has waited too long for a head to begin or to end.
    private var quietDeadline: UInt64
    private var quietSince: UInt64
    private var isBeforeFirstRequest = true
    /// An answer went out before its request was in: when to stop waiting for the rest.
    private var lingerDeadline = UInt64.max

    private static let pieceBytes = 64 << 10
    private static let waitingBytes = 16 << 10
    /// Room for answers that a connection keeps; most are shorter.
    private static let usualOutputBytes = 512
    private static let lingerMilliseconds: UInt64 = 5_000
    /// A body that is not wanted is read to its end when no more than this is missing.
    private static let cheapRestBytes = 64 << 10

    init(context: ServerContext, peer: Peer, host: any SessionHost) {
        self.context = context
        self.peer = peer
        self.host = host
        quietSince = context.now
        quietDeadline = context.now &+ context.headerMilliseconds
        context.noteDeadline(quietDeadline)
    }

    // MARK: ProtocolSession

    func receive(_ bytes: UnsafeRawBufferPointer) {
        guard !mustClose, !hasBroken else { return }
        if isParserPaused || !waiting.isEmpty {
            unsafe waiting.append(contentsOf: bytes)
            parseWaiting()
        } else {
            unsafe parse(bytes)
        }
    }

    /// Parses what waited, as far as the answers before it are complete.
    private func parseWaiting() {
        guard !isParserPaused, !isReceiving, !mustClose, !waiting.isEmpty else { return }
        let bytes = waiting
        waiting = []
        unsafe bytes.withUnsafeBytes { unsafe parse($0) }
    }

    private func parse(_ bytes: UnsafeRawBufferPointer) {
        isReceiving = true
        hasParsedOne = false
        let progress = unsafe parser.feed(bytes)
        isReceiving = false
        switch progress {
        case .wantsMore: break
        case .paused(let used):
            isParserPaused = true
            unsafe waiting.append(contentsOf: bytes[used...])
            if let upgraded { handOver(to: upgraded) }
        case .failed(let fault): breakOff(fault)
        }
    }

    /// The parser goes on when the answer is complete and most of the output has left.
    ///
    /// Only where the host drains: what is parsed may send on the same connection, which must not
    /// be flushed in the middle of that.
    private func unpauseWhenReady() {
        guard isParserPaused, !isOutOfTime, mayParseNext else { return }
        guard waiting.isEmpty || isItsTurn || hasTime() else { return }
        isItsTurn = false
        isParserPaused = false
        parseWaiting()
    }

    /// Whether the request behind the last one is for this session to read, and now.
    private var mayParseNext: Bool {
        exchange == nil && pending.count < HTTP1Session.pieceBytes && !closesAfterAnswer
            && !mustClose && successor == nil && upgraded == nil
    }

    /// Whether the request behind this one may be parsed in this turn, too. Behind the first of some
    /// input, which mostly is the only one, the clock is not asked.
    private func hasTimeForNext() -> Bool {
        if hasParsedOne { return hasTime() }
        hasParsedOne = true
        return true
    }

    /// Whether this turn of the loop has time left; else what waits is put off to the next one. One
    /// read may bring thousands of requests that are answered at once.
    private func hasTime() -> Bool {
        guard let loop = context.loop, !loop.hasTime else { return true }
        isOutOfTime = true
        loop.putOff { [weak self] in
            guard let self else { return }
            isOutOfTime = false
            isItsTurn = true
            host?.sessionHasOutput()
        }
        return false
    }

    private func handOver(to socket: WebSocket) {
        upgraded = nil
        successor = socket
        let input = waiting
        waiting = []
        unsafe socket.begin(output: pending.bytes, input: input)
        pending.removeAll()
        if hasPeerEnded { socket.peerEnded() }
    }

    /// The peer broke the protocol: answered where that is possible, and closed.
    private func breakOff(_ fault: RequestFault) {
        hasBroken = true
        closesAfterAnswer = true
        context.settings.counters.protocolErrors.add(1, ordering: .relaxed)
        if exchange == nil {
            let head = RequestHead(block: context.makeHeaderBlock(), peer: peer, isHTTP2: false)
            exchange = Exchange(context: context, carrier: self, head: head)
        }
        exchange?.fail(fault)
        exchange?.end()
        finishIfDone()
    }

    func drain(into output: inout OutputBuffer) {
        let start = output.count
        unsafe output.append(pending.bytes)
        pending.removeAll(keeping: HTTP1Session.usualOutputBytes)
        while isWritingBody, let exchange, output.count - start < HTTP1Session.pieceBytes {
            exchange.outgoing.refill()
            let size = exchange.outgoing.available
            if size > 0 {
                if isChunked { output.append(String(size, radix: 16) + "\r\n") }
                _ = unsafe exchange.outgoing.take(upTo: size) { unsafe output.append($0) }
                if isChunked { output.append("\r\n" as StaticString) }
            }
            if exchange.outgoing.isFinished {
                if isChunked { output.append("0\r\n\r\n" as StaticString) }
                isWritingBody = false
                finishIfDone()
            } else if size == 0 {
                break
            }
        }
        unpauseWhenReady()
        if output.count == start, !pending.isEmpty {
            unsafe output.append(pending.bytes)
            pending.removeAll(keeping: HTTP1Session.usualOutputBytes)
        }
        // What was parsed only now may have ended in the middle of a request.
        if hasPeerEnded, waiting.isEmpty { peerEnded() }
    }

    var wantsInput: Bool { waiting.count < HTTP1Session.waitingBytes && !hasBroken }

    var heldBytes: Int {
        pending.roomBytes + waiting.capacity + (exchange?.outgoing.waitingBytes ?? 0)
    }

    var heldRequestBytes: Int { waiting.capacity }

    /// In whatever way its end is told: over HTTP/1.0 the end of the connection may be all.
    var isMidAnswer: Bool { isWritingBody || (host?.unwrittenBytes ?? 0) > 0 }

    func peerEnded() {
        hasPeerEnded = true
        guard let exchange else {
            if waiting.isEmpty { mustClose = true }
            return
        }
        // Half a request will never be whole; an answer under way may still be read.
        guard exchange.input != .ended else { return }
        closesAfterAnswer = true
        if exchange.isAnswered {
            exchange.end()
            finishIfDone()
        } else {
            mustClose = true
        }
    }

    var idleSince: UInt64? {
        guard exchange == nil, waiting.isEmpty, pending.isEmpty else { return nil }
        return quietSince
    }

    var unfinishedSince: UInt64? {
        guard let exchange, exchange.input != .ended, !isWritingBody, pending.isEmpty else {
            return nil
        }
        return exchange.began
    }

    func abandon() {
        mustClose = true
        successor?.abandon()
        exchange?.detach()
        exchange = nil
    }

    func beginDraining() {
        isDraining = true
        if exchange == nil, waiting.isEmpty { mustClose = true }
    }

    func checkDeadlines(now: UInt64) {
        guard !mustClose else { return }
        if let exchange {
            if now >= lingerDeadline {
                mustClose = true
            } else if exchange.input != .ended, now >= exchange.nextDeadline {
                // A request that is half there cannot be followed by another.
                closesAfterAnswer = true
                hasBroken = true
                _ = exchange.checkDeadlines(now: now)
                exchange.end()
                finishIfDone()
            }
        } else if now >= quietDeadline {
            let counters = context.settings.counters
            if isBeforeFirstRequest {
                counters.headerTimeouts.add(1, ordering: .relaxed)
            } else {
                counters.idleTimeouts.add(1, ordering: .relaxed)
            }
            mustClose = true
        }
    }

    var nextDeadline: UInt64 {
        guard !mustClose else { return .max }
        guard let exchange else { return quietDeadline }
        return min(exchange.nextDeadline, lingerDeadline)
    }

    // MARK: HTTP1ParserDelegate

    func messageBegan() {
        let head = RequestHead(block: context.makeHeaderBlock(), peer: peer, isHTTP2: false)
        exchange = Exchange(context: context, carrier: self, head: head)
        isBeforeFirstRequest = false
    }

    func target(_ bytes: UnsafeRawBufferPointer) {
        guard let block = exchange?.head.block else { return }
        var method = parser.methodName
        method.withUTF8 { unsafe block.setMethod(UnsafeRawBufferPointer($0)) }
        unsafe block.setTarget(bytes)
    }

    func header(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
        unsafe exchange?.head.block.addField(name: name, value: value)
    }

    func headersEnded() {
        guard let exchange else { return }
        isHTTP10 = parser.minorVersion == 0
        requestKeepsAlive = parser.keepsAlive
        let block = exchange.head.block
        let fault = block.faultInHTTP1(isHTTP10: isHTTP10)
        let hasBody =
            block.index(of: "transfer-encoding") != nil
            || (exchange.head.contentLength ?? 0) > 0
        // What is wrong with a head may be wrong with where its body ends.
        if fault != nil { closesAfterAnswer = true }
        exchange.begin(hasBody: hasBody, fault: fault)
        if !exchange.isAnswered, hasBody, !isHTTP10, block.index(of: "expect") != nil {
            pending.append("HTTP/1.1 100 Continue\r\n\r\n" as StaticString)
        }
    }

    func body(_ bytes: UnsafeRawBufferPointer) {
        guard let exchange else { return }
        unsafe exchange.receive(bytes)
        if exchange.discardedBytes > context.settings.maxRequestBytes { mustClose = true }
    }

    func messageEnded() -> Bool {
        exchange?.end()
        finishIfDone()
        return mayParseNext && hasTimeForNext()
    }

    // MARK: ExchangeCarrier

    func answer(_ exchange: Exchange, with response: Response) {
        if exchange.input != .ended { decideAboutRest(of: exchange) }
        if !requestKeepsAlive || isDraining { closesAfterAnswer = true }
        writeAnswer(response, for: exchange)
        if !isReceiving {
            finishIfDone()
            host?.sessionHasOutput()
        }
    }

    /// The answer is early: the rest of a short body is read and dropped, else the connection ends
    /// once the peer has had time to read the answer.
    private func decideAboutRest(of exchange: Exchange) {
        let expectsWord = exchange.head.block.index(of: "expect") != nil
        let length = exchange.head.contentLength
        let hasTransferCoding = exchange.head.block.index(of: "transfer-encoding") != nil
        if !expectsWord, !hasTransferCoding, (length ?? 0) <= HTTP1Session.cheapRestBytes {
            return
        }
        closesAfterAnswer = true
        lingerDeadline = context.now &+ HTTP1Session.lingerMilliseconds
        context.noteDeadline(lingerDeadline)
    }

    func upgrade(_ exchange: Exchange, _ upgrade: WebSocketUpgrade) throws(RequestFault) {
        guard !isHTTP10 else { throw .upgradeRequired }
        guard !isDraining else { throw .unavailable("the server is stopping") }
        let limit = context.settings.webSockets
        guard limit.tryTake() else {
            throw .unavailable("\(limit.limit) live streams are open, and no more are allowed")
        }
        HTTP1Answer.write(upgrade, date: context.date(), to: &pending)
        upgraded = WebSocket(upgrade.acceptance, context: context, peer: peer, host: host)
    }

    func resume(_ exchange: Exchange) {
        // While the socket is full, more may have come to wait, which is to be paid for.
        exchange.outgoing.resume()
        if !isReceiving { host?.sessionHasOutput() }
    }

    func breakOff(_ exchange: Exchange) {
        guard exchange === self.exchange, !mustClose else { return }
        isBrokenOff = true
        // What came behind the request is not answered.
        hasBroken = true
        closesAfterAnswer = true
        abandon()
        if !isReceiving { host?.sessionHasOutput() }
    }

    private func writeAnswer(_ response: Response, for exchange: Exchange) {
        let hasNoBody = response.status == 204 || response.status == 304
        var outgoing = OutgoingBody(response)
        let isStream = outgoing.isStream
        if isStream, isHTTP10 { closesAfterAnswer = true }
        isChunked = isStream && !isHTTP10

        let length: HTTP1Answer.Length =
            hasNoBody
            ? .none : isChunked ? .chunked : isStream ? .untilClose : .bytes(outgoing.available)
        let persistence: HTTP1Answer.Persistence =
            closesAfterAnswer ? .close : isHTTP10 ? .keepAlive : .usual
        HTTP1Answer(response, length, persistence, date: context.date()).write(to: &pending)

        if hasNoBody || exchange.head.methodIs("HEAD") { outgoing.cancel() }
        if !outgoing.isStream {
            _ = unsafe outgoing.take(upTo: outgoing.available) { unsafe pending.append($0) }
        }
        isWritingBody = !outgoing.isFinished
        exchange.outgoing = outgoing
    }

    /// Ends the exchange when both sides of it are done.
    private func finishIfDone() {
        guard let exchange, exchange.isAnswered, !isWritingBody, exchange.input == .ended else {
            return
        }
        self.exchange = nil
        exchange.detach()
        exchange.recycleHead()
        lingerDeadline = .max
        if closesAfterAnswer || isDraining {
            mustClose = true
            return
        }
        quietSince = context.now
        quietDeadline = context.now &+ context.idleMilliseconds
        context.noteDeadline(quietDeadline)
    }
}
