/// The slots of time that counts are kept by: six of ten minutes, eight of three hours.
///
/// By arrival. Counts go into the short slot that is open; when it is over they are added to the
/// long slot too, so that the last day is the long slots and the open short one. A clock that goes
/// back counts into the slot that is open; one that leaps ahead empties what it passes.
struct PatternSlots: Sendable {
    static let count = 14
    static let hour: UInt64 = 3_600_000_000_000
    static let day: UInt64 = 86_400_000_000_000
    private static let shortLength: UInt64 = 600_000_000_000
    private static let longLength: UInt64 = 10_800_000_000_000

    private var short: UInt64 = 0
    private var long: UInt64 = 0
    private var turn: UInt64 = 0
    /// A clock that goes back further than to here has leapt ahead before.
    private var floor: UInt64 = 0

    /// Where counts of now go, and where they go once that slot is over.
    private(set) var open = 0
    private(set) var longSlot = 6

    /// What is to be done because a slot is over: first the open one is added to the long one,
    /// then those whose bits are set begin anew.
    struct Turn {
        var open: Int
        var long: Int
        var emptied: UInt32
    }

    /// Nil as long as the same slot is open, mostly.
    mutating func advance(to now: UInt64) -> Turn? {
        if now < turn, now >= floor { return nil }
        if now < floor { return restart(now) }
        let over = (open, longSlot)
        var emptied: UInt32 = 0
        let newShort = now / PatternSlots.shortLength
        let newLong = now / PatternSlots.longLength
        guard newShort > short || turn == 0 else { return nil }
        if newShort > short {
            let steps = min(newShort - short, 6)
            for back in 0..<steps { emptied |= 1 << UInt32((newShort - back) % 6) }
            short = newShort
        }
        if newLong > long {
            let steps = min(newLong - long, 8)
            for back in 0..<steps { emptied |= 1 << UInt32(6 + (newLong - back) % 8) }
            long = newLong
        }
        open = Int(short % 6)
        longSlot = 6 + Int(long % 8)
        let next = (short &+ 1).multipliedReportingOverflow(by: PatternSlots.shortLength)
        turn = next.overflow ? .max : next.partialValue
        let start = short &* PatternSlots.shortLength
        floor = start > PatternSlots.hour ? start &- PatternSlots.hour : 0
        return Turn(open: over.0, long: over.1, emptied: emptied)
    }

    /// Everything is forgotten: of when it was nothing is known.
    private mutating func restart(_ now: UInt64) -> Turn? {
        self = PatternSlots()
        let turn = advance(to: now)
        return turn.map { Turn(open: $0.open, long: $0.long, emptied: 0b11_1111_1111_1111) }
    }

    /// The slots that make up a window, as bits.
    func holding(_ window: PatternWindow) -> UInt32 {
        switch window {
        case .hour: 0b11_1111
        case .day: 0b11_1111_1100_0000 | 1 << UInt32(open)
        }
    }

    /// Unix nanoseconds at which what the hour's slots hold began; likewise the day's.
    var hourSince: UInt64 { short >= 5 ? (short - 5) &* PatternSlots.shortLength : 0 }
    var daySince: UInt64 { long >= 7 ? (long - 7) &* PatternSlots.longLength : 0 }
}

/// One of the two stretches that findings are about.
enum PatternWindow: CaseIterable, Sendable {
    case hour, day

    var seconds: Int {
        switch self {
        case .hour: 3_600
        case .day: 86_400
        }
    }

    func since(_ slots: PatternSlots) -> UInt64 {
        switch self {
        case .hour: slots.hourSince
        case .day: slots.daySince
        }
    }
}
