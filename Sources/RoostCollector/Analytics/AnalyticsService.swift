package import RoostAnalytics
import RoostCore
import RoostIngest
import Synchronization

/// The home of `Analytics`: fed by the thread `analytics`, asked by the web loop.
///
/// The lock is held for a part of a batch or for one question, a millisecond at most, and where
/// somebody listens for the rendering of what came, some milliseconds after a burst. Any thread.
package final class AnalyticsService: Sendable {
    private struct State {
        var isOn: Bool
        /// The number of the latest event before it was turned off.
        var latestEvent: UInt64 = 0
        /// Made for the first fact or question: until then, and while it is off, nothing is held.
        var analytics: Analytics?
        /// Texts that were told before.
        var early = AgentFactBatch()
        var insights = InsightClock()
    }

    private let state: Mutex<State>
    private let listeners = Mutex<LiveMailbox?>(nil)
    private let isWatchedNow = Atomic<Bool>(false)
    private let began: UInt64
    private let saver: AnalyticsSaver?
    private let log: Log
    private let rules: Mutex<AnalyticsRules>
    /// By the clock of `save`. Locked while something is gathered to be saved.
    private let lastSaved = Mutex<UInt64>(0)

    /// Nanoseconds; what is learned in between is lost with a process that is killed.
    private static let saveInterval: UInt64 = 60_000_000_000
    private static let factsAtOnce = 1_024

    /// `began` is Unix nanoseconds; `folder` is where it outlives the process, nil is nowhere.
    init(isOn: Bool, began: UInt64, rules: AnalyticsRules, folder: String?, log: Log) {
        self.began = began
        self.log = log
        self.rules = Mutex(rules)
        saver = folder.map { AnalyticsSaver(AnalyticsFile(folder: $0), log: log) }
        state = Mutex(State(isOn: isOn))
    }

    /// With what an earlier process left.
    private func make(_ state: inout State) {
        guard state.isOn, state.analytics == nil else { return }
        state.analytics = Analytics(
            began: began, events: state.latestEvent, memory: saver?.latest() ?? AnalyticsMemory(),
            rules: rules.withLock { $0 })
        state.analytics?.begin(state.early)
        state.early = AgentFactBatch()
    }

    /// From the next fact on.
    func use(_ rules: AnalyticsRules) {
        self.rules.withLock { $0 = rules }
        state.withLock { $0.analytics?.use(rules) }
    }

    /// Has written down what a later process should know, once a minute, and `now` if it is the end.
    /// Does not wait for the disk.
    func save(now: UInt64, isLast: Bool = false) {
        guard let saver else { return }
        // One lock around all, or the older of two could be the one that is kept.
        lastSaved.withLock { last in
            guard isLast || now &- last >= Self.saveInterval,
                let known = state.withLock({ $0.analytics })
            else { return }
            saver.put(known.memory)
            last = now
        }
    }

    /// Waits until what was saved is on the disk, until `deadline` (monotonic nanoseconds) at most.
    func finishSaving(deadline: UInt64) {
        if saver?.finish(deadline: deadline) == false {
            log.warn("what analytics have learned was not on the disk in time")
        }
    }

    /// What was known is forgotten when it is turned off, but for what has been written down.
    func turn(on isOn: Bool) {
        state.withLock { state in
            if !isOn {
                let latest = state.analytics?.latestEvent ?? state.latestEvent
                state = State(isOn: false, latestEvent: latest)
            }
            state.isOn = isOn
        }
    }

    var isOn: Bool { state.withLock { $0.isOn } }

    /// Whether somebody waits for what comes.
    var isWatched: Bool { isWatchedNow.load(ordering: .relaxed) }

    /// From now on `mailbox` gets what comes; nil ends that.
    package func tell(_ mailbox: LiveMailbox?) {
        if mailbox != nil { state.withLock { $0.analytics?.beginMessages() } }
        listeners.withLock { $0 = mailbox }
        isWatchedNow.store(mailbox != nil, ordering: .relaxed)
    }

    /// Takes in what the tracker found out. The analytics thread only.
    func take(_ batch: AgentFactBatch, now: UInt64) {
        guard !batch.isEmpty || batch.dropped > 0 else { return }
        state.withLock { state in
            guard state.isOn else { return }
            guard state.analytics != nil || !batch.facts.isEmpty else {
                state.early.newTexts += batch.newTexts
                state.early.identities += batch.identities
                return
            }
            make(&state)
            state.analytics?.begin(batch)
            state.insights.hasNews = true
        }
        var first = 0
        while first < batch.facts.count {
            let end = min(first + Self.factsAtOnce, batch.facts.count)
            state.withLock { $0.analytics?.take(batch.facts[first..<end], now: now) }
            first = end
            tellListeners()
        }
    }

    /// Once a second, on the analytics thread.
    func tick(now: UInt64) {
        state.withLock { $0.analytics?.tick(now: now) }
        tellListeners()
        tellBudgets()
        updateInsights(now: now)
    }

    /// Works insights out from a copy, while questions go on. Nothing is changed meanwhile, since
    /// facts are taken by the same thread; so the copy costs no more than its making.
    private func updateInsights(now: UInt64) {
        let began = monotonicNanoseconds()
        let known = state.withLock { $0.insights.begin(began) ? $0.analytics : nil }
        guard let book = known?.newInsights(now: now) else { return }
        state.withLock { state in
            state.analytics?.take(insights: book)
            state.insights.end(began: began, now: monotonicNanoseconds())
        }
    }

    /// Budgets that reached another level are told in the log, whoever listens.
    private func tellBudgets() {
        let (events, latest) = state.withLock { state in
            (state.analytics?.takeBudgetEvents() ?? [], state.analytics?.latestEvent ?? 0)
        }
        guard !events.isEmpty else { return }
        for event in events.prefix(10) {
            let subject = event.subject.isEmpty ? "all" : event.subject
            let text = "budget \(event.rule.name) of \(subject): \(event.to.rawValue)"
            if event.to == .ok { log.info(text) } else { log.warn(text) }
        }
        guard isWatched, let mailbox = listeners.withLock({ $0 }) else { return }
        // So few that they need no room.
        mailbox.put(missed: 0, events.map { LiveMessage($0, after: latest) })
    }

    /// Puts into the mailbox what there is room for, `most` at most. By itself whenever something has
    /// come.
    package func tellListeners(most: Int = 4_096) {
        guard isWatched, let mailbox = listeners.withLock({ $0 }) else { return }
        // One lock around both, or two threads could bring them in the wrong order.
        state.withLock { state in
            guard state.analytics?.hasMessages == true else { return }
            guard mailbox.hasRoom, let new = state.analytics?.takeMessages(most: most) else {
                return
            }
            let isCut = state.analytics?.hasMessages == true
            mailbox.put(missed: new.missed, new.messages, isCut: isCut)
        }
    }

    /// Asks for something, in a millisecond at most; nil while analytics are switched off.
    package func read<Result>(_ question: (borrowing Analytics) -> Result) -> Result? {
        state.withLock { state in
            make(&state)
            guard let analytics = state.analytics else { return nil }
            return question(analytics)
        }
    }

    /// Changes something that a person decides, in a millisecond at most; nil while analytics are
    /// switched off.
    package func change<Result: Sendable>(
        _ change: @Sendable (inout Analytics) -> Result
    ) -> Result? {
        state.withLock { state in
            make(&state)
            guard var known = state.analytics.take() else { return nil }
            defer { state.analytics = known }
            return change(&known)
        }
    }

    /// The same, but nil as well while there is nothing to tell.
    func peek<Result>(_ question: (borrowing Analytics) -> Result) -> Result? {
        state.withLock { state in
            guard let analytics = state.analytics else { return nil }
            return question(analytics)
        }
    }
}
