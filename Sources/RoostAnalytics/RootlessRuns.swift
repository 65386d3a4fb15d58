import RoostIngest

/// A run that was counted before its root came, as it was taken to be.
struct RootlessRun: Sendable {
    var traceHigh: UInt64 = 0
    var traceLow: UInt64 = 0
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

/// Those whose root may still come: the latest 8,192, of 48 bytes.
///
/// A run is counted when it has been quiet for `agents.hold`; calls that take longer make its root
/// come afterwards. Counters of `/metrics` stay as they are then; everything else is put right.
struct RootlessRuns: Sendable {
    private var runs: [RootlessRun] = []
    private var index = SlotIndex()
    private var next = 0
    private let limit: Int

    init(limit: Int = 8_192) { self.limit = max(limit, 1) }

    var byteCount: Int {
        runs.capacity * MemoryLayout<RootlessRun>.stride + index.byteCount
    }

    /// Remembers a run that was counted; `now` is when, in Unix nanoseconds.
    mutating func note(_ fact: AgentFact, now: UInt64) {
        guard find(fact) == nil else { return }
        var run = RootlessRun(traceHigh: fact.traceIDHigh, traceLow: fact.traceIDLow, told: now)
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
    mutating func take(_ fact: AgentFact) -> RootlessRun? {
        guard let place = find(fact) else { return nil }
        index.remove(hash(runs[Int(place)]), place)
        runs[Int(place)].isHeld = false
        return runs[Int(place)]
    }

    private func find(_ fact: AgentFact) -> Int32? {
        index.find(SlotIndex.hash(fact.traceIDHigh, fact.traceIDLow)) { place in
            runs[Int(place)].traceLow == fact.traceIDLow
                && runs[Int(place)].traceHigh == fact.traceIDHigh
        }
    }

    private func hash(_ run: RootlessRun) -> UInt64 {
        SlotIndex.hash(run.traceHigh, run.traceLow)
    }
}
