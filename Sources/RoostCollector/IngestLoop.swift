import RoostCore
import RoostIngest
import RoostNet

/// Where OTLP is taken, and from whom.
struct IngestListener {
    let address: BoundAddress
    let settings: ServerSettings
    let credentials: Credentials
}

/// One of the threads that take OTLP: a loop, its two listeners, its shard of the span metrics.
final class IngestLoop: Sendable {
    let loop: EventLoop
    private let intake: LoopOwned<Intake>
    private let servers: [HTTPServer]

    /// Opens the listeners; they accept once `start` has started the thread.
    init(
        index: Int, shared: IntakeShared, bounds: DurationBounds, limit: SeriesLimit,
        memory: MemoryBudget.Share, agents: AgentInbox,
        grpc: IngestListener, http: IngestListener, origins: CORSOrigins
    ) throws {
        loop = try EventLoop(name: "loop-\(index)")
        let intake = Intake(
            shared: shared, loop: loop,
            spanMetrics: SpanMetricsShard(
                bounds: bounds, limit: limit, memory: memory), agents: agents)
        self.intake = LoopOwned(intake, on: loop)
        let loop = loop
        servers = try [grpc, http].map { listener in
            try HTTPServer(
                loop: loop, address: listener.address, settings: listener.settings,
                handler: OTLPReceiver(
                    intake: intake, origins: origins,
                    credentials: listener.credentials))
        }
    }

    /// Asks for what the loop's shard has counted; `then` is called on the loop's thread.
    func readSpanMetrics(_ then: @escaping @Sendable (SpanMetricsSnapshot) -> Void) {
        intake.post { then($0.spanMetrics.snapshot) }
    }

    /// Counts into other buckets from the next request on.
    func restartSpanMetrics(bounds: DurationBounds, generation: Int) {
        intake.post { $0.spanMetrics.restart(bounds: bounds, generation: generation) }
    }

    /// Stops accepting and counts the latch down once for each listener that has finished its
    /// requests.
    func drain(_ latch: Latch) {
        for server in servers { server.drain { latch.countDown() } }
    }

    var listenerCount: Int { servers.count }

    func use(_ limits: ServerLimits) { for server in servers { server.use(limits) } }

    func closeAll() { for server in servers { server.closeAll() } }
}
