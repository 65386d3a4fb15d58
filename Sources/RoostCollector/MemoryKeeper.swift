import RoostCore

/// Keeps the resident memory of the process near what the budget says is held.
///
/// The process has more than the telemetry in it: its code, and what the allocator keeps of what was
/// freed. Near the limit that is given back, and what there is beyond some 14 MiB is taken out of the
/// budget, so that new data is refused before resident memory passes the limit by 32 MiB. It is taken
/// while there is room, too: what is left can be filled between two looks. One thread at a time.
struct MemoryKeeper {
    /// Code and start data, which are always there.
    private static let ownBytes = 20 << 20
    /// What the process may have beyond what is reserved while resident memory is far from the limit.
    private static let farBytes = 96 << 20
    /// How long what was seen is believed, at least.
    private static let spanNanoseconds: UInt64 = 2_000_000_000

    private let budget: MemoryBudget
    private let share: MemoryBudget.Share
    /// Taken from the budget for what is resident and reserved by nobody.
    private var taken = 0
    /// The most that the process had beyond what is reserved, in this span of time and in the one
    /// before.
    ///
    /// A look can show too little, never too much: a body that is being inflated is reserved whole
    /// before its first page is there. The room that one such look would give back is filled by the
    /// next body, and then both are there, and what was not seen.
    private var most = (now: 0, before: 0)
    private var spanBegan: UInt64 = 0
    private var lastGivenBack: UInt64 = 0
    /// Between two times of giving back, which take the longer the more memory there is: a tenth of a
    /// second for each 64 MiB of the limit. Far from the limit half a second for 64 MiB, two for 128,
    /// half a minute from 512 on.
    private let nearRestNanoseconds, farRestNanoseconds: UInt64
    /// Whether the next look should come soon.
    private(set) var isNear = false

    init(budget: MemoryBudget) {
        self.budget = budget
        let size = UInt64(min(max(1, budget.limitBytes >> 26), 1 << 16))
        nearRestNanoseconds = size * 100_000_000
        farRestNanoseconds = min(size * size, 60) * 500_000_000
        share = budget.share("allocator")
    }

    /// Looks at what is `resident`, `now` by the monotonic clock; whether what can be is to be
    /// given back.
    mutating func look(now: UInt64, resident: () -> Int?) -> Bool {
        // Whatever is freed or taken meanwhile, it does not seem more than there is.
        let usedBefore = budget.usedBytes
        guard let resident = resident() else { return false }
        let limit = budget.limitBytes
        let beyond = resident - (max(usedBefore, budget.usedBytes) - taken)
        isNear = resident > limit - limit / 8
        note(beyond, now)
        // Between two looks it grows. A small limit has nothing to spare for that.
        let allowed = Self.ownBytes - min(6 << 20, max(0, limit - (16 << 20)) / 8)
        // A limit that is smaller than the process itself leaves room for data all the same.
        take(min(max(0, max(most.now, most.before) - allowed), limit / 4))
        let rest = isNear ? nearRestNanoseconds : farRestNanoseconds
        let far = min(Self.farBytes, allowed + limit / 8)
        guard beyond > (isNear ? Self.ownBytes : far), now &- lastGivenBack > rest else {
            return false
        }
        lastGivenBack = now
        return true
    }

    private mutating func note(_ beyond: Int, _ now: UInt64) {
        if now &- spanBegan > Self.spanNanoseconds {
            // After two spans without a look nothing that was seen is of use.
            let isOld = now &- spanBegan > 2 &* Self.spanNanoseconds
            most = (now: beyond, before: isOld ? beyond : most.now)
            spanBegan = now
        } else {
            most.now = max(most.now, beyond)
        }
    }

    /// As much of `wanted` as there is room for.
    private mutating func take(_ wanted: Int) {
        if wanted < taken {
            share.giveBack(taken - wanted)
            taken = wanted
        } else {
            taken += share.takeUp(to: wanted - taken)
        }
    }
}
