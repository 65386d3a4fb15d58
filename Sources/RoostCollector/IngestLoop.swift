import RoostCore
import RoostIngest
import RoostNet

/// One of the threads that take OTLP: a loop, its two listeners, its shard of the span metrics.
final class IngestLoop: Sendable {
    let loop: EventLoop
    private let intake: LoopOwned<Intake>
    private let servers: [HTTPServer]

    /// Opens the listeners; they accept once `start` has started the thread.
    init(
        index: Int, shared: IntakeShared, bounds: DurationBounds, seriesLimit: Int,
        memory: MemoryBudget.Share, agents: AgentInbox,
        grpc: (address: BoundAddress, settings: ServerSettings),
        http: (address: BoundAddress, settings: ServerSettings), origins: [String]
    ) throws {
        loop = try EventLoop(name: "loop-\(index)")
        let intake = Intake(
            shared: shared, loop: loop,
            spanMetrics: SpanMetricsShard(
                bounds: bounds, seriesLimit: seriesLimit, memory: memory), agents: agents)
        self.intake = LoopOwned(intake, on: loop)
        let receiver = OTLPReceiver(intake: intake, origins: CORSOrigins(allowed: origins))
        servers = [
            try HTTPServer(
                loop: loop, address: grpc.address, settings: grpc.settings, handler: receiver),
            try HTTPServer(
                loop: loop, address: http.address, settings: http.settings, handler: receiver),
        ]
    }

    /// Asks for what the loop's shard has counted; `then` is called on the loop's thread.
    func readSpanMetrics(_ then: @escaping @Sendable (SpanMetricsSnapshot) -> Void) {
        intake.post { then($0.spanMetrics.snapshot) }
    }

    /// Stops accepting and counts the latch down once for each listener that has finished its
    /// requests.
    func drain(_ latch: Latch) {
        for server in servers { server.drain { latch.countDown() } }
    }

    var listenerCount: Int { servers.count }

    func closeAll() { for server in servers { server.closeAll() } }
}
