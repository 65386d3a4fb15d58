import RoostIngest

/// What one run shows, found from its steps. Scratch that is used for one run after another.
///
/// The work grows with the number of steps and its logarithm: what each step is compared with is
/// bounded.
struct RunStudy {
    /// A tool that a run called, how often, and its first call.
    struct ToolUse: Equatable {
        var number: Int32
        var calls: Int
        var span: UInt64
    }

    /// The input of an agent's calls to one model over one run of it.
    struct Growth: Equatable {
        /// The place of the step that begins the agent's run; -1 is none.
        var run: Int32
        var agent: Int32
        var model: Int32
        var calls: Int
        var rises: Int
        var first: UInt32
        var last: UInt32
        var span: UInt64
        var factor: Double { first == 0 ? 0 : Double(last) / Double(first) }
    }

    /// What one agent used over one run.
    struct AgentUse: Equatable {
        var agent: Int32
        var runs = 0
        var tokens: UInt64 = 0
        /// USD; not a number as soon as one call's cost is unknown.
        var cost = 0.0
    }

    /// Agents that ran one after another below one parent.
    struct Sequence: Equatable {
        var parent: UInt64
        var agents: Int
        /// Seconds that the run would be shorter by if they had run at the same time.
        var saving: Double
    }

    /// Two agents that took turns.
    struct PingPong: Equatable {
        var one: Int32
        var other: Int32
        var turns: Int
        var span: UInt64
    }

    private let settings: PatternSettings
    /// By start.
    private(set) var steps: [RunStep] = []
    /// Places of steps that repeat a failed one.
    private(set) var retries: [Int] = []
    private(set) var tools: [ToolUse] = []
    /// One of each run of an agent that called a model often enough.
    private(set) var growths: [Growth] = []
    private(set) var agents: [AgentUse] = []
    private(set) var tokens: UInt64 = 0
    private(set) var cost = 0.0
    /// The step where failing began; nil when no step failed.
    private(set) var failingStep: RunStep?
    private(set) var sequence: Sequence?
    /// The most steps below one parent that ran at the same time, and that parent.
    private(set) var fanOut: (width: Int, parent: UInt64) = (0, 0)
    private(set) var pingPong: PingPong?
    private(set) var waits = RunWaits()
    private var tree = RunTree()

    /// More different tools or agents in one run are not told apart.
    private static let most = 48
    private static let retryReach = 16

    init(_ settings: PatternSettings) { self.settings = settings }

    mutating func study(_ found: inout [RunStep]) {
        swap(&steps, &found)
        steps.sort { ($0.start, $0.end) < ($1.start, $1.end) }
        retries.removeAll(keepingCapacity: true)
        tools.removeAll(keepingCapacity: true)
        growths.removeAll(keepingCapacity: true)
        agents.removeAll(keepingCapacity: true)
        (tokens, cost) = (0, 0)
        (failingStep, sequence, pingPong) = (nil, nil, nil)
        fanOut = (0, 0)
        var (calls, runs) = (0, 0)
        for at in steps.indices {
            look(at)
            if steps[at].isReading { calls += 1 }
            if steps[at].kind == .agent { runs += 1 }
        }
        waits = RunWaits(steps)
        studySiblings()
        guard calls >= settings.growthCalls || runs >= settings.pingPongTurns else { return }
        tree.build(steps)
        studyGrowth()
        studyTurns()
    }

    private mutating func look(_ at: Int) {
        let step = steps[at]
        // Of two that end together the one that began later is the inner one.
        if step.hasFailed, step.subject != nil, failingStep.map({ step.end <= $0.end }) ?? true {
            failingStep = step
        }
        switch step.kind {
        case .tool, .retrieval: noteTool(step)
        case .llm, .embedding: noteCall(step)
        case .agent: noteRun(step)
        default: return
        }
        if repeatsFailure(at) { retries.append(at) }
    }

    /// Whether the step before of the same caller and subject failed and was over by then. With
    /// other arguments, where both tell theirs, it is another.
    private func repeatsFailure(_ at: Int) -> Bool {
        let step = steps[at]
        guard step.number != 0 else { return false }
        var back = at
        while back > 0, at &- back < RunStudy.retryReach {
            back &-= 1
            let before = steps[back]
            if before.number == step.number, before.kind == step.kind,
                before.parent == step.parent,
                before.arguments == step.arguments || before.arguments == 0
                    || step.arguments == 0
            {
                return before.hasFailed && before.end <= step.start
            }
        }
        return false
    }

    private mutating func noteTool(_ step: RunStep) {
        guard step.number != 0 else { return }
        for at in tools.indices where tools[at].number == step.number {
            tools[at].calls &+= 1
            return
        }
        if tools.count < RunStudy.most {
            tools.append(ToolUse(number: step.number, calls: 1, span: step.span))
        }
    }

    private mutating func noteCall(_ step: RunStep) {
        use(step.agent) { use in
            use.tokens &+= UInt64(step.tokens)
            use.cost += Double(step.cost)
        }
        tokens &+= UInt64(step.tokens)
        cost += Double(step.cost)
    }

    private mutating func noteRun(_ step: RunStep) {
        use(step.number) { use in
            use.runs &+= 1
            use.tokens &+= UInt64(step.tokens)
            if !step.cost.isNaN { use.cost += Double(step.cost) }
        }
        tokens &+= UInt64(step.tokens)
        if !step.cost.isNaN { cost += Double(step.cost) }
    }

    private mutating func use(_ agent: Int32, _ change: (inout AgentUse) -> Void) {
        for at in agents.indices where agents[at].agent == agent {
            change(&agents[at])
            return
        }
        guard agents.count < RunStudy.most else { return }
        agents.append(AgentUse(agent: agent))
        change(&agents[agents.count - 1])
    }

    // MARK: growing input

    private mutating func studyGrowth() {
        for (at, step) in steps.enumerated() where step.isReading {
            let run = tree.runOf[at]
            let known = growths.firstIndex {
                $0.run == run && $0.agent == step.agent && $0.model == step.number
            }
            if let known {
                growths[known].calls &+= 1
                if step.tokensRead > growths[known].last { growths[known].rises &+= 1 }
                growths[known].last = step.tokensRead
                growths[known].span = step.span
            } else if growths.count < RunStudy.most {
                growths.append(
                    Growth(
                        run: run, agent: step.agent, model: step.number, calls: 1, rises: 0,
                        first: step.tokensRead, last: step.tokensRead, span: step.span))
            }
        }
        keepOneOfEachRun()
    }

    /// Of the models that a run called often enough the one whose input grows most.
    private mutating func keepOneOfEachRun() {
        var kept: [Growth] = []
        for growth in growths where growth.calls >= settings.growthCalls {
            let same = kept.firstIndex { $0.run == growth.run && $0.agent == growth.agent }
            guard let same else {
                kept.append(growth)
                continue
            }
            let isMore = !isGrowing(kept[same]) || growth.factor > kept[same].factor
            if isGrowing(growth), isMore { kept[same] = growth }
        }
        growths = kept
    }

    /// Whether an agent's calls read more and more: as in the analysis of a trace, four of five
    /// must add something.
    func isGrowing(_ growth: Growth) -> Bool {
        growth.calls >= settings.growthCalls && growth.factor >= settings.growthFactor
            && growth.rises * 5 >= (growth.calls - 1) * 4
    }

    // MARK: side by side

    private mutating func studySiblings() {
        let least = min(settings.sequentialAgents, settings.fanOut)
        guard steps.count >= least else { return }
        // Steps are in order of start, which a stable order by parent keeps.
        let order = steps.indices.sorted {
            (steps[$0].parent, $0) < (steps[$1].parent, $1)
        }
        var from = 0
        while from < order.count {
            let parent = steps[order[from]].parent
            var to = from + 1
            while to < order.count, steps[order[to]].parent == parent { to += 1 }
            if parent != 0, to - from >= least { studyGroup(order[from..<to], parent) }
            from = to
        }
    }

    private mutating func studyGroup(_ group: ArraySlice<Int>, _ parent: UInt64) {
        if group.count >= settings.fanOut {
            let width = mostAtOnce(group)
            if width > fanOut.width { fanOut = (width, parent) }
        }
        let runs = group.filter { steps[$0].kind == .agent }
        if runs.count >= settings.sequentialAgents { studySequence(runs, parent) }
    }

    private func mostAtOnce(_ group: ArraySlice<Int>) -> Int {
        let ends = group.map { steps[$0].end }.sorted()
        var over = 0
        var most = 0
        for (begun, at) in group.enumerated() {
            while over < ends.count, ends[over] <= steps[at].start { over += 1 }
            most = max(most, begun + 1 - over)
        }
        return most
    }

    private mutating func studySequence(_ runs: [Int], _ parent: UInt64) {
        var sum: UInt64 = 0
        var longest: UInt64 = 0
        var covered: UInt64 = 0
        var until: UInt64 = 0
        for at in runs {
            let step = steps[at]
            let length = step.end &- step.start
            sum &+= length
            longest = max(longest, length)
            let from = max(step.start, until)
            if step.end > from { covered &+= step.end &- from }
            until = max(until, step.end)
        }
        guard sum > longest, covered >= longest else { return }
        let parallelism = Double(sum &- min(covered, sum)) / Double(sum &- longest)
        let saving = Double(covered &- longest) * 1e-9
        guard parallelism < settings.sequentialParallelism, saving >= settings.sequentialSaving,
            saving > sequence?.saving ?? 0
        else { return }
        sequence = Sequence(parent: parent, agents: runs.count, saving: saving)
    }

    // MARK: turns

    private mutating func studyTurns() {
        let handOvers = HandOvers(
            begins: tree.begins.map(Int.init), steps: steps.count,
            caller: { [tree] in Int(tree.callers[$0]) },
            isSameAgent: { [steps] in steps[$0].number == steps[$1].number },
            isOver: { [steps] in steps[$0].end <= steps[$1].start })
        let all = handOvers.turns(atLeast: max(settings.pingPongTurns, 2))
        guard let turns = all.max(by: { $0.count < $1.count }), let last = turns.last else {
            return
        }
        let two = (steps[turns[0]].number, steps[turns[1]].number)
        pingPong = PingPong(
            one: min(two.0, two.1), other: max(two.0, two.1), turns: turns.count,
            span: steps[last].span)
    }
}

extension RunStep {
    /// A call that tells how much it read.
    fileprivate var isReading: Bool { kind == .llm && tokensRead > 0 }
}
