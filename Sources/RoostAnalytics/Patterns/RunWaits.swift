import RoostIngest

/// For how long a run waited for people, in nanoseconds.
struct RunWaits: Equatable {
    /// Waits at the same time are one.
    private(set) var all: UInt64 = 0
    /// While nothing else was at work.
    private(set) var idle: UInt64 = 0

    init() {}

    init(_ steps: [RunStep]) {
        let waits = steps.filter { $0.kind == .humanWait && $0.end > $0.start }
        guard !waits.isEmpty else { return }
        let people = TimeStretches(waits.map { ($0.start, $0.end) })
        all = people.length
        idle = people.without(TimeStretches(RunWaits.work(steps, waits))).length
    }

    /// Of a run that says of itself how long it waited: what is beyond the waits that are known
    /// counts too.
    func waited(told: UInt64) -> UInt64 { idle &+ (told > all ? told &- all : 0) }

    /// When steps that hold no other were at work: but for their own waits.
    private static func work(
        _ steps: [RunStep], _ waits: [RunStep]
    ) -> [TimeStretches.Stretch] {
        let holders = Set(steps.lazy.filter { $0.kind != .humanWait }.map(\.parent))
        let waitsOf = Dictionary(grouping: waits, by: \.parent)
        var work: [TimeStretches.Stretch] = []
        for step in steps where step.isWork && !holders.contains(step.span) {
            let own = waitsOf[step.span] ?? []
            // Where its waits stand is not known.
            if own.isEmpty, step.humanWait > 0 { continue }
            work +=
                TimeStretches([(step.start, step.end)])
                .without(TimeStretches(own.map { ($0.start, $0.end) })).stretches
        }
        return work
    }
}

extension RunStep {
    /// Whether somebody works while it lasts.
    fileprivate var isWork: Bool {
        switch kind {
        case .agent, .llm, .embedding, .tool, .retrieval, .guardrail, .evaluation: true
        case .workflow, .humanWait, .other: false
        }
    }
}
