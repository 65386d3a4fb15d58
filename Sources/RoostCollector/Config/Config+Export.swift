import RoostCore
public import RoostQueue
public import RoostWire

extension Config {
    /// One entry of `export`: a destination to which everything accepted is forwarded.
    public struct Export: Sendable, Equatable {
        /// The label `exporter` of the metrics; unique.
        public var name = ""
        public var endpoint = ""
        /// nil: as the port of the endpoint tells.
        public var `protocol`: ExportProtocol?
        public var signals: [Signal] = Signal.allCases
        /// Sent with every request; the values are secrets.
        public var headers: [ExportSettings.Header] = []
        public var compression = ExportCompression.none
        public var timeout: Duration = .seconds(10)
        public var concurrency = 4
        public var batch = Batch()
        public var tls = ClientTLS()
        public var queue = Queue()
        public var retry = Retry()
        public var deadLetters = DeadLetters()
        /// Addresses that stand for one signal each and are taken as they are. Only the
        /// environment gives them (`OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` and its like).
        public var signalEndpoints = ExportURLs()
        public init() {}
    }

    /// How requests to a destination are joined and cut.
    public struct Batch: Sendable, Equatable {
        /// Before compression.
        public var bytes = 4 << 20
        public var delay: Duration = .milliseconds(200)
        public init() {}
    }

    /// Files of the TLS client; nil means the system's authorities and no certificate of our own.
    public struct ClientTLS: Sendable, Equatable {
        public var ca: String?
        public var cert: String?
        public var key: String?
        public init() {}
    }

    /// What waits for a destination.
    public struct Queue: Sendable, Equatable {
        /// nil is in memory. Below it every destination has a folder of its own.
        public var path: String?
        public var sync = QueueSync.always
        public var gather: Duration = .zero
        /// Bytes waiting and in flight.
        public var size = 64 << 20
        public var whenFull = WhenFull.refuse
        public init() {}
    }

    /// When a failed request is sent again.
    public struct Retry: Sendable, Equatable {
        public var initial: Duration = .seconds(1)
        public var max: Duration = .seconds(30)
        /// nil is never: the size of the queue is the bound.
        public var giveUpAfter: Duration?
        public init() {}
    }

    /// Requests that a destination will not get.
    public struct DeadLetters: Sendable, Equatable {
        public var enabled = true
        /// nil is a folder of the destination's name below `store.path`.
        public var path: String?
        public var size = 256 << 20
        public var count = 10_000
        public init() {}
    }

    /// The destinations as the export service takes them. Entries that `ConfigLoader` would
    /// refuse are left out.
    public var exportSettings: [ExportSettings] {
        export.compactMap { $0.settings(folder: store.path) }
    }
}

extension Config.Export {
    /// With every address complete; nil when the endpoint is none. `folder` is that for what Roost
    /// keeps.
    func settings(folder: String) -> ExportSettings? {
        guard let endpoint = try? ExportEndpoint(endpoint, protocol: `protocol`) else { return nil }
        var settings = ExportSettings(
            name: name, protocol: endpoint.protocol, urls: ExportURLs())
        for signal in Signal.allCases {
            let url = signalEndpoints[signal] ?? endpoint.url(for: signal)
            if signals.contains(signal) {
                settings.urls[signal] = url
            } else {
                settings.otherURLs[signal] = url
            }
        }
        settings.headers = headers
        settings.compression = compression
        settings.timeout = timeout
        settings.concurrency = concurrency
        settings.batch.bytes = batch.bytes
        settings.batch.delay = batch.delay
        settings.tls.ca = tls.ca
        settings.tls.certificate = tls.cert
        settings.tls.key = tls.key
        settings.queue.capacityBytes = queue.size
        settings.queue.whenFull = queue.whenFull
        settings.queue.folder = queue.path.map { $0 + "/" + name }
        settings.queue.sync = queue.sync
        settings.queue.gather = queue.gather
        settings.retry.initial = retry.initial
        settings.retry.max = retry.max
        settings.retry.giveUpAfter = retry.giveUpAfter
        settings.deadLetters = deadLetterSettings(folder: folder)
        return settings
    }

    /// Nil when they are switched off.
    func deadLetterSettings(folder: String) -> ExportSettings.DeadLetters? {
        guard deadLetters.enabled else { return nil }
        var settings = ExportSettings.DeadLetters(
            path: deadLetters.path ?? folder + "/dead-letters/" + name)
        settings.bytes = deadLetters.size
        settings.count = deadLetters.count
        return settings
    }
}
