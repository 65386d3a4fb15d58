/// How often something that runs show was seen, of how many chances, by slot of time.
///
/// A tally is of a pattern and two things that it is about. Memory: 14 slots of 24 bytes and a ring,
/// 0.6 KB; at most `limit` of them.
struct TallyBook: Sendable {
    enum Pattern: UInt8, Sendable {
        case repeated, humanWait, growth, failingStep, sequential, fanOut, pingPong
    }

    struct Key: Sendable {
        var pattern: Pattern
        /// A packed subject.
        var about: UInt64
        /// Another packed subject, or two numbers; 0 is none.
        var with: UInt64 = 0
        fileprivate var first: UInt64 { UInt64(pattern.rawValue) << 56 | about }
    }

    struct Slot: Sendable {
        var chances: UInt32 = 0
        var hits: UInt32 = 0
        /// What the pattern adds up with each hit, and what that is a share of.
        var amount: Double = 0
        var whole: Double = 0

        mutating func add(_ other: Slot) {
            chances &+= other.chances
            hits &+= other.hits
            amount += other.amount
            whole += other.whole
        }
    }

    private let limit: Int
    private var index = SubjectIndex()
    private(set) var keys: [Key] = []
    private var slots: [Slot] = []
    private(set) var examples: [ExampleRing] = []
    private var lastSeen: [UInt64] = []
    /// Notes that found no room.
    private(set) var unwatched = 0

    init(limit: Int) {
        self.limit = limit
        slots.reserveCapacity(limit * PatternSlots.count)
        examples.reserveCapacity(limit)
    }

    /// Adds `slot` to the tally of `key`; with an example when it is a hit.
    mutating func note(
        _ key: Key, _ change: Slot, example: FindingExample, at open: Int, now: UInt64
    ) {
        var place = index.place(key.first, key.with)
        if place < 0 {
            guard keys.count < limit else {
                unwatched &+= 1
                return
            }
            place = keys.count
            keys.append(key)
            slots.append(contentsOf: repeatElement(Slot(), count: PatternSlots.count))
            examples.append(ExampleRing())
            lastSeen.append(0)
            index.insert(key.first, key.with, place: place)
        }
        lastSeen[place] = now
        slots[place &* PatternSlots.count &+ open].add(change)
        if change.hits > 0 {
            examples[place].note(
                example.traceIDHigh, example.traceIDLow, example.spanID, now: now)
        }
    }

    /// Of the slots whose bits are set.
    func sums(at place: Int, _ held: UInt32) -> Slot {
        var sums = Slot()
        for at in 0..<PatternSlots.count where held & (1 << UInt32(at)) != 0 {
            sums.add(slots[place &* PatternSlots.count &+ at])
        }
        return sums
    }

    mutating func turn(_ turn: PatternSlots.Turn) {
        for place in keys.indices {
            let first = place &* PatternSlots.count
            slots[first &+ turn.long].add(slots[first &+ turn.open])
        }
        for at in 0..<PatternSlots.count where turn.emptied & (1 << UInt32(at)) != 0 {
            for place in keys.indices { slots[place &* PatternSlots.count &+ at] = Slot() }
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
            if keep != place {
                keys[keep] = keys[place]
                examples[keep] = examples[place]
                lastSeen[keep] = lastSeen[place]
                for at in 0..<PatternSlots.count {
                    slots[keep &* PatternSlots.count &+ at] =
                        slots[place &* PatternSlots.count &+ at]
                }
            }
            keep += 1
        }
        guard keep < keys.count else { return }
        let gone = keys.count - keep
        keys.removeLast(gone)
        slots.removeLast(gone * PatternSlots.count)
        examples.removeLast(gone)
        lastSeen.removeLast(gone)
        index.removeAll()
        for (place, key) in keys.enumerated() {
            index.insert(key.first, key.with, place: place)
        }
    }
}
