import RoostCore
import RoostIngest
import RoostMetrics
import RoostNet
import RoostWire
import Synchronization

/// What the intakes of all loops share. Every part is safe from any thread.
final class IntakeShared: Sendable {
    let ledger: Ledger
    let exports: ExportService
    let series: SeriesStore
    let store: StoreService?
    let redaction: RedactionInForce
    let switches: Switches
    let lifecycle: Lifecycle
    /// Pays for copies of requests: JSON transcoded, malformed items cut out.
    let memory: MemoryBudget.Share
    let maxRequestBytes: Atomic<Int>
    let isReady: @Sendable () -> Bool
    /// The tables that spans are read with; nil while nobody looks at agents.
    let names: Mutex<NameTable?>
    /// The tables that decisions about tools are found with while nobody looks at agents.
    let decisionNames = Mutex<NameTable?>(nil)
    let audit: AuditService?
    /// Whether forwarded spans get the names of the GenAI conventions.
    let normalizes: Atomic<Bool>
    /// Requests to paths that are not served.
    let unrouted = Atomic<Int>(0)

    init(
        ledger: Ledger, exports: ExportService, series: SeriesStore, store: StoreService? = nil,
        switches: Switches,
        redaction: RedactionInForce,
        lifecycle: Lifecycle, memory: MemoryBudget.Share, maxRequestBytes: Int,
        names: NameTable?, normalizes: Bool = false, audit: AuditService? = nil,
        isReady: @escaping @Sendable () -> Bool
    ) {
        self.normalizes = Atomic(normalizes)
        self.names = Mutex(names)
        self.audit = audit
        self.ledger = ledger
        self.exports = exports
        self.series = series
        self.store = store
        self.redaction = redaction
        self.switches = switches
        self.lifecycle = lifecycle
        self.memory = memory
        self.maxRequestBytes = Atomic(maxRequestBytes)
        self.isReady = isReady
    }
}

/// The way of a request through one loop: read, admitted or refused as a whole, counted, derived,
/// handed to the queues.
///
/// Confined to its loop's thread. A body above `largeBodyBytes` is read on the thread pool, so that
/// nothing else on the loop waits for it; what follows is done in steps.
final class Intake {
    enum Outcome {
        /// Taken; `rejected` malformed items were cut out.
        case accepted(rejected: Int, firstReason: String?)
        case refused(Refusal)
    }

    let shared: IntakeShared
    let spanMetrics: SpanMetricsShard
    let loop: EventLoop
    let scan = TraceScan()
    let logs = LogScan()
    /// Emptied scans of requests that waited, whose room is used again.
    var spareScans: [TraceScan] = []
    private let agents: AgentInbox

    static let largeBodyBytes = 1 << 20
    /// The memory holds more than all copies of a request that goes into it so often.
    private static let leastTimesInMemory = 64
    /// Spans whose notes are added to the shard in one go; about half a millisecond.
    private static let spansPerStep = 8192
    /// Of activities that are handed over in one go where not all are noted.
    private static let activityBytesPerPart = 512 << 10

    init(
        shared: IntakeShared, loop: EventLoop, spanMetrics: SpanMetricsShard, agents: AgentInbox
    ) {
        self.agents = agents
        self.shared = shared
        self.loop = loop
        self.spanMetrics = spanMetrics
    }

    /// Takes or refuses one request; `done` is called once, on this loop, now or later.
    func take(
        _ body: ByteBlock, signal: Signal, encoding: Encoding, transport: Transport,
        done: @escaping (Outcome) -> Void
    ) {
        guard body.count > Intake.largeBodyBytes else {
            return take(
                read(body, signal, encoding, scan, logs), isLarge: false, signal: signal,
                transport: transport, done: done)
        }
        let read: @Sendable () -> Result<ReadRequest, RequestReader.Failure> = { [shared] in
            Intake.read(body, signal, encoding, TraceScan(), LogScan(), shared)
        }
        loop.offload(read) { result in
            self.take(result, isLarge: true, signal: signal, transport: transport, done: done)
        }
    }

    private func take(
        _ result: Result<ReadRequest, RequestReader.Failure>, isLarge: Bool, signal: Signal,
        transport: Transport, done: @escaping (Outcome) -> Void
    ) {
        let request: ReadRequest
        switch result {
        case .failure(let failure): return done(refuse(failure, signal, transport))
        case .success(let read): request = read
        }
        switch admit(request, transport) {
        case .refused(let refusal): done(.refused(refusal))
        case .taken where isLarge: deriveInSteps(request, done: done)
        case .taken: done(derive(request))
        case .mustBeKept(let room):
            keep(request, room, isLarge: isLarge, transport, done: done)
        }
    }

    // MARK: one request in one go

    func derive(_ request: ReadRequest) -> Outcome {
        let now = unixNanoseconds()
        switch request.signal {
        case .traces:
            if let scan = request.scan {
                // The notes point into it, and nobody else may hold it any more.
                withExtendedLifetime(request.source) { spanMetrics.add(scan, now: now) }
                agents.give(&scan.activities)
                if scan.hasTooManyActivities { giveInParts(request) }
            }
        case .metrics:
            if let found = request.metrics { agents.accounts.count(found) }
            shared.series.ingest(request.body, now: monotonicNanoseconds())
        case .logs:
            if let logs = request.logs {
                takeLogs(logs)
                if logs.hasTooManyActivities { giveInParts(request) }
            }
        }
        return .accepted(rejected: request.rejected, firstReason: request.firstReason)
    }

    /// Decisions written on this loop; more are written beside it.
    private static let fewDecisions = 64

    private func takeLogs(_ logs: LogScan) {
        if shared.switches.isOn(.analytics) { agents.give(&logs.activities) }
        guard !logs.decisions.isEmpty, let audit = shared.audit else { return }
        let decisions = logs.decisions
        if decisions.all.count <= Intake.fewDecisions { return audit.take(decisions) }
        loop.offload({ audit.take(decisions) }, then: {})
    }

    /// The activities of a request that has more than are noted.
    private func giveInParts(_ request: ReadRequest) {
        guard let names = shared.names.withLock({ $0 }) else { return }
        walkActivities(
            of: request.body, signal: request.signal, names: names,
            atOnce: Intake.activityBytesPerPart
        ) { agents.give(&$0) }
    }

    // MARK: a large request in steps

    func deriveInSteps(_ request: ReadRequest, done: @escaping (Outcome) -> Void) {
        let now = unixNanoseconds()
        let accepted = Outcome.accepted(
            rejected: request.rejected, firstReason: request.firstReason)
        switch request.signal {
        case .logs: readActivities(of: request) { done(accepted) }
        case .metrics:
            if let found = request.metrics { agents.accounts.count(found) }
            let series = shared.series
            let body = request.body
            loop.offload(
                { series.ingest(body, now: monotonicNanoseconds()) }, then: { done(accepted) })
        case .traces:
            readActivities(of: request) {
                self.addSpans(of: request, from: 0, now: now) { done(accepted) }
            }
        }
    }

    /// The activities of a large request are counted in parts, on the thread pool.
    private func readActivities(of request: ReadRequest, then: @escaping () -> Void) {
        let audit = Intake.tellsDecisions(request.signal, shared) ? shared.audit : nil
        guard request.items > 0, let names = Intake.names(audit != nil, shared) else {
            return then()
        }
        // Log records are read with tables for the audit trail alone, too.
        let inbox = shared.names.withLock { $0 == nil } ? nil : agents
        let (body, signal) = (request.body, request.signal)
        loop.offload(
            {
                let decisions = walkActivities(
                    of: body, signal: signal, names: names, atOnce: Intake.activityBytesPerPart,
                    tellsDecisions: audit != nil
                ) { batch in inbox?.give(&batch) }
                if !decisions.isEmpty { audit?.take(decisions) }
            }, then: then)
    }

    private func addSpans(
        of request: ReadRequest, from first: Int, now: UInt64, then: @escaping () -> Void
    ) {
        guard let scan = request.scan else { return then() }
        let next = withExtendedLifetime(request.source) {
            spanMetrics.add(scan, from: first, most: Intake.spansPerStep, now: now)
        }
        guard next < scan.itemCount else { return then() }
        loop.schedule(afterMilliseconds: 0) {
            self.addSpans(of: request, from: next, now: now, then: then)
        }
    }

    // MARK: parts of both

    private func read(
        _ body: ByteBlock, _ signal: Signal, _ encoding: Encoding, _ scan: TraceScan,
        _ logs: LogScan
    ) -> Result<ReadRequest, RequestReader.Failure> {
        Intake.read(body, signal, encoding, scan, logs, shared)
    }

    private static func read(
        _ body: ByteBlock, _ signal: Signal, _ encoding: Encoding, _ scan: TraceScan,
        _ logs: LogScan, _ shared: IntakeShared
    ) -> Result<ReadRequest, RequestReader.Failure> {
        let tellsDecisions = tellsDecisions(signal, shared)
        // All copies of a small request together are not worth the question.
        let mayBeTooMuch = body.count > shared.memory.limitBytes / leastTimesInMemory
        let memory =
            mayBeTooMuch
            ? shared.memory.part(holding: max(body.count, body.reservedBytes)) : shared.memory
        let result = Result { () throws(RequestReader.Failure) in
            try RequestReader.read(
                body, signal: signal, encoding: encoding, scan: scan, logs: logs,
                names: names(tellsDecisions, shared),
                // Activities of a large request are read when it has been admitted, part by part.
                isReadInParts: signal != .metrics && body.count > largeBodyBytes,
                tellsDecisions: tellsDecisions,
                maxBytes: shared.maxRequestBytes.load(ordering: .relaxed),
                redactor: shared.redaction.redactor,
                normalizes: shared.normalizes.load(ordering: .relaxed),
                memory: memory)
        }
        if case .failure(.noMemory) = result, memory.isBeyondBudget {
            return .failure(.beyondMemory(bytes: memory.mostBytes))
        }
        return result
    }

    private static func tellsDecisions(_ signal: Signal, _ shared: IntakeShared) -> Bool {
        signal == .logs && shared.switches.isOn(.audit)
    }

    /// The tables that a request is read with.
    private static func names(_ tellsDecisions: Bool, _ shared: IntakeShared) -> NameTable? {
        if let names = shared.names.withLock({ $0 }) { return names }
        return tellsDecisions ? shared.decisionNames.withLock { $0 } : nil
    }

    private func refuse(
        _ failure: RequestReader.Failure, _ signal: Signal, _ transport: Transport
    ) -> Outcome {
        switch failure {
        case .undecodable(let field, let reason, let offset):
            shared.ledger.refuse(
                signal: signal, transport: transport, items: 0, reason: .undecodable)
            return .refused(.undecodable(field: field, reason: reason, offset: offset))
        case .tooLarge(let limit):
            shared.ledger.refuse(signal: signal, transport: transport, items: 0, reason: .tooLarge)
            return .refused(.fault(.tooLarge(limit: limit)))
        case .beyondMemory(let bytes):
            shared.ledger.refuse(signal: signal, transport: transport, items: 0, reason: .tooLarge)
            return .refused(.fault(.beyondMemory(bytes: bytes)))
        case .noMemory:
            shared.ledger.refuse(signal: signal, transport: transport, items: 0, reason: .memory)
            return .refused(.later("no memory is free for this request, try again later"))
        }
    }
}
