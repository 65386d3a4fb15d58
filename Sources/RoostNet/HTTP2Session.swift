import CNghttp2
import RoostCore
import Synchronization

/// The server side of one HTTP/2 connection, driven by bytes: nghttp2 inside, gRPC on top.
///
/// Confined to one loop. `deinit` frees nghttp2's session, which is never done inside one of its
/// callbacks: whoever owns the connection lets go of it between two calls.
@safe final class HTTP2Session: ProtocolSession, ExchangeCarrier {
    let context: ServerContext
    let session: OpaquePointer
    private let peer: Peer
    private weak var host: (any SessionHost)?

    /// Open streams, in no order; each knows its place.
    private var exchanges: [Exchange] = []
    /// The request whose header block is being read.
    private var current: Exchange? {
        didSet { currentBlock = current?.head.block }
    }
    /// Its head, at hand because every header needs it.
    private var currentBlock: HeaderBlock?
    private var headerBytes = 0
    /// Streams to be reset when their answers are out.
    private var lateResets: [Int32] = []
    /// Streams whose requests are whole and wait for the loop's next turn.
    private var putOff: [Int32] = []
    /// Requests that have become whole in the input that is read now.
    private var wholeRequests = 0

    private(set) var mustClose = false
    private var emptySince: UInt64
    private var isReceiving = false
    /// When the second GOAWAY is due.
    private var finalGoawayAt = UInt64.max
    private var isDraining = false
    private var hasPeerEnded = false
    /// The peer sent GOAWAY. nghttp2 reads on as long as streams are open, which depends on what has
    /// been sent by then; so that nothing depends on that, requests that come later are refused.
    private var hasPeerSaidGoodbye = false

    /// Between the GOAWAY that announces the end and the one that names the last stream.
    private static let goawayPauseMilliseconds: UInt64 = 100
    /// One call of `drain` appends about this much.
    private static let drainBytes = 64 << 10
    /// So many requests of one read are handed over whatever that takes.
    private static let usualRequests = 8

    /// Streams that are paid for: the connection itself pays for the first, the others are paid for
    /// in lots, and stay so until the connection ends.
    private var paidStreams = HTTP2Session.lotOfStreams
    private static let lotOfStreams = 16
    /// What an open stream takes, without a long head.
    private static let streamBytes = 4 << 10
    private var lots: [MemoryReservation] = []

    /// Nil when there is no memory for it.
    init?(context: ServerContext, peer: Peer, host: any SessionHost) {
        var session: OpaquePointer?
        let settings = context.settings
        unsafe nghttp2_session_server_new2(
            &session, HTTP2Callbacks.shared, nil, HTTP2Callbacks.options)
        guard let session = unsafe session else { return nil }
        unsafe self.session = session
        self.context = context
        self.peer = peer
        self.host = host
        emptySince = context.now
        // nghttp2 calls back only from inside calls that this object makes.
        unsafe nghttp2_session_set_user_data(
            session, Unmanaged.passUnretained(self).toOpaque())
        submitSettings(settings)
        context.noteDeadline(nextDeadline)
    }

    deinit { unsafe nghttp2_session_del(session) }

    private func submitSettings(_ settings: ServerSettings) {
        let entries = [
            nghttp2_settings_entry(
                settings_id: Int32(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS.rawValue),
                value: UInt32(clamping: settings.maxConcurrentStreams)),
            nghttp2_settings_entry(
                settings_id: Int32(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE.rawValue),
                value: UInt32(clamping: settings.streamWindow)),
            nghttp2_settings_entry(
                settings_id: Int32(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE.rawValue),
                value: UInt32(clamping: settings.maxHeaderBytes)),
        ]
        unsafe entries.withUnsafeBufferPointer { entries in
            _ = unsafe nghttp2_submit_settings(
                session, UInt8(NGHTTP2_FLAG_NONE.rawValue), entries.baseAddress, entries.count)
        }
        unsafe nghttp2_session_set_local_window_size(
            session, UInt8(NGHTTP2_FLAG_NONE.rawValue), 0,
            Int32(clamping: settings.connectionWindow))
    }

    // MARK: ProtocolSession

    func receive(_ bytes: UnsafeRawBufferPointer) {
        guard !mustClose, bytes.count > 0 else { return }
        isReceiving = true
        wholeRequests = 0
        let used = unsafe nghttp2_session_mem_recv(
            session, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count)
        isReceiving = false
        if used < 0 {
            // Not HTTP/2, or a flood; nghttp2 has queued a GOAWAY where one is due.
            context.settings.counters.protocolErrors.add(1, ordering: .relaxed)
            mustClose = true
        }
        noteEnd()
    }

    func drain(into output: inout OutputBuffer) {
        let start = output.count
        while output.count - start < HTTP2Session.drainBytes {
            var bytes: UnsafePointer<UInt8>?
            let count = unsafe nghttp2_session_mem_send(session, &bytes)
            guard count > 0, let bytes = unsafe bytes else {
                if count < 0 { mustClose = true }
                if count == 0, submitLateResets() { continue }
                break
            }
            unsafe output.append(UnsafeRawPointer(bytes), Int(count))
        }
        noteEnd()
    }

    var wantsInput: Bool { true }

    /// Some answer was longer than those of receivers are.
    var hasLongAnswers = false
    static let longAnswer = 4 << 10

    /// Bodies of requests are paid for where they are kept, and nghttp2 bounds what it queues.
    var heldBytes: Int {
        hasLongAnswers ? exchanges.reduce(0) { $0 + $1.outgoing.waitingBytes } : 0
    }

    /// What is whole is still answered; what is not never will be.
    func peerEnded() {
        hasPeerEnded = true
        for exchange in exchanges where exchange.isUnfinished {
            reset(exchange, NGHTTP2_CANCEL)
        }
        noteEnd()
    }

    var idleSince: UInt64? { exchanges.isEmpty ? emptySince : nil }

    var unfinishedSince: UInt64? {
        var oldest: UInt64?
        for exchange in exchanges {
            let isOwedAnswer = exchange.isAnswered && !exchange.outgoing.isFinished
            guard exchange.isUnfinished, !isOwedAnswer else { return nil }
            oldest = min(oldest ?? .max, exchange.began)
        }
        return oldest
    }

    func abandon() {
        mustClose = true
        let open = exchanges
        exchanges = []
        current = nil
        for exchange in open {
            unsafe nghttp2_session_set_stream_user_data(session, exchange.streamID, nil)
            exchange.detach()
        }
    }

    func beginDraining() {
        guard !isDraining else { return }
        isDraining = true
        // The first GOAWAY names no stream, so that requests under way to us are still answered.
        unsafe nghttp2_submit_shutdown_notice(session)
        finalGoawayAt = context.now &+ HTTP2Session.goawayPauseMilliseconds
        context.noteDeadline(finalGoawayAt)
    }

    func checkDeadlines(now: UInt64) {
        if now >= finalGoawayAt {
            finalGoawayAt = .max
            unsafe nghttp2_submit_goaway(
                session, UInt8(NGHTTP2_FLAG_NONE.rawValue),
                nghttp2_session_get_last_proc_stream_id(session),
                UInt32(NGHTTP2_NO_ERROR.rawValue), nil, 0)
        }
        for exchange in exchanges { check(exchange, now: now) }
        if exchanges.isEmpty, now >= emptySince &+ context.idleMilliseconds, !mustClose {
            context.settings.counters.idleTimeouts.add(1, ordering: .relaxed)
            terminate()
        }
        noteEnd()
    }

    private func check(_ exchange: Exchange, now: UInt64) {
        let wasHead = exchange.input == .head
        if exchange.checkDeadlines(now: now) {
            // A half header block blocks the whole connection; a half body only its stream.
            if wasHead { terminate() } else { resetAfterAnswer(exchange) }
        } else if exchange.discardedBytes > context.settings.maxRequestBytes {
            resetAfterAnswer(exchange)
        }
        if exchange.isAnswered, now >= exchange.outgoingDeadline {
            context.settings.counters.writeTimeouts.add(1, ordering: .relaxed)
            exchange.outgoingDeadline = .max
            reset(exchange, NGHTTP2_CANCEL)
        }
    }

    var nextDeadline: UInt64 {
        guard !mustClose else { return .max }
        var next = finalGoawayAt
        if exchanges.isEmpty { next = min(next, emptySince &+ context.idleMilliseconds) }
        for exchange in exchanges {
            next = min(next, exchange.nextDeadline)
            if exchange.isAnswered { next = min(next, exchange.outgoingDeadline) }
        }
        return next
    }

    private func terminate() {
        unsafe nghttp2_session_terminate_session(session, UInt32(NGHTTP2_NO_ERROR.rawValue))
        mustClose = true
    }

    /// Draining ends with the last stream; a session that wants nothing more has ended too.
    private func noteEnd() {
        if hasPeerEnded, exchanges.isEmpty { mustClose = true }
        if isDraining, finalGoawayAt == .max, exchanges.isEmpty { mustClose = true }
        if unsafe nghttp2_session_want_read(session) == 0,
            unsafe nghttp2_session_want_write(session) == 0
        {
            mustClose = true
        }
    }

    // MARK: What nghttp2 reports

    func beginHeaders(streamID: Int32, isRequest: Bool) {
        guard isRequest else {
            // Trailers: read and let go.
            current = nil
            headerBytes = 0
            return
        }
        guard !hasPeerSaidGoodbye, canPayForStream() else {
            current = nil
            headerBytes = 0
            // RFC 9113 §8.7: nothing was done, the request can be sent again.
            unsafe nghttp2_submit_rst_stream(
                session, UInt8(NGHTTP2_FLAG_NONE.rawValue), streamID,
                NGHTTP2_REFUSED_STREAM.rawValue)
            return
        }
        let head = RequestHead(block: context.makeHeaderBlock(), peer: peer, isHTTP2: true)
        let exchange = Exchange(
            context: context, carrier: self, head: head, streamID: streamID)
        exchange.listIndex = exchanges.count
        exchanges.append(exchange)
        // The list holds it; `streamClosed` and `abandon` take the pointer back.
        unsafe nghttp2_session_set_stream_user_data(
            session, streamID, Unmanaged.passUnretained(exchange).toOpaque())
        current = exchange
        headerBytes = 0
    }

    private func canPayForStream() -> Bool {
        guard exchanges.count >= paidStreams else { return true }
        let bytes = HTTP2Session.lotOfStreams * HTTP2Session.streamBytes
        guard let lot = context.settings.memory.reserve(bytes) else { return false }
        lots.append(lot)
        paidStreams += HTTP2Session.lotOfStreams
        return true
    }

    func header(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
        guard let block = currentBlock else { return }
        // RFC 9113 §6.5.2 counts 32 bytes more for each field.
        headerBytes &+= name.count &+ value.count &+ 32
        guard headerBytes <= context.settings.maxHeaderBytes else { return }
        guard name.count > 0, unsafe name[0] == UInt8(ascii: ":") else {
            unsafe block.addField(name: name, value: value)
            return
        }
        if unsafe equals(name, ":path") {
            unsafe block.setTarget(value)
        } else if unsafe equals(name, ":method") {
            unsafe block.setMethod(value)
        } else if unsafe equals(name, ":authority") {
            unsafe ("host" as StaticString).utf8Name {
                unsafe block.addField(name: $0, value: value)
            }
        }
    }

    func headersEnded(streamID: Int32, endsStream: Bool) {
        if let exchange = current {
            current = nil
            let settings = context.settings
            var fault: RequestFault?
            if headerBytes > settings.maxHeaderBytes {
                fault = .headersTooLarge(limit: settings.maxHeaderBytes)
            } else if exchange.head.block.targetLength > settings.maxTargetBytes {
                fault = .targetTooLong(limit: settings.maxTargetBytes)
            } else if !exchange.payForHead() {
                fault = .noMemory
            }
            exchange.begin(hasBody: !endsStream, fault: fault)
        }
        if endsStream { streamEnded(streamID) }
    }

    func data(streamID: Int32, _ bytes: UnsafeRawBufferPointer) {
        guard let exchange = exchange(streamID) else { return }
        unsafe exchange.receive(bytes)
        if exchange.discardedBytes > context.settings.maxRequestBytes {
            resetAfterAnswer(exchange)
        }
    }

    func streamEnded(_ streamID: Int32) {
        guard let exchange = exchange(streamID) else { return }
        wholeRequests += 1
        if exchange.input == .reading, !hasTimeForNext {
            putOff(exchange)
        } else {
            exchange.end()
        }
    }

    /// Whether a request may be handed over in this turn, too. For the first ones of some input,
    /// beyond which a sender's streams do not go, the clock is not asked.
    private var hasTimeForNext: Bool {
        putOff.isEmpty
            && (wholeRequests <= HTTP2Session.usualRequests || context.loop?.hasTime != false)
    }

    /// One read may bring as many requests as there may be streams, which are answered at once.
    private func putOff(_ exchange: Exchange) {
        exchange.isPutOff = true
        putOff.append(exchange.streamID)
        if putOff.count == 1 { goOnLater() }
    }

    private func goOnLater() { context.loop?.putOff { [weak self] in self?.goOn() } }

    /// Hands over what was put off as far as this turn has time for it, one request at least.
    private func goOn() {
        isReceiving = true
        var count = 0
        while count < putOff.count, !mustClose {
            let next = exchange(putOff[count])
            count += 1
            next?.end()
            if next != nil, context.loop?.hasTime == false { break }
        }
        isReceiving = false
        putOff.removeFirst(count)
        if !putOff.isEmpty, !mustClose { goOnLater() }
        host?.sessionHasOutput()
    }

    func streamClosed(_ streamID: Int32) {
        guard let exchange = exchange(streamID) else { return }
        if current === exchange { current = nil }
        let place = exchange.listIndex
        if place < exchanges.count, exchanges[place] === exchange {
            exchanges.swapAt(place, exchanges.count - 1)
            exchanges[place].listIndex = place
            exchanges.removeLast()
        }
        exchange.detach()
        exchange.recycleHead()
        if exchanges.isEmpty {
            emptySince = context.now
            context.noteDeadline(nextDeadline)
        }
    }

    func peerSaidGoodbye() { hasPeerSaidGoodbye = true }

    func noteProtocolError() {
        context.settings.counters.protocolErrors.add(1, ordering: .relaxed)
    }

    func exchange(_ streamID: Int32) -> Exchange? {
        guard
            let data = unsafe nghttp2_session_get_stream_user_data(session, streamID)
        else { return nil }
        return unsafe Unmanaged<Exchange>.fromOpaque(data).takeUnretainedValue()
    }

    // MARK: ExchangeCarrier

    func answer(_ exchange: Exchange, with response: Response) {
        exchange.outgoingDeadline = context.now &+ context.writeMilliseconds
        context.noteDeadline(exchange.outgoingDeadline)
        if exchange.head.isGRPC {
            submitGRPC(response, for: exchange)
        } else {
            submitHTTP(response, for: exchange)
        }
        if !isReceiving { host?.sessionHasOutput() }
    }

    func resume(_ exchange: Exchange) {
        // While the peer takes nothing, more may have come to wait, which is to be paid for.
        if exchange.outgoing.isStalled {
            exchange.outgoing.resume()
            unsafe nghttp2_session_resume_data(session, exchange.streamID)
        }
        if !isReceiving { host?.sessionHasOutput() }
    }

    func breakOff(_ exchange: Exchange) {
        exchange.outgoingDeadline = .max
        reset(exchange, NGHTTP2_CANCEL)
        if !isReceiving { host?.sessionHasOutput() }
    }

    /// Its heads are no handshakes (RFC 8441 is not spoken).
    func upgrade(_ exchange: Exchange, _ upgrade: WebSocketUpgrade) throws(RequestFault) {
        throw .upgradeRequired
    }

    /// Ends a stream whose request is not in, once its answer is out: nghttp2 drops what it has
    /// not sent yet on a stream that is being reset.
    private func resetAfterAnswer(_ exchange: Exchange) {
        guard exchange.isUnfinished, !exchange.resetsWhenAnswered else { return }
        exchange.resetsWhenAnswered = true
        lateResets.append(exchange.streamID)
    }

    /// Called when nghttp2 has nothing more to send; true when it has again.
    private func submitLateResets() -> Bool {
        guard !lateResets.isEmpty else { return false }
        let waiting = lateResets
        lateResets = waiting.filter { streamID in
            guard let exchange = exchange(streamID) else { return false }
            guard exchange.outgoing.isFinished else { return true }
            reset(exchange, NGHTTP2_NO_ERROR)
            return false
        }
        return lateResets.count < waiting.count
    }

    func reset(_ exchange: Exchange, _ code: nghttp2_error_code) {
        unsafe nghttp2_submit_rst_stream(
            session, UInt8(NGHTTP2_FLAG_NONE.rawValue), exchange.streamID, code.rawValue)
    }
}

extension StaticString {
    /// The text's bytes, for calls that take a buffer.
    func utf8Name(_ body: (UnsafeRawBufferPointer) -> Void) {
        unsafe body(UnsafeRawBufferPointer(start: utf8Start, count: utf8CodeUnitCount))
    }
}
