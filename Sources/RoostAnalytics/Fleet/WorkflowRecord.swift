import RoostIngest

/// One workflow run, as the fleet holds it.
struct WorkflowRecord: Sendable {
    var traceHigh: UInt64 = 0
    var traceLow: UInt64 = 0
    /// Greater than that of every run heard of before.
    var sequence: UInt64 = 0
    var user: UInt64 = 0
    /// Unix nanoseconds by the sender's clock: the earliest start, and the latest end so far.
    var start = UInt64.max
    var end: UInt64 = 0
    /// Nanoseconds by which the sender's clock is ahead of this one, negative when it is behind: the
    /// least that what it told allows for; nil before it told a time.
    var clockLead: Int64?
    /// Unix nanoseconds of arrival.
    var firstHeard: UInt64 = 0
    var lastHeard: UInt64 = 0
    /// Nanoseconds between two signs of life, the longest so far.
    var longestSilence: UInt64 = 0
    /// Nanoseconds: the longest wait for people that a step told of within itself.
    var humanWaitWithin: UInt64 = 0
    /// Of waits that were folded away: nanoseconds, once where several waited, and from when until
    /// when (Unix nanoseconds) they were.
    var foldedWaits: UInt64 = 0
    var foldedWaitsStart: UInt64 = 0
    var foldedWaitsEnd: UInt64 = 0
    /// Final.
    var tokens: UInt64 = 0
    /// USD; see `hasCost`.
    var cost = 0.0
    /// Of steps that are `seen`.
    var provisionalTokens: UInt64 = 0
    var provisionalCost = 0.0
    /// Nanoseconds that were counted when it was over.
    var countedDuration: UInt64 = 0
    /// One bit for each agent, shared by some.
    var agentBits: UInt64 = 0

    var name: Int32 = 0
    var service: Int32 = 0
    /// The agent heard of last.
    var agent: Int32 = 0
    /// The agent that is counted as active for this run though it was not announced; 0 is none.
    var activeAgent: Int32 = 0
    var errorType: Int32 = 0
    /// Place in the table of sessions; -1 is none.
    var session: Int32 = -1

    var steps: Int32 = 0
    var folded: Int32 = 0
    var announced: Int32 = 0
    /// Announced steps that are agents, that have no parent, and that wait for people.
    var announcedAgents: Int32 = 0
    var announcedRoots: Int32 = 0
    var waits: Int32 = 0
    var seen: Int32 = 0
    /// Of those seen, how many were folded away.
    var foldedKinds = FoldedSteps()
    var calls: Int32 = 0
    var toolCalls: Int32 = 0
    var agentRuns: Int32 = 0
    var errors: Int32 = 0
    /// Calls with tokens and without a known cost.
    var unpriced: Int32 = 0
    var retries: Int32 = 0

    /// Steps in the order in which they were first heard of; -1 is none.
    var first: Int32 = -1
    var last: Int32 = -1
    /// The oldest step that may be folded; -1 while there is none.
    var middle: Int32 = -1
    /// Neighbours in the order of the last sign of life, or of when they were over.
    var quieter: Int32 = -1
    var livelier: Int32 = -1
    /// Neighbours in the order of `sequence`.
    var before: Int32 = -1
    var after: Int32 = -1

    var state = WorkflowState.pending
    var isDerived = false
    /// Events told the end of its workflow.
    var isEndTold = false
    var hasCost = false
    var hasProvisionalCost = false
    /// A step without parent has ended.
    var hasRootEnded = false
    /// A step without parent, an agent or a workflow has ended.
    var hasTopEnded = false
    /// That is only known from the end of the run.
    var isRootInferred = false
    /// Steps are `lost`.
    var hasLost = false
    /// Something more than its announcement is known.
    var hasActed = false
    var isStuck = false
    /// Nothing more was expected of it.
    var isClosed = false
    /// Its end has said what it is called.
    var isNamed = false
    /// A step that waits for people has ended.
    var hasWaited = false
    /// It was over before and went on; what it was then, and the minute in which it was over first.
    var wasOver = false
    var former = WorkflowState.completed
    var overMinute: UInt32 = 0
    /// It was over for want of room, before its true end came.
    var isEarly = false
    /// Spans tell the same run: it is counted nowhere.
    var isWithdrawn = false
    /// Steps that were told before it had to go, and whose account comes.
    var unheld = FoldedSteps()

    /// Nothing is expected of it.
    var isOver: Bool { !state.isOpen || isClosed }

    /// It was over, but not for certain.
    var mayGoOn: Bool { !state.isOpen && !isEndTold && (isDerived || !hasRootEnded) }

    /// Steps whose end may still come and that are held.
    var indexed: Int32 { announced &+ seen &- foldedKinds.sum }

    var tokensSoFar: UInt64 { tokens.addingUpTo(provisionalTokens) }

    /// USD; nil when nothing in it has a known cost.
    var costSoFar: Double? {
        hasCost || hasProvisionalCost ? max(cost + provisionalCost, 0) : nil
    }

    /// Nanoseconds by the sender's clock: while it is open at least since it was first heard of, and
    /// while something in it is at work until that clock's time now, as far as it is known.
    func duration(now: UInt64) -> UInt64 {
        let told = start <= end ? end &- start : 0
        guard state.isOpen else { return told }
        let heard = max(told, now.less(firstHeard))
        guard announced > 0, let clockLead else { return heard }
        return max(heard, (now &+ UInt64(bitPattern: clockLead)).less(start))
    }

    /// What every fact says; true when it is the first of its moment.
    mutating func note(_ fact: AgentFact, now: UInt64) -> Bool {
        noteName(fact)
        if service == 0 { service = fact.service }
        if fact.user != 0 { user = fact.user }
        if fact.start != 0, fact.start < start { start = fact.start }
        if fact.kind != .began, fact.end > end { end = fact.end }
        noteClock(fact, now: now)
        if fact.humanWait > humanWaitWithin { humanWaitWithin = fact.humanWait }
        if fact.activity != .other { agentBits |= Fleet.bit(of: fact.agent) }
        guard lastHeard != now else { return false }
        if state.isOpen { longestSilence = max(longestSilence, now.less(lastHeard)) }
        lastHeard = now
        return true
    }

    /// What has happened is not later than the sender's now. What it told a while after it happened
    /// says less than what it told at once.
    private mutating func noteClock(_ fact: AgentFact, now: UInt64) {
        let time = fact.kind == .began ? fact.start : max(fact.start, fact.end)
        guard time != 0 else { return }
        let lead = Int64(bitPattern: time &- now)
        if clockLead.map({ lead > $0 }) ?? true { clockLead = lead }
    }

    /// The end of a run names it, and nothing after that but a late root, as
    /// `CountedRuns` knows it. What events tell later of theirs names it only by a word for the workflow.
    private mutating func noteName(_ fact: AgentFact) {
        guard fact.workflow != 0 else { return }
        let isWord = !isDerived || name == 0 || fact.workflow != fact.service
        let isEnd = fact.kind == .workflowEnded && !isDerived
        if isNamed ? fact.kind == .workflowCorrected : isWord { name = fact.workflow }
        if isEnd { isNamed = true }
    }

    /// Takes over a wait for people that is held no longer.
    mutating func foldWait(from start: UInt64, to end: UInt64) {
        let isFirst = foldedWaitsEnd == 0
        foldedWaitsStart = isFirst ? start : min(foldedWaitsStart, start)
        foldedWaits = foldedWaits.addingUpTo(end.less(max(start, foldedWaitsEnd)))
        foldedWaitsEnd = max(foldedWaitsEnd, end)
    }

    /// Puts a step at the end of its list, whose first `kept` are never folded.
    mutating func append(_ place: Int32, kept: Int32) {
        if last < 0 { first = place }
        last = place
        steps += 1
        if middle < 0, steps > kept { middle = place }
    }
}

/// How many steps of a run were folded away before their account was final, by what they are.
struct FoldedSteps: Sendable {
    /// Calls to models, calls of tools, runs of agents, all else.
    private var counts = SIMD4<Int32>()

    init() {}

    init(_ counts: SIMD4<UInt8>) { self.counts = SIMD4(truncatingIfNeeded: counts) }

    var sum: Int32 { counts.wrappedSum() }

    var clamped: SIMD4<UInt8> { SIMD4(clamping: counts) }

    mutating func add(_ other: FoldedSteps) { counts &+= other.counts }

    subscript(kind: ActivityKind) -> Int32 {
        get { counts[FoldedSteps.place(kind)] }
        set { counts[FoldedSteps.place(kind)] = newValue }
    }

    private static func place(_ kind: ActivityKind) -> Int {
        switch kind {
        case .llm, .embedding: 0
        case .tool: 1
        case .agent: 2
        default: 3
        }
    }
}
