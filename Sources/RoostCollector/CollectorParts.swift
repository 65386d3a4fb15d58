import RoostCore
import RoostIngest
import RoostMetrics
import RoostNet
import Synchronization

/// What the threads share, made once from the configuration. Every part is safe from any thread.
final class CollectorParts: Sendable {
    let version: String
    private let log: Log
    /// As it was at start.
    let config: Config
    /// With what a reload has changed since.
    let inForce: Mutex<Config>
    let startedUnixNano = unixNanoseconds()
    let budget: MemoryBudget
    let ledger: Ledger
    let exports: ExportService
    let series: SeriesStore
    let switches: Switches
    /// Locked while a part is turned; true when none is any more.
    private let endsTurning = Mutex(false)
    let lifecycle = Lifecycle()
    /// Each listener's.
    let access: ListenAccess
    let live = LiveCounters()
    /// Of the metrics derived from spans.
    let derivedLimit: SeriesLimit
    /// CORS, for the listeners that take OTLP.
    let origins: CORSOrigins
    private let showsHost: HostSwitch
    let intake: IntakeShared
    let agents: AgentService
    let store: StoreService
    /// As a reload leaves it.
    let prices: Mutex<PriceBook>
    let names: Mutex<NameTable>
    let audit: AuditService
    let readiness: Readiness
    private let connections: ConnectionLimit
    /// Apart, so that senders who take every connection do not keep probes and scrapes out.
    private let webConnections: ConnectionLimit
    private static let mostOfWeb = 2_048
    /// Of the web's connections, those that may be live streams, over WebSocket or not.
    let liveStreams: ConnectionLimit
    private let setAside: SetAside
    /// Pays for answers of the API.
    let answers: AnswerRoom
    /// Pays for the pages of scrapers.
    let pages: AnswerRoom
    private let bodies: MemoryBudget.Share
    /// Pays for the series derived from spans.
    let derived: MemoryBudget.Share
    private let counters: [(Listener, ServerCounters)] = [
        (.grpc, ServerCounters()), (.http, ServerCounters()), (.web, ServerCounters()),
    ]

    init(config: Config, log: Log, version: String) {
        self.version = version
        self.log = log
        self.config = config
        inForce = Mutex(config)
        let derivedLimit = SeriesLimit(config.limits.derivedSeries)
        self.derivedLimit = derivedLimit
        origins = CORSOrigins(allowed: config.listen.cors)
        budget = MemoryBudget(limitBytes: config.limits.memory)
        Allocator.suit(limitBytes: config.limits.memory)
        bodies = budget.share("requests")
        let fitting = DescriptorLimit.fit(Self.wanted(config.limits), log)
        connections = ConnectionLimit(fitting.senders)
        webConnections = ConnectionLimit(fitting.web)
        liveStreams = ConnectionLimit(fitting.web / 2)
        derived = budget.share("derived_series")
        let destinations = config.exportSettings
        ledger = Ledger(exporters: destinations.map(\.name))
        exports = ExportService(
            destinations: destinations, ledger: ledger, budget: budget, log: log)
        let showsHost = HostSwitch(config.machine.host)
        self.showsHost = showsHost
        series = SeriesStore(
            settings: SeriesSettings(
                seriesPerMetric: config.limits.seriesPerMetric,
                expiry: config.limits.seriesExpiry, memory: budget.share("series")),
            reservedNames: { name in
                SelfMetricsSource.isReserved(name)
                    || showsHost.isOn && HostStatistics.isReserved(name)
            })
        switches = Switches(config.enable)
        access = ListenAccess(config.listen)
        setAside = SetAside(budget, config)
        answers = AnswerRoom(budget: budget)
        pages = AnswerRoom(
            budget: budget, name: "pages", fraction: 32, leastBytes: CollectorView.pageBytes)
        let book = config.prices
        prices = Mutex(book)
        agents = AgentService(
            loops: processorCount(),
            settings: Self.tracking(
                config, derivedLimit, memory: derived, began: startedUnixNano, userKey: nil),
            prices: book,
            series: series,
            analytics: AnalyticsService(
                isOn: config.enable.analytics, began: startedUnixNano,
                rules: config.analyticsRules, folder: config.store.path, log: log))
        let audit = AuditService(config, log: log)
        self.audit = audit
        let names = NameTable(config.names)
        self.names = Mutex(names)
        store = StoreService(
            config: config, names: names, switches: switches, ledger: ledger, budget: budget,
            log: log)
        let readiness = Readiness(
            lifecycle: lifecycle, exports: exports, budget: budget, store: store)
        self.readiness = readiness
        intake = IntakeShared(
            ledger: ledger, exports: exports, series: series, store: store, switches: switches,
            redaction: RedactionInForce(
                config.agents.redact, names: config.names),
            lifecycle: lifecycle, memory: budget.share("copies"),
            maxRequestBytes: config.limits.request,
            names: nil, normalizes: config.agents.normalize, audit: audit,
            isReady: { readiness.reasons.isEmpty })
        give(names, to: config.enable)
    }

    private static func tracking(
        _ config: Config, _ limit: SeriesLimit, memory: MemoryBudget.Share, began: UInt64,
        userKey: [UInt8]?
    ) -> AgentTrackerSettings {
        var tracking = AgentTrackerSettings()
        tracking.hold = config.agents.hold.nanoseconds
        tracking.openActivities = SetAside.openActivities(config)
        tracking.seriesLimit = limit
        tracking.bounds = config.limits.bounds
        tracking.memory = memory
        tracking.began = began
        tracking.semconv = config.agents.semconv
        tracking.userKey = userKey
        return tracking
    }

    /// Gives the tables to those who are on.
    private func give(_ names: NameTable, to enable: Config.Enable) {
        intake.names.withLock { $0 = enable.analytics ? names : nil }
        intake.decisionNames.withLock { $0 = enable.audit && !enable.analytics ? names : nil }
    }

    /// From the next request on; calls that were told before keep their price.
    func use(tables config: Config) {
        let names = NameTable(config.names)
        self.names.withLock { $0 = names }
        give(names, to: config.enable)
        let book = config.prices
        prices.withLock { $0 = book }
        store.use(names: names, prices: book)
        agents.use(prices: book)
        agents.analytics.use(config.analyticsRules)
    }

    /// Turns a part on or off while the collector runs; nothing when it is so already. Waits for the
    /// disk, and for others that turn one.
    func turn(_ part: Switches.Part, on isOn: Bool) {
        endsTurning.withLock { isOver in
            guard !isOver else { return }
            inForce.withLock { $0.enable[part] = isOn }
            if switches.isOn(part) != isOn { turnAlone(part, on: isOn) }
        }
    }

    /// Nothing is turned from now on; waits for what is under way.
    func endTurning() { endsTurning.withLock { $0 = true } }

    private func turnAlone(_ part: Switches.Part, on isOn: Bool) {
        switches.set(part, isOn)
        if part == .analytics || part == .audit {
            give(names.withLock { $0 }, to: inForce.withLock { $0.enable })
        }
        if part == .analytics {
            setAside.use(inForce.withLock { $0 })
            agents.analyse(isOn)
        }
        if part == .store, isOn { store.openLater(log) }
        audit.note(
            "collector.switch", [("part", .string(part.rawValue)), ("on", .bool(isOn))],
            turning: part == .audit ? isOn : nil)
        log.info("\(part.rawValue) switched \(isOn ? "on" : "off")")
    }

    /// Takes over what may change of everything but destinations, listeners, tables and switches;
    /// the loops are told by who has them. `userKey` is for labels of users, nil without these.
    func use(_ config: Config, userKey: [UInt8]?) {
        let limits = config.limits
        derivedLimit.use(limits.derivedSeries)
        series.update(seriesPerMetric: limits.seriesPerMetric, expiry: limits.seriesExpiry)
        label(users: userKey, config)
        origins.use(config.listen.cors)
        if showsHost.turn(config.machine.host) { series.reservedNamesChanged() }
        store.use(config)
        audit.use(config)
        budget.setLimit(limits.memory)
        setAside.use(config)
        answers.suitLimit()
        pages.suitLimit()
        Allocator.suit(limitBytes: limits.memory)
        intake.maxRequestBytes.store(limits.request, ordering: .relaxed)
        let fitting = DescriptorLimit.fit(Self.wanted(limits), log)
        connections.setLimit(fitting.senders)
        webConnections.setLimit(fitting.web)
        liveStreams.setLimit(fitting.web / 2)
    }

    private static func wanted(_ limits: Config.Limits) -> DescriptorLimit.Connections {
        DescriptorLimit.Connections(
            senders: limits.connections, web: min(limits.connections, mostOfWeb))
    }

    /// How agents' work is counted from now on.
    func label(users key: [UInt8]?, _ config: Config) {
        agents.use(
            Self.tracking(
                config, derivedLimit, memory: derived, began: startedUnixNano, userKey: key))
    }

    /// What a listener allows its peers.
    func settings(_ listener: Listener) -> ServerSettings {
        var settings = ServerSettings(
            connections: listener == .web ? webConnections : connections, memory: bodies,
            counters: counters.first { $0.0 == listener }?.1 ?? ServerCounters())
        settings.maxRequestBytes = config.limits.request
        settings.headerTimeout = config.limits.headerTimeout
        settings.bodyTimeout = config.limits.bodyTimeout
        settings.idleTimeout = config.limits.idleTimeout
        settings.tls = access[listener].tls
        guard listener == .web else { return settings }
        // Probes and scrapes are answered when the memory is full, too.
        settings.buffers = setAside.webBuffers.share("web")
        settings.webSockets = liveStreams
        // So that half requests and streams keep no probe out.
        settings.unfinishedGiveWay = true
        return settings
    }

    var listenerCounters: [(name: String, counters: ServerCounters.Values)] {
        counters.map { ($0.0.rawValue, $0.1.values) }
    }
}
