public import RoostAnalytics
public import RoostCore
public import RoostIngest

/// What a user writes in the configuration file, key for key; `Config()` is what holds without one.
///
/// Every default is declared here and nowhere else. How a value is written, its range and its
/// description stand in `ConfigKeys.swift`.
public struct Config: Sendable, Equatable {
    public var listen = Listen()
    public var limits = Limits()
    public var export: [Export] = []
    public var store = Store()
    public var agents = Agents()
    public var budgets: [Budget] = []
    public var audit = Audit()
    public var machine = Machine()
    public var enable = Enable()
    public var log = LogConfig()
    /// How long a drain may take.
    public var shutdown: Duration = .seconds(20)

    public init() {}

    /// Bounds on what peers may cost.
    public struct Limits: Sendable, Equatable {
        /// Bytes of telemetry held anywhere.
        public var memory = 512 << 20
        /// Bytes of the largest body after decompression.
        public var request = 64 << 20
        public var connections = 4096
        public var headerTimeout: Duration = .seconds(10)
        public var bodyTimeout: Duration = .seconds(30)
        public var idleTimeout: Duration = .seconds(120)
        public var seriesPerMetric = 10000
        public var seriesExpiry: Duration = .seconds(300)
        /// nil is never.
        public var derivedExpiry: Duration?
        /// Upper bounds of the buckets into which durations fall, strictly ascending.
        public var durationBounds = DurationBounds.standard.seconds.map {
            Duration.microseconds(Int64(($0 * 1e6).rounded()))
        }
        public init() {}

        /// `seriesPerMetric` for series computed from spans, each of which takes up to 1.6 KB: no more
        /// than a quarter of the memory, so that names without end leave room for the spans.
        var derivedSeries: Int {
            min(seriesPerMetric, max(1, memory / (1 << 20) * Self.derivedSeriesPerMebibyte))
        }

        private static let derivedSeriesPerMebibyte = 160
    }

    /// The embedded store.
    public struct Store: Sendable, Equatable {
        public var path = "./roost-data"
        /// By arrival; nil is for ever.
        public var keep: Duration? = .seconds(7 * 86_400)
        /// Bytes on disk.
        public var size = 2 << 30
        public init() {}
    }

    /// How agents' telemetry is understood.
    public struct Agents: Sendable, Equatable {
        /// A file that adds to the table of attribute names.
        public var names: String?
        /// A file that adds to the table of prices.
        public var prices: String?
        /// A file of rules for insights.
        public var insights: String?
        public var redact = Redact()
        /// Adds the GenAI conventions' names to forwarded spans of other dialects.
        public var normalize = false
        /// Whose names the computed client metrics have.
        public var semconv = ClientConventions.stable
        /// Whether counters of agents' work tell users.
        public var userLabel = UserLabel.off
        /// A secret, under which users are hashed; nil is that of the file, or one made at start.
        public var userKey: String?
        /// A file that holds it.
        public var userKeyFile: String?
        /// How long a trace must be quiet to be taken for over, and a call waits for its agent.
        public var hold: Duration = .seconds(30)
        /// Activities held at the same time.
        public var openActivities = 50_000
        /// What the files say; read when the configuration is checked.
        var tables = AgentTables()
        /// The same.
        var userKeyRead: [UInt8]?
        public init() {}
    }

    /// What of a user becomes a label.
    public enum UserLabel: String, Sendable, CaseIterable {
        case off, hashed
    }

    /// How much may be spent before somebody is told.
    public struct Budget: Sendable, Equatable {
        public var name = ""
        public var scope = BudgetRule.Scope.all
        /// A name, or `*`: each name has a budget of its own.
        public var match = "*"
        public var limit = BudgetRule.Limit.usd(0)
        public var per = BudgetRule.Period.month
        public init() {}
    }

    /// What is taken out of telemetry before it is kept or shown.
    public struct Redact: Sendable, Equatable {
        public var content = false
        /// Attribute keys, whole or `foo.*`.
        public var keys: [String] = []
        public var values: [SecretKind] = [.apiKey, .privateKey]
        public var patterns: [RedactPattern] = []
        /// For everything but patterns.
        public var action = RedactionAction.replace
        /// A secret; nil is a fresh one in each process.
        public var hashKey: String?
        public init() {}
    }

    /// A regular expression for values.
    public struct RedactPattern: Sendable, Equatable {
        public var name = ""
        public var pattern = ""
        public var action = RedactionAction.replace
        public init() {}
    }

    /// The audit trail, below the folder of the store.
    public struct Audit: Sendable, Equatable {
        /// Since the last record of a sealed file; nil is for ever.
        public var keep: Duration? = .seconds(365 * 86_400)
        /// Bytes of all files.
        public var size = 1 << 30
        /// Bytes of a file that is sealed.
        public var file = 64 << 20
        /// How often the whole trail is verified; nil is never.
        public var verify: Duration? = .seconds(6 * 3600)
        public init() {}
    }

    /// What `/metrics` says of the machine and of the process.
    public struct Machine: Sendable, Equatable {
        /// As node_exporter says it; off, because where that runs everything would be there twice.
        public var host = false
        public var process = true
        public init() {}
    }

    /// Which parts are on.
    public struct Enable: Sendable, Equatable {
        public var metrics = true
        public var traces = true
        public var logs = true
        public var analytics = true
        public var store = true
        public var live = true
        public var audit = true
        public init() {}
    }

    /// The lines to standard error.
    public struct LogConfig: Sendable, Equatable {
        public var format = Log.Format.text
        public var level = Log.Level.info
        public init() {}
    }
}

extension Config.Limits {
    /// Those in force: a configuration that was checked has good ones.
    var bounds: DurationBounds { durationHistogramBounds ?? .standard }

    /// Nil when `durationBounds` are not strictly ascending, none, or too many.
    var durationHistogramBounds: DurationBounds? {
        DurationBounds(seconds: durationBounds.map { Double($0.nanoseconds) / 1e9 })
    }
}
