public import RoostIngest

/// Finds what keeps going wrong, is slow or wasteful, in what arrived within the last hour and day.
///
/// `take` only counts; runs that are over are looked at by `tick`, a bounded number of steps at a
/// time. Nothing here is more than 8 MB together.
public struct Patterns: Sendable {
    public let settings: PatternSettings
    private(set) var slots = PatternSlots()
    private(set) var operations: OperationBook
    private(set) var tallies: TallyBook
    private var pool: StepPool
    private var scratch: [RunStep] = []
    private var room: UInt64 = 0

    /// Runs that were looked at.
    public private(set) var studiedRuns = 0
    /// What could not be: steps and runs for which there was no room, and attempts of operations
    /// and notes of runs that found their tables full.
    public var missed: Int {
        pool.missedSteps &+ pool.missedRuns &+ operations.unwatched &+ tallies.unwatched
    }

    public init(_ settings: PatternSettings = PatternSettings()) {
        self.settings = settings
        operations = OperationBook(settings)
        tallies = TallyBook(limit: settings.tallies)
        pool = StepPool(settings)
    }

    public mutating func take(_ fact: AgentFact, _ symbols: Symbols, now: UInt64) {
        switch fact.kind {
        case .ended:
            turn(now)
            if fact.activity != .workflow, let key = SubjectKey(fact) {
                operations.note(key, fact, at: slots.open, now: now)
            }
            pool.add(fact, now: now)
        case .workflowEnded:
            turn(now)
            operations.note(SubjectKey(.workflow, fact.workflow), fact, at: slots.open, now: now)
            pool.finish(fact, now: now)
        case .traceClosed: pool.close(fact)
        case .began, .seen, .usage, .workflowCorrected: return
        }
    }

    /// The root of a run that was counted without it has come. Its last steps are looked at again
    /// with what is true of the run as a whole only if it failed: as a whole it was before.
    mutating func correct(_ early: CountedRun, to run: AgentFact, now: UInt64) {
        turn(now)
        let key = SubjectKey(.workflow, run.workflow)
        if early.workflow == run.workflow {
            operations.correct(key, hadFailed: early.hasFailed, run, at: slots.open, now: now)
        } else {
            let former = SubjectKey(.workflow, early.workflow)
            operations.takeBack(former, hadFailed: early.hasFailed, at: slots.open)
            operations.note(key, run, at: slots.open, now: now)
        }
        if run.status == .error { pool.finish(run, now: now) } else { pool.close(run) }
    }

    public mutating func tick(now: UInt64) { tick(now: now) { _, _ in } }

    /// Looks at runs that are over and hands what each showed to `also`.
    mutating func tick(now: UInt64, also: (OpenRun, RunStudy) -> Void) {
        turn(now)
        if now >= room || now < room &- PatternSlots.hour {
            room = now &+ 10_000_000_000
            pool.endQuiet(now: now)
            operations.makeRoom(now: now, open: slots.open)
            tallies.makeRoom(now: now)
        }
        var left = settings.stepsPerTick
        var study = RunStudy(settings)
        while left > 0, let run = pool.next(into: &scratch) {
            left -= scratch.count + 4
            study.study(&scratch)
            note(run, study, now: now)
            also(run, study)
            studiedRuns &+= 1
        }
    }

    private mutating func turn(_ now: UInt64) {
        guard let turn = slots.advance(to: now) else { return }
        operations.turn(turn)
        tallies.turn(turn)
    }

    // MARK: what a run showed

    private mutating func note(_ run: OpenRun, _ study: RunStudy, now: UInt64) {
        for at in study.retries {
            if let key = study.steps[at].subject { operations.noteRetry(key, at: slots.open) }
        }
        var noter = RunNoter(run: run, open: slots.open, now: now)
        for use in study.tools {
            let isHit = use.calls >= settings.repeatedCalls
            noter.note(
                &tallies, .repeated, SubjectKey(.tool, use.number).packed, isHit: isHit,
                amount: isHit ? Double(use.calls) : 0, span: use.span)
        }
        for growth in study.growths {
            let isHit = study.isGrowing(growth)
            noter.note(
                &tallies, .growth, SubjectKey(.agent, growth.agent).packed, isHit: isHit,
                amount: isHit ? growth.factor : 0, span: growth.span)
        }
        guard run.isWhole else { return }
        noteWorkflow(run, study, &noter)
    }

    private mutating func noteWorkflow(
        _ run: OpenRun, _ study: RunStudy, _ noter: inout RunNoter
    ) {
        let workflow = SubjectKey(.workflow, run.workflow).packed
        let waited = study.waits.waited(told: run.humanWait)
        let whole = run.working &+ run.humanWait
        if whole > 0 {
            noter.note(
                &tallies, .humanWait, workflow, isHit: waited > 0,
                amount: Double(min(waited, whole)) * 1e-9, whole: Double(whole) * 1e-9,
                span: run.rootSpan)
        }
        if run.hasFailed, let step = study.failingStep, step.span != run.rootSpan,
            let subject = step.subject
        {
            noter.note(
                &tallies, .failingStep, workflow, with: subject.packed, isHit: true, amount: 0,
                span: step.span)
        }
        if study.agents.count >= settings.sequentialAgents {
            noter.note(
                &tallies, .sequential, workflow, isHit: study.sequence != nil,
                amount: study.sequence?.saving ?? 0, whole: Double(study.sequence?.agents ?? 0),
                span: study.sequence?.parent ?? 0)
        }
        if study.fanOut.width >= settings.fanOut {
            noter.note(
                &tallies, .fanOut, workflow, isHit: true, amount: Double(study.fanOut.width),
                span: study.fanOut.parent)
        }
        if let turns = study.pingPong {
            let two = UInt64(UInt32(bitPattern: turns.one)) << 32
            noter.note(
                &tallies, .pingPong, workflow,
                with: two | UInt64(UInt32(bitPattern: turns.other)), isHit: true,
                amount: Double(turns.turns), span: turns.span)
        }
    }
}

/// What stays the same while one run is noted.
private struct RunNoter {
    let run: OpenRun
    let open: Int
    let now: UInt64

    func note(
        _ tallies: inout TallyBook, _ pattern: TallyBook.Pattern, _ about: UInt64,
        with: UInt64 = 0, isHit: Bool, amount: Double, whole: Double = 0, span: UInt64
    ) {
        var example = FindingExample()
        example.traceIDHigh = run.traceIDHigh
        example.traceIDLow = run.traceIDLow
        example.spanID = span
        let change = TallyBook.Slot(
            chances: 1, hits: isHit ? 1 : 0, amount: amount, whole: whole)
        tallies.note(
            TallyBook.Key(pattern: pattern, about: about, with: with), change, example: example,
            at: open, now: now)
    }
}
