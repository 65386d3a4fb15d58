/// A WebSocket as the protocol of a connection, after HTTP/1.1 has handed it over.
extension WebSocket: ProtocolSession {
    static let pieceBytes = 64 << 10

    /// Takes the connection over: `output` has not left yet, `input` has come behind the handshake.
    func begin(output: UnsafeRawBufferPointer, input: [UInt8]) {
        unsafe urgent.append(output)
        opened()
        unsafe input.withUnsafeBytes { unsafe receive($0) }
    }

    func receive(_ bytes: UnsafeRawBufferPointer) {
        guard !isPeerDone, !hasReadEnd, bytes.count > 0 else { return }
        let isWaiting = !unheard.isEmpty
        var events: [WebSocketEvent] = []
        do throws(WebSocketFault) {
            unsafe try reader.read(bytes) { event in
                events.append(event)
                if case .close = event { return false }
                return true
            }
        } catch {
            fault = error
        }
        if unheard.isEmpty { unheard = events[...] } else { unheard += events }
        // Not from inside of `read`: whoever hears them may ask for `heldBytes`.
        if !isWaiting { hear() }
    }

    /// The reader is not to be asked again.
    private var hasReadEnd: Bool {
        if case .close = unheard.last { return true }
        return fault != nil
    }

    /// Takes what the peer said, as far as this turn has time for it: one read may bring thousands of
    /// messages.
    private func hear() {
        while !isPeerDone, let event = unheard.popFirst() {
            silentHeartbeats = 0
            take(event)
            guard unheard.isEmpty || context.loop?.hasTime != false else { return hearLater() }
        }
        dropUnheard()
        if let fault, !isPeerDone { fail(fault) }
    }

    private func hearLater() {
        // A slice keeps what was taken from its front; what is kept is what is counted.
        unheard = Array(unheard)[...]
        unheardBytes = unheard.reduce(0) { $0 + $1.heldBytes }
        context.loop?.putOff { [weak self] in
            guard let self, !isPeerDone else { return }
            hear()
            host?.sessionHasOutput()
        }
    }

    func dropUnheard() {
        unheard = []
        unheardBytes = 0
    }

    private func take(_ event: WebSocketEvent) {
        switch event {
        case .text(let text): if isOpen { received(text) }
        case .ping(let payload):
            guard isOpen else { return }
            urgent.append(frameHead(opcode: .pong, payloadBytes: payload.count))
            urgent.append(payload)
        case .pong: break
        case .close(let code): peerClosed(code: code)
        }
    }

    func drain(into output: inout OutputBuffer) {
        noteRoom()
        unsafe output.append(urgent.bytes)
        urgent.removeAll(keeping: WebSocket.usualUrgentBytes)
        takeWaiting(upTo: WebSocket.pieceBytes) { message in
            unsafe message.frame.withBytes { unsafe output.append($0) }
        }
        if let frame = closeFrame, waiting.isEmpty {
            output.append(frame)
            closeFrame = nil
            if isPeerDone { mustClose = true }
        }
    }

    func peerEnded() { breakOff() }

    func abandon() { breakOff() }

    func beginDraining() { goAway() }

    func checkDeadlines(now: UInt64) {
        if now >= closeDeadline { return breakOff() }
        guard isOpen, now >= nextHeartbeat else { return }
        guard silentHeartbeats < WebSocket.silentHeartbeatsAllowed else {
            context.settings.counters.idleTimeouts.add(1, ordering: .relaxed)
            return breakOff()
        }
        silentHeartbeats += 1
        nextHeartbeat = now &+ heartbeatMilliseconds
        context.noteDeadline(nextHeartbeat)
        ping()
    }

    var nextDeadline: UInt64 { isOpen ? nextHeartbeat : closeDeadline }

    /// A socket waits for nothing but events: it gives way to nobody, and their number has a limit
    /// of its own.
    var idleSince: UInt64? { nil }

    /// Pongs are no longer than their pings, so one read of input adds no more than itself.
    var wantsInput: Bool { urgent.count < WebSocket.pieceBytes && unheard.isEmpty }

    var heldBytes: Int { urgent.roomBytes + waitingCost + reader.heldBytes + unheardBytes }
}
