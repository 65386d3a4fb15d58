public import RoostIngest

/// Everything that is made of facts, in one value with one home.
///
/// Pure: time is passed in, nothing is read or written. All of it stays below 64 MB at 10,000 open
/// workflows.
public struct Analytics: Sendable {
    public private(set) var symbols = Symbols()
    public private(set) var windows = Windows()
    public private(set) var fleet: Fleet
    public private(set) var findings: Findings
    public private(set) var failures = Failures()
    public private(set) var costs: Costs
    public private(set) var budgets: Budgets
    public private(set) var insights = InsightBook()
    /// Facts taken, and facts that found no room before they came here.
    public private(set) var facts: UInt64 = 0
    public private(set) var droppedFacts: UInt64 = 0

    private var rootless = CountedRuns()
    /// Those whose root was there. Apart, so that neither pushes the others out.
    private var rooted = CountedRuns()
    private var events: EventRing
    /// Told by the parts, and not yet in the ring.
    private var newEvents: [FleetEvent] = []
    /// The latest event that `takeMessages` has told.
    private var lastTold: UInt64 = 0

    private static let keptEvents = 8_192

    /// Levels that budgets reached and nobody has been told of.
    private var newBudgetEvents: [BudgetEvent] = []
    private static let mostBudgetEvents = 1_000
    private let began: UInt64

    /// `began` is when the program began, in Unix nanoseconds; events are numbered from there, so
    /// that those of an earlier run have lower numbers, or after `last`, when this run told more.
    /// `memory` is what an earlier run left.
    public init(
        began: UInt64, events last: UInt64 = 0, memory: AnalyticsMemory = AnalyticsMemory(),
        rules: AnalyticsRules = AnalyticsRules()
    ) {
        self.began = began
        findings = Findings(
            regressions: memory.baselines.flatMap { Regressions(decoding: $0) } ?? Regressions())
        costs = memory.costs.flatMap { Costs(decoding: $0) } ?? Costs()
        budgets =
            memory.budgets.flatMap { Budgets(decoding: $0, rules: rules.budgets) }
            ?? Budgets(rules: rules.budgets)
        insights.rules = InsightRule.all(with: rules.insights)
        let first = max(began / 1_000, last)
        fleet = Fleet(firstEvent: first)
        events = EventRing(limit: Self.keptEvents, first: first)
        lastTold = events.latest
    }

    /// Takes in the texts of a batch; its facts follow with `take(_:now:)`, in parts as short as
    /// whoever holds the lock likes.
    public mutating func begin(_ batch: AgentFactBatch) {
        symbols.take(batch)
        droppedFacts &+= UInt64(batch.dropped)
    }

    /// `now` is when they came, in Unix nanoseconds.
    public mutating func take(_ facts: ArraySlice<AgentFact>, now: UInt64) {
        self.facts &+= UInt64(facts.count)
        for var fact in facts {
            switch fact.kind {
            case .workflowCorrected:
                correct(fact, now: now)
                continue
            case .workflowEnded where fact.isRootless: rootless.note(fact, now: now)
            case .workflowEnded where !fact.isDerivedTrace: rooted.note(fact, now: now)
            case .ended where fact.activity == .agent || fact.activity == .tool:
                fact.humanWait = max(fact.humanWait, fleet.waited(below: fact))
            default: break
            }
            if fact.kind == .ended, fact.activity == .agent, fact.hasUsage {
                takeAccount(fact, now: now)
                continue
            }
            windows.take(fact, symbols, now: now)
            fleet.take(fact, symbols, now: now, events: &newEvents)
            findings.take(fact, symbols, now: now)
            failures.take(fact, symbols, now: now, fleet: fleet)
            costs.take(fact, symbols, now: now)
            note(budgets.take(fact, symbols, now: now))
        }
        keepEvents()
    }

    /// What an agent says with its end that it used: usage like that which is told apart from ends.
    private mutating func takeAccount(_ fact: AgentFact, now: UInt64) {
        let end = fact.withoutUsage
        windows.take(end, symbols, now: now)
        fleet.take(fact, symbols, now: now, events: &newEvents)
        findings.take(end, symbols, now: now)
        failures.take(end, symbols, now: now, fleet: fleet)
        costs.take(end, symbols, now: now)
        guard !fact.isUsageRepeated else { return }
        var usage = fact
        usage.kind = .usage
        usage.calls = 0
        windows.take(usage, symbols, now: now)
        findings.take(usage, symbols, now: now)
        costs.take(usage, symbols, now: now)
        note(budgets.take(usage, symbols, now: now))
    }

    /// The root of a run that was counted without it, or with a later one, has come: what the run
    /// was is put right everywhere but in what was counted for good (costs, budgets, samples of
    /// baselines).
    private mutating func correct(_ fact: AgentFact, now: UInt64) {
        guard let early = rootless.take(fact) ?? rooted.takeIfEarlier(fact) else { return }
        var run = fact
        // The name of the root's span is less than what something below it said.
        if early.isNamed, run.workflow == run.name { run.workflow = early.workflow }
        fleet.take(run, symbols, now: now, events: &newEvents)
        run.kind = .workflowEnded
        rooted.note(run, now: now)
        windows.correct(early, to: run, symbols, now: now)
        findings.correct(early, to: run, symbols, now: now)
        failures.correct(early, to: run, symbols, now: now, fleet: fleet)
    }

    /// Once a second.
    public mutating func tick(now: UInt64) {
        windows.tick(now: now)
        fleet.tick(now: now, events: &newEvents)
        findings.tick(now: now)
        failures.tick(now: now, fleet: fleet)
        costs.tick(now: now)
        note(budgets.tick(now: now))
        keepEvents()
    }

    /// Works out what is worth knowing, in some milliseconds: for a copy that nobody waits for, whose
    /// result goes to `take(insights:)`.
    public func newInsights(now: UInt64) -> InsightBook {
        var book = insights
        book.update(now: now, symbols, findings, inputs(now: now))
        return book
    }

    /// Puts in what was worked out, but for its rules, which may have changed meanwhile.
    public mutating func take(insights book: InsightBook) {
        let rules = insights.rules
        insights = book
        insights.rules = rules
    }

    /// What the other parts know that insights rest on.
    private func inputs(now: UInt64) -> InsightInputs {
        var inputs = InsightInputs()
        inputs.windows = window(3_600, now: now)
        inputs.costs = costs.report(.day, now: now)
        inputs.budgets = budgets.states(now: now)
        var few = FailureFilter()
        few.limit = 1
        inputs.failures = failures.report(few, symbols, now: now)
        inputs.fleet = fleet.statistics(symbols, now: now, mostAgents: 1)
        inputs.droppedFacts = droppedFacts
        return inputs
    }

    private mutating func note(_ events: [BudgetEvent]) {
        guard !events.isEmpty, newBudgetEvents.count < Self.mostBudgetEvents else { return }
        newBudgetEvents += events
    }

    /// Levels that budgets reached since the last time.
    public mutating func takeBudgetEvents() -> [BudgetEvent] {
        defer { newBudgetEvents.removeAll() }
        return newBudgetEvents
    }

    /// From the next fact on.
    public mutating func use(_ rules: AnalyticsRules) {
        budgets.setRules(rules.budgets)
        insights.rules = InsightRule.all(with: rules.insights)
    }

    /// What a later run should know.
    public var memory: AnalyticsMemory {
        AnalyticsMemory(
            baselines: findings.regressions.encoded(symbols), costs: costs.encoded(),
            budgets: budgets.encoded())
    }

    private mutating func keepEvents() {
        for event in newEvents { events.append(event) }
        newEvents.removeAll(keepingCapacity: true)
    }

    /// Somebody says that a failure was got over; false when it is not known or was before.
    public mutating func markRecovered(_ failure: UInt64, now: UInt64) -> Bool {
        failures.markRecovered(failure, now: now)
    }

    // MARK: baselines

    /// From now on what is usual now of a subject is what it is compared with. False when nothing is
    /// known of it.
    public mutating func acceptBaseline(of subject: FindingSubject) -> Bool {
        findings.regressions.acceptBaseline(of: subject, symbols)
    }

    /// Forgets how a subject used to do. False when nothing is known of it.
    public mutating func resetBaseline(of subject: FindingSubject) -> Bool {
        findings.regressions.resetBaseline(of: subject, symbols)
    }

    /// Forgets how everything used to do.
    public mutating func resetBaselines() { findings.regressions.resetBaselines() }

    // MARK: live

    /// From here on `takeMessages` tells what comes.
    public mutating func beginMessages() { lastTold = events.latest }

    /// The events since the last time, rendered, the oldest first, `most` at most, and how many
    /// before them are not kept any more.
    public mutating func takeMessages(
        most: Int
    ) -> (missed: UInt64, messages: [LiveMessage]) {
        let (missed, new) = events.after(lastTold, most: most)
        lastTold = new.last?.id ?? lastTold
        return (missed, new.map { LiveMessage($0, symbols) })
    }

    /// Whether this run of the program told an event: of any other nobody knows what came after it.
    public func hasTold(_ id: UInt64) -> Bool { events.knows(id) }

    /// The events with numbers of a range, as far as they are kept, rendered, the oldest first.
    public func messages(in ids: Range<UInt64>) -> [LiveMessage] {
        events.events(in: ids).map { LiveMessage($0, symbols) }
    }

    /// The number of the latest event.
    public var latestEvent: UInt64 { events.latest }

    /// Whether there is something that `takeMessages` has not told.
    public var hasMessages: Bool { lastTold < events.latest }

    // MARK: questions

    /// The figures of one window with what is active now; nil when it is no size of a window.
    public func window(
        _ seconds: Int, now: UInt64, groups: Bool = true
    ) -> WindowStatistics? {
        windows.query(
            window: seconds, symbols, now: now, activeWorkflows: fleet.activeWorkflows,
            activeAgents: fleet.activeAgents, groups: groups)
    }

    /// What is worth knowing, of now and of what has gone since.
    public func report(since: UInt64, now: UInt64) -> InsightReport {
        var inputs = InsightInputs()
        inputs.windows = window(3_600, now: now)
        inputs.droppedFacts = droppedFacts
        var coverage = findings.coverage(inputs)
        coverage.observedSince = began
        return InsightReport(
            time: now, since: since, insights: insights.insights, gone: insights.gone(since: since),
            improvements: findings.regressions.findings(symbols).filter(\.isImprovement),
            coverage: coverage)
    }
}

/// What outlives the process, each in its own form; nil is nothing.
public struct AnalyticsMemory: Sendable, Equatable {
    public var baselines: [UInt8]?
    public var costs: [UInt8]?
    public var budgets: [UInt8]?

    public init(baselines: [UInt8]? = nil, costs: [UInt8]? = nil, budgets: [UInt8]? = nil) {
        self.baselines = baselines
        self.costs = costs
        self.budgets = budgets
    }
}

/// What a user adds.
public struct AnalyticsRules: Sendable {
    public var budgets: [BudgetRule]
    /// Beside the built-in ones, or instead of those with the same id.
    public var insights: [InsightRule]

    public init(budgets: [BudgetRule] = [], insights: [InsightRule] = []) {
        self.budgets = budgets
        self.insights = insights
    }
}
