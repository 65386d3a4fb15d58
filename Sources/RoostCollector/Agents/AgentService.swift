import RoostCore
import RoostIngest
import Synchronization

/// The thread `analytics`: takes what the loops have read about agents and counts it.
///
/// Any thread may ask it for a snapshot; the tracker itself is the thread's alone.
final class AgentService: Sendable {
    let inboxes: [AgentInbox]
    private let settings: AgentTrackerSettings
    private let prices: (any PriceSource)?
    private let wake = WakeUp()
    private let state = Mutex(State())
    private let beat = Atomic<UInt64>(monotonicNanoseconds())

    private struct State {
        var questions: [@Sendable (AgentSnapshot) -> Void] = []
        var isStopping = false
        var thread: NamedThread?
    }

    /// How long what came waits for more to be counted with it.
    private static let interval: UInt64 = 100_000_000

    init(loops: Int, settings: AgentTrackerSettings, prices: (any PriceSource)?) {
        inboxes = (0..<loops).map { _ in AgentInbox() }
        self.settings = settings
        self.prices = prices
    }

    /// False when the system has no thread to give.
    func start() -> Bool {
        let thread = NamedThread("analytics") { [self] in run() }
        state.withLock { $0.thread = thread }
        return thread != nil
    }

    /// Asks for what has been counted, everything included that was admitted before. `then` is
    /// called on the analytics thread, or never when it has ended.
    func read(_ then: @escaping @Sendable (AgentSnapshot) -> Void) {
        state.withLock { $0.questions.append(then) }
        wake.signal()
    }

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
        var tracker = AgentTracker(settings, prices: prices)
        var lastTick: UInt64 = 0
        while true {
            wake.wait(untilMonotonic: monotonicNanoseconds() &+ Self.interval)
            let now = monotonicNanoseconds()
            beat.store(now, ordering: .relaxed)
            // Asked before the inboxes are emptied, so that the answer holds what came before.
            let (questions, isStopping) = state.withLock { state in
                defer { state.questions = [] }
                return (state.questions, state.isStopping)
            }
            for inbox in inboxes {
                for batch in inbox.takeAll() {
                    tracker.take(batch, now: now, unixNow: unixNanoseconds())
                    inbox.giveBack(batch)
                }
            }
            if now &- lastTick >= 1_000_000_000 || !questions.isEmpty {
                tracker.tick(now: now, unixNow: unixNanoseconds())
                lastTick = now
            }
            for question in questions { question(tracker.snapshot) }
            if isStopping { return }
        }
    }
}
