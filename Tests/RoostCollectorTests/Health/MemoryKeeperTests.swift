import RoostCore
import Testing

@testable import RoostCollector

@Suite struct MemoryKeeperTests {
    private static let mebibyte = 1 << 20
    private let budget = MemoryBudget(limitBytes: 64 << 20)

    private func look(_ keeper: inout MemoryKeeper, _ mebibytes: Int, second: Double) -> Bool {
        keeper.look(resident: mebibytes * Self.mebibyte, now: UInt64(second * 1e9))
    }

    @Test func `takes nothing while the process is no larger than is allowed`() {
        var keeper = MemoryKeeper(budget: budget)
        #expect(!look(&keeper, 20, second: 100))
        #expect(budget.usedBytes == 0)
    }

    /// The room that is left could be filled before the next look.
    @Test func `takes what the process has beyond that, though the limit is far`() {
        var keeper = MemoryKeeper(budget: budget)
        #expect(!look(&keeper, 27, second: 100))
        #expect(budget.usedBytes == 7 << 20)
        // More than an eighth of the limit is worth giving back.
        #expect(look(&keeper, 30, second: 100))
        #expect(!look(&keeper, 20, second: 101))
        #expect(budget.usedBytes == 0)
    }

    @Test func `what the allocator keeps near the limit is taken from the budget, and given back`()
    {
        var keeper = MemoryKeeper(budget: budget)
        let data = budget.share("requests").reserve(40 << 20)
        #expect(look(&keeper, 70, second: 100))
        // 70 less the 40 that are reserved and the 20 that are allowed.
        #expect(budget.usedBytes == 50 << 20)
        #expect(look(&keeper, 75, second: 101))
        #expect(budget.usedBytes == 55 << 20)
        #expect(!look(&keeper, 50, second: 102))
        #expect(budget.usedBytes == 40 << 20)
        withExtendedLifetime(data) {}
    }

    @Test func `leaves room for data in a limit that is smaller than the process`() {
        var keeper = MemoryKeeper(budget: budget)
        #expect(look(&keeper, 200, second: 100))
        #expect(budget.usedBytes == 16 << 20)
    }

    @Test func `never takes more than there is`() {
        var keeper = MemoryKeeper(budget: budget)
        let data = budget.share("requests").reserve(60 << 20)
        #expect(look(&keeper, 200, second: 100))
        #expect(budget.usedBytes == 64 << 20)
        withExtendedLifetime(data) {}
    }

    @Test func `asks the allocator again after a while, and seldom when there is room`() {
        var keeper = MemoryKeeper(budget: budget)
        #expect(look(&keeper, 100, second: 100))
        #expect(!look(&keeper, 100, second: 100.05))
        #expect(look(&keeper, 100, second: 100.3))
        let large = MemoryBudget(limitBytes: 512 << 20)
        var calm = MemoryKeeper(budget: large)
        #expect(look(&calm, 100, second: 100))
        #expect(!look(&calm, 100, second: 120))
        #expect(look(&calm, 100, second: 131))
    }
}
