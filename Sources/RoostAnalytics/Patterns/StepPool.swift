import RoostIngest

/// One step of a run, as much as the study of runs asks for.
struct RunStep: Sendable {
    var span: UInt64 = 0
    var parent: UInt64 = 0
    var start: UInt64 = 0
    var end: UInt64 = 0
    var kind = ActivityKind.other
    var hasFailed = false
    var agent: Int32 = 0
    /// The agent's, tool's or model's number.
    var number: Int32 = 0
    /// Milliseconds, at most 49 days.
    var humanWait: UInt32 = 0
    var tokensRead: UInt32 = 0
    var tokens: UInt32 = 0
    /// USD; not a number when unknown.
    var cost: Float = .nan
    /// A hash; 0 is unknown.
    var arguments: UInt32 = 0

    init() {}

    init(_ fact: AgentFact) {
        span = fact.spanID
        parent = fact.parentSpanID
        start = fact.start
        end = max(fact.start, fact.end)
        kind = fact.activity
        hasFailed = fact.status == .error
        agent = fact.agent
        number = SubjectKey(fact)?.number ?? 0
        humanWait = UInt32(clamping: fact.humanWait / 1_000_000)
        let read = fact.tokens.input &+ fact.tokens.cacheRead &+ fact.tokens.cacheWrite
        tokensRead = UInt32(clamping: read)
        tokens = UInt32(clamping: read &+ fact.tokens.output &+ fact.tokens.reasoning)
        cost = Float(fact.cost)
        arguments = fact.arguments
    }

    var subject: SubjectKey? { SubjectKey(kind, number: number) }
}

extension SubjectKey {
    /// Whom an activity's account belongs to; nil for kinds that are not watched.
    init?(_ kind: ActivityKind, number: Int32) {
        switch kind {
        case .agent: self.init(.agent, number)
        case .llm, .embedding: self.init(.model, number)
        case .tool, .retrieval: self.init(.tool, number)
        case .workflow: self.init(.workflow, number)
        case .other, .guardrail, .evaluation, .humanWait: return nil
        }
    }

    init?(_ fact: AgentFact) {
        switch fact.activity {
        case .agent: self.init(.agent, fact.agent)
        case .llm, .embedding: self.init(.model, fact.model)
        case .tool: self.init(.tool, fact.tool)
        case .retrieval: self.init(.tool, fact.tool == 0 ? fact.name : fact.tool)
        case .workflow: self.init(.workflow, fact.workflow)
        case .other, .guardrail, .evaluation, .humanWait: return nil
        }
    }
}

/// A run whose steps are held.
struct OpenRun: Sendable {
    var traceIDHigh: UInt64 = 0
    var traceIDLow: UInt64 = 0
    var first: Int32 = -1
    var last: Int32 = -1
    var count: Int32 = 0
    /// Steps that found no room.
    var missed: Int32 = 0
    /// What was said of the run as a whole.
    var isOver = false
    var isWhole = false
    var hasFailed = false
    var workflow: Int32 = 0
    var rootSpan: UInt64 = 0
    /// Nanoseconds.
    var working: UInt64 = 0
    var humanWait: UInt64 = 0
    /// Unix nanoseconds of arrival of its latest step.
    var lastHeard: UInt64 = 0
}

/// The steps of runs that are not over: chains in one array of fixed length.
struct StepPool: Sendable {
    private struct Cell: Sendable {
        var step = RunStep()
        var next: Int32 = -1
    }

    private let limit: Int
    private let openLimit: Int
    private let perRun: Int32
    private var cells: [Cell] = []
    private var freeCell: Int32 = -1
    private var runs: [OpenRun] = []
    private var freeRuns: [Int32] = []
    private var places: [RunName: Int32] = [:]
    private var latest: Int32 = -1
    /// Runs that are over, oldest first; before `nextWaiting` those that were taken out.
    private(set) var waiting: [Int32] = []
    private var nextWaiting = 0
    /// So many are removed at once, which moves as many as there are open runs at most.
    private static let mostTaken = 4_096
    /// Steps and runs that found no room.
    private(set) var missedSteps = 0
    private(set) var missedRuns = 0

    private struct RunName: Hashable {
        var high: UInt64
        var low: UInt64
    }

    init(_ settings: PatternSettings) {
        limit = settings.steps
        openLimit = settings.openRuns
        perRun = Int32(clamping: settings.stepsPerRun)
        cells.reserveCapacity(limit)
        runs.reserveCapacity(openLimit)
    }

    var openCount: Int { places.count }

    mutating func add(_ fact: AgentFact, now: UInt64) {
        let run = Int(run(of: fact))
        guard run >= 0 else { return }
        runs[run].lastHeard = now
        guard runs[run].count < perRun else {
            runs[run].missed &+= 1
            return
        }
        let cell: Int32
        if freeCell >= 0 {
            cell = freeCell
            freeCell = cells[Int(cell)].next
            cells[Int(cell)] = Cell(step: RunStep(fact))
        } else if cells.count < limit {
            cell = Int32(cells.count)
            cells.append(Cell(step: RunStep(fact)))
        } else {
            runs[run].missed &+= 1
            missedSteps &+= 1
            return
        }
        if runs[run].last >= 0 {
            cells[Int(runs[run].last)].next = cell
        } else {
            runs[run].first = cell
        }
        runs[run].last = cell
        runs[run].count &+= 1
    }

    /// A workflow was counted: its run is to be looked at.
    mutating func finish(_ fact: AgentFact, now: UInt64) {
        let run = Int(run(of: fact))
        guard run >= 0 else { return }
        runs[run].lastHeard = now
        runs[run].isWhole = true
        runs[run].hasFailed = fact.status == .error
        runs[run].workflow = fact.workflow
        runs[run].rootSpan = fact.spanID
        runs[run].working = fact.working
        runs[run].humanWait = fact.humanWait
        end(Int32(run))
    }

    /// A trace was closed: what is held of it is to be looked at, if anything is.
    mutating func close(_ fact: AgentFact) {
        if let run = places[RunName(high: fact.traceIDHigh, low: fact.traceIDLow)] { end(run) }
    }

    /// Those that were quiet for an hour were forgotten by their sender.
    mutating func endQuiet(now: UInt64) {
        for run in places.values where now > runs[Int(run)].lastHeard &+ PatternSlots.hour {
            end(run)
        }
    }

    /// The next run that is over, its steps into `steps`; nil when there is none.
    mutating func next(into steps: inout [RunStep]) -> OpenRun? {
        guard nextWaiting < waiting.count else {
            waiting.removeAll(keepingCapacity: true)
            nextWaiting = 0
            return nil
        }
        let place = waiting[nextWaiting]
        nextWaiting += 1
        if nextWaiting == Self.mostTaken {
            // Under steady load it is never empty.
            waiting.removeFirst(nextWaiting)
            nextWaiting = 0
        }
        let run = runs[Int(place)]
        steps.removeAll(keepingCapacity: true)
        var cell = run.first
        while cell >= 0 {
            steps.append(cells[Int(cell)].step)
            cell = cells[Int(cell)].next
        }
        if run.last >= 0 {
            cells[Int(run.last)].next = freeCell
            freeCell = run.first
        }
        places[RunName(high: run.traceIDHigh, low: run.traceIDLow)] = nil
        freeRuns.append(place)
        if latest == place { latest = -1 }
        return run
    }

    private mutating func end(_ run: Int32) {
        guard !runs[Int(run)].isOver else { return }
        runs[Int(run)].isOver = true
        waiting.append(run)
    }

    private mutating func run(of fact: AgentFact) -> Int32 {
        if latest >= 0, runs[Int(latest)].traceIDLow == fact.traceIDLow,
            runs[Int(latest)].traceIDHigh == fact.traceIDHigh
        {
            return latest
        }
        let name = RunName(high: fact.traceIDHigh, low: fact.traceIDLow)
        if let run = places[name] {
            latest = run
            return run
        }
        let place: Int32
        if let free = freeRuns.popLast() {
            place = free
            runs[Int(place)] = OpenRun()
        } else if runs.count < openLimit {
            place = Int32(runs.count)
            runs.append(OpenRun())
        } else {
            missedRuns &+= 1
            return -1
        }
        runs[Int(place)].traceIDHigh = fact.traceIDHigh
        runs[Int(place)].traceIDLow = fact.traceIDLow
        places[name] = place
        latest = place
        return place
    }
}
