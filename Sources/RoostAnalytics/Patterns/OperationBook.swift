import RoostIngest

/// How often each agent, tool, model and workflow was tried, failed and was slow, by slot of time.
///
/// Memory: 14 slots of 56 bytes and four rings an operation, 1.5 KB, at most `limit` of them; and
/// what durations take.
struct OperationBook: Sendable {
    /// What one operation did in one slot.
    struct Slot: Sendable {
        var attempts: UInt32 = 0
        var failures: UInt32 = 0
        /// Attempts that followed a failed one of the same caller.
        var retries: UInt32 = 0
        /// Attempts whose duration is known, and those of them over the limit for p95 and over
        /// that for the mean.
        var timed: UInt32 = 0
        var slow: UInt32 = 0
        var overMean: UInt32 = 0
        /// Seconds, and their squares.
        var sum: Double = 0
        var squares: Double = 0
        /// Seconds of the shortest and of the longest one.
        var least = Double.infinity
        var greatest = 0.0

        mutating func note(seconds: Double) {
            timed &+= 1
            sum += seconds
            squares += seconds * seconds
            least = min(least, seconds)
            greatest = max(greatest, seconds)
        }

        mutating func add(_ other: Slot) {
            attempts &+= other.attempts
            failures &+= other.failures
            retries &+= other.retries
            timed &+= other.timed
            slow &+= other.slow
            overMean &+= other.overMean
            sum += other.sum
            squares += other.squares
            least = min(least, other.least)
            greatest = max(greatest, other.greatest)
        }
    }

    /// Spans that show what an operation does.
    struct Examples: Sendable {
        var latest = ExampleRing()
        var failures = ExampleRing()
        /// Over the limit for p95, and over that for the mean.
        var slow = ExampleRing()
        var overMean = ExampleRing()
    }

    private let limit: Int
    private let settings: PatternSettings
    private var index = SubjectIndex()
    private(set) var keys: [SubjectKey] = []
    private var slots: [Slot] = []
    private(set) var durations: DurationBook
    private var examples: [Examples] = []
    private var lastSeen: [UInt64] = []
    /// Attempts of operations that found no room.
    private(set) var unwatched = 0

    init(_ settings: PatternSettings) {
        limit = settings.operations
        self.settings = settings
        durations = DurationBook(places: limit, mostBytes: settings.durationBytes)
        // Room that is not used costs no memory; growing by doubling would.
        slots.reserveCapacity(limit * PatternSlots.count)
        examples.reserveCapacity(limit)
    }

    var byteCount: Int {
        slots.count * MemoryLayout<Slot>.stride + examples.count * MemoryLayout<Examples>.stride
            + durations.byteCount
    }

    /// The place of an operation, made when there is room; -1 when not.
    private mutating func place(_ key: SubjectKey) -> Int {
        let place = index.place(key.packed)
        if place >= 0 { return place }
        guard keys.count < limit else { return -1 }
        keys.append(key)
        slots.append(contentsOf: repeatElement(Slot(), count: PatternSlots.count))
        durations.addPlace()
        examples.append(Examples())
        lastSeen.append(0)
        index.insert(key.packed, place: keys.count - 1)
        return keys.count - 1
    }

    mutating func note(_ key: SubjectKey, _ fact: AgentFact, at open: Int, now: UInt64) {
        let place = place(key)
        guard place >= 0 else {
            unwatched &+= 1
            return
        }
        lastSeen[place] = now
        let hasFailed = fact.status == .error
        let slot = place &* PatternSlots.count &+ open
        slots[slot].attempts &+= 1
        examples[place].latest.note(fact, now: now)
        if hasFailed {
            slots[slot].failures &+= 1
            examples[place].failures.note(fact, now: now)
        }
        if !fact.isInstant { noteDuration(fact, of: key, place, slot, now: now) }
    }

    private mutating func noteDuration(
        _ fact: AgentFact, of key: SubjectKey, _ place: Int, _ slot: Int, now: UInt64
    ) {
        let nanoseconds = fact.working
        let seconds = Double(nanoseconds) * 1e-9
        slots[slot].note(seconds: seconds)
        durations.note(nanoseconds, at: place)
        let limits = settings.limits(of: key.kind)
        if seconds > limits.mean {
            slots[slot].overMean &+= 1
            examples[place].overMean.note(fact, now: now)
        }
        if seconds > limits.p95 {
            slots[slot].slow &+= 1
            examples[place].slow.note(fact, now: now)
        }
    }

    /// An attempt that was noted has failed, or not failed, after all. Where it stands is not known:
    /// in the open slot one more or less of the others is a failure.
    mutating func correct(
        _ key: SubjectKey, hadFailed: Bool, _ fact: AgentFact, at open: Int, now: UInt64
    ) {
        let hasFailed = fact.status == .error
        guard hasFailed != hadFailed else { return }
        let place = index.place(key.packed)
        let slot = place &* PatternSlots.count &+ open
        guard place >= 0, hasFailed ? slots[slot].failures < slots[slot].attempts : true else {
            return note(key, fact, at: open, now: now)
        }
        if hasFailed {
            slots[slot].failures += 1
            examples[place].failures.note(fact, now: now)
        } else if slots[slot].failures > 0 {
            slots[slot].failures -= 1
        }
    }

    /// An attempt that was noted was one of another subject. What its duration added stays.
    mutating func takeBack(_ key: SubjectKey, hadFailed: Bool, at open: Int) {
        let place = index.place(key.packed)
        guard place >= 0 else { return }
        let slot = place &* PatternSlots.count &+ open
        guard slots[slot].attempts > 0 else { return }
        slots[slot].attempts -= 1
        let mostFailures =
            hadFailed && slots[slot].failures > 0
            ? slots[slot].failures - 1 : slots[slot].failures
        slots[slot].failures = min(mostFailures, slots[slot].attempts)
    }

    mutating func noteRetry(_ key: SubjectKey, at open: Int) {
        let place = index.place(key.packed)
        if place >= 0 { slots[place &* PatternSlots.count &+ open].retries &+= 1 }
    }

    /// Of the slots whose bits are set.
    func sums(at place: Int, _ held: UInt32) -> OperationSums {
        var sums = OperationSums(examples: examples[place])
        for at in 0..<PatternSlots.count where held & (1 << UInt32(at)) != 0 {
            let one = slots[place &* PatternSlots.count &+ at]
            if one.attempts > 0 { sums.slot.add(one) }
        }
        return sums
    }

    func sums(of key: SubjectKey, _ held: UInt32) -> OperationSums? {
        let place = index.place(key.packed)
        return place < 0 ? nil : sums(at: place, held)
    }

    /// With the durations, which cost most of the time; `open` is the slot that is open.
    func sums(
        at place: Int, _ held: UInt32, open: Int, _ histogram: inout WindowHistogram
    ) -> OperationSums {
        var sums = sums(at: place, held)
        histogram.removeAll()
        for at in 0..<PatternSlots.count where held & (1 << UInt32(at)) != 0 {
            guard slots[place &* PatternSlots.count &+ at].timed > 0 else { continue }
            durations.add(place, at, isOpen: at == open, to: &histogram)
        }
        sums.take(histogram)
        return sums
    }

    mutating func turn(_ turn: PatternSlots.Turn) {
        for place in keys.indices {
            let open = place &* PatternSlots.count &+ turn.open
            let long = place &* PatternSlots.count &+ turn.long
            guard slots[open].attempts > 0 || slots[open].retries > 0 else { continue }
            slots[long].add(slots[open])
        }
        durations.turn(turn)
        empty(turn.emptied)
    }

    private mutating func empty(_ bits: UInt32) {
        for at in 0..<PatternSlots.count where bits & (1 << UInt32(at)) != 0 {
            for place in keys.indices {
                let slot = place &* PatternSlots.count &+ at
                guard slots[slot].attempts > 0 || slots[slot].retries > 0 else { continue }
                slots[slot] = Slot()
            }
        }
    }

    /// Forgets what was not seen for a day; when there is no room, also what was seen least lately.
    mutating func makeRoom(now: UInt64, open: Int) {
        var oldest = now > PatternSlots.day ? now - PatternSlots.day : 0
        if keys.count >= limit {
            let order = lastSeen.sorted()
            oldest = max(oldest, order[order.count / 16])
        }
        guard lastSeen.contains(where: { $0 < oldest }) else { return }
        durations.pack(open)
        var keep = 0
        for place in keys.indices where lastSeen[place] >= oldest {
            if keep != place { move(place, to: keep) }
            keep += 1
        }
        let gone = keys.count - keep
        keys.removeLast(gone)
        slots.removeLast(gone * PatternSlots.count)
        durations.removeLast(gone)
        examples.removeLast(gone)
        lastSeen.removeLast(gone)
        index.removeAll()
        for (place, key) in keys.enumerated() { index.insert(key.packed, place: place) }
    }

    private mutating func move(_ from: Int, to: Int) {
        keys[to] = keys[from]
        examples[to] = examples[from]
        lastSeen[to] = lastSeen[from]
        for at in 0..<PatternSlots.count {
            slots[to &* PatternSlots.count &+ at] = slots[from &* PatternSlots.count &+ at]
        }
        durations.move(from, to: to)
    }
}
