public import RoostIngest

/// Knows how agents, tools, models and workflows used to do, and tells what has become worse.
///
/// `take` samples; `tick` compares some operations with their past; a query reads what was found.
/// At most 512 operations of 7.5 KB.
public struct Regressions: Sendable {
    public let settings: RegressionSettings
    private var index = SubjectIndex()
    private(set) var keys: [SubjectKey] = []
    private var table = SampleTable()
    private(set) var assessments: [Assessment] = []
    /// Values over these show a change for the worse; by operation and measure.
    private var marks: [Double] = []
    private(set) var examples: [ExampleRing] = []
    private var lastSeen: [UInt64] = []
    /// Of calls and runs, how many more are passed over until the next is sampled.
    private var pass: [Pass] = []
    private var nextLook = 0
    private var random: UInt64 = 0x2545_F491_4F6C_DD1D
    /// Baselines of an earlier process whose operations have not come again.
    var adopted = AdoptedBaselines()
    /// Calls of operations that found no room.
    public private(set) var unwatched = 0

    private struct Pass {
        var callsLeft: UInt32 = 0
        var runsLeft: UInt32 = 0
        /// One in so many is sampled.
        var every: UInt32 = 1
        var calls: UInt32 = 0
        var since: UInt64 = 0
    }

    public init(_ settings: RegressionSettings = RegressionSettings()) {
        self.settings = settings
    }

    public mutating func take(_ fact: AgentFact, _ symbols: Symbols, now: UInt64) {
        switch fact.kind {
        case .ended where fact.activity != .workflow:
            if let key = SubjectKey(fact) { sample(key, fact, symbols, now: now) }
        case .workflowEnded:
            sample(SubjectKey(.workflow, fact.workflow), fact, symbols, now: now)
        default: return
        }
    }

    private mutating func sample(
        _ key: SubjectKey, _ fact: AgentFact, _ symbols: Symbols, now: UInt64
    ) {
        let place = place(key, symbols, now: now)
        guard place >= 0 else { return }
        pass[place].calls &+= 1
        if pass[place].callsLeft > 0 {
            pass[place].callsLeft &-= 1
            return
        }
        pass[place].callsLeft = gap(pass[place].every)
        lastSeen[place] = now
        let hasFailed = fact.status == .error
        add(hasFailed ? 1 : 0, place, .failure, fact, now: now)
        guard !hasFailed else { return }
        if !fact.isInstant { add(Double(fact.working) * 1e-9, place, .duration, fact, now: now) }
        guard key.kind == .model else { return }
        let tokens = fact.tokens
        let all =
            tokens.input &+ tokens.cacheRead &+ tokens.cacheWrite &+ tokens.output
            &+ tokens.reasoning
        if all > 0 { add(Double(all), place, .tokens, fact, now: now) }
        if !fact.cost.isNaN { add(fact.cost, place, .cost, fact, now: now) }
    }

    private mutating func add(
        _ value: Double, _ place: Int, _ measure: SampledMeasure, _ fact: AgentFact, now: UInt64
    ) {
        let at = table.at(place, measure)
        table.add(
            value, at, now: now, isHeld: assessments[place].isHeld, settings)
        if value > marks[at] { examples[at].note(fact, now: now) }
    }

    /// What a run used, for its agents and its workflow.
    mutating func take(_ run: OpenRun, _ study: RunStudy, now: UInt64) {
        var root = AgentFact(.workflowEnded)
        root.traceIDHigh = run.traceIDHigh
        root.traceIDLow = run.traceIDLow
        root.spanID = run.rootSpan
        guard run.isWhole, run.missed == 0 else { return }
        if !run.hasFailed {
            addUse(.workflow, run.workflow, study.tokens, study.cost, 1, root, now: now)
        }
        root.spanID = 0
        for use in study.agents where use.runs > 0 {
            addUse(.agent, use.agent, use.tokens, use.cost, use.runs, root, now: now)
        }
    }

    private mutating func addUse(
        _ kind: FindingSubject.Kind, _ number: Int32, _ tokens: UInt64, _ cost: Double,
        _ runs: Int, _ fact: AgentFact, now: UInt64
    ) {
        let place = index.place(SubjectKey(kind, number).packed)
        guard place >= 0, tokens > 0 else { return }
        if pass[place].runsLeft > 0 {
            pass[place].runsLeft &-= 1
            return
        }
        pass[place].runsLeft = gap(pass[place].every)
        add(Double(tokens) / Double(runs), place, .tokens, fact, now: now)
        if !cost.isNaN { add(cost / Double(runs), place, .cost, fact, now: now) }
    }

    /// How many to pass over so that one in `every` is sampled on average. At random, since work
    /// comes in rounds: every third call of an agent that makes three is always the same one.
    private mutating func gap(_ every: UInt32) -> UInt32 {
        guard every > 1 else { return 0 }
        random ^= random << 13
        random ^= random >> 7
        random ^= random << 17
        return UInt32(truncatingIfNeeded: random >> 16) % (2 &* every &- 1)
    }

    // MARK: time

    /// Looks at the next operations.
    public mutating func tick(now: UInt64) {
        var looked = 0
        var passed = 0
        while passed < keys.count, looked < settings.operationsPerTick {
            passed += 1
            nextLook = nextLook + 1 < keys.count ? nextLook + 1 : 0
            adjustPass(nextLook, now: now)
            if look(at: nextLook, now: now) { looked += 1 }
        }
        if looked > 0 { adjust() }
    }

    /// Compares an operation with its past if that may have changed.
    private mutating func look(at place: Int, now: UInt64) -> Bool {
        let isHeld = assessments[place].isHeld
        var isDue = false
        for measure in SampledMeasure.allCases {
            let at = table.at(place, measure)
            let before = table.series[at].count
            table.age(at, now: now, isHeld: isHeld, settings)
            let series = table.series[at]
            // Each look is a chance for noise: there must be something new to look at.
            if series.fresh >= 16 || series.count != before { isDue = true }
            if !series.isLearned, series.kept > 0, assessments[place].baseline.calls < 20 {
                isDue = true
            }
        }
        guard isDue else { return false }
        for measure in SampledMeasure.allCases { table.wasLookedAt(table.at(place, measure)) }
        assessments[place] = Assessor(settings: settings).assess(table, place)
        setMarks(place)
        return true
    }

    private mutating func setMarks(_ place: Int) {
        let baseline = assessments[place].baseline
        let isLearned = assessments[place].isLearned
        let typical: [(SampledMeasure, Double)] = [
            (.duration, baseline.duration.p50), (.tokens, baseline.tokens),
            (.cost, baseline.cost),
        ]
        for (measure, value) in typical {
            let mark = value * (1 + settings.threshold)
            marks[table.at(place, measure)] = isLearned && mark > 0 ? mark : .infinity
        }
    }

    /// Where calls come fast, only one in so many is sampled.
    private mutating func adjustPass(_ place: Int, now: UInt64) {
        let since = pass[place].since
        let minute: UInt64 = 60_000_000_000
        if now >= since, now - since < minute { return }
        if since != 0, now > since {
            let inStretch =
                Double(pass[place].calls) * Double(settings.leastStretch) / Double(now - since)
            let every = (inStretch / Double(SampleTable.recent)).rounded(.down)
            pass[place].every = UInt32(max(1, min(every, 1_000_000)))
        }
        pass[place].calls = 0
        pass[place].since = now
    }

    /// Takes into account how much was tested at the same time.
    private mutating func adjust() {
        var chances: [Double] = []
        for assessment in assessments { chances += assessment.changes.map(\.p) }
        Comparison.adjust(&chances)
        var at = 0
        for place in assessments.indices {
            for change in assessments[place].changes.indices {
                assessments[place].changes[change].adjusted = chances[at]
                at += 1
            }
        }
    }

    // MARK: places

    private mutating func place(_ key: SubjectKey, _ symbols: Symbols, now: UInt64) -> Int {
        let place = index.place(key.packed)
        if place >= 0 { return place }
        if keys.count >= settings.operations {
            unwatched &+= 1
            // Of those turned away one in so many takes a place, if one is held by what is not
            // learned yet or was not seen for a week.
            guard unwatched % 64 == 0,
                let oldest = lastSeen.indices.min(by: { lastSeen[$0] < lastSeen[$1] }),
                !assessments[oldest].isLearned || now > lastSeen[oldest] &+ 7 &* PatternSlots.day
            else { return -1 }
            remove(oldest)
        }
        return make(key, symbols)
    }

    private mutating func make(_ key: SubjectKey, _ symbols: Symbols) -> Int {
        let place = keys.count
        keys.append(key)
        table.addOperation()
        assessments.append(Assessment())
        marks.append(contentsOf: [.infinity, 0, .infinity, .infinity])
        examples.append(contentsOf: repeatElement(ExampleRing(), count: SampledMeasure.count))
        lastSeen.append(0)
        pass.append(Pass())
        index.insert(key.packed, place: place)
        if let baseline = adopted.take(key.subject(symbols)) {
            for measure in SampledMeasure.allCases {
                let part = baseline.parts[measure.rawValue]
                table.restore(
                    table.at(place, measure), part.codes, began: part.began,
                    isLearned: part.isLearned)
            }
            assessments[place] = Assessor(settings: settings).assess(table, place)
            setMarks(place)
        }
        return place
    }

    private mutating func remove(_ place: Int) {
        let last = keys.count - 1
        table.removeOperation(place)
        keys.swapAt(place, last)
        assessments.swapAt(place, last)
        lastSeen.swapAt(place, last)
        pass.swapAt(place, last)
        for measure in 0..<SampledMeasure.count {
            marks.swapAt(
                place * SampledMeasure.count + measure, last * SampledMeasure.count + measure)
            examples.swapAt(
                place * SampledMeasure.count + measure, last * SampledMeasure.count + measure)
        }
        keys.removeLast()
        assessments.removeLast()
        lastSeen.removeLast()
        pass.removeLast()
        marks.removeLast(SampledMeasure.count)
        examples.removeLast(SampledMeasure.count)
        index.removeAll()
        for (place, key) in keys.enumerated() { index.insert(key.packed, place: place) }
    }

    // MARK: baselines set from outside

    /// From now on what is usual now is what is compared with; a baseline that has not been compared
    /// with anything since the start stays as it is. False when nothing is known.
    public mutating func acceptBaseline(of subject: FindingSubject, _ symbols: Symbols) -> Bool {
        let isWaiting = adopted.baselines[subject] != nil
        return change(of: subject, symbols) { table, at in table.accept(at) } || isWaiting
    }

    /// Forgets how a subject used to do; it is learned anew. False when nothing is known.
    public mutating func resetBaseline(of subject: FindingSubject, _ symbols: Symbols) -> Bool {
        let wasAdopted = adopted.take(subject) != nil
        return change(of: subject, symbols) { table, at in table.forget(at) } || wasAdopted
    }

    /// Forgets how everything used to do.
    public mutating func resetBaselines() {
        adopted = AdoptedBaselines()
        for place in keys.indices { change(at: place) { table, at in table.forget(at) } }
    }

    private mutating func change(
        of subject: FindingSubject, _ symbols: Symbols,
        _ change: (inout SampleTable, Int) -> Void
    ) -> Bool {
        guard let place = keys.firstIndex(where: { $0.subject(symbols) == subject }) else {
            return false
        }
        self.change(at: place, change)
        return true
    }

    private mutating func change(at place: Int, _ change: (inout SampleTable, Int) -> Void) {
        for measure in SampledMeasure.allCases { change(&table, table.at(place, measure)) }
        assessments[place] = Assessor(settings: settings).assess(table, place)
        setMarks(place)
    }

    // MARK: for keeping

    func part(_ place: Int, _ measure: SampledMeasure) -> AdoptedBaselines.Part {
        let at = table.at(place, measure)
        let series = table.series[at]
        return AdoptedBaselines.Part(
            began: series.began, isLearned: series.isLearned, codes: Array(table.keptCodes(at)))
    }

    func lastSeen(at place: Int) -> UInt64 { lastSeen[place] }
}
