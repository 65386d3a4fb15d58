import RoostIngest

/// How often each agent, tool, model and workflow was tried, failed and was slow, by slot of time.
///
/// Memory: 14 slots of 292 bytes and two rings an operation, 4.6 KB; at most `limit` of them.
struct OperationBook: Sendable {
    /// What one operation did in one slot.
    struct Slot: Sendable {
        var attempts: UInt32 = 0
        var failures: UInt32 = 0
        /// Attempts that followed a failed one of the same caller.
        var retries: UInt32 = 0
        /// Attempts whose duration is known, and those of them over the limit for p95.
        var timed: UInt32 = 0
        var slow: UInt32 = 0
        /// Seconds, and their squares.
        var sum: Double = 0
        var squares: Double = 0

        mutating func add(_ other: Slot) {
            attempts &+= other.attempts
            failures &+= other.failures
            retries &+= other.retries
            timed &+= other.timed
            slow &+= other.slow
            sum += other.sum
            squares += other.squares
        }
    }

    /// The slots of one window added up.
    struct Sums {
        var slot = Slot()
        /// Empty where quantiles were not asked for.
        var buckets: [UInt64] = []

        var attempts: Int { Int(slot.attempts) }
        var failures: Int { Int(slot.failures) }
        var failureShare: Double { attempts == 0 ? 0 : Double(failures) / Double(attempts) }
        /// Seconds; 0 when no duration is known.
        var mean: Double { slot.timed == 0 ? 0 : slot.sum / Double(slot.timed) }
        func quantile(_ share: Double) -> Double { PatternBuckets.quantile(share, of: buckets) }
    }

    private let limit: Int
    /// Seconds.
    private let slowFrom: Double
    private let longFrom: Double
    private var index = SubjectIndex()
    private(set) var keys: [SubjectKey] = []
    private var slots: [Slot] = []
    private var buckets: [UInt32] = []
    private(set) var failureExamples: [ExampleRing] = []
    private(set) var slowExamples: [ExampleRing] = []
    private var lastSeen: [UInt64] = []
    /// Attempts of operations that found no room.
    private(set) var unwatched = 0

    init(_ settings: PatternSettings) {
        limit = settings.operations
        slowFrom = settings.slowP95
        longFrom = settings.longP95
        // Room that is not used costs no memory; growing by doubling would.
        slots.reserveCapacity(limit * PatternSlots.count)
        buckets.reserveCapacity(limit * PatternSlots.count * PatternBuckets.count)
        failureExamples.reserveCapacity(limit)
        slowExamples.reserveCapacity(limit)
    }

    /// The place of an operation, made when there is room; -1 when not.
    private mutating func place(_ key: SubjectKey) -> Int {
        let place = index.place(key.packed)
        if place >= 0 { return place }
        guard keys.count < limit else { return -1 }
        keys.append(key)
        slots.append(contentsOf: repeatElement(Slot(), count: PatternSlots.count))
        buckets.append(
            contentsOf: repeatElement(0, count: PatternSlots.count &* PatternBuckets.count))
        failureExamples.append(ExampleRing())
        slowExamples.append(ExampleRing())
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
        let seconds = Double(fact.working) * 1e-9
        let isSlow = seconds > (key.kind == .workflow ? longFrom : slowFrom)
        let bucket = PatternBuckets.bucket(seconds)
        let slot = place &* PatternSlots.count &+ open
        slots[slot].attempts &+= 1
        if hasFailed { slots[slot].failures &+= 1 }
        if !fact.isInstant {
            slots[slot].timed &+= 1
            if isSlow { slots[slot].slow &+= 1 }
            slots[slot].sum += seconds
            slots[slot].squares += seconds * seconds
            buckets[slot &* PatternBuckets.count &+ bucket] &+= 1
        }
        if hasFailed { failureExamples[place].note(fact, now: now) }
        if isSlow, !fact.isInstant { slowExamples[place].note(fact, now: now) }
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
            failureExamples[place].note(fact, now: now)
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

    /// Of the slots whose bits are set; quantiles cost most of the time and all of the memory.
    func sums(at place: Int, _ held: UInt32, quantiles: Bool = false) -> Sums {
        var sums = Sums()
        if quantiles { sums.buckets = Array(repeating: 0, count: PatternBuckets.count) }
        for at in 0..<PatternSlots.count where held & (1 << UInt32(at)) != 0 {
            let slot = place &* PatternSlots.count &+ at
            let one = slots[slot]
            guard one.attempts > 0 else { continue }
            sums.slot.add(one)
            for bucket in sums.buckets.indices {
                sums.buckets[bucket] &+= UInt64(buckets[slot &* PatternBuckets.count &+ bucket])
            }
        }
        return sums
    }

    func sums(of key: SubjectKey, _ held: UInt32) -> Sums? {
        let place = index.place(key.packed)
        return place < 0 ? nil : sums(at: place, held)
    }

    mutating func turn(_ turn: PatternSlots.Turn) {
        for place in keys.indices {
            let open = place &* PatternSlots.count &+ turn.open
            let long = place &* PatternSlots.count &+ turn.long
            guard slots[open].attempts > 0 || slots[open].retries > 0 else { continue }
            slots[long].add(slots[open])
            let (from, to) = (open &* PatternBuckets.count, long &* PatternBuckets.count)
            for at in 0..<PatternBuckets.count { buckets[to &+ at] &+= buckets[from &+ at] }
        }
        empty(turn.emptied)
    }

    private mutating func empty(_ bits: UInt32) {
        for at in 0..<PatternSlots.count where bits & (1 << UInt32(at)) != 0 {
            for place in keys.indices {
                let slot = place &* PatternSlots.count &+ at
                guard slots[slot].attempts > 0 || slots[slot].retries > 0 else { continue }
                slots[slot] = Slot()
                let from = slot &* PatternBuckets.count
                for bucket in from..<from &+ PatternBuckets.count { buckets[bucket] = 0 }
            }
        }
    }

    /// Forgets what was not seen for a day; when there is no room, also what was seen least lately.
    mutating func makeRoom(now: UInt64) {
        var oldest = now > PatternSlots.day ? now - PatternSlots.day : 0
        if keys.count >= limit {
            let order = lastSeen.sorted()
            oldest = max(oldest, order[order.count / 16])
        }
        var keep = 0
        for place in keys.indices where lastSeen[place] >= oldest {
            if keep != place { move(place, to: keep) }
            keep += 1
        }
        guard keep < keys.count else { return }
        let gone = keys.count - keep
        keys.removeLast(gone)
        slots.removeLast(gone * PatternSlots.count)
        buckets.removeLast(gone * PatternSlots.count * PatternBuckets.count)
        failureExamples.removeLast(gone)
        slowExamples.removeLast(gone)
        lastSeen.removeLast(gone)
        index.removeAll()
        for (place, key) in keys.enumerated() { index.insert(key.packed, place: place) }
    }

    private mutating func move(_ from: Int, to: Int) {
        keys[to] = keys[from]
        failureExamples[to] = failureExamples[from]
        slowExamples[to] = slowExamples[from]
        lastSeen[to] = lastSeen[from]
        for at in 0..<PatternSlots.count {
            slots[to &* PatternSlots.count &+ at] = slots[from &* PatternSlots.count &+ at]
        }
        let stride = PatternSlots.count &* PatternBuckets.count
        for at in 0..<stride { buckets[to &* stride &+ at] = buckets[from &* stride &+ at] }
    }
}

/// Sixty-four buckets of duration, four to the doubling, from 31 ms to over half an hour.
enum PatternBuckets {
    static let count = 64
    /// The place of 1/32 s among floats cut to exponent and two bits.
    private static let lowest = Int32(122 << 2)

    static func bucket(_ seconds: Double) -> Int {
        let cut = Int32(bitPattern: Float(seconds).bitPattern >> 21)
        return Int(min(max(cut &- lowest, 0), Int32(count - 1)))
    }

    /// Seconds at which a bucket begins.
    private static func bound(_ bucket: Int) -> Double {
        guard bucket > 0 else { return 0 }
        return Double(Float(bitPattern: UInt32(bitPattern: Int32(bucket) &+ lowest) << 21))
    }

    /// Seconds, within the bucket by proportion: at most 12 % off.
    static func quantile(_ share: Double, of buckets: [UInt64]) -> Double {
        let all = buckets.reduce(0, &+)
        guard all > 0 else { return 0 }
        let rank = share * Double(all)
        var before = 0.0
        for (bucket, count) in buckets.enumerated() where count > 0 {
            if before + Double(count) >= rank {
                let low = bound(bucket)
                let high = bucket < self.count - 1 ? bound(bucket + 1) : low
                return low + (high - low) * (rank - before) / Double(count)
            }
            before += Double(count)
        }
        return bound(self.count - 1)
    }
}
