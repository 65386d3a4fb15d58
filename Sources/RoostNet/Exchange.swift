import RoostCompression
import RoostCore
import Synchronization

/// One request and its answer, whichever protocol carries them. Loop thread only.
///
/// ```
/// input:   head ─▶ reading ─▶ ended
///              └──────┴─▶ discarding ─▶ ended        (answered before its body was read)
/// output:  open ─▶ answered
/// ```
/// `detach()` ends both sides: the peer is gone or everything was said.
@safe final class Exchange: ResponseSink {
    enum Input { case head, reading, discarding, ended }

    /// Compressed bodies above this are inflated beside the loop; a usual one of this size takes
    /// half a millisecond, the worst ten.
    private static let inflatedOnTheLoop = 64 << 10
    /// Heads up to this are paid for with the stream.
    private static let usualHeadBytes = 2 << 10

    let context: ServerContext
    private var carrier: (any ExchangeCarrier)?
    private(set) var head: RequestHead
    private(set) var input = Input.head
    private(set) var isAnswered = false
    /// Bytes thrown away since the early answer.
    private(set) var discardedBytes = 0

    private var body = BodyBuffer()
    /// What the handler takes at the most.
    private var mostBodyBytes = Int.max
    /// For a head that is longer than usual.
    private var headReservation: MemoryReservation?
    private var grpc = GRPCMessageReader()
    private var coding = ContentCoding.identity
    /// When the request is a handshake, and it is accepted.
    private var upgrade: WebSocketUpgrade?

    /// The stream's number in HTTP/2; its place in the session's list.
    let streamID: Int32
    var listIndex = 0

    /// When its first byte came, by the loop's clock.
    let began: UInt64
    /// When the phase it is in has taken too long.
    private(set) var inputDeadline: UInt64
    /// From `grpc-timeout`; `.max` without one.
    private(set) var callDeadline = UInt64.max

    /// What the carrier still has to send of the answer.
    var outgoing = OutgoingBody()
    /// When the peer has left the answer unread for too long; `.max` when nothing is unread.
    var outgoingDeadline = UInt64.max
    /// HTTP/2: the stream is ended once the answer is out, though the request is not in.
    var resetsWhenAnswered = false
    /// HTTP/2: all of the request is in, and is handed over in a later turn of the loop.
    var isPutOff = false

    init(
        context: ServerContext, carrier: any ExchangeCarrier, head: RequestHead,
        streamID: Int32 = 0
    ) {
        self.context = context
        self.carrier = carrier
        self.head = head
        self.streamID = streamID
        began = context.now
        inputDeadline = began &+ context.headerMilliseconds
        context.noteDeadline(inputDeadline)
    }

    // MARK: The request comes in

    /// The head is whole: asks the handler whether it wants the body, and makes room for it.
    ///
    /// A `fault` that the protocol found in the head is answered instead.
    func begin(hasBody: Bool, fault: RequestFault? = nil) {
        context.settings.counters.requests.add(1, ordering: .relaxed)
        do throws(RequestFault) {
            try recognizeGRPC()
            if let fault { throw fault }
            switch context.handler.admit(head) {
            case .answer(let response):
                input = .discarding
                send(response)
            case .read:
                input = .reading
                try prepareBody(hasBody: hasBody)
            case .readUpTo(let bytes):
                input = .reading
                mostBodyBytes = bytes
                try prepareBody(hasBody: hasBody)
            case .upgrade(let acceptance):
                input = .reading
                upgrade = try WebSocketUpgrade(acceptance, head: head, hasBody: hasBody)
            }
        } catch {
            fail(error)
        }
        inputDeadline = context.now &+ context.bodyMilliseconds
        context.noteDeadline(min(inputDeadline, callDeadline))
    }

    /// Reserves what a long head takes, until the exchange ends; false when there is no memory, and
    /// then the head is forgotten.
    func payForHead() -> Bool {
        let bytes = head.block.roomBytes
        guard bytes > Exchange.usualHeadBytes else { return true }
        headReservation = context.settings.memory.reserve(bytes)
        guard headReservation == nil else { return true }
        let usual = RequestHead(
            block: context.makeHeaderBlock(), peer: head.peer, isHTTP2: head.isHTTP2)
        unsafe usual.block.setTarget(head.block.pathBytes)
        unsafe usual.block.setMethod(head.block.methodBytes)
        if let type = unsafe head.block.firstValue(of: "content-type") {
            unsafe ("content-type" as StaticString).utf8Name {
                unsafe usual.block.addField(name: $0, value: type)
            }
        }
        head = usual
        return false
    }

    private func recognizeGRPC() throws(RequestFault) {
        guard head.isHTTP2, let value = unsafe head.block.firstValue(of: "content-type") else {
            return
        }
        let type = unsafe withoutParameters(value)
        guard type.count >= 16,
            unsafe equalsIgnoringCase(
                UnsafeRawBufferPointer(rebasing: type[..<16]), "application/grpc")
        else { return }
        guard
            unsafe type.count == 16 || equalsIgnoringCase(type, "application/grpc+proto")
        else {
            throw unsafe .unsupportedMediaType(String(decoding: type, as: UTF8.self))
        }
        head.isGRPC = true
        guard head.methodIs("POST") else { throw .malformed("a gRPC call is not a POST") }
    }

    private func prepareBody(hasBody: Bool) throws(RequestFault) {
        if head.isGRPC {
            try readCoding("grpc-encoding")
            if let text = unsafe head.block.firstValue(of: "grpc-timeout") {
                guard let milliseconds = unsafe parseGRPCTimeout(text) else {
                    throw unsafe .badGRPCTimeout(String(decoding: text, as: UTF8.self))
                }
                callDeadline = context.now &+ milliseconds
            }
            return
        }
        guard hasBody else { return }
        try readCoding("content-encoding")
        guard let length = head.contentLength else { return }
        let limit = bodyLimit
        guard length <= limit else { throw .tooLarge(limit: limit) }
        try expect(length)
    }

    /// Bytes, as sent and inflated.
    private var bodyLimit: Int { min(mostBodyBytes, context.settings.maxRequestBytes) }

    /// What not even an empty budget could hold is told at once.
    private func expect(_ length: Int) throws(RequestFault) {
        guard context.settings.memory.canEverHold(length) else {
            throw .beyondMemory(bytes: length)
        }
        body.expect(length)
    }

    private func readCoding(_ name: StaticString) throws(RequestFault) {
        guard let value = unsafe head.block.firstValue(of: name) else { return }
        switch unsafe value {
        case _ where unsafe equalsIgnoringCase(value, "identity") || value.count == 0: break
        case _ where unsafe equalsIgnoringCase(value, "gzip"): coding = .gzip
        case _ where unsafe equalsIgnoringCase(value, "x-gzip"): coding = .gzip
        case _ where unsafe equalsIgnoringCase(value, "zstd"): coding = .zstd
        default: throw unsafe .unsupportedCoding(String(decoding: value, as: UTF8.self))
        }
        if head.block.index(of: name).flatMap({ head.block.index(of: name, from: $0 + 1) })
            != nil
        {
            throw .unsupportedCoding("several at once")
        }
    }

    /// Bytes of the body; what nobody wants is dropped.
    func receive(_ bytes: UnsafeRawBufferPointer) {
        guard input == .reading else {
            discardedBytes &+= bytes.count
            return
        }
        do throws(RequestFault) {
            var payload = unsafe bytes
            let limit = bodyLimit
            if head.isGRPC {
                let knewLength = grpc.hasPrefix
                let used = unsafe try grpc.feed(bytes, limit: limit)
                unsafe payload = UnsafeRawBufferPointer(rebasing: bytes[used...])
                if !knewLength, grpc.hasPrefix { try expectMessage() }
                try grpc.take(payload.count)
            }
            switch unsafe body.append(payload, limit: limit, share: context.settings.memory) {
            case .kept: break
            case .tooLarge: throw RequestFault.tooLarge(limit: limit)
            case .noMemory(let bytes):
                throw context.settings.memory.canEverHold(bytes)
                    ? .noMemory : .beyondMemory(bytes: bytes)
            }
        } catch {
            fail(error)
        }
    }

    private func expectMessage() throws(RequestFault) {
        guard !grpc.isCompressed || coding != .identity else {
            throw .badGRPCFrame("the message is flagged as compressed without a grpc-encoding")
        }
        try expect(grpc.length)
    }

    /// The request is whole: hands it to the handler.
    func end() {
        guard input == .reading else {
            input = .ended
            return
        }
        input = .ended
        do throws(RequestFault) {
            if let upgrade {
                try carrier?.upgrade(self, upgrade)
                isAnswered = true
                return
            }
            if head.isGRPC { try grpc.checkEnd() }
            let isPlain = head.isGRPC ? !grpc.isCompressed : coding == .identity
            if isPlain || body.count == 0 {
                handle(body.take())
            } else if body.count > Exchange.inflatedOnTheLoop, let loop = context.loop {
                inflate(body.take(), beside: loop)
            } else {
                handle(
                    try Exchange.inflated(body.take(), coding, context.settings, limit: bodyLimit))
            }
        } catch {
            fail(error)
        }
    }

    private func handle(_ block: ByteBlock) {
        context.handler.handle(
            head, body: block, responder: Responder(sink: self, loop: context.loop))
    }

    /// On the thread pool, so that nothing else on the loop waits for it: some bytes take a hundred
    /// times as long as others of the same number.
    private func inflate(_ block: ByteBlock, beside loop: EventLoop) {
        let settings = context.settings
        let coding = self.coding
        let limit = bodyLimit
        loop.offload(
            {
                Result { () throws(RequestFault) in
                    try Exchange.inflated(block, coding, settings, limit: limit)
                }
            },
            then: { [self] (result: Result<ByteBlock, RequestFault>) in
                guard !isGone else { return }
                switch result {
                case .success(let block): handle(block)
                case .failure(let fault): fail(fault)
                }
            })
    }

    private static func inflated(
        _ block: ByteBlock, _ coding: ContentCoding, _ settings: ServerSettings, limit: Int
    ) throws(RequestFault) -> ByteBlock {
        let memory = settings.memory.part(holding: block.reservedBytes)
        do throws(InflateError) {
            return unsafe try block.withBytes { bytes throws(InflateError) in
                unsafe try RoostCompression.inflate(
                    bytes, coding, limit: limit, share: memory)
            }
        } catch {
            switch error {
            case .tooLarge(let limit): throw .tooLarge(limit: limit)
            case .corrupt(let reason): throw .corruptBody(reason)
            case .noMemory:
                throw memory.isBeyondBudget ? .beyondMemory(bytes: memory.mostBytes) : .noMemory
            }
        }
    }

    // MARK: The answer goes out

    /// Answers with the handler's words for `fault`, unless there is an answer already.
    func fail(_ fault: RequestFault) {
        guard !isGone else { return }
        var response = context.handler.answer(to: fault, head: head)
        if head.isGRPC, response.grpc == nil {
            response.grpc = GRPCOutcome(code: fault.grpcCode, message: fault.message)
        }
        if fault == .upgradeRequired {
            response.headers += WebSocketUpgrade.offer(overHTTP2: head.isHTTP2)
        }
        send(response)
    }

    var isGone: Bool { isAnswered || carrier == nil }

    /// Whether the peer owes some of the request.
    var isUnfinished: Bool { input != .ended && !isPutOff }

    func send(_ response: Response) {
        guard !isGone, let carrier else {
            if case .stream(let source) = response.body { source.cancel() }
            return
        }
        isAnswered = true
        if input == .head || input == .reading { input = .discarding }
        body.discard()
        carrier.answer(self, with: response)
    }

    func resumeBody() { carrier?.resume(self) }

    func breakOff() {
        guard isAnswered, let carrier else { return }
        outgoing.cancel()
        carrier.breakOff(self)
    }

    /// Ends both sides; nothing reaches the carrier after this.
    func detach() {
        guard carrier != nil else { return }
        carrier = nil
        headReservation = nil
        body.discard()
        outgoing.cancel()
    }

    /// Gives the head's bytes back for reuse; only after `detach()`.
    func recycleHead() {
        var block = head.block
        head = RequestHead(block: context.noBlock, peer: head.peer, isHTTP2: head.isHTTP2)
        context.recycle(&block)
    }

    // MARK: Time

    /// Answers what took too long; true when the request cannot go on.
    func checkDeadlines(now: UInt64) -> Bool {
        if !isGone, now >= callDeadline {
            fail(.deadlineExceeded)
            return false
        }
        guard isUnfinished, now >= inputDeadline else { return false }
        let counters = context.settings.counters
        if input == .head {
            counters.headerTimeouts.add(1, ordering: .relaxed)
        } else {
            counters.bodyTimeouts.add(1, ordering: .relaxed)
        }
        // Said once: what follows from it is the protocol's.
        inputDeadline = .max
        fail(.timeout)
        return true
    }

    var nextDeadline: UInt64 {
        min(isUnfinished ? inputDeadline : .max, isGone ? .max : callDeadline)
    }
}

/// The protocol that an exchange belongs to.
protocol ExchangeCarrier: AnyObject {
    /// Called once for an exchange, perhaps from inside `receive`.
    func answer(_ exchange: Exchange, with response: Response)
    /// The body's source may have something again.
    func resume(_ exchange: Exchange)
    /// The rest of the answer, which was cancelled, never comes.
    func breakOff(_ exchange: Exchange)
    /// The request's connection speaks WebSocket from here on; throws when it will not.
    func upgrade(_ exchange: Exchange, _ upgrade: WebSocketUpgrade) throws(RequestFault)
}
