import RoostIngest

/// A run that was counted, as it was taken to be.
struct CountedRun: Sendable {
    var traceHigh: UInt64 = 0
    var traceLow: UInt64 = 0
    /// When it began, in Unix nanoseconds by the sender's clock, and the span that it was told by.
    var start: UInt64 = 0
    var span: UInt64 = 0
    /// Unix nanoseconds of arrival of what was told of it.
    var told: UInt64 = 0
    /// Nanoseconds.
    var duration: UInt64 = 0
    var workflow: Int32 = 0
    var hasFailed = false
    /// Something in it said what its workflow is called.
    var isNamed = false
    fileprivate var isHeld = false
}

/// Those whose root may still come, or another that started earlier: the latest 8,192. There are two
/// of these, for runs without a root and with one.
///
/// A run is counted when its root has come, or when it has been quiet for `agents.hold`; calls that
/// take longer make its root come afterwards, and of several roots the one that started first may
/// end last. Counters of `/metrics` stay as they are then; everything else is put right.
struct CountedRuns: Sendable {
    private var runs: [CountedRun] = []
    private var index = SlotIndex()
    private var next = 0
    private let limit: Int

    init(limit: Int = 8_192) { self.limit = max(limit, 1) }

    var byteCount: Int {
        runs.capacity * MemoryLayout<CountedRun>.stride + index.byteCount
    }

    /// Remembers a run that was counted; `now` is when, in Unix nanoseconds.
    mutating func note(_ fact: AgentFact, now: UInt64) {
        guard find(fact) == nil else { return }
        var run = CountedRun(traceHigh: fact.traceIDHigh, traceLow: fact.traceIDLow, told: now)
        run.start = fact.start
        run.span = fact.spanID
        run.duration = fact.end > fact.start ? fact.end &- fact.start : 0
        run.workflow = fact.workflow
        run.hasFailed = fact.status == .error
        run.isNamed = fact.workflow != fact.name
        run.isHeld = true
        if runs.count < limit {
            runs.append(run)
        } else {
            if runs[next].isHeld { index.remove(hash(runs[next]), Int32(next)) }
            runs[next] = run
        }
        index.insert(hash(run), Int32(next))
        next = (next + 1) % limit
    }

    /// The run that a late root belongs to, once; nil when its root had come or is not known of.
    mutating func take(_ fact: AgentFact) -> CountedRun? {
        guard let place = find(fact) else { return nil }
        index.remove(hash(runs[Int(place)]), place)
        runs[Int(place)].isHeld = false
        return runs[Int(place)]
    }

    /// The run of a root that started before the one that the run was counted with, or, if they
    /// started together, has the lower span id; nil for any other.
    mutating func takeIfEarlier(_ fact: AgentFact) -> CountedRun? {
        guard let place = find(fact) else { return nil }
        let known = runs[Int(place)]
        return (fact.start, fact.spanID) < (known.start, known.span) ? take(fact) : nil
    }

    private func find(_ fact: AgentFact) -> Int32? {
        index.find(SlotIndex.hash(fact.traceIDHigh, fact.traceIDLow)) { place in
            runs[Int(place)].traceLow == fact.traceIDLow
                && runs[Int(place)].traceHigh == fact.traceIDHigh
        }
    }

    private func hash(_ run: CountedRun) -> UInt64 {
        SlotIndex.hash(run.traceHigh, run.traceLow)
    }
}
