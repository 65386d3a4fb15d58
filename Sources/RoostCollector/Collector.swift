import Glibc
public import RoostCore
import RoostIngest
import RoostMetrics
public import RoostNet
import RoostWire

/// The whole collector: made from a configuration, started, drained.
///
/// Main thread only, but for what `CollectorView` shows to the web loop.
public final class Collector {
    private let config: Config
    private let log: Log
    private let parts: CollectorParts
    private var ingestLoops: [IngestLoop] = []
    private var webLoop: EventLoop?
    private var webServer: HTTPServer?
    private var view: LoopOwned<CollectorView>?
    /// How often the span metrics began anew.
    private var spanMetricsGeneration = 0
    private var threads: [NamedThread] = []
    /// Where it listens once it has started, with the real ports.
    public private(set) var listeners: [(name: String, address: ListenAddress)] = []
    /// Locked for as long as the collector is there.
    private var dataFolder: DataFolder?

    /// How long answers that are under way may still take once everything else has ended, and how
    /// long the store and the audit trail have at least, whatever the destinations took.
    private static let lastAnswers: UInt64 = 1_000_000_000

    public init(config: Config, log: Log, version: String) {
        self.config = config
        self.log = log
        parts = CollectorParts(config: config, log: log, version: version)
    }

    /// Binds every address, starts every thread and is then ready.
    ///
    /// `web` makes the handler of the web port, confined to the loop it is given. Throws before
    /// anything is accepted; what was begun is then given up with the process.
    public func start(
        web: (CollectorView, EventLoop) -> any RequestHandler
    ) throws(StartError) {
        dataFolder = try DataFolder(config.store.path)
        do throws(UserKeyFault) {
            parts.label(users: try UserKey.inForce(config), config)
        } catch {
            throw .userKey(error)
        }
        if config.enable.audit { try parts.audit.open() }
        let addresses = try reserveAddresses()
        listeners = [
            ("listen.grpc", addresses.grpc.address), ("listen.http", addresses.http.address),
            ("listen.web", addresses.web.address),
        ]
        do {
            try openLoops(addresses, web: web)
        } catch let error as ListenError {
            throw .listener(name: "web", error)
        } catch {
            throw .resources("\(error)")
        }
        try parts.store.start()
        do throws(ExportStartError) { try parts.exports.start() } catch {
            throw .exporter(error)
        }
        try startThreads()
        parts.audit.note(
            "collector.start",
            [
                ("version", .string(parts.version)), ("pid", .number(Double(getpid()))),
                ("web", .string(addresses.web.address.description)),
            ])
        CodePages.forget()
        parts.lifecycle.enter(.running)
        log.info(
            "ready",
            [
                "grpc": addresses.grpc.address.description,
                "http": addresses.http.address.description,
                "web": addresses.web.address.description, "version": parts.version,
            ])
        let http = parts.access.url(.http, addresses.http.address)
        let web = parts.access.url(.web, addresses.web.address)
        let grpc = "\(addresses.grpc.address) (gRPC\(parts.access[.grpc].isTLS ? " over TLS" : ""))"
        log.info("send OTLP to \(grpc) or \(http), open \(web) and \(web)/metrics")
    }

    /// Stops accepting, finishes requests, empties the queues and ends every thread, all before
    /// `shutdown` has passed, or a second or two later where destinations took all of it.
    public func drain() {
        let deadline = monotonicNanoseconds() &+ parts.inForce.withLock { $0.shutdown.nanoseconds }
        parts.lifecycle.enter(.draining)
        log.info("draining")
        let latch = Latch(ingestLoops.reduce(0) { $0 + $1.listenerCount })
        for loop in ingestLoops { loop.drain(latch) }
        if !latch.wait(untilMonotonic: deadline) {
            log.warn("requests were still under way at the deadline")
            for loop in ingestLoops { loop.closeAll() }
        }
        parts.store.store.flushSoon()
        parts.exports.drain(deadline: deadline)
        let last = Latch(1)
        webServer?.drain { last.countDown() }
        if !last.wait(untilMonotonic: min(deadline, monotonicNanoseconds() &+ Self.lastAnswers)) {
            webServer?.closeAll()
        }
        for loop in ingestLoops { loop.loop.stop() }
        webLoop?.stop()
        parts.agents.stop()
        parts.store.close(deadline: max(deadline, monotonicNanoseconds() &+ Self.lastAnswers))
        for thread in threads { thread.join() }
        parts.endTurning()
        parts.audit.note("collector.stop", [("version", .string(parts.version))])
        let end = max(deadline, monotonicNanoseconds() &+ Self.lastAnswers)
        parts.agents.analytics.finishSaving(deadline: end)
        parts.audit.close(deadline: end)
        parts.lifecycle.enter(.stopped)
        log.info("stopped")
    }

    /// Takes over what can change while the collector runs, which is all but the addresses and the
    /// folder of the store; names those. Nothing changes when a destination or the key for users
    /// cannot be made.
    public func apply(_ asked: Config) {
        var asked = asked
        if canonicalPath(asked.store.path) == canonicalPath(config.store.path) {
            asked.store.path = config.store.path
        }
        var new = asked
        new.listen.grpc = config.listen.grpc
        new.listen.http = config.listen.http
        new.listen.web = config.listen.web
        new.store.path = config.store.path
        let userKey: [UInt8]?
        do throws(UserKeyFault) { userKey = try UserKey.inForce(new) } catch {
            return log.error("configuration not reloaded: \(StartError.userKey(error))")
        }
        let change: ExportService.Change
        do throws(ExportStartError) { change = try parts.exports.prepare(new.exportSettings) } catch
        {
            return log.error("configuration not reloaded: \(StartError.exporter(error))")
        }
        parts.exports.apply(
            change, deadline: monotonicNanoseconds() &+ new.shutdown.nanoseconds)
        parts.use(new, userKey: userKey)
        let limits = ServerLimits(new.limits)
        for loop in ingestLoops { loop.use(limits) }
        webServer?.use(limits)
        parts.access.use(new.listen)
        log.set(level: new.log.level, format: new.log.format)
        parts.intake.redaction.apply(new.agents.redact, names: new.names)
        parts.intake.normalizes.store(new.agents.normalize, ordering: .relaxed)
        // Shown once it holds: who sees new redaction in the status sends what is to be redacted.
        let before = parts.inForce.withLock { config in
            defer { config = new }
            return config
        }
        for part in Switches.Part.allCases { parts.turn(part, on: new.enable[part]) }
        if before.agents.tables != new.agents.tables || before.budgets != new.budgets {
            parts.use(tables: new)
        }
        show(new, insteadOf: before)
        let waiting = new.keysChanged(in: asked)
        parts.audit.note(
            "collector.reload", [("needs_restart", .array(waiting.map { .string($0) }))])
        if waiting.isEmpty {
            log.info("configuration reloaded")
        } else {
            log.warn(
                "configuration reloaded; what changed here needs a restart: "
                    + waiting.joined(separator: ", "))
        }
    }

    /// The span metrics of the page and those of the shards begin anew in any order: the generation
    /// tells what belongs together.
    private func show(_ new: Config, insteadOf old: Config) {
        view?.post { $0.use(new) }
        let bounds = new.limits.bounds
        guard bounds != old.limits.bounds else { return }
        spanMetricsGeneration += 1
        let generation = spanMetricsGeneration
        view?.post { $0.restartSpanMetrics(bounds: bounds, generation: generation) }
        for loop in ingestLoops { loop.restartSpanMetrics(bounds: bounds, generation: generation) }
    }

    // MARK: start

    private struct Addresses {
        let grpc: BoundAddress
        let http: BoundAddress
        let web: BoundAddress
    }

    private func reserveAddresses() throws(StartError) -> Addresses {
        Addresses(
            grpc: try reserve("grpc", config.listen.grpc),
            http: try reserve("http", config.listen.http),
            web: try reserve("web", config.listen.web))
    }

    private func reserve(
        _ name: String, _ address: ListenAddress
    ) throws(StartError) -> BoundAddress {
        do throws(ListenError) { return try BoundAddress.reserve(address) } catch {
            throw .listener(name: name, error)
        }
    }

    private func openLoops(
        _ addresses: Addresses, web: (CollectorView, EventLoop) -> any RequestHandler
    ) throws {
        for index in 0..<processorCount() {
            ingestLoops.append(
                try IngestLoop(
                    index: index, shared: parts.intake, bounds: config.limits.bounds,
                    limit: parts.derivedLimit, memory: parts.derived,
                    agents: parts.agents.inboxes[index],
                    grpc: IngestListener(
                        address: addresses.grpc, settings: parts.settings(.grpc),
                        credentials: parts.access[.grpc].credentials),
                    http: IngestListener(
                        address: addresses.http, settings: parts.settings(.http),
                        credentials: parts.access[.http].credentials),
                    origins: parts.origins))
        }
        let loop = try EventLoop(name: "web")
        let agents = parts.agents
        let hearts =
            (ingestLoops.map(\.loop) + [loop]).map { loop in
                HeartMonitor.Heart(name: loop.name) { loop.lastBeatNanoseconds }
            } + [HeartMonitor.Heart(name: "analytics") { agents.lastBeatNanoseconds }]
        let view = CollectorView(
            parts: parts, ingestLoops: ingestLoops, webLoop: loop,
            hearts: HeartMonitor(hearts, ticks: 10),
            addresses: [
                ("grpc", addresses.grpc.address), ("http", addresses.http.address),
                ("web", addresses.web.address),
            ])
        webLoop = loop
        self.view = LoopOwned(view, on: loop)
        webServer = try HTTPServer(
            loop: loop, address: addresses.web, settings: parts.settings(.web),
            handler: web(view, loop))
    }

    private func startThreads() throws(StartError) {
        for loop in ingestLoops.map(\.loop) + [webLoop].compactMap({ $0 }) {
            guard let thread = NamedThread(loop.name, { loop.run() }) else {
                throw .resources("the system has no thread to give for \(loop.name)")
            }
            threads.append(thread)
        }
        guard parts.agents.start() else {
            throw .resources("the system has no thread to give for analytics")
        }
    }
}

extension ServerLimits {
    init(_ limits: Config.Limits) {
        self.init(
            maxRequestBytes: limits.request, headerTimeout: limits.headerTimeout,
            bodyTimeout: limits.bodyTimeout, idleTimeout: limits.idleTimeout)
    }
}
