public import RoostQueue
public import RoostWire

/// One destination, resolved: what is written in `export[]`, with every default filled in and
/// every address complete.
public struct ExportSettings: Sendable, Equatable {
    /// The label `exporter`; unique among the destinations.
    public var name: String
    public var `protocol`: ExportProtocol
    /// Where each signal goes; nothing new of a signal without an address is sent here.
    public var urls: ExportURLs
    /// Where the other signals go: those were sent here once, and something of them is left in a
    /// queue on disk or as a dead letter.
    public var otherURLs = ExportURLs()
    /// Sent with every request. Values are secrets: they appear in no message.
    public var headers: [Header] = []
    public var compression: ExportCompression = .none
    /// For one request, from connecting to the last byte of the answer.
    public var timeout: Duration = .seconds(10)
    /// Requests in flight at once.
    public var concurrency = 4
    public var batch = Batch()
    public var tls = TLS()
    public var queue = Queue()
    public var retry = Retry()
    /// Nil keeps none.
    public var deadLetters: DeadLetters?

    public init(name: String, protocol: ExportProtocol, urls: ExportURLs) {
        self.name = name
        self.protocol = `protocol`
        self.urls = urls
    }

    /// Where what there is of `signal` goes.
    public func url(for signal: Signal) -> String? { urls[signal] ?? otherURLs[signal] }

    /// Of every signal, whether it is taken or not.
    var allURLs: ExportURLs {
        var all = urls
        for signal in Signal.allCases { all[signal] = url(for: signal) }
        return all
    }

    /// A request header.
    public struct Header: Sendable, Equatable {
        public var name: String
        public var value: String
        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// How requests are joined and cut.
    public struct Batch: Sendable, Equatable {
        /// No request is larger, before compression, unless one item alone is.
        public var bytes = 4 << 20
        /// How long a smaller batch waits for more.
        public var delay: Duration = .milliseconds(200)
        public init() {}
    }

    /// Files of the TLS client; nil means the system's certificate authorities, and no certificate
    /// of our own.
    public struct TLS: Sendable, Equatable {
        public var ca: String?
        public var certificate: String?
        public var key: String?
        public init() {}
    }

    /// What waits and is in flight.
    public struct Queue: Sendable, Equatable {
        /// Of all signals; on disk with the heads of the records.
        public var capacityBytes = 64 << 20
        public var whenFull: WhenFull = .refuse
        /// The folder of this destination alone; nil is a queue in memory.
        public var folder: String?
        public var sync = QueueSync.always
        /// How long after one sync the next may begin.
        public var gather: Duration = .zero
        public init() {}
    }

    /// Where requests are kept that the destination will not get.
    public struct DeadLetters: Sendable, Equatable {
        /// A folder.
        public var path: String
        /// The most that it takes; the oldest letters are removed.
        public var bytes = 256 << 20
        /// The most letters in it, at least 1.
        public var count = 10_000

        public init(path: String) { self.path = path }
    }

    /// When a failed batch is tried again.
    public struct Retry: Sendable, Equatable {
        /// The longest wait after the first failure; it doubles with each further one.
        public var initial: Duration = .seconds(1)
        /// The longest wait of all.
        public var max: Duration = .seconds(30)
        /// Since the first attempt of a batch; nil never.
        public var giveUpAfter: Duration?
        public init() {}
    }
}

/// The OTLP transport to a destination.
public enum ExportProtocol: String, Sendable, CaseIterable {
    case grpc
    case httpProtobuf = "http/protobuf"
}

/// The coding of request bodies.
public enum ExportCompression: String, Sendable, CaseIterable {
    case none, gzip, zstd
}

/// What a full queue does with new data.
public enum WhenFull: String, Sendable, CaseIterable {
    /// The sender is told to come back; nobody gets the request.
    case refuse
    /// This destination loses the new data.
    case dropNew = "drop_new"
    /// This destination loses its oldest waiting data.
    case dropOldest = "drop_oldest"
}

/// The complete address for each signal.
public struct ExportURLs: Sendable, Equatable {
    public var traces: String?
    public var metrics: String?
    public var logs: String?

    public init(traces: String? = nil, metrics: String? = nil, logs: String? = nil) {
        self.traces = traces
        self.metrics = metrics
        self.logs = logs
    }

    /// The address for `signal`.
    public subscript(_ signal: Signal) -> String? {
        get {
            switch signal {
            case .traces: traces
            case .metrics: metrics
            case .logs: logs
            }
        }
        set {
            switch signal {
            case .traces: traces = newValue
            case .metrics: metrics = newValue
            case .logs: logs = newValue
            }
        }
    }
}
