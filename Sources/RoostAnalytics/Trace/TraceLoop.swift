import RoostCore

/// An agent that goes round in circles.
public struct TraceLoop: Sendable, Equatable {
    public enum Kind: String, Sendable {
        /// The same tool with the same arguments again and again.
        case sameCall = "same_call"
        /// Two agents that hand the work to each other.
        case pingPong = "ping_pong"
        /// Each call to the model reads more than the one before.
        case growingInput = "growing_input"
    }

    public var kind: Kind
    public var agent = ""
    /// The tool, the other agent, or the model.
    public var subject = ""
    public var count = 0
    /// How many of them failed.
    public var errors = 0
    /// Nanoseconds on the critical path of what came after the first round; of the same call, those
    /// after the first answer, or after the first failure where none was answered.
    public var saving = 0
    /// Tokens and USD of what came after the first round; for growing input, what was read above
    /// what the first call read.
    public var tokens: UInt64 = 0
    public var cost: Double?
    /// Tokens that the first and the last call read; only of growing input.
    public var firstInput: UInt64 = 0
    public var lastInput: UInt64 = 0
    /// Indices of the steps, in the order of their start.
    public var steps: [Int] = []
    public var confidence = 0.0

    init(_ kind: Kind) { self.kind = kind }

    static func all(
        _ steps: [TraceStep], _ times: TraceTimes, _ runs: AgentRuns, _ path: CriticalPath,
        _ settings: TraceAnalysisSettings
    ) -> [TraceLoop] {
        let found =
            sameCalls(steps, times, path, settings)
            + pingPongs(steps, times, runs, path, settings)
            + growing(steps, times, runs, settings)
        return found.sorted { ($1.saving, $1.count) < ($0.saving, $0.count) }
    }

    /// - Parameter needless: those of the places that need not have been, and from when on.
    private mutating func take(
        _ places: [Int], needless: some Sequence<Int>, from offset: Int = 0, _ steps: [TraceStep],
        _ path: CriticalPath, _ settings: TraceAnalysisSettings
    ) {
        count = places.count
        errors = places.count { steps[$0].status == .error }
        self.steps = Array(places.prefix(settings.mostEvidence))
        for place in needless {
            saving = saving &+ path.onPath(place, from: offset)
            guard steps[place].isCounted else { continue }
            tokens &+= steps[place].tokens.total
            if let cost = steps[place].cost { self.cost = (self.cost ?? 0) + cost }
        }
    }

    // MARK: the same call

    private struct Call: Hashable {
        let agent: ExactText
        let tool: ExactText
        let arguments: UInt64
    }

    private static func sameCalls(
        _ steps: [TraceStep], _ times: TraceTimes, _ path: CriticalPath,
        _ settings: TraceAnalysisSettings
    ) -> [TraceLoop] {
        var calls: [Call: [Int]] = [:]
        for place in steps.indices
        where steps[place].activity == .tool && steps[place].argumentsHash != 0
            && steps[place].isCounted
        {
            calls[
                Call(
                    agent: ExactText(steps[place].agent), tool: ExactText(steps[place].tool),
                    arguments: steps[place].argumentsHash), default: []
            ].append(place)
        }
        var found: [TraceLoop] = []
        for (call, places) in calls where places.count >= settings.sameArguments {
            var loop = TraceLoop(.sameCall)
            loop.agent = call.agent.text
            loop.subject = call.tool.text
            let same = SameCalls(places, steps, times)
            // What never worked need not have been tried again.
            loop.take(
                places, needless: same.answer == nil ? places.dropFirst() : same.needless[...],
                from: same.answer ?? times.ends[places[0]], steps, path, settings)
            loop.confidence = Confidence.share(places.count - 1, of: places.count - 1)
            found.append(loop)
        }
        return found.sorted { ($0.steps.first ?? 0) < ($1.steps.first ?? 0) }
    }

    // MARK: to and fro

    /// Two agents in turn: one below the other, or one after the other where no agent is above to
    /// give them their work.
    private static func pingPongs(
        _ steps: [TraceStep], _ times: TraceTimes, _ runs: AgentRuns, _ path: CriticalPath,
        _ settings: TraceAnalysisSettings
    ) -> [TraceLoop] {
        let handOvers = HandOvers(
            begins: runs.begins, steps: steps.count, caller: { runs.callers[$0] },
            isSameAgent: { steps[$0].agent.isExactly(steps[$1].agent) },
            isOver: { times.ends[$0] <= times.starts[$1] })
        return handOvers.turns(atLeast: max(settings.pingPong, 2)).map { turns in
            var loop = TraceLoop(.pingPong)
            loop.agent = steps[turns[0]].agent
            loop.subject = steps[turns[1]].agent
            loop.take(turns, needless: turns.dropFirst(2), steps, path, settings)
            loop.confidence = Confidence.share(turns.count - 2, of: turns.count - 2)
            return loop
        }
    }

    // MARK: growing input

    private struct Turn: Hashable {
        let run: Int
        let agent: ExactText
        let model: ExactText
    }

    private static func growing(
        _ steps: [TraceStep], _ times: TraceTimes, _ runs: AgentRuns,
        _ settings: TraceAnalysisSettings
    ) -> [TraceLoop] {
        var turns: [Turn: [Int]] = [:]
        for place in steps.indices
        where steps[place].activity == .llm && steps[place].isCounted && steps[place].input > 0 {
            turns[
                Turn(
                    run: runs.runOf[place], agent: ExactText(steps[place].agent),
                    model: ExactText(steps[place].model)),
                default: []
            ].append(place)
        }
        var found: [TraceLoop] = []
        for (turn, calls) in turns where calls.count >= settings.growingCalls {
            let places = calls.sorted { (times.starts[$0], $0) < (times.starts[$1], $1) }
            let inputs = places.map { steps[$0].input }
            guard let first = inputs.first, let last = inputs.last,
                Double(last) >= settings.growth * Double(first)
            else { continue }
            let rises = zip(inputs, inputs.dropFirst()).count { $0 < $1 }
            // Most turns must add something; one that is cleared in between is looked after.
            guard rises * 5 >= (inputs.count - 1) * 4 else { continue }
            var loop = TraceLoop(.growingInput)
            loop.agent = turn.agent.text
            loop.subject = turn.model.text
            loop.count = places.count
            loop.errors = places.count { steps[$0].status == .error }
            loop.steps = Array(places.prefix(settings.mostEvidence))
            (loop.firstInput, loop.lastInput) = (first, last)
            loop.addSurplus(places, steps, first)
            loop.confidence = Confidence.share(rises, of: inputs.count - 1)
            found.append(loop)
        }
        return found.sorted { ($0.steps.first ?? 0) < ($1.steps.first ?? 0) }
    }

    /// What was read above what the first call read, and its part of the cost.
    private mutating func addSurplus(_ places: [Int], _ steps: [TraceStep], _ first: UInt64) {
        for place in places where steps[place].input > first {
            let surplus = steps[place].input - first
            tokens &+= surplus
            guard let cost = steps[place].cost, steps[place].tokens.total > 0 else { continue }
            let part = Double(surplus) / Double(steps[place].tokens.total)
            self.cost = (self.cost ?? 0) + cost * part
        }
    }
}

extension TraceStep {
    /// Tokens that the model read, from a cache or not.
    var input: UInt64 { tokens.input &+ tokens.cacheRead &+ tokens.cacheWrite }
}
