import RoostIngest

/// For how long a run waited for people, in nanoseconds.
struct RunWaits: Equatable {
    /// Waits at the same time are one.
    private(set) var all: UInt64 = 0
    /// While nothing else was at work.
    private(set) var idle: UInt64 = 0

    init() {}

    private typealias Stretch = (start: UInt64, end: UInt64)

    init(_ steps: [RunStep]) {
        let waits = steps.filter { $0.kind == .humanWait && $0.end > $0.start }
        guard !waits.isEmpty else { return }
        let people = RunWaits.union(waits.map { ($0.start, $0.end) })
        let work = RunWaits.union(RunWaits.work(steps, waits))
        var next = 0
        for wait in people {
            all &+= wait.end &- wait.start
            idle &+= wait.end &- wait.start
            while next < work.count, work[next].end <= wait.start { next += 1 }
            var at = next
            while at < work.count, work[at].start < wait.end {
                idle &-= min(work[at].end, wait.end) &- max(work[at].start, wait.start)
                at += 1
            }
        }
    }

    /// Of a run that says of itself how long it waited: what is beyond the waits that are known
    /// counts too.
    func waited(told: UInt64) -> UInt64 { idle &+ (told > all ? told &- all : 0) }

    /// When steps that hold no other were at work: but for their own waits.
    private static func work(_ steps: [RunStep], _ waits: [RunStep]) -> [Stretch] {
        let holders = Set(steps.lazy.filter { $0.kind != .humanWait }.map(\.parent))
        let waitsOf = Dictionary(grouping: waits, by: \.parent)
        var work: [Stretch] = []
        for step in steps where step.isWork && !holders.contains(step.span) {
            let own = waitsOf[step.span] ?? []
            // Where its waits stand is not known.
            if own.isEmpty, step.humanWait > 0 { continue }
            var at = step.start
            for wait in union(own.map { ($0.start, $0.end) }) {
                if wait.start > at { work.append((at, min(wait.start, step.end))) }
                at = max(at, wait.end)
            }
            if step.end > at { work.append((at, step.end)) }
        }
        return work
    }

    /// In order, and none that touch.
    private static func union(_ stretches: [Stretch]) -> [Stretch] {
        var joined: [Stretch] = []
        for stretch in stretches.sorted(by: { $0.start < $1.start })
        where stretch.end > stretch.start {
            if let last = joined.last, stretch.start <= last.end {
                joined[joined.count - 1].end = max(last.end, stretch.end)
            } else {
                joined.append(stretch)
            }
        }
        return joined
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
