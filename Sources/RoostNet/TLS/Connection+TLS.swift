import RoostCore

/// How a connection's bytes pass through TLS.
///
/// One buffer serves both sides: the socket's bytes are read behind room for one record, and what
/// is decrypted is written from the buffer's start, never past what OpenSSL has taken.
extension Connection {
    /// Before the bytes of the socket: more than a record can hold that was begun in an earlier read.
    private static let recordRoom = 20 << 10
    /// A handshake is read in pieces of this size, because they may have to be kept.
    private static let handshakePieceBytes = 4 << 10

    private static let speaksTLS: StaticString = """
        HTTP/1.1 400 Bad Request\r
        content-type: text/plain\r
        connection: close\r
        content-length: 53\r
        \r
        This port speaks TLS; use https:// or a TLS channel.

        """

    /// Where the socket's next bytes go.
    var roomForReading: UnsafeMutableRawBufferPointer {
        let all = unsafe loop.readBuffer
        guard let tls else { return unsafe all }
        let room = unsafe all[Self.recordRoom...]
        return unsafe UnsafeMutableRawBufferPointer(
            rebasing: tls.state == .handshaking ? room.prefix(Self.handshakePieceBytes) : room)
    }

    /// Takes bytes that stand in `roomForReading`.
    ///
    /// `isItsTurn` for those that have waited for it.
    func receive(_ bytes: UnsafeRawBufferPointer, through tls: TLSLink, isItsTurn: Bool) {
        if tls.state == .handshaking {
            guard unsafe speaksTLS(bytes, tls) else { return }
            guard isItsTurn || loop.handshakes.mayGoOn(now: context.now) else {
                return unsafe holdBack(bytes)
            }
        }
        unsafe tls.lend(bytes)
        defer { tls.takeBack() }
        if tls.state == .handshaking { shakeHands(tls) }
        if tls.state == .open { unsafe takeIn(bytes, of: tls) }
    }

    /// Whether the first bytes can be TLS; what is HTTP is told where it is.
    private func speaksTLS(_ bytes: UnsafeRawBufferPointer, _ tls: TLSLink) -> Bool {
        guard !tls.hasBegun, let first = unsafe bytes.first, first != 0x16 else { return true }
        let isText = (0x41...0x5A).contains(first)
        tls.refuse(isText ? Self.speaksTLS : "")
        note(isText ? .plainHTTP : .notTLS)
        return false
    }

    private func shakeHands(_ tls: TLSLink) {
        let began = monotonicNanoseconds()
        let outcome = tls.shakeHands()
        loop.handshakes.note(nanoseconds: monotonicNanoseconds() &- began)
        switch outcome {
        case .wantsMore: break
        case .done(let version):
            context.settings.counters.tls.withLock { $0.note(version) }
            giveBackHandshakeBytes()
            restartFirstDeadline()
        case .failed(let reason): note(reason)
        }
    }

    /// What only a handshake takes.
    private func giveBackHandshakeBytes() {
        let bytes = TLSLink.handshakeBytes - TLSLink.openBytes
        guard reservedBytes >= TLSLink.handshakeBytes else { return }
        reservedBytes -= bytes
        context.settings.memory.giveBack(bytes)
    }

    private func takeIn(_ bytes: UnsafeRawBufferPointer, of tls: TLSLink) {
        let room = unsafe loop.readBuffer
        var count = 0
        func deliver() {
            guard count > 0 else { return }
            unsafe takeIn(UnsafeRawBufferPointer(rebasing: room[..<count]))
            count = 0
        }
        while !isClosed {
            let free = Self.recordRoom + bytes.count - tls.unread - count
            guard free > 0 else {
                deliver()
                continue
            }
            let opened = unsafe tls.open(
                into: UnsafeMutableRawBufferPointer(rebasing: room[count..<(count + free)]))
            switch opened {
            case .bytes(let more): count += more
            case .wantsMore: return deliver()
            case .ended:
                deliver()
                return notePeerEnded()
            case .broken:
                context.settings.counters.protocolErrors.add(1, ordering: .relaxed)
                return deliver()
            }
        }
    }

    // MARK: Handshakes that wait

    /// Keeps a piece until the loop has time, and reads nothing meanwhile.
    private func holdBack(_ bytes: UnsafeRawBufferPointer) {
        if heldBack.isEmpty { loop.handshakes.wait(self, loop: loop) }
        unsafe heldBack.append(contentsOf: bytes)
        stopReading()
    }

    /// The loop has time now.
    func goOnShakingHands() {
        let bytes = heldBack
        heldBack = []
        guard !isClosed, !bytes.isEmpty else { return }
        let room = unsafe UnsafeMutableRawBufferPointer(
            rebasing: loop.readBuffer[Self.recordRoom...].prefix(bytes.count))
        guard room.count == bytes.count else { return close() }
        unsafe room.copyBytes(from: bytes)
        unsafe received(UnsafeRawBufferPointer(room), isItsTurn: true)
    }

    // MARK: Counting

    private func note(_ reason: TLSFailure) {
        context.settings.counters.tls.withLock { $0.note(reason) }
    }

    /// The connection ends; a handshake that was begun counts as failed. Who connects and goes
    /// without a word, as checks of balancers do, has begun none.
    func noteLostHandshake(isTimeout: Bool) {
        guard let tls, tls.state == .handshaking, isTimeout || tls.hasBegun || !heldBack.isEmpty
        else { return }
        note(isTimeout ? .timeout : .clientLeft)
    }
}
