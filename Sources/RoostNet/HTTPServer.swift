import CUV
import Glibc
import RoostCore
import Synchronization

/// One loop's listener on an address, and the connections it accepted.
///
/// Speaks HTTP/1.1 and, when a connection begins with its preface, HTTP/2.
@safe public final class HTTPServer: @unchecked Sendable {
    // Sendable: all state belongs to the loop's thread; the public functions post themselves there.

    public let loop: EventLoop
    /// With the port that was found.
    public let address: ListenAddress
    private let settings: ServerSettings
    private let context: ServerContext
    private var listener: Listener?
    private var connections: [Connection] = []
    private var stuckPeers = StuckPeers<Connection> { $0.stuckSince(now: $1) }
    /// Some of those that give way to new connections, as they were found at a moment, which serves
    /// all that come in it. The next one is last.
    private(set) var givingWay: [Connection] = []
    private var foundGivingWayAt: UInt64 = 0
    private var drained: [@Sendable () -> Void] = []
    private(set) var isDraining = false

    private var timer: LoopTimer?

    /// A deadline is looked at no more often than this.
    private static let leastTimerMilliseconds: UInt64 = 10
    /// So many connections of one server are served even when the budget has no room for them, so
    /// that a probe can always ask how things are.
    private static let alwaysServed = 64
    /// So many are looked for at once.
    private static let mostGivingWay = 64
    /// Connections that are closed at the most to make room for one.
    private static let mostClosedForOne = 8

    /// Opens the socket here and begins to accept on the loop. Any thread; `handler` is used on the
    /// loop's thread only, and held until the server is let go of.
    public init(
        loop: EventLoop, address: BoundAddress, settings: ServerSettings,
        handler: any RequestHandler
    ) throws(ListenError) {
        self.loop = loop
        self.address = address.address
        self.settings = settings
        context = ServerContext(
            settings: settings, handler: handler, loop: loop)
        let descriptor = try address.openListener()
        context.lookEarlier = { [weak self] in self?.lookEarlier($0) }
        if !loop.post({ self.start(descriptor) }) { Glibc.close(descriptor) }
    }

    /// Other limits; connections stay open. Any thread.
    public func use(_ limits: ServerLimits) { loop.post { self.context.use(limits) } }

    /// Stops accepting, tells the peers to go, and calls `done` on the loop when the last request
    /// is answered and the last connection closed. Any thread.
    public func drain(_ done: @escaping @Sendable () -> Void) {
        loop.post {
            self.closeListener()
            self.isDraining = true
            self.drained.append(done)
            for connection in self.connections { connection.beginDraining() }
            self.noteIfDrained()
        }
    }

    /// Closes the listener and every connection, whatever is under way. Any thread.
    public func closeAll() {
        loop.post {
            self.closeListener()
            self.isDraining = true
            for connection in self.connections { connection.close() }
            self.noteIfDrained()
        }
    }

    // MARK: Accepting

    private func start(_ descriptor: CInt) {
        timer = LoopTimer(loop: loop) { [weak self] in self?.sweep() }
        // Held by the listener until it is closed.
        let listener = Listener(
            descriptor, loop: loop, taken: accept,
            turnedAway: {
                self.settings.counters.connectionsRefused.add(1, ordering: .relaxed)
            })
        if listener.start() { self.listener = listener }
    }

    private func closeListener() {
        listener?.close()
        listener = nil
    }

    private func accept(_ descriptor: CInt) {
        // One that was reset before it got here has no peer any more. What it sent may still be
        // read, and nobody would know whom it is from.
        guard let peer = SocketAddress(peerOf: descriptor) else {
            Glibc.close(descriptor)
            return
        }
        let identity = settings.tls.current
        guard let reserved = admit(isTLS: identity != nil) else {
            settings.counters.connectionsRefused.add(1, ordering: .relaxed)
            Glibc.close(descriptor)
            return
        }
        let handle = UnsafeMutablePointer<uv_tcp_t>.allocate(capacity: 1)
        unsafe uv_tcp_init(loop.uv, handle)
        unsafe handle.pointee.data = nil
        // Fails only for what is no socket, or is one of the loop's already.
        if unsafe uv_tcp_open(handle, descriptor) != 0 { Glibc.close(descriptor) }
        settings.counters.connectionsAccepted.add(1, ordering: .relaxed)
        settings.counters.connectionsOpen.add(1, ordering: .relaxed)
        let connection = unsafe Connection(
            server: self, context: context, handle: handle, peer: peer, identity: identity,
            reservedBytes: reserved)
        connection.listIndex = connections.count
        connections.append(connection)
        connection.open()
    }

    /// Counts one connection more and reserves what it takes; answers how many bytes, nil when
    /// there is no room.
    private func admit(isTLS: Bool) -> Int? {
        if !settings.connections.tryTake() {
            guard makePlace(), settings.connections.tryTake() else { return nil }
        }
        let isAlwaysServed = connections.count < HTTPServer.alwaysServed
        let bytes =
            (isAlwaysServed ? 0 : Connection.reservedBytes) + (isTLS ? TLSLink.handshakeBytes : 0)
        if bytes == 0 || settings.memory.tryTake(bytes) { return bytes }
        if isAlwaysServed { return 0 }
        settings.connections.giveBack()
        return nil
    }

    /// Closes the first of those that give way to a new connection; false when nobody does.
    private func makePlace() -> Bool {
        let now = loop.now
        if givingWay.isEmpty || foundGivingWayAt != now {
            givingWay = findGivingWay()
            foundGivingWayAt = now
        }
        while let connection = givingWay.popLast() {
            if settings.unfinishedGiveWay, connection.unfinishedSince != nil {
                settings.counters.connectionsRefused.add(1, ordering: .relaxed)
            } else if connection.idleSince != nil {
                settings.counters.idleTimeouts.add(1, ordering: .relaxed)
            } else {
                continue
            }
            connection.close()
            return true
        }
        return false
    }

    /// Those that wait for nothing, the longest first, and behind them, where that is allowed, those
    /// whose peers owe a request or the rest of one. A probe that was just accepted is the last of all.
    /// In reverse order.
    private func findGivingWay() -> [Connection] {
        var idle: [(since: UInt64, connection: Connection)] = []
        var unfinished: [(since: UInt64, connection: Connection)] = []
        for connection in connections {
            if settings.unfinishedGiveWay, let since = connection.unfinishedSince {
                unfinished.append((since, connection))
            } else if let since = connection.idleSince {
                idle.append((since, connection))
            }
        }
        let inOrder =
            idle.sorted { $0.since < $1.since } + unfinished.sorted { $0.since < $1.since }
        return inOrder.prefix(HTTPServer.mostGivingWay).reversed().map(\.connection)
    }

    /// Closes those whose peers have taken nothing for longest until `bytes` more may be kept for
    /// `asker`, or no such peer is known.
    func makeRoom(forBuffers bytes: Int, of asker: Connection) {
        let memory = settings.buffers
        // A quarter before there is none.
        guard !memory.hasPlenty(for: bytes + memory.limitBytes / 4) else { return }
        loop.noticeStop()
        let now = loop.now
        stuckPeers.look(at: connections, now: now)
        for _ in 0..<HTTPServer.mostClosedForOne where !memory.hasPlenty(for: bytes) {
            guard let stuck = stuckPeers.takeLongest(except: asker, now: now) else { return }
            settings.counters.writeTimeouts.add(1, ordering: .relaxed)
            stuck.close(isReset: true)
        }
    }

    func remove(_ connection: Connection) {
        let place = connection.listIndex
        guard place < connections.count, connections[place] === connection else { return }
        connections.swapAt(place, connections.count - 1)
        connections[place].listIndex = place
        connections.removeLast()
        if connections.isEmpty { stuckPeers.forgetAll() }
        // It may be long until the next one is to make room.
        if let place = givingWay.firstIndex(where: { $0 === connection }) {
            givingWay.remove(at: place)
        }
        settings.connections.giveBack()
        settings.counters.connectionsOpen.subtract(1, ordering: .relaxed)
        settings.memory.giveBack(connection.reservedBytes)
        noteIfDrained()
    }

    private func noteIfDrained() {
        guard isDraining, listener == nil, connections.isEmpty else { return }
        timer?.cancel()
        timer = nil
        let calls = drained
        drained = []
        for call in calls { call() }
    }

    // MARK: Time

    private func lookEarlier(_ deadline: UInt64) {
        guard let timer else { return }
        context.nextLook = deadline
        let now = loop.now
        let wait = deadline > now ? deadline - now : 0
        timer.start(
            afterMilliseconds: max(wait, HTTPServer.leastTimerMilliseconds), repeatMilliseconds: 0)
    }

    private func sweep() {
        context.nextLook = .max
        loop.noticeStop()
        let now = loop.now
        for connection in connections { connection.checkDeadlines(now: now) }
        var next = UInt64.max
        for connection in connections { next = min(next, connection.nextDeadline) }
        context.noteDeadline(next)
    }
}
