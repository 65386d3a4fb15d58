public import RoostCore
import Synchronization

/// What a server allows its peers.
public struct ServerSettings: Sendable {
    /// Largest body, after inflating.
    public var maxRequestBytes = 64 << 20
    /// From the first byte of a request (or the start of the connection) to the end of its head.
    public var headerTimeout: Duration = .seconds(10)
    /// From the end of the head to the end of the body.
    public var bodyTimeout: Duration = .seconds(30)
    /// How long a connection without a request is kept.
    public var idleTimeout: Duration = .seconds(120)
    /// How long a peer may leave an answer unread.
    public var writeTimeout: Duration = .seconds(30)
    /// All names and values of a request's headers together.
    public var maxHeaderBytes = 16 << 10
    /// The request target.
    public var maxTargetBytes = 8 << 10
    /// HTTP/2: bytes that one stream may have under way.
    public var streamWindow = 1 << 20
    /// HTTP/2: bytes that one connection may have under way.
    public var connectionWindow = 4 << 20
    /// HTTP/2: requests that one connection may have open.
    public var maxConcurrentStreams = 256
    /// Shared by every server that counts against the same cap.
    public var connections: ConnectionLimit
    /// Whether, when no connection is idle, the one that has owed a request or the rest of one for
    /// longest gives way to a new one. Not where requests are long: whoever sends one would have to
    /// send it again because others come.
    public var unfinishedGiveWay = false
    /// Shared by every server that counts against the same cap, and with whatever else of them has no
    /// end, as streams of events. They do not give way to new connections as idle ones do, so this is
    /// to be well below the cap on those.
    public var webSockets = ConnectionLimit(32)
    /// Every buffered body and every open connection is reserved here.
    public var memory: MemoryBudget.Share
    /// Unsent answers and requests that wait behind them are reserved here. When half of that budget
    /// is in use, connections whose peers take nothing are closed, else the one that needs more. The
    /// same as `memory`, except where connections must be served whatever the memory.
    public var buffers: MemoryBudget.Share
    /// Shared by the servers of all loops on one address.
    public var counters: ServerCounters
    /// Shared by the servers of all loops on one address. Plain text unless it holds an identity.
    public var tls = TLSDoor()

    public init(
        connections: ConnectionLimit, memory: MemoryBudget.Share,
        counters: ServerCounters = ServerCounters()
    ) {
        self.connections = connections
        self.memory = memory
        buffers = memory
        self.counters = counters
    }
}

/// Those of `ServerSettings` that can change while a server runs.
public struct ServerLimits: Sendable {
    public var maxRequestBytes: Int
    public var headerTimeout: Duration
    public var bodyTimeout: Duration
    public var idleTimeout: Duration

    public init(
        maxRequestBytes: Int, headerTimeout: Duration, bodyTimeout: Duration,
        idleTimeout: Duration
    ) {
        self.maxRequestBytes = maxRequestBytes
        self.headerTimeout = headerTimeout
        self.bodyTimeout = bodyTimeout
        self.idleTimeout = idleTimeout
    }
}

/// A cap on open connections over all loops. Any thread.
public final class ConnectionLimit: Sendable {
    private let most: Atomic<Int>
    private let count = Atomic<Int>(0)

    public init(_ limit: Int) { most = Atomic(limit) }

    public var limit: Int { most.load(ordering: .relaxed) }

    /// Those that are open stay.
    public func setLimit(_ limit: Int) { most.store(limit, ordering: .relaxed) }

    public var open: Int { count.load(ordering: .relaxed) }

    /// Counts one more until the place is let go of; nil when there are as many as may be.
    public func takePlace() -> Place? { tryTake() ? Place(self) : nil }

    /// Held by what counts against the cap.
    public final class Place: Sendable {
        private let limit: ConnectionLimit

        fileprivate init(_ limit: ConnectionLimit) { self.limit = limit }

        deinit { limit.giveBack() }
    }

    func tryTake() -> Bool {
        if count.wrappingAdd(1, ordering: .relaxed).newValue <= limit { return true }
        giveBack()
        return false
    }

    func giveBack() { count.wrappingSubtract(1, ordering: .relaxed) }
}

/// What happened at a listener, for the status page. Any thread.
public final class ServerCounters: Sendable {
    /// A reading of all of them.
    public struct Values: Sendable, Equatable {
        /// Open now.
        public var connectionsOpen = 0
        public var connectionsAccepted = 0
        /// Closed for the cap or for lack of memory, most of them at once.
        public var connectionsRefused = 0
        public var requests = 0
        public var headerTimeouts = 0
        public var bodyTimeouts = 0
        public var idleTimeouts = 0
        /// Closed or reset because the peer left an answer unread for too long, or for a moment while
        /// others needed the room.
        public var writeTimeouts = 0
        /// Connections and streams ended because the peer broke the protocol.
        public var protocolErrors = 0
        public var tls = TLSCounts()
    }

    let connectionsOpen = Atomic<Int>(0)
    let connectionsAccepted = Atomic<Int>(0)
    let connectionsRefused = Atomic<Int>(0)
    let requests = Atomic<Int>(0)
    let headerTimeouts = Atomic<Int>(0)
    let bodyTimeouts = Atomic<Int>(0)
    let idleTimeouts = Atomic<Int>(0)
    let writeTimeouts = Atomic<Int>(0)
    let protocolErrors = Atomic<Int>(0)
    let tls = Mutex(TLSCounts())

    public init() {}

    public var values: Values {
        Values(
            connectionsOpen: connectionsOpen.load(ordering: .relaxed),
            connectionsAccepted: connectionsAccepted.load(ordering: .relaxed),
            connectionsRefused: connectionsRefused.load(ordering: .relaxed),
            requests: requests.load(ordering: .relaxed),
            headerTimeouts: headerTimeouts.load(ordering: .relaxed),
            bodyTimeouts: bodyTimeouts.load(ordering: .relaxed),
            idleTimeouts: idleTimeouts.load(ordering: .relaxed),
            writeTimeouts: writeTimeouts.load(ordering: .relaxed),
            protocolErrors: protocolErrors.load(ordering: .relaxed),
            tls: tls.withLock { $0 })
    }
}
