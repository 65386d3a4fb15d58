import RoostCore

/// Keeps the resident memory of the process near what the budget says is held.
///
/// The process has more than the telemetry in it: its code, and what the allocator keeps of what was
/// freed. Near the limit the allocator is asked to give that back, and what it has beyond
/// `allowedBytes` is taken out of the budget, so that new data is refused before resident memory
/// passes the limit by 32 MiB. It is taken while there is room, too: what is left can be filled
/// between two looks. Confined to one thread.
struct MemoryKeeper {
    /// What the process may have beyond what is reserved: some 20 MiB of code and start data are
    /// always there. Between two looks it grows by some more.
    private static let allowedBytes = 20 << 20
    /// What it may have while resident memory is far from the limit.
    private static let farBytes = 96 << 20
    private static let farRestNanoseconds: UInt64 = 30_000_000_000

    private let budget: MemoryBudget
    private let share: MemoryBudget.Share
    /// Taken from the budget for what is resident and reserved by nobody.
    private var taken = 0
    private var lastGivenBack: UInt64 = 0
    /// Between two times of giving back, which take the longer the more memory there is: a tenth of a
    /// second for each 64 MiB of the limit.
    private let nearRestNanoseconds: UInt64
    /// Whether the next look should come soon.
    private(set) var isNear = false

    init(budget: MemoryBudget) {
        self.budget = budget
        nearRestNanoseconds = UInt64(max(1, budget.limitBytes >> 26)) &* 100_000_000
        share = budget.share("allocator")
    }

    /// Looks at `resident` bytes, `now` by the monotonic clock; whether the allocator should give back
    /// what it can.
    mutating func look(resident: Int, now: UInt64) -> Bool {
        let limit = budget.limitBytes
        let beyond = resident - (budget.usedBytes - taken)
        isNear = resident > limit - limit / 8
        // A limit that is smaller than the process itself leaves room for data all the same.
        take(min(max(0, beyond - Self.allowedBytes), limit / 4))
        let rest = isNear ? nearRestNanoseconds : Self.farRestNanoseconds
        let far = min(Self.farBytes, Self.allowedBytes + limit / 8)
        let most = isNear ? Self.allowedBytes : far
        guard beyond > most, now &- lastGivenBack > rest else { return false }
        lastGivenBack = now
        return true
    }

    /// As much of `wanted` as there is room for.
    private mutating func take(_ wanted: Int) {
        if wanted < taken {
            share.giveBack(taken - wanted)
            taken = wanted
        } else {
            let more = min(wanted - taken, budget.limitBytes - budget.usedBytes)
            if more > 0, share.tryTake(more) { taken += more }
        }
    }
}
