import RoostCore
import Testing

@testable import RoostCollector

@Suite struct MemoryKeeperTests {
    private static let mebibyte = 1 << 20
    private let budget = MemoryBudget(limitBytes: 64 << 20)

    private func look(_ keeper: inout MemoryKeeper, _ mebibytes: Int, second: Double) -> Bool {
        keeper.look(now: UInt64(second * 1e9)) { mebibytes * Self.mebibyte }
    }

    @Test func `takes nothing while the process is no larger than is allowed`() {
        var keeper = MemoryKeeper(budget: budget)
        #expect(!look(&keeper, 14, second: 100))
        #expect(budget.usedBytes == 0)
    }

    /// The room that is left could be filled before the next look.
    @Test func `takes what the process has beyond that, though the limit is far`() {
        var keeper = MemoryKeeper(budget: budget)
        #expect(!look(&keeper, 22, second: 100))
        #expect(budget.usedBytes == 8 << 20)
        // More than an eighth of the limit is worth giving back.
        #expect(look(&keeper, 23, second: 100))
        #expect(!look(&keeper, 14, second: 110))
        #expect(budget.usedBytes == 0)
    }

    @Test func `what the allocator keeps near the limit is taken from the budget, and given back`()
    {
        var keeper = MemoryKeeper(budget: budget)
        let data = budget.share("requests").reserve(40 << 20)
        #expect(look(&keeper, 68, second: 100))
        // 68 less the 40 that are reserved and the 14 that are allowed.
        #expect(budget.usedBytes == 54 << 20)
        #expect(look(&keeper, 69, second: 101))
        #expect(budget.usedBytes == 55 << 20)
        #expect(!look(&keeper, 50, second: 110))
        #expect(budget.usedBytes == 40 << 20)
        withExtendedLifetime(data) {}
    }

    @Test func `a body that is reserved and not there yet gives nothing back`() {
        var keeper = MemoryKeeper(budget: budget)
        _ = look(&keeper, 22, second: 100)
        #expect(budget.usedBytes == 8 << 20)
        let body = budget.share("requests").reserve(16 << 20)
        #expect(!look(&keeper, 23, second: 100.1))
        #expect(!look(&keeper, 36, second: 101.9))
        #expect(budget.usedBytes == 24 << 20)
        withExtendedLifetime(body) {}
    }

    @Test func `believes for two seconds what it saw, and for four at the most`() {
        var keeper = MemoryKeeper(budget: budget)
        _ = look(&keeper, 18, second: 100)
        #expect(budget.usedBytes == 4 << 20)
        _ = look(&keeper, 15, second: 101.9)
        #expect(budget.usedBytes == 4 << 20)
        _ = look(&keeper, 15, second: 102.1)
        #expect(budget.usedBytes == 4 << 20)
        _ = look(&keeper, 15, second: 104.2)
        #expect(budget.usedBytes == 1 << 20)
    }

    /// Between the two readings bodies come and go.
    @Test func `what is freed or taken while it looks does not seem to be the process's`() {
        var keeper = MemoryKeeper(budget: budget)
        var before = budget.share("requests").reserve(30 << 20)
        _ = keeper.look(now: 100_000_000_000) {
            before = nil
            return 44 << 20
        }
        #expect(budget.usedBytes == 0)
        withExtendedLifetime(before) {}
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

    @Test func `a small limit leaves what is always there out of it`() {
        let small = MemoryBudget(limitBytes: 16 << 20)
        var keeper = MemoryKeeper(budget: small)
        _ = look(&keeper, 21, second: 100)
        #expect(small.usedBytes == 1 << 20)
    }

    @Test func `looks before much is taken, and only then`() {
        let guardian = MemoryGuard(budget: budget)
        let requests = budget.share("requests")
        let little = requests.reserve(1 << 16)
        #expect(budget.usage.map(\.bytes).reduce(0, +) == 1 << 16)
        // The process that runs the tests is larger than what is allowed.
        let much = requests.reserve(1 << 20)
        #expect(budget.usedBytes > (1 << 16) + (1 << 20))
        withExtendedLifetime((guardian, little, much)) {}
    }
}
