/// The slots of time that counts are kept by: six of ten minutes, eight of three hours.
///
/// By arrival. A clock that goes back counts into the slot that is open; one that leaps ahead
/// empties what it passes.
struct PatternSlots: Sendable {
    static let count = 14
    static let hour: UInt64 = 3_600_000_000_000
    static let day: UInt64 = 86_400_000_000_000
    private static let shortSlot: UInt64 = 600_000_000_000
    private static let longSlot: UInt64 = 10_800_000_000_000

    private var short: UInt64 = 0
    private var long: UInt64 = 0
    private var turn: UInt64 = 0

    /// Where counts of now go, one of each.
    private(set) var shortSlot = 0
    private(set) var longSlot = 6

    /// Which slots hold the last hour and which the last day.
    static let hourSlots = 0..<6
    static let daySlots = 6..<14

    /// The slots that begin anew, as bits; mostly none.
    mutating func advance(to now: UInt64) -> UInt32 {
        if now < turn { return 0 }
        var emptied: UInt32 = 0
        let newShort = now / PatternSlots.shortSlot
        let newLong = now / PatternSlots.longSlot
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
        shortSlot = Int(short % 6)
        longSlot = 6 + Int(long % 8)
        let next = (short &+ 1).multipliedReportingOverflow(by: PatternSlots.shortSlot)
        turn = next.overflow ? .max : next.partialValue
        return emptied
    }

    /// Unix nanoseconds at which what the hour's slots hold began; likewise the day's.
    var hourSince: UInt64 { short >= 5 ? (short - 5) &* PatternSlots.shortSlot : 0 }
    var daySince: UInt64 { long >= 7 ? (long - 7) &* PatternSlots.longSlot : 0 }
}

/// One of the two stretches that findings are about.
enum PatternWindow: CaseIterable, Sendable {
    case hour, day

    var slots: Range<Int> {
        switch self {
        case .hour: PatternSlots.hourSlots
        case .day: PatternSlots.daySlots
        }
    }

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
