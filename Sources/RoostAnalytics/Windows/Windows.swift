public import RoostIngest

/// Rolling statistics of the last 60, 300, 900 and 3,600 seconds, overall and by agent, workflow,
/// model, provider and tool, by the time of arrival.
///
///       3,600 s              900 s          300 s        60 s        now
///     ──┬──────────┬──────────┬────┬────┬────┬──┬──┬──┬──┬┬┬┬┬┬┬┬┬┬┬┬──┐
///       │  300 s   │  300 s   │60 s│60 s│60 s│30│30│30│30│5 s each   │live
///     ──┴──────────┴──────────┴────┴────┴────┴──┴──┴──┴──┴┴┴┴┴┴┴┴┴┴┴┴──┘
///        level 3               level 2        level 1     level 0
///
/// What is counted now becomes a slot every five seconds; a slot that leaves the window of its
/// level is added to the longer slots of the next. Each level keeps the tallies of its slots, of
/// which a query adds up at most four, and the sketches of its whole window: its own slots and
/// those of the levels before it. Durations are told to 1 %, whatever is merged. When memory runs short, neighbouring slots are merged first, then the oldest dropped.
///
/// A plain value: a copy is a consistent picture that can be asked while the original goes on.
public struct Windows: Sendable {
    /// Seconds of the windows that can be asked for.
    public static let sizes = [60, 300, 900, 3600]

    var live = WindowLive()
    /// The time that passed; see `advance`.
    var now: UInt64 = 0
    var liveFrom: UInt64 = 0
    var started: UInt64 = 0
    var levels: [Level]
    var keys: [WindowKeys]
    /// Since the start.
    public internal(set) var cumulative = WindowTotals()

    var offset: UInt64 = 0
    private var lastRelease: UInt64 = 0
    private let mostBytes: Int

    /// Slots that had to go before their time, for want of memory.
    public private(set) var slotsShed: UInt64 = 0
    /// What fell to keys that found no room.
    public private(set) var overflowed: UInt64 = 0

    struct Level: Sendable {
        /// Nanoseconds of the window that ends with this level.
        let window: UInt64
        /// Nanoseconds of a slot.
        let slot: UInt64
        /// The oldest first.
        var slots: [WindowSlot] = []
        /// Of the slots, by key; empty without any.
        var tallies: [WindowTally] = []
        /// Of the slots of this level and of those before it.
        var sketches = WindowSketchSum()
        /// Of the slots.
        var byteCount = 0
        /// The end of the latest slot that left.
        var horizon: UInt64 = 0

        /// Adds the tallies up anew: they have extremes, which cannot be taken away, and sums of
        /// fractions, which drift.
        mutating func settle() {
            byteCount = slots.reduce(0) { $0 + $1.byteCount }
            guard !slots.isEmpty else { return tallies = [] }
            if tallies.isEmpty {
                tallies = [WindowTally](repeating: WindowTally(), count: WindowLayout.tallies)
            } else {
                for key in tallies.indices { tallies[key] = WindowTally() }
            }
            for slot in slots { slot.addTallies(to: &tallies) }
        }
    }

    static let second: UInt64 = 1_000_000_000

    /// - Parameter mostBytes: of memory for slots. Beside them their sums and what is live need
    ///   some hundred KB each, and never more than 2.4 MB.
    public init(mostBytes: Int = 4 << 20) {
        self.mostBytes = mostBytes
        levels = zip(Windows.sizes, [5, 30, 60, 300] as [UInt64]).map { window, slot in
            Level(window: UInt64(window) * Windows.second, slot: slot * Windows.second)
        }
        keys = WindowDimension.allCases.map { _ in WindowKeys() }
    }

    /// Bytes of memory.
    public var byteCount: Int {
        live.byteCount
            + levels.reduce(0) { sum, level in
                sum + level.byteCount + level.sketches.byteCount
                    + level.tallies.capacity * MemoryLayout<WindowTally>.stride
            }
            + keys.reduce(0) { $0 + $1.byteCount }
    }

    /// Lets time pass; at least once a second.
    public mutating func tick(now: UInt64) { advance(to: now) }

    public mutating func take(_ fact: AgentFact, _ symbols: Symbols, now: UInt64) {
        advance(to: now)
        switch fact.kind {
        case .began: takeBegan(fact)
        case .ended: takeEnded(fact)
        case .usage: takeUsage(fact)
        case .workflowEnded: takeWorkflow(fact)
        case .seen, .workflowCorrected, .traceClosed: break
        }
        if live.isFull { rotate(at: self.now) }
    }

    private mutating func takeBegan(_ fact: AgentFact) {
        cumulative.events &+= 1
        forEachKey(fact) { $0.events &+= 1 }
    }

    private mutating func takeEnded(_ fact: AgentFact) {
        let isError = fact.status == .error
        cumulative.note(fact)
        let usage = WindowUsage(fact)
        let work = WindowWork(fact.activity)
        let time = work == .llm ? fact.end > fact.start ? fact.end &- fact.start : 0 : fact.working
        let isTimed = !fact.isInstant
        let firstToken = fact.timeToFirstToken
        forEachKey(fact) { tally in
            tally.events &+= 1
            tally.ended &+= 1
            if isError { tally.errors &+= 1 }
            switch work {
            case .agent:
                tally.agent.note(isError)
                if isTimed { tally.agent.note(nanoseconds: time) }
            case .llm:
                tally.llm.note(isError)
                if isTimed { tally.llm.note(nanoseconds: time) }
                if firstToken > 0 {
                    tally.firstToken.note(false)
                    tally.firstToken.note(nanoseconds: firstToken)
                }
                tally.add(usage)
            case .tool:
                tally.tool.note(isError)
                if isTimed { tally.tool.note(nanoseconds: time) }
            default: break
            }
        }
        guard let work else { return }
        if isTimed { observe(work, fact, time) }
        if work == .llm, fact.timeToFirstToken > 0 { observeFirstToken(fact) }
    }

    private mutating func takeUsage(_ fact: AgentFact) {
        cumulative.note(fact)
        let usage = WindowUsage(fact)
        let isError = fact.status == .error
        let isTool = fact.activity == .tool
        forEachKey(fact) { tally in
            if isTool {
                tally.tool.note(isError, fact.calls)
            } else {
                tally.llm.note(isError, fact.calls)
            }
            tally.add(usage)
        }
    }

    private mutating func takeWorkflow(_ fact: AgentFact) {
        cumulative.note(fact)
        let isError = fact.status == .error
        let time = fact.end > fact.start ? fact.end &- fact.start : 0
        func note(_ tally: inout WindowTally) {
            tally.events &+= 1
            tally.workflow.note(isError)
            tally.workflow.note(nanoseconds: time)
        }
        let bucket = live.bucket(time)
        live.update(0, note)
        live.observe(WindowMeasure.workflow.rawValue, bucket: bucket)
        if fact.workflow != 0 {
            let key = key(.workflow, fact.workflow)
            live.update(WindowLayout.tally(.workflow, key), note)
            live.observe(WindowLayout.sketchBase(.workflow) + key, bucket: bucket)
        }
    }

    // MARK: Keys

    @inline(__always)
    private mutating func key(_ dimension: WindowDimension, _ text: Int32) -> Int {
        let key = keys[dimension.rawValue].key(text)
        if key == WindowLayout.other { overflowed &+= 1 }
        return key
    }

    /// Changes the tally of all and those of each text that the fact names.
    @inline(__always)
    private mutating func forEachKey(_ fact: AgentFact, _ body: (inout WindowTally) -> Void) {
        live.update(0, body)
        if fact.agent != 0 {
            live.update(WindowLayout.tally(.agent, key(.agent, fact.agent)), body)
        }
        if fact.workflow != 0 {
            live.update(WindowLayout.tally(.workflow, key(.workflow, fact.workflow)), body)
        }
        if fact.model != 0 {
            live.update(WindowLayout.tally(.model, key(.model, fact.model)), body)
        }
        if fact.provider != 0 {
            live.update(WindowLayout.tally(.provider, key(.provider, fact.provider)), body)
        }
        if fact.tool != 0 { live.update(WindowLayout.tally(.tool, key(.tool, fact.tool)), body) }
    }

    @inline(__always)
    private mutating func observe(_ work: WindowWork, _ fact: AgentFact, _ time: UInt64) {
        let bucket = live.bucket(time)
        live.observe(work.rawValue, bucket: bucket)
        if fact.agent != 0 {
            let place = work == .agent ? 0 : work == .llm ? 1 : 2
            let key = keys[WindowDimension.agent.rawValue].key(fact.agent)
            live.observe(
                WindowLayout.sketchBase(.agent) &+ key &* WindowDimension.agent.sketches &+ place,
                bucket: bucket)
        }
        if work == .llm {
            observeCall(fact, bucket, place: 0)
        } else if work == .tool, fact.tool != 0 {
            let key = keys[WindowDimension.tool.rawValue].key(fact.tool)
            live.observe(WindowLayout.sketchBase(.tool) &+ key, bucket: bucket)
        }
    }

    private mutating func observeFirstToken(_ fact: AgentFact) {
        let bucket = live.bucket(fact.timeToFirstToken)
        live.observe(WindowMeasure.firstToken.rawValue, bucket: bucket)
        observeCall(fact, bucket, place: 1)
    }

    @inline(__always)
    private mutating func observeCall(_ fact: AgentFact, _ bucket: Int, place: Int) {
        if fact.model != 0 {
            let key = keys[WindowDimension.model.rawValue].key(fact.model)
            live.observe(
                WindowLayout.sketchBase(.model) &+ key &* 2 &+ place, bucket: bucket)
        }
        if fact.provider != 0 {
            let key = keys[WindowDimension.provider.rawValue].key(fact.provider)
            live.observe(
                WindowLayout.sketchBase(.provider) &+ key &* 2 &+ place, bucket: bucket)
        }
    }

    // MARK: Time

    /// A clock that is set back is followed from where it stands then: the time that has passed
    /// here never runs backwards.
    @inline(__always)
    private mutating func advance(to clock: UInt64) {
        let time = clock &+ offset
        if time == now { return }
        pass(clock)
    }

    @inline(never)
    private mutating func pass(_ clock: UInt64) {
        var (time, isLost) = clock.addingReportingOverflow(offset)
        if isLost || clock > .max / 4 { return }
        if started == 0 {
            started = max(1, time)
            liveFrom = time / levels[0].slot * levels[0].slot
        }
        if time < now {
            offset = now - clock
            return
        }
        if offset > 0, time - now > 600 * Windows.second {
            // It was put right again.
            let change = min(offset, time - now)
            offset -= change
            time -= change
        }
        now = time
        if time - liveFrom >= levels[0].slot { rotate(at: time) }
    }

    /// Ends what is live and lets slots grow old.
    private mutating func rotate(at time: UInt64) {
        let next = time / levels[0].slot * levels[0].slot
        let hadLive = live.isUsed(0)
        if hadLive {
            let end = min(time, liveFrom + levels[0].slot)
            let slot = live.finish(from: liveFrom, to: max(end, liveFrom))
            for level in levels.indices { levels[level].sketches.add(slot) }
            levels[0].take(slot)
        }
        liveFrom = max(next, liveFrom)
        let changed = levels.indices.filter { age($0) }
        if hadLive || !changed.isEmpty {
            for level in 0...(min((changed.last ?? -1) + 1, levels.count - 1)) {
                levels[level].settle()
            }
            settleSketches()
        }
        while levels.reduce(0, { $0 + $1.byteCount }) > mostBytes, shrink() {}
        if time - lastRelease >= 60 * Windows.second || lastRelease == 0 {
            releaseKeys()
        }
    }

    /// Moves the slots that have left a level's window on to the next; false when there are none.
    private mutating func age(_ level: Int) -> Bool {
        let window = levels[level].window
        let leaving = levels[level].slots.prefix { $0.middle + window <= liveFrom }
        guard let last = leaving.last else { return false }
        levels[level].horizon = last.to
        for slot in leaving {
            levels[level].sketches.remove(slot)
            if level + 1 < levels.count { levels[level + 1].take(slot) }
        }
        levels[level].slots.removeFirst(leaving.count)
        return true
    }

    private mutating func settleSketches() {
        for level in levels.indices where levels[level].sketches.hasToRebuild {
            levels[level].sketches.rebuild(levels[...level].flatMap(\.slots))
        }
    }

    /// Makes room; false when there is nothing left to give.
    private mutating func shrink() -> Bool {
        let merging = levels.indices.filter { levels[$0].slots.count > 1 }
            .max { levels[$0].byteCount < levels[$1].byteCount }
        if let merging {
            levels[merging].halve()
            return true
        }
        guard let oldest = levels.lastIndex(where: { !$0.slots.isEmpty }) else { return false }
        levels[oldest].horizon = levels[oldest].slots.last?.to ?? 0
        for slot in levels[oldest].slots {
            for level in oldest..<levels.count { levels[level].sketches.remove(slot) }
        }
        levels[oldest].slots.removeAll()
        levels[oldest].settle()
        settleSketches()
        slotsShed &+= 1
        return true
    }

    private mutating func releaseKeys() {
        lastRelease = max(1, now)
        var isUsed = live.tallies.map { $0.touches > 0 }
        for level in levels {
            for (key, tally) in level.tallies.enumerated() where tally.touches > 0 {
                isUsed[key] = true
            }
        }
        for dimension in WindowDimension.allCases {
            keys[dimension.rawValue].release { isUsed[WindowLayout.tally(dimension, $0)] }
        }
    }
}

extension Windows.Level {
    /// Adds a slot of the level before. Those of one stretch become one slot when the next begins.
    mutating func take(_ new: WindowSlot) {
        if let last = slots.last, last.from / slot != new.from / slot {
            let parts = slots.suffix(while: { $0.from / slot == last.from / slot })
            if parts.count > 1 {
                slots.removeLast(parts.count)
                slots.append(WindowSlot.merged(parts))
            }
        }
        slots.append(new)
    }

    /// Merges each two neighbours.
    mutating func halve() {
        slots = stride(from: 0, to: slots.count, by: 2).map {
            $0 + 1 < slots.count ? WindowSlot.merged(slots[$0...$0 + 1]) : slots[$0]
        }
        byteCount = slots.reduce(0) { $0 + $1.byteCount }
    }
}

extension Array {
    /// The longest end of it of which `holds` is true throughout.
    fileprivate func suffix(while holds: (Element) -> Bool) -> [Element] {
        let first = lastIndex { !holds($0) }.map { $0 + 1 } ?? 0
        return Array(self[first...])
    }
}

extension WindowWork {
    @inline(__always)
    init?(_ activity: ActivityKind) {
        switch activity {
        case .agent: self = .agent
        case .llm, .embedding: self = .llm
        case .tool: self = .tool
        default: return nil
        }
    }
}

/// What a call used.
struct WindowUsage: Sendable {
    let tokens: ActivityTokens
    /// USD.
    var cost = 0.0
    var priced: UInt32 = 0
    var unpriced: UInt32 = 0

    @inline(__always)
    init(_ fact: AgentFact) {
        tokens = fact.tokens
        if fact.cost.isFinite {
            cost = fact.cost
            priced = max(1, fact.calls)
        } else if fact.isUnpriced {
            unpriced = max(1, fact.calls)
        }
    }
}

extension WindowTally {
    @inline(__always)
    mutating func add(_ usage: WindowUsage) {
        tokens.add(usage.tokens)
        cost += usage.cost
        priced &+= usage.priced
        unpriced &+= usage.unpriced
    }
}
