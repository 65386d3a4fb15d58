/// One thing to do about a trace, with what it was concluded from.
public struct TraceRecommendation: Sendable, Equatable {
    public enum Category: String, Sendable {
        case parallelize, longPole = "long_pole", slowAgent = "slow_agent", cache, loop
        case context, errors, clocks
    }

    public var category: Category
    public var title: String
    public var text: String
    /// Indices of steps.
    public var evidence: [Int]
    /// Seconds that the trace would be over sooner, at most; nil when it is not about time.
    public var saving: Double?
    /// USD; nil when it is not about cost or that is unknown.
    public var costSaving: Double?
    /// 0 to 1, worked out from the evidence.
    public var confidence: Double

    static func all(_ analysis: TraceAnalysis) -> [TraceRecommendation] {
        var maker = RecommendationMaker(analysis)
        maker.make()
        return maker.made.sorted {
            ($1.saving ?? 0, $1.costSaving ?? 0, $1.confidence)
                < ($0.saving ?? 0, $0.costSaving ?? 0, $0.confidence)
        }
    }
}

/// Words for what was found. Says nothing that the figures do not.
private struct RecommendationMaker {
    private let analysis: TraceAnalysis
    private var steps: [TraceStep] { analysis.document.steps }
    private(set) var made: [TraceRecommendation] = []

    /// Of one sort; the rest is in the findings themselves.
    private static let mostOfOne = 5

    init(_ analysis: TraceAnalysis) { self.analysis = analysis }

    mutating func make() {
        for pole in analysis.longPoles.prefix(Self.mostOfOne) { add(pole) }
        for phase in analysis.phases.filter({ $0.saving > 0 }).prefix(Self.mostOfOne) { add(phase) }
        for agent in analysis.agents.filter(\.isSlow).prefix(Self.mostOfOne) { add(agent) }
        for operation in analysis.repeated.filter({ $0.repeats > 0 }).prefix(Self.mostOfOne) {
            add(operation)
        }
        for loop in analysis.loops.prefix(Self.mostOfOne) { add(loop) }
        for cluster in analysis.errorClusters.prefix(Self.mostOfOne) { add(cluster) }
        for skew in analysis.clockSkews.prefix(Self.mostOfOne) { add(skew) }
    }

    private mutating func add(
        _ category: TraceRecommendation.Category, _ title: String, _ text: String,
        _ evidence: [Int], saving: Int? = nil, cost: Double? = nil, _ confidence: Double
    ) {
        made.append(
            TraceRecommendation(
                category: category, title: title, text: text, evidence: evidence,
                saving: saving.map { Double(max($0, 0)) / 1e9 }, costSaving: cost,
                confidence: confidence))
    }

    private mutating func add(_ pole: LongPole) {
        let step = steps[pole.step]
        let limit = Int(analysis.settings.longPole * 1e9)
        let alone =
            pole.alone == pole.onPath
            ? ", and nothing else was at work meanwhile"
            : ", and nothing else was at work for \(Words.time(pole.alone)) of it"
        // What was left out may have been at work.
        let isWhole = analysis.document.omitted == 0
        add(
            .longPole, "Shorten \(Words.step(step)), or start it earlier",
            "The trace waited \(Words.time(pole.onPath)) for it\(isWhole ? alone : "").",
            [pole.step], saving: pole.onPath - limit,
            Confidence.beyond(Double(pole.onPath), Double(limit)))
    }

    private mutating func add(_ phase: SequentialPhase) {
        let place = phase.parent.map { "below \(Words.step(steps[$0]))" } ?? "at the top"
        add(
            .parallelize, "Run the steps \(place) at the same time",
            "\(phase.count) steps took \(Words.time(phase.busy)) with "
                + "\(Words.percent(phase.ratio)) of it in parallel. Those between two answers of "
                + "a model could run together, if none needs what another finds.",
            phase.steps, saving: phase.saving, phase.confidence)
    }

    private mutating func add(_ agent: AgentShare) {
        let limit = analysis.settings.slowAgent
        let beyond = agent.busy - Int(limit * Double(analysis.concurrency.working))
        add(
            .slowAgent,
            "See why agent \(agent.agent) takes \(Words.percent(agent.share)) of the time",
            "It worked \(Words.time(agent.busy)) of "
                + "\(Words.time(analysis.concurrency.working)); its longest step is "
                + "\(Words.step(steps[agent.longest])) with "
                + "\(Words.time(analysis.selfTimes[agent.longest])) of its own.",
            [agent.longest], saving: min(beyond, agent.onPath),
            Confidence.beyond(agent.share, limit))
    }

    private mutating func add(_ operation: RepeatedOperation) {
        add(
            .cache, "Keep the answers of \(operation.name)",
            "\(operation.repeats) of \(operation.count) calls asked for what another of them "
                + "answered.",
            operation.steps, saving: operation.saving, cost: operation.cost, operation.confidence)
    }

    private mutating func add(_ loop: TraceLoop) {
        switch loop.kind {
        case .sameCall:
            let failed =
                loop.errors == loop.count
                ? " and failed each time" : loop.errors > 0 ? ", \(loop.errors) times in vain" : ""
            add(
                .loop, "Stop agent \(loop.agent) from repeating itself",
                "It called \(loop.subject) \(loop.count) times with the same arguments\(failed).",
                loop.steps, saving: loop.saving, cost: loop.cost, loop.confidence)
        case .pingPong:
            add(
                .loop, "Settle who of \(loop.agent) and \(loop.subject) does the work",
                "They handed it to each other \(loop.count - 1) times.",
                loop.steps, saving: loop.saving, cost: loop.cost, loop.confidence)
        case .growingInput:
            add(
                .context, "Let agent \(loop.agent) forget what it no longer needs",
                "What it has \(loop.subject) read grew from \(loop.firstInput) to "
                    + "\(loop.lastInput) tokens in \(loop.count) calls: \(loop.tokens) tokens more "
                    + "than had it stayed.",
                loop.steps, cost: loop.cost, loop.confidence)
        }
    }

    private mutating func add(_ cluster: ErrorCluster) {
        let first = cluster.types.first
        let type = first.map { $0.type.isEmpty ? "no type given" : $0.type } ?? ""
        add(
            .errors, "Find the one cause of \(cluster.count) failures",
            "They came within \(Words.time(cluster.end - cluster.start)); "
                + "most often: \(type) (\(first?.count ?? 0)).",
            cluster.steps, cluster.confidence)
    }

    private mutating func add(_ skew: ClockSkew) {
        let side = skew.ahead > 0 ? "ahead of" : "behind"
        add(
            .clocks, "Set the clock of \(skew.service)",
            "It is \(Words.time(abs(skew.ahead))) \(side) that of \(skew.caller), by "
                + "\(skew.calls) \(skew.calls == 1 ? "call" : "calls"). The times shown here are "
                + "corrected for it.",
            [], Confidence.share(skew.calls, of: skew.calls))
    }
}

/// How figures are written for people.
enum Words {
    /// Nanoseconds: `850 ms`, `12.3 s`, `4 min 10 s`.
    static func time(_ nanoseconds: Int) -> String {
        let seconds = Double(nanoseconds) / 1e9
        if seconds < 0.0005 { return "\(decimal(seconds * 1e6, 0)) µs" }
        if seconds < 0.9995 { return "\(decimal(seconds * 1e3, seconds < 0.01 ? 1 : 0)) ms" }
        if seconds < 99.95 { return "\(decimal(seconds, 1)) s" }
        let whole = Int(seconds.rounded())
        if whole < 3600 { return "\(whole / 60) min \(whole % 60) s" }
        return "\(whole / 3600) h \(whole % 3600 / 60) min"
    }

    static func percent(_ share: Double) -> String { Wording.percent(share) }

    /// What a step is and what it is called.
    static func step(_ step: TraceStep) -> String {
        switch step.activity {
        case .other, .workflow: "\"\(step.name)\""
        case .llm: "the call to \(step.operation)"
        case .humanWait: "the wait for a person"
        default: "\(step.activity.name) \(step.operation)"
        }
    }

    static func decimal(_ value: Double, _ places: Int) -> String {
        guard value.isFinite, abs(value) < 1e15 else { return "\(value)" }
        let scale = places == 0 ? 1.0 : places == 1 ? 10.0 : 100.0
        let scaled = Int((value * scale).rounded())
        if places == 0 { return "\(scaled)" }
        let digits = "\(abs(scaled) % Int(scale))"
        let padded = String(repeating: "0", count: places - digits.count) + digits
        return "\(scaled < 0 ? "-" : "")\(abs(scaled) / Int(scale)).\(padded)"
    }
}
