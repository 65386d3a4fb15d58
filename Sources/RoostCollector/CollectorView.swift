package import RoostCore
package import RoostIngest
package import RoostMetrics
package import RoostNet
package import RoostStore

/// What the web loop sees of the collector: health, status, and the sources of `/metrics`.
///
/// Confined to the web loop's thread.
public final class CollectorView {
    let parts: CollectorParts
    private let ingestLoops: [IngestLoop]
    private let webLoop: EventLoop
    package let hearts: HeartMonitor
    package let addresses: [(name: String, address: ListenAddress)]
    private let spanMetrics: SpanMetricsPage
    private lazy var selfMetrics = SelfMetricsSource { [unowned self] in reading() }
    /// The last snapshot of each loop, for when a loop does not answer in time.
    private var latest: [SpanMetricsSnapshot?]
    private var isExpiring = false
    /// After a flood the allocator holds what the flood took.
    private let memory: MemoryGuard
    private let agentMetrics = AgentMetricsPage()
    private var latestAgents: AgentSnapshot?
    private var host: HostReader?
    private var showsProcess: Bool
    /// Scrapes that ask the loops, and those that wait for one of them to end.
    private var rounds = 0
    private var followers: [() -> Void] = []
    /// The first is under way.
    private var turns: [Turn] = []

    private struct Turn {
        let changes: [(part: Switches.Part, isOn: Bool)]
        let then: () -> Void
    }

    /// What a page takes while it is read, without what packs it: the writer and a slice with room
    /// for twice as much, and the figures of Roost itself.
    package static let pageBytes = 1_280 << 10

    /// How long a scrape waits for a loop before it shows what that loop said last.
    private static let patienceMilliseconds: UInt64 = 100

    init(
        parts: CollectorParts, ingestLoops: [IngestLoop], webLoop: EventLoop,
        hearts: HeartMonitor, addresses: [(name: String, address: ListenAddress)]
    ) {
        self.parts = parts
        self.ingestLoops = ingestLoops
        self.webLoop = webLoop
        self.hearts = hearts
        self.addresses = addresses
        let memory = MemoryGuard(budget: parts.budget)
        self.memory = memory
        host = parts.config.machine.host ? HostReader(loop: webLoop) : nil
        showsProcess = parts.config.machine.process
        latest = [SpanMetricsSnapshot?](repeating: nil, count: ingestLoops.count)
        spanMetrics = SpanMetricsPage(
            bounds: parts.config.limits.bounds, limit: parts.derivedLimit,
            shards: ingestLoops.count)
        use(derivedExpiry: parts.config.limits.derivedExpiry)
        webLoop.schedule(afterMilliseconds: 1000, repeatMilliseconds: 1000) {
            [weak self, hearts] in
            hearts.tick()
            self?.expireSeries()
            self?.verifyAudit()
        }
        webLoop.schedule(afterMilliseconds: 20, repeatMilliseconds: 20) { [weak memory] in
            memory?.tick()
        }
    }

    /// `limits.memory` as it is now, in bytes.
    package var memoryLimit: Int { parts.budget.limitBytes }

    /// Takes over what a reload changes of the page.
    func use(_ config: Config) {
        use(derivedExpiry: config.limits.derivedExpiry)
        showsProcess = config.machine.process
        if config.machine.host != (host != nil) {
            host = config.machine.host ? HostReader(loop: webLoop) : nil
        }
    }

    private func use(derivedExpiry expiry: Duration?) {
        spanMetrics.use(expiry: expiry)
        agentMetrics.use(expiry: expiry)
        parts.agents.use(derivedExpiry: expiry)
    }

    /// The span metrics are counted into other buckets.
    func restartSpanMetrics(bounds: DurationBounds, generation: Int) {
        spanMetrics.restart(bounds: bounds, generation: generation)
    }

    private func verifyAudit() {
        let audit = parts.audit
        guard audit.beginsVerification(now: monotonicNanoseconds()) else { return }
        webLoop.offload({ audit.verify() }, then: {})
    }

    /// Ends old series, beside the loop: many at once take longer than a probe may wait.
    private func expireSeries() {
        guard !isExpiring else { return }
        isExpiring = true
        let series = parts.series
        // By the clock that nobody sets: a jump must not end every series.
        webLoop.offload({ series.expire(now: monotonicNanoseconds()) }) { [weak self] in
            self?.isExpiring = false
        }
    }

    /// Why the collector does not take data now; empty when it does.
    package var unreadyReasons: [String] { parts.readiness.reasons }

    package var uptimeSeconds: Double {
        Double(unixNanoseconds() &- parts.startedUnixNano) * 1e-9
    }

    /// Traces and log records, to be asked on the thread pool.
    package var store: TraceStore { parts.store.store }

    package var version: String { parts.version }

    package var credentials: Credentials { parts.access[.web].credentials }

    /// What is known of agents beyond counters.
    package var analytics: AnalyticsService { parts.agents.analytics }

    /// Takes activities that came over the web port.
    package func give(_ batch: consuming ActivityBatch) {
        var batch = batch
        parts.store.keep(batch)
        parts.agents.inboxes.first?.give(&batch)
    }

    /// The tables of names in force.
    package var names: NameTable { parts.names.withLock { $0 } }

    /// The prices in force.
    package var prices: PriceBook { parts.prices.withLock { $0 } }

    /// Pays for answers that are made whole.
    package var answers: AnswerRoom { parts.answers }

    /// Pays for the pages of scrapers.
    package var pages: AnswerRoom { parts.pages }

    /// About what the copies take which the loops make when they count on while an older page than
    /// the latest is being read: of buckets, sums and exemplars, but not of names.
    package var copyBytesOfScrape: Int { parts.derived.usedBytes / 3 * 2 }

    package var liveCounters: LiveCounters { parts.live }

    /// The cap on open live streams.
    package var liveStreams: ConnectionLimit { parts.liveStreams }

    package var audit: AuditService { parts.audit }

    package var switches: Switches { parts.switches }

    /// Turns parts on or off, until the next reload or start. `then` is called on the web loop when
    /// that is done.
    ///
    /// Beside the loop, since it may take as long as a disk does, and one after the other.
    package func turn(
        _ changes: [(part: Switches.Part, isOn: Bool)], then: @escaping () -> Void
    ) {
        turns.append(Turn(changes: changes, then: then))
        if turns.count == 1 { beginTurn() }
    }

    private func beginTurn() {
        guard let changes = turns.first?.changes else { return }
        webLoop.offload({ [parts] in
            for (part, isOn) in changes { parts.turn(part, on: isOn) }
        }) { [self] in
            let turn = turns.removeFirst()
            turn.then()
            beginTurn()
        }
    }

    /// Gathers what the loops have counted and hands over everything that `/metrics` shows, in the
    /// order of the page. `then` is called once, on the web loop.
    ///
    /// `isForPrometheus`: see `AgentMetricsPage`. One that is not fresh takes what the loops told
    /// last, or tell another scrape just now.
    package func scrape(
        isForPrometheus: Bool, isFresh: Bool = true,
        _ then: @escaping ([any ExpositionSource]) -> Void
    ) {
        let show = { [self] in
            agentMetrics.update(
                latestAgents, isForPrometheus: isForPrometheus, now: monotonicNanoseconds())
            then([parts.series, spanMetrics, agentMetrics, selfMetrics])
        }
        guard isFresh else { return rounds == 0 ? show() : followers.append(show) }
        rounds += 1
        let round = ScrapeRound(
            waitingFor: ingestLoops.count + (host == nil ? 1 : 2),
            atMost: Self.patienceMilliseconds, on: webLoop
        ) { [self] in
            spanMetrics.update(latest, now: monotonicNanoseconds())
            rounds -= 1
            let shows = [show] + followers
            followers = []
            for show in shows { show() }
        }
        let home = LoopOwned((view: self, round: round), on: webLoop)
        parts.agents.read(isForPrometheus: isForPrometheus) { snapshot in
            home.post { home in
                home.view.latestAgents = snapshot
                home.round.arrived()
            }
        }
        host?.read { round.arrived() }
        for (index, loop) in ingestLoops.enumerated() {
            loop.readSpanMetrics { snapshot in
                home.post { home in
                    home.view.latest[index] = snapshot
                    home.round.arrived()
                }
            }
        }
    }

    /// Every figure that Roost shows of itself, as it is now.
    package func reading() -> SelfReading {
        SelfReading(
            version: parts.version, ledger: parts.ledger.snapshot(),
            exporters: parts.exports.statuses(), memoryLimitBytes: parts.budget.limitBytes,
            memoryUsage: parts.budget.usage, listeners: parts.listenerCounters,
            certificates: parts.access.certificates,
            unexposedPoints: parts.series.unexposedPoints,
            seriesCounters: parts.series.counters, applicationSeries: parts.series.seriesCount,
            spanMetricsSeries: spanMetrics.seriesCount,
            spanMetricsOverflow: spanMetrics.overflowedSpans,
            agents: latestAgents?.events ?? AgentEvents(),
            agentOverflow: latestAgents?.overflowed ?? 0,
            heldActivities: latestAgents?.heldActivities ?? 0,
            waitingActivityBytes: parts.agents.waitingBytes,
            redactedValues: parts.intake.redaction.counts.snapshot(
                parts.intake.redaction.redactor),
            store: parts.store.store.status, analytics: analyticsReading(),
            unroutedRequests: parts.intake.unrouted.load(ordering: .relaxed),
            audit: parts.audit.reading, host: host?.families ?? [],
            process: showsProcess ? ProcessStatistics.read() : nil)
    }

    private func analyticsReading() -> AnalyticsReading {
        var reading = AnalyticsReading()
        analytics.peek { analytics in
            reading.facts = analytics.facts
            reading.droppedFacts = analytics.droppedFacts
            reading.openWorkflows = analytics.fleet.activeWorkflows
            reading.stuckWorkflows = analytics.fleet.stuckWorkflows
        }
        reading.liveConnections = parts.live.connections.load(ordering: .relaxed)
        reading.liveEvents = parts.live.events.load(ordering: .relaxed)
        reading.liveDelivered = parts.live.delivered.load(ordering: .relaxed)
        reading.liveLost = parts.live.lost.load(ordering: .relaxed)
        for part in Switches.Part.allCases {
            reading.switches[part.rawValue] = parts.switches.isOn(part)
        }
        return reading
    }
}
