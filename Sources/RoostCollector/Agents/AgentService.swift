import Glibc
import RoostCore
import RoostIngest
import RoostMetrics
import Synchronization

/// The thread `analytics`: counts what the loops could not count themselves about agents, and what
/// becomes due with time.
///
/// Any thread may ask it for a snapshot.
final class AgentService: Sendable {
    let inboxes: [AgentInbox]
    private let accounts: AgentAccounts
    private let wake = WakeUp()
    /// Gets the client metrics that are computed.
    private let series: SeriesStore
    let analytics: AnalyticsService
    private let state = Mutex(State())
    private let beat = Atomic<UInt64>(monotonicNanoseconds())

    private struct State {
        var questions: [Question] = []
        var isStopping = false
        /// As of the last tick.
        var beliefs: [AgentBelief] = []
        var derivedExpiry: Duration?
        var thread: NamedThread?
    }

    private struct Question {
        /// See `AgentMetricsPage`.
        let isForPrometheus: Bool
        let answer: @Sendable (AgentSnapshot) -> Void
    }

    /// How long what came waits for more to be counted with it.
    private static let interval: UInt64 = 100_000_000
    private static let shortestInterval: UInt64 = 3_000_000

    init(
        loops: Int, settings: AgentTrackerSettings, prices: (any PriceSource)?,
        series: SeriesStore, analytics: AnalyticsService
    ) {
        self.series = series
        self.analytics = analytics
        let accounts = AgentAccounts(
            settings: settings, prices: prices, wake: wake, analytics: analytics)
        if analytics.isOn { accounts.withTracker { $0.tellFacts() } }
        self.accounts = accounts
        inboxes = (0..<loops).map { _ in AgentInbox(accounts) }
    }

    /// False when the system has no thread to give.
    func start() -> Bool {
        let thread = NamedThread("analytics") { [self] in run() }
        state.withLock { $0.thread = thread }
        return thread != nil
    }

    /// Asks for what has been counted, everything included that was admitted before. `then` is
    /// called on the analytics thread, or never when it has ended.
    func read(
        isForPrometheus: Bool = false, _ then: @escaping @Sendable (AgentSnapshot) -> Void
    ) {
        let question = Question(isForPrometheus: isForPrometheus, answer: then)
        state.withLock { $0.questions.append(question) }
        wake.signal()
    }

    /// From the next call on.
    func use(prices: any PriceSource) { accounts.withTracker { $0.use(prices: prices) } }

    /// From now on; see `AgentTracker.use`.
    func use(_ settings: AgentTrackerSettings) { accounts.withTracker { $0.use(settings) } }

    /// From the next question on; see `ClientMetricsShown.use`.
    func use(derivedExpiry: Duration?) { state.withLock { $0.derivedExpiry = derivedExpiry } }

    /// Turns on and off what is made of facts.
    func analyse(_ isOn: Bool) {
        if !isOn { analytics.save(now: unixNanoseconds(), isLast: true) }
        analytics.turn(on: isOn)
        accounts.withTracker { isOn ? $0.tellFacts() : $0.stopFacts() }
        if isOn { wake.signal() }
    }

    /// Which signal the work of each service is taken from, as of a second ago.
    var beliefs: [AgentBelief] { state.withLock { $0.beliefs } }

    /// Monotonic nanoseconds of the last turn.
    var lastBeatNanoseconds: UInt64 { beat.load(ordering: .relaxed) }

    var waitingBytes: Int { inboxes.reduce(0) { $0 + $1.byteCount } }

    /// Ends the thread after it has taken what is waiting.
    func stop() {
        let thread = state.withLock { state in
            state.isStopping = true
            return state.thread
        }
        wake.signal()
        thread?.join()
    }

    private func run() {
        var lastTick: UInt64 = 0
        var room = AgentFactBatch()
        var shown = ClientMetricsShown()
        var lastTurn: UInt64 = 0
        while true {
            wake.wait(untilMonotonic: monotonicNanoseconds() &+ Self.interval)
            if analytics.isWatched { pause(since: lastTurn) }
            let now = monotonicNanoseconds()
            lastTurn = now
            beat.store(now, ordering: .relaxed)
            // Asked before the inboxes are emptied, so that the answer holds what came before.
            let (questions, expiry, isStopping) = state.withLock { state in
                defer { state.questions = [] }
                return (state.questions, state.derivedExpiry, state.isStopping)
            }
            let isTickDue = now &- lastTick >= 1_000_000_000 || !questions.isEmpty
            if isTickDue { lastTick = now }
            let unixNow = unixNanoseconds()
            let (snapshot, facts) = accounts.withTracker { tracker in
                for inbox in inboxes { inbox.count(&tracker, now: now, unixNow: unixNow) }
                if isTickDue {
                    tracker.tick(now: now, unixNow: unixNow)
                    let beliefs = tracker.beliefs
                    state.withLock { $0.beliefs = beliefs }
                }
                return (questions.isEmpty ? nil : tracker.snapshot, tracker.takeFacts(room: room))
            }
            if let snapshot {
                shown.use(expiry: expiry, now: now)
                answer(questions, with: snapshot, now: now, &shown)
            }
            analytics.take(facts, now: unixNow)
            if isTickDue { analytics.tick(now: unixNow) }
            if isTickDue || isStopping { analytics.save(now: unixNow, isLast: isStopping) }
            room = facts
            room.removeAll()
            if isStopping { return }
        }
    }

    /// Who listens to what comes is told at once, but not every microsecond.
    private func pause(since last: UInt64) {
        let next = last &+ Self.shortestInterval
        let now = monotonicNanoseconds()
        if now < next { usleep(UInt32((next - now) / 1_000)) }
    }

    private func answer(
        _ questions: [Question], with snapshot: AgentSnapshot, now: UInt64,
        _ shown: inout ClientMetricsShown
    ) {
        let request = ClientMetricsRequest.bytes(
            of: snapshot, now: unixNanoseconds(), shown: &shown,
            isForPrometheus: questions.contains(where: \.isForPrometheus))
        if let request {
            series.ingest(ByteBlock(request), now: now)
        }
        for question in questions { question.answer(snapshot) }
    }
}
