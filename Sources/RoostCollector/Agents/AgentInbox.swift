import RoostCore
import RoostIngest
import Synchronization

/// The one tracker of the process, which a loop uses at once when nobody else does.
final class AgentAccounts: Sendable {
    private let tracker: Mutex<AgentTracker>
    /// Services known to send the conventions' client metrics themselves.
    private let senders = Mutex<Set<[UInt8]>>([])
    private static let mostSenders = 10_000
    /// More facts than this are not left waiting for the next turn.
    private static let manyFacts = 16_384
    private let wake: WakeUp
    private let analytics: AnalyticsService?

    /// `wake` rouses the thread that fetches facts.
    init(
        settings: AgentTrackerSettings, prices: (any PriceSource)?, wake: WakeUp = WakeUp(),
        analytics: AnalyticsService? = nil
    ) {
        self.analytics = analytics
        tracker = Mutex(AgentTracker(settings, prices: prices))
        self.wake = wake
    }

    /// Counts a batch unless another thread is at it; says whether it did.
    func takeIfFree(_ batch: inout ActivityBatch) -> Bool {
        let facts = tracker.withLockIfAvailable { tracker in
            tracker.take(&batch, now: monotonicNanoseconds(), unixNow: unixNanoseconds())
            return tracker.waitingFacts
        }
        guard let facts else { return false }
        if facts > Self.manyFacts || facts > 0 && analytics?.isWatched == true { wake.signal() }
        return true
    }

    /// Counts what a metrics request says about agents; waits while another thread counts if it says
    /// anything.
    func count(_ found: AgentMetricsScan) {
        for service in found.senders {
            let isNew = senders.withLock {
                $0.count < Self.mostSenders && $0.insert(service).inserted
            }
            if isNew { withTracker { $0.noteClientMetrics(of: service) } }
        }
        guard !found.facts.isEmpty else { return }
        withTracker {
            $0.take(found.facts, now: monotonicNanoseconds(), unixNow: unixNanoseconds())
        }
    }

    /// Lends the tracker; waits while another thread has it.
    func withTracker<Result>(_ body: (inout AgentTracker) -> Result) -> Result {
        tracker.withLock { tracker in body(&tracker) }
    }
}

/// What one loop has read about agents and nobody has counted yet.
///
/// A loop counts what it reads itself where it can, while it is at hand; what comes when another
/// thread is counting waits here for the thread `analytics`. Bounded: who finds it full waits for
/// the tracker, a millisecond or so, and empties it. Nothing is refused. Any thread.
final class AgentInbox: Sendable {
    private struct State {
        var waiting: [ActivityBatch] = []
        /// Emptied batches, whose room is used again.
        var free: [ActivityBatch] = []
    }

    let accounts: AgentAccounts
    private let state = Mutex(State())
    private let bytes = Atomic<Int>(0)

    private static let mostBytes = 1 << 20
    private static let mostFree = 4
    /// Fewer activities than this are added to the batch before.
    private static let fewActivities = 64

    init(_ accounts: AgentAccounts) { self.accounts = accounts }

    var byteCount: Int { bytes.load(ordering: .relaxed) }

    /// Takes over what `batch` holds and leaves it empty.
    func give(_ batch: inout ActivityBatch) {
        guard !batch.isEmpty else { return }
        if byteCount == 0, accounts.takeIfFree(&batch) {
            batch.removeAll()
            return
        }
        keep(&batch)
        guard byteCount > Self.mostBytes else { return }
        accounts.withTracker { tracker in
            count(&tracker, now: monotonicNanoseconds(), unixNow: unixNanoseconds())
        }
    }

    /// Counts what is waiting.
    func count(_ tracker: inout AgentTracker, now: UInt64, unixNow: UInt64) {
        let waiting = state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
        for var batch in waiting {
            bytes.wrappingSubtract(batch.byteCount, ordering: .relaxed)
            tracker.take(&batch, now: now, unixNow: unixNow)
            giveBack(&batch)
        }
    }

    private func keep(_ batch: inout ActivityBatch) {
        bytes.wrappingAdd(batch.byteCount, ordering: .relaxed)
        var given = ActivityBatch()
        swap(&given, &batch)
        batch = state.withLock { state in
            guard given.activities.count < Self.fewActivities,
                let last = state.waiting.indices.last, state.waiting[last].byteCount < 256 << 10
            else {
                state.waiting.append(given)
                return state.free.popLast() ?? ActivityBatch()
            }
            state.waiting[last].append(given)
            given.removeAll()
            return given
        }
    }

    private func giveBack(_ batch: inout ActivityBatch) {
        // What one huge request made large is not kept.
        guard batch.byteCount < 512 << 10 else { return }
        batch.removeAll()
        state.withLock { state in
            if state.free.count < Self.mostFree { state.free.append(batch) }
        }
    }
}
