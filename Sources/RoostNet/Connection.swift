import CUV
import Glibc
import RoostCore
import Synchronization

/// One accepted socket: reads into the loop's buffer, feeds the protocol, writes what it drains.
///
/// libuv holds a reference from `open` until the socket is closed; the server's list holds another.
/// Loop thread only.
@safe final class Connection: SessionHost {
    private let handle: UnsafeMutablePointer<uv_tcp_t>
    let loop: EventLoop
    /// The server's list holds this one too, until `close` takes it out.
    private let server: HTTPServer
    let context: ServerContext
    private(set) var session: (any ProtocolSession)?
    /// Between the socket and the session; nil where plain text is spoken.
    let tls: TLSLink?
    private let peer: Peer

    /// Bytes reserved from the beginning to the end, and more while TLS begins.
    var reservedBytes: Int
    private let openedAt: UInt64

    /// The server's list knows it by this place.
    var listIndex = 0

    private var firstBytes: [UInt8] = []
    /// What came while the loop had no time for a handshake.
    var heldBack: [UInt8] = []
    private var isReading = false
    private(set) var isClosed = false
    /// Inside a call that will flush before it returns.
    private var isBusy = false
    private(set) var hasPeerEnded = false
    /// Since when all is said, by the loop's clock: it reads on and drops, so that unread input does
    /// not cost the peer the answer.
    private var lingeringSince: UInt64?
    private var isLingering: Bool { lingeringSince != nil }
    /// Since when it had been idle when draining began; nil when it was not.
    private var idleAtDrain: UInt64?
    /// `.max` when nothing is being written or waited for.
    private var ownDeadline: UInt64
    /// When the handshake, then the first bytes of the protocol must be there.
    private var firstDeadline: UInt64
    private var write: PendingWrite?
    /// Bytes reserved for unsent answers and waiting requests.
    private var paidBytes = 0

    /// What the budget is charged for a connection: its objects, tables and small buffers.
    static let reservedBytes = 16 << 10
    /// Buffers of a connection that `reservedBytes` pays for; more of them is paid for in such lots.
    private static let usualBufferBytes = 8 << 10
    private static let lingerMilliseconds: UInt64 = 2_000
    /// While the program ends.
    private static let lastLingerMilliseconds: UInt64 = 250

    init(
        server: HTTPServer, context: ServerContext, handle: UnsafeMutablePointer<uv_tcp_t>,
        peer: SocketAddress, identity: TLSIdentity?, reservedBytes: Int
    ) {
        unsafe self.handle = handle
        tls = identity.map(TLSLink.init)
        self.reservedBytes = reservedBytes
        self.server = server
        self.context = context
        loop = server.loop
        self.peer = Peer(address: peer, isEncrypted: identity != nil)
        openedAt = context.now
        firstDeadline = openedAt &+ context.headerMilliseconds
        ownDeadline = firstDeadline
        context.noteDeadline(ownDeadline)
    }

    /// Since when the peer has asked for nothing, by the loop's clock; nil while something is to be
    /// done for it.
    var idleSince: UInt64? {
        guard write == nil, !isClosed, !isBusy else { return nil }
        // Whatever its session has left will not be read.
        if let lingeringSince { return lingeringSince }
        guard let session else { return openedAt }
        return session.idleSince
    }

    /// Since when the peer has owed its first request or the end of one, by the loop's clock; nil
    /// while it owes nothing, or something is to be done for it.
    var unfinishedSince: UInt64? {
        guard write == nil, !isClosed, !isBusy else { return nil }
        guard let session else { return openedAt }
        return session.unfinishedSince
    }

    /// Begins to read.
    func open() {
        unsafe handle.pointee.data = unsafe Unmanaged.passRetained(self).toOpaque()
        unsafe uv_tcp_nodelay(handle, 1)
        startReading()
    }

    private var stream: UnsafeMutablePointer<uv_stream_t> {
        unsafe UnsafeMutableRawPointer(handle).assumingMemoryBound(to: uv_stream_t.self)
    }

    private var descriptor: CInt? { unsafe descriptorOf(stream) }

    // MARK: Reading

    private func startReading() {
        guard !isReading, !isClosed, !hasPeerEnded else { return }
        isReading = unsafe uv_read_start(stream, Connection.onAllocate, Connection.onRead) == 0
    }

    func stopReading() {
        guard isReading else { return }
        isReading = false
        unsafe uv_read_stop(stream)
    }

    func received(_ bytes: UnsafeRawBufferPointer, isItsTurn: Bool = false) {
        guard !isLingering, !isClosed else { return }
        isBusy = true
        if let tls {
            unsafe receive(bytes, through: tls, isItsTurn: isItsTurn)
        } else {
            unsafe takeIn(bytes)
        }
        isBusy = false
        flush()
    }

    /// Gives the protocol what the peer said.
    func takeIn(_ bytes: UnsafeRawBufferPointer) {
        if let session {
            unsafe session.receive(bytes)
        } else {
            unsafe chooseProtocol(bytes)
        }
        followSuccessor()
    }

    private func chooseProtocol(_ bytes: UnsafeRawBufferPointer) {
        var start = unsafe bytes
        if !firstBytes.isEmpty {
            unsafe firstBytes.append(contentsOf: bytes)
            unsafe start = UnsafeRawBufferPointer(start: nil, count: 0)
        }
        let kind =
            unsafe (tls?.chosenProtocol).map(FirstBytes.init)
            ?? (firstBytes.isEmpty
                ? unsafe FirstBytes(bytes) : firstBytes.withUnsafeBytes { unsafe FirstBytes($0) })
        switch kind {
        case .undecided:
            if firstBytes.isEmpty { unsafe firstBytes.append(contentsOf: start) }
            return
        case .http1: session = HTTP1Session(context: context, peer: peer, host: self)
        case .http2:
            session = HTTP2Session(context: context, peer: peer, host: self)
            if session == nil { return close() }
        }
        ownDeadline = .max
        if server.isDraining { session?.beginDraining() }
        if firstBytes.isEmpty {
            unsafe session?.receive(bytes)
        } else {
            unsafe firstBytes.withUnsafeBytes { unsafe session?.receive($0) }
            firstBytes = []
        }
    }

    /// The protocol may have changed in what came before; true when it has.
    @discardableResult
    private func followSuccessor() -> Bool {
        guard let next = session?.successor else { return false }
        session = next
        return true
    }

    fileprivate func readEnded(_ code: Int) {
        stopReading()
        hasPeerEnded = true
        guard code == Int(UV_EOF.rawValue), let session, !isLingering else {
            noteLostHandshake(isTimeout: false)
            return close()
        }
        isBusy = true
        session.peerEnded()
        isBusy = false
        flush()
    }

    /// The peer has said that it sends nothing more.
    func notePeerEnded() {
        stopReading()
        hasPeerEnded = true
        guard let session else { return close() }
        session.peerEnded()
    }

    /// The protocol's first bytes have as long as the handshake had.
    func restartFirstDeadline() {
        firstDeadline = context.now &+ context.headerMilliseconds
        if write == nil { ownDeadline = firstDeadline }
        context.noteDeadline(firstDeadline)
    }

    // MARK: Writing

    func sessionHasOutput() { if !isBusy { flush() } }

    var unwrittenBytes: Int { write?.count ?? 0 }

    /// Writes what the session has, at once as far as the socket takes it; closes when all is said.
    func flush() {
        followSuccessor()
        guard !isClosed, !isBusy, session != nil || tls != nil else { return }
        guard session?.isBrokenOff != true else { return breakOff() }
        // While an answer is stuck in the socket, more of them may come to wait.
        guard write == nil else { return payForBuffers() }
        guard !loop.isFlushing else { return loop.delayedFlushes.append(self) }
        isBusy = true
        loop.isFlushing = true
        var outcome = FlushOutcome.drained
        repeat {
            outcome = writeOnce()
            if followSuccessor(), outcome == .drained { outcome = .wrote }
        } while outcome == .wrote
        loop.isFlushing = false
        isBusy = false
        switch outcome {
        case .failed: close()
        case .blocked: stopReading()
        case .wrote, .drained:
            if session?.mustClose == true || tls?.state == .broken {
                linger()
            } else if session?.wantsInput ?? true, heldBack.isEmpty {
                startReading()
            } else {
                stopReading()
            }
        }
        payForBuffers()
        flushDelayed()
    }

    /// Connections that had output while another one used the loop's buffer.
    private func flushDelayed() {
        while !loop.isFlushing, let connection = loop.delayedFlushes.popLast() {
            connection.flush()
        }
    }

    /// Reserves what a peer that does not read its answers makes this connection keep, and requests
    /// that wait. Half of the memory stays for requests, those among them: where there is no room for
    /// answers, peers that have taken nothing for a while are closed; without any, this connection
    /// costs its own peer.
    private func payForBuffers() {
        guard !isClosed else { return }
        if dueBytes > paidBytes, unpaidForAnswers > 0 {
            server.makeRoom(forBuffers: unpaidForAnswers, of: self)
            // What that ended may have had something to say to this one.
            guard !isClosed else { return }
        }
        let due = dueBytes
        guard due != paidBytes else { return }
        let memory = context.settings.buffers
        if due < paidBytes {
            memory.giveBack(paidBytes - due)
        } else {
            let answers = unpaidForAnswers
            guard answers <= 0 || memory.hasPlenty(for: answers), memory.tryTake(due - paidBytes)
            else {
                context.settings.counters.connectionsRefused.add(1, ordering: .relaxed)
                return close()
            }
        }
        paidBytes = due
    }

    /// What its buffers take beyond the usual, in whole lots.
    private var dueBytes: Int { Connection.inLots(heldBytes) }

    /// What they would take without the requests that wait, beyond what is paid. Those of a peer that
    /// does not take its answers wait for nothing else, and count among these.
    private var unpaidForAnswers: Int {
        let requests = write == nil ? session?.heldRequestBytes ?? 0 : 0
        return Connection.inLots(heldBytes - requests) - paidBytes
    }

    private var heldBytes: Int {
        (write?.count ?? 0) + (session?.heldBytes ?? 0) + (tls?.unsent.count ?? 0)
    }

    private static func inLots(_ bytes: Int) -> Int {
        let lot = usualBufferBytes
        return bytes <= lot ? 0 : (bytes + lot - 1) / lot * lot
    }

    /// Since when its peer has taken nothing of what it makes this connection keep, by the loop's
    /// clock; nil when it keeps nothing, or its peer took something a moment ago.
    func stuckSince(now: UInt64) -> UInt64? {
        guard paidBytes > 0, !isClosed, !isBusy, let write else { return nil }
        return unsafe write.progress.stuckSince(untaken: untakenBytes(of: stream), now: now)
    }

    private enum FlushOutcome { case wrote, drained, blocked, failed }

    private func writeOnce() -> FlushOutcome {
        loop.output.removeAll()
        session?.drain(into: &loop.output)
        var bytes = unsafe loop.output.bytes
        if let tls {
            loop.sealed.removeAll()
            guard unsafe tls.seal(bytes, into: &loop.sealed) else { return .failed }
            unsafe bytes = loop.sealed.bytes
        }
        guard bytes.count > 0 else { return .drained }
        var buffer = unsafe uv_buf_init(
            UnsafeMutableRawPointer(mutating: bytes.baseAddress)?
                .assumingMemoryBound(to: CChar.self), UInt32(clamping: bytes.count))
        let written = unsafe Int(uv_try_write(stream, &buffer, 1))
        if written == bytes.count { return .wrote }
        guard written >= 0 || written == Int(UV_EAGAIN.rawValue) else { return .failed }
        let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[max(written, 0)...])
        let pending = unsafe PendingWrite(rest)
        guard unsafe pending.start(on: stream, now: context.now, Connection.onWritten) else {
            return .failed
        }
        write = pending
        ownDeadline = context.now &+ context.writeMilliseconds
        context.noteDeadline(ownDeadline)
        return .blocked
    }

    fileprivate func written(_ code: CInt) {
        write = nil
        ownDeadline = session == nil ? firstDeadline : .max
        guard !isClosed else { return }
        if code < 0 { close() } else { flush() }
    }

    // MARK: The end

    /// Ends our side and waits a little for the peer to end its own.
    private func linger() {
        guard !isLingering else { return }
        guard session?.isMidAnswer != true else { return close() }
        // Where nothing was asked since draining began, there is no answer to be read.
        let owedNothing = idleAtDrain != nil && session?.idleSince == idleAtDrain
        session?.abandon()
        guard !hasPeerEnded, !owedNothing else { return close() }
        lingeringSince = context.now
        sayEnd()
        guard let descriptor, shutdown(descriptor, CInt(SHUT_WR)) == 0 else { return close() }
        ownDeadline =
            context.now
            &+ (server.isDraining
                ? Connection.lastLingerMilliseconds : Connection.lingerMilliseconds)
        context.noteDeadline(ownDeadline)
        startReading()
    }

    /// The session has given its answer up.
    private func breakOff() {
        if write != nil { context.settings.counters.writeTimeouts.add(1, ordering: .relaxed) }
        close()
    }

    /// Closes at once, with a reset in the middle of an answer: its reader must not take what it has
    /// for the whole. Twice does nothing.
    func close(isReset: Bool = false) {
        guard !isClosed else { return }
        if isReset || session?.isMidAnswer == true {
            dropUnsent()
        } else {
            sayEnd()
        }
        isClosed = true
        isReading = false
        session?.abandon()
        context.settings.buffers.giveBack(paidBytes)
        paidBytes = 0
        server.remove(self)
        unsafe uv_close(
            UnsafeMutableRawPointer(handle).assumingMemoryBound(to: uv_handle_t.self),
            Connection.onClosed)
    }

    /// Makes closing the socket a reset, which drops what waits in the system, too.
    private func dropUnsent() {
        guard let descriptor else { return }
        var option = Glibc.linger(l_onoff: 1, l_linger: 0)
        unsafe setsockopt(
            descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    }

    /// Tells a TLS peer that nothing more comes, so that it knows the answer to be whole.
    private func sayEnd() {
        guard let tls, write == nil, !loop.isFlushing else { return }
        tls.sayEnd()
        guard !tls.unsent.isEmpty else { return }
        unsafe tls.unsent.withUnsafeBytes { bytes in
            var buffer = unsafe uv_buf_init(
                UnsafeMutableRawPointer(mutating: bytes.baseAddress)?
                    .assumingMemoryBound(to: CChar.self), UInt32(clamping: bytes.count))
            _ = unsafe uv_try_write(stream, &buffer, 1)
        }
        tls.unsent = []
    }

    func beginDraining() {
        guard let session else { return close() }
        idleAtDrain = idleSince
        session.beginDraining()
        // Nothing was under way and nothing is left to say.
        if idleAtDrain != nil, session.mustClose { return close() }
        flush()
    }

    // MARK: Time

    func checkDeadlines(now: UInt64) {
        if now >= ownDeadline {
            let counters = context.settings.counters
            if write != nil {
                counters.writeTimeouts.add(1, ordering: .relaxed)
            } else if tls?.state == .handshaking {
                noteLostHandshake(isTimeout: true)
            } else if session == nil {
                counters.headerTimeouts.add(1, ordering: .relaxed)
            }
            return close()
        }
        guard let session, !isLingering, now >= session.nextDeadline else { return }
        isBusy = true
        session.checkDeadlines(now: now)
        isBusy = false
        flush()
    }

    var nextDeadline: UInt64 {
        min(ownDeadline, isLingering ? .max : session?.nextDeadline ?? .max)
    }

    // MARK: Doors for libuv

    private static func find(_ data: UnsafeMutableRawPointer?) -> Connection? {
        guard let data = unsafe data else { return nil }
        return unsafe Unmanaged<Connection>.fromOpaque(data).takeUnretainedValue()
    }

    private static let onAllocate: uv_alloc_cb = { handle, _, buffer in
        guard let connection = unsafe find(handle?.pointee.data) else { return }
        let room = unsafe connection.roomForReading
        unsafe buffer?.pointee.base = unsafe room.baseAddress?.assumingMemoryBound(to: CChar.self)
        unsafe buffer?.pointee.len = room.count
    }

    private static let onRead: uv_read_cb = { stream, count, buffer in
        guard let connection = unsafe find(stream?.pointee.data) else { return }
        if count > 0 {
            unsafe connection.received(
                UnsafeRawBufferPointer(start: buffer?.pointee.base, count: count))
        } else if count < 0 {
            connection.readEnded(count)
        }
    }

    private static let onWritten: uv_write_cb = { request, code in
        guard let connection = unsafe find(request?.pointee.handle?.pointee.data) else { return }
        connection.written(code)
    }

    /// The last call for a handle: gives libuv's reference back.
    private static let onClosed: uv_close_cb = { handle in
        guard let handle = unsafe handle else { return }
        if let data = unsafe handle.pointee.data {
            unsafe Unmanaged<Connection>.fromOpaque(data).release()
        }
        unsafe UnsafeMutableRawPointer(handle).deallocate()
    }
}
