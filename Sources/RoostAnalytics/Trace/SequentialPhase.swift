import RoostIngest

/// Steps below one step that ran one after another, and how much sooner they could be over.
public struct SequentialPhase: Sendable, Equatable {
    /// Index of the step below which they stand; nil for those that have none above.
    public var parent: Int?
    /// Indices of the steps, in the order of their start; at most as many as evidence is given.
    public var steps: [Int] = []
    public var count = 0
    /// Nanoseconds in which one of them ran.
    public var busy = 0
    /// Share of it in which at least two did.
    public var ratio = 0.0
    /// Nanoseconds, if those between two answers of a model ran at the same time.
    public var saving = 0
    /// Whether they can: the more of them do the same, the likelier.
    public var confidence = 0.0

    /// Every phase that takes enough of the time and has too little at the same time.
    static func all(
        _ steps: [TraceStep], _ times: TraceTimes, _ groups: OperationStatistics.Groups,
        working: Int, _ settings: TraceAnalysisSettings
    ) -> [SequentialPhase] {
        var found: [SequentialPhase] = []
        let tops = times.tree.parents.indices.filter { times.tree.parents[$0] < 0 }
            .map { Int32(truncatingIfNeeded: $0) }
        for place in -1..<steps.count {
            let below = place < 0 ? tops[...] : times.tree.children(of: place)
            guard below.count > 1 else { continue }
            let ran = below.map { Int($0) }.filter {
                times.duration($0) > 0 && steps[$0].activity != .humanWait && !steps[$0].isPending
            }.sorted { (times.starts[$0], $0) < (times.starts[$1], $1) }
            guard ran.count > 1 else { continue }
            var phase = SequentialPhase(ran, times, parent: place < 0 ? nil : place)
            guard phase.ratio < settings.sequential,
                Double(phase.busy) >= settings.phase * Double(working)
            else { continue }
            phase.look(ran, steps, times, groups)
            phase.steps = Array(ran.prefix(settings.mostEvidence))
            found.append(phase)
        }
        return found.sorted { ($1.saving, $1.busy) < ($0.saving, $0.busy) }
    }

    /// `ran` is in the order of start.
    private init(_ ran: [Int], _ times: TraceTimes, parent: Int?) {
        self.parent = parent
        count = ran.count
        // Of at least one until `end`, of at least two until `second`.
        var (end, second) = (-1, -1)
        var overlap = 0
        for place in ran {
            let (from, to) = (times.starts[place], times.ends[place])
            busy += max(0, to - max(from, end))
            let both = min(to, end)
            overlap += max(0, both - max(from, second))
            second = max(second, both)
            end = max(end, to)
        }
        ratio = busy > 0 ? Double(overlap) / Double(busy) : 0
    }

    /// What a model answers decides what comes next, so only what stands between two answers could
    /// run together.
    private mutating func look(
        _ ran: [Int], _ steps: [TraceStep], _ times: TraceTimes,
        _ groups: OperationStatistics.Groups
    ) {
        var together: [Int] = []
        var (alike, all) = (0, 0)
        func close(_ phase: inout SequentialPhase) {
            let rows = SequentialPhase.rows(together, steps, times, groups)
            if rows.count > 1 {
                var (end, covered) = (Int.min, 0)
                for place in together {
                    covered += max(0, times.ends[place] - max(times.starts[place], end))
                    end = max(end, times.ends[place])
                }
                phase.saving += max(0, covered - (rows.map(\.duration).max() ?? 0))
                let kinds = Dictionary(grouping: rows, by: \.kind)
                alike += kinds.values.reduce(0) { $0 + ($1.count > 1 ? $1.count : 0) }
                all += rows.count
            }
            together.removeAll(keepingCapacity: true)
        }
        for place in ran {
            if steps[place].activity == .llm {
                close(&self)
            } else {
                together.append(place)
            }
        }
        close(&self)
        confidence = saving > 0 ? Confidence.share(alike, of: all) : 0
    }

    /// Steps that cannot run together.
    private struct Row {
        let kind: Int32
        var duration = 0
    }

    private struct Call: Hashable {
        let kind: Int32
        let arguments: UInt64
    }

    /// A step, or those that call the same with the same arguments: a retry, or a look whether
    /// something has changed, is nothing at the same time.
    private static func rows(
        _ together: [Int], _ steps: [TraceStep], _ times: TraceTimes,
        _ groups: OperationStatistics.Groups
    ) -> [Row] {
        var rows: [Row] = []
        var known: [Call: Int] = [:]
        for place in together {
            let call = Call(kind: groups.numbers[place], arguments: steps[place].argumentsHash)
            let row = known[call] ?? rows.count
            if row == rows.count { rows.append(Row(kind: call.kind)) }
            if call.arguments != 0 { known[call] = row }
            // Those that ran together can be more than any number.
            rows[row].duration = min(
                rows[row].duration + times.duration(place), Int(Activity.longest))
        }
        return rows
    }
}

/// How sure a finding is, from 0 to 1, by what it was found from.
enum Confidence {
    /// A share that few cases show is held for less sure than one that many do (the rule of
    /// succession).
    static func share(_ hits: Int, of all: Int) -> Double {
        Double(hits + 1) / Double(all + 2)
    }

    /// A half at the limit, more the further beyond.
    static func beyond(_ value: Double, _ limit: Double) -> Double {
        value > 0 && limit > 0 ? value / (value + limit) : 0
    }

    /// That so many of `all` events fall into `part` of the time by more than chance.
    static func crowd(_ count: Int, of all: Int, part: Double) -> Double {
        guard count > 0, part < 1 else { return 0 }
        let expected = Double(all) * max(part, 1e-9)
        // The chance of at least `count` when `expected` come: 1 less that of fewer.
        var term = exponential(-expected)
        var fewer = 0.0
        for number in 0..<min(count, 1000) {
            fewer += term
            term *= expected / Double(number + 1)
        }
        return min(max(fewer, 0), 1)
    }

    private static func exponential(_ value: Double) -> Double {
        // Halved until the series is quick, then squared back.
        guard value > -700 else { return 0 }
        var (halvings, small) = (0, value)
        while small < -0.5 {
            small /= 2
            halvings += 1
        }
        var (sum, term) = (1.0, 1.0)
        for number in 1..<20 {
            term *= small / Double(number)
            sum += term
        }
        for _ in 0..<halvings { sum *= sum }
        return sum
    }
}
