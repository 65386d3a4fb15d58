public import RoostCore

/// What calls to models cost, where that is known.
public protocol PriceSource: Sendable {
    /// The rates for a request with so many tokens of input. `unixNano` is when the call ended.
    func quote(
        model: ArraySlice<UInt8>, provider: ArraySlice<UInt8>, tier: ActivityServiceTier,
        inputTokens: UInt64, unixNano: UInt64
    ) -> PriceQuote
}

/// The rates of one model, and for which requests they hold.
public struct PriceQuote: Sendable {
    /// Nil when the price is unknown.
    package let rates: PriceRates?
    /// Unix nanoseconds, the second excluded.
    let from: UInt64
    let until: UInt64
    /// More tokens of input than the first and at most the second; none are more than none.
    let over: UInt64
    let to: UInt64

    package func holds(inputTokens: UInt64, unixNano: UInt64) -> Bool {
        unixNano >= from && unixNano < until && inputTokens <= to
            && (inputTokens > over || over == 0)
    }
}

/// How the tracker waits and what it holds.
public struct AgentTrackerSettings: Sendable {
    /// Nanoseconds that a trace must be quiet before it is taken to be over, and that a call waits
    /// at most to learn which agent it belongs to.
    public var hold: UInt64 = 30_000_000_000
    /// Activities held at the same time.
    public var openActivities = 50_000
    public var seriesLimit = SeriesLimit(10_000)
    public var bounds = DurationBounds.standard
    /// Pays for the series.
    public var memory: MemoryBudget.Share?
    /// Unix nanoseconds. Sums that began before then are counted from their second point on.
    public var began: UInt64 = 0
    /// Whose names the computed client metrics have.
    public var semconv = ClientConventions.stable
    /// Under which users are hashed to become labels; nil where they become none.
    public var userKey: [UInt8]?

    public init() {}
}

/// Finds out from the activities of all traces what is to be counted, each thing once.
///
/// Children are told before their parents, and parents may never come: a call is counted when its
/// ancestors are known up to the root, or when it has waited for long enough; usage that may repeat
/// that of children when its trace has been quiet. Pure but for the times it is given. Confined to
/// one thread. Never copied: it is large, and a copy by oversight would cost more than the counting.
public struct AgentTracker: ~Copyable, Sendable {
    var settings: AgentTrackerSettings
    var metrics: AgentMetrics
    var open = AgentTraces()
    var prices: (any PriceSource)?
    var quotes = PriceQuotes()
    /// What told the calls that were counted lately, by service and call id: 3 MB at the most.
    var recentCalls = RecentCalls(limit: 65_536)
    var closed = ClosedTraces()
    /// By trace, when people were waited for.
    var waits: [Int32: [HumanWait]] = [:]
    var touched: [Int32] = []
    /// Nil while nobody wants to know.
    var facts: AgentFactLog?
    /// Activities of the batch at hand, by place and span id.
    var arrived: [(index: Int32, spanID: UInt64)] = []
    /// While a trace is being settled, and has been asked: see `withOutcomeInside`.
    var outcomesInside: [Int32: Int32]?
    /// The trace of the activity before; -1 is none.
    var latest: Int32 = -1
    var numbers = BatchTexts()
    var signals = AgentSignals()
    var usage: UsageStreams
    /// Numbers of services whose metrics tell their cost.
    var costTellers: Set<Int32> = []
    /// The session of the activity before, and its hash.
    var latestSession: (text: TextRef, hash: UInt64) = (.none, 0)
    /// The same as facts call it.
    var toldSession: (text: TextRef, hash: UInt64) = (.none, 0)
    /// Nil while users are no label.
    var users: UserLabels?
    /// The user of the activity before, and the number of what stands for it.
    var labelledUser: (text: TextRef, number: Int32) = (.none, TextTable.none)
    /// Monotonic nanoseconds of the last batch or tick.
    var lastTold: UInt64 = 0

    /// More ancestors than this are a cycle, or as good as one.
    static let deepest = 64
    /// Nanoseconds for which what was announced may stay away.
    package static let longestPending: UInt64 = 3_600_000_000_000

    public init(_ settings: AgentTrackerSettings, prices: (any PriceSource)? = nil) {
        self.settings = settings
        self.prices = prices
        usage = UsageStreams(began: settings.began)
        metrics = AgentMetrics(
            bounds: settings.bounds,
            room: AgentSeriesRoom(limit: settings.seriesLimit, memory: settings.memory),
            conventions: settings.semconv)
        if settings.userKey != nil { labelUsers(key: settings.userKey) }
    }

    /// From the next call on.
    public mutating func use(prices: any PriceSource) {
        self.prices = prices
        quotes = PriceQuotes()
    }

    /// How many activities are held.
    public var heldActivities: Int { open.nodeCount }

    /// From now on a service's own client metrics are shown, and none computed for it. `sender` is
    /// one of `AgentMetricsScan.senders`.
    public mutating func noteClientMetrics(of sender: [UInt8]) {
        let number = metrics.texts.number(sender[...])
        if metrics.client == nil {
            metrics.noteSender(number)
        } else {
            metrics.client?.sendsItsOwn(number)
        }
    }

    // MARK: time

    /// Counts what has waited for long enough and ends what has been quiet for long enough.
    public mutating func tick(now: UInt64, unixNow: UInt64) {
        lastTold = now
        countUsage(now: now, unixNow: unixNow)
        var rounds = open.traceCount
        while rounds > 0, open.oldest >= 0 {
            rounds -= 1
            let index = open.oldest
            let trace = open.traces[Int(index)]
            let quiet = now &- trace.lastHeard
            guard quiet >= settings.hold else { break }
            if trace.pending > 0, quiet < Self.longestPending {
                settleWaiting(index, now: now, unixNow: unixNow)
                open.moveToEnd(index)
            } else {
                close(index, isForRoom: false, unixNow: unixNow)
            }
        }
        // Traces that go on and on: calls in them do not wait for ever.
        for index in open.traces.indices where open.traces[index].unsettled > 0 {
            settleWaiting(Int32(index), now: now, unixNow: unixNow)
        }
        noteActive()
    }

    mutating func closeOldest(now: UInt64, unixNow: UInt64) {
        guard open.oldest >= 0 else { return }
        close(open.oldest, isForRoom: true, unixNow: unixNow)
    }

    mutating func settleWaiting(_ index: Int32, now: UInt64, unixNow: UInt64) {
        defer { outcomesInside = nil }
        var node = open.traces[Int(index)].first
        while node >= 0 {
            let next = open.nodes[Int(node)].next
            let flags = open.nodes[Int(node)].flags
            if flags.isDisjoint(with: [.isSettled, .isPlaceholder, .isPending]),
                now &- open.detail(open.nodes[Int(node)]).arrived >= settings.hold
            {
                settle(node, unixNow: unixNow)
            }
            node = next
        }
    }

    mutating func settleAll(_ index: Int32, unixNow: UInt64) {
        if open.traces[Int(index)].unsettled > 0 {
            noteWorkflowName(index)
            defer {
                forgetWorkflowName(index)
                outcomesInside = nil
            }
            // The latest come first; those before have been settled when none of these is left.
            var node = open.traces[Int(index)].first
            while node >= 0, open.traces[Int(index)].hasUnsettled {
                let next = open.nodes[Int(node)].next
                let flags = open.nodes[Int(node)].flags
                if flags.isDisjoint(with: [.isSettled, .isPlaceholder, .isPending]) {
                    settle(node, unixNow: unixNow)
                }
                node = next
            }
        }
        if !open.traces[Int(index)].isDerived || open.traces[Int(index)].hasToldEnd {
            open.traces[Int(index)].hasToldEnd = false
            countWorkflow(index, unixNow: unixNow)
        }
        let trace = open.traces[Int(index)]
        if trace.isComplete, !trace.isDerived, !trace.hasAggregates {
            open.freeDetails(of: index)
        }
    }

    mutating func close(_ index: Int32, isForRoom: Bool, unixNow: UInt64) {
        let before = open.traces[Int(index)]
        settleAll(index, unixNow: unixNow)
        if before.isAgentic {
            // Parents that never come are common; those that may still come are work in progress.
            let given = max(before.pending, 0) + (isForRoom ? max(before.placeholders, 0) : 0)
            metrics.events.abandoned &+= UInt64(given)
            countWorkflow(index, unixNow: unixNow)
        }
        if before.hasAggregates { countAccounts(index, unixNow: unixNow) }
        if before.isAgentic { tellClosed(before) }
        remember(index)
        if !waits.isEmpty { waits[index] = nil }
        open.remove(index)
    }

    /// What has been counted so far. Nothing is copied until the next activity comes.
    public var snapshot: AgentSnapshot {
        AgentSnapshot(metrics: metrics, heldActivities: open.nodeCount)
    }

    /// Which signal the work of each service is taken from; of 1,000 at the most.
    public var beliefs: [AgentBelief] {
        signals.beliefs(now: lastTold, most: Self.mostBeliefs).map { belief in
            AgentBelief(belief, service: String(decoding: text(belief.service), as: UTF8.self))
        }
    }

    private static let mostBeliefs = 1_000
}
