import RoostCore
import Synchronization
import Testing

@Suite struct MemoryBudgetTests {
    @Test func `a part knows whether its work can ever be done`() {
        let budget = MemoryBudget(limitBytes: 100)
        let share = budget.share("requests")
        share.setAside(10)
        let part = share.part(holding: 30)
        let first = part.reserve(40)
        #expect(first != nil && share.usedBytes == 50 && budget.usedBytes == 50)
        #expect(part.reserve(60) == nil)
        #expect(part.isBeyondBudget && part.mostBytes == 130)

        let other = share.part(holding: 0)
        #expect(!other.isBeyondBudget)
        #expect(other.reserve(51) == nil)
        #expect(!other.isBeyondBudget)
        #expect(share.canEverHold(90) && !share.canEverHold(91))
        withExtendedLifetime(first) {}
        #expect(!share.isBeyondBudget)
    }

    @Test func `what is set aside follows the limit`() {
        let budget = MemoryBudget(limitBytes: 100)
        let share = budget.share("agents")
        share.setAside(40)
        #expect(budget.usedBytes == 40)
        budget.setLimit(50)
        share.setAside(20)
        #expect(budget.usedBytes == 20 && share.canEverHold(30) && !share.canEverHold(31))
        #expect(share.setAside(60) == 50, "there is no more room")
        budget.setLimit(100)
        #expect(budget.usedBytes == 60 && !share.canEverHold(41))
    }

    @Test func `what is missing to what is set aside is taken first of what is given back`() {
        let budget = MemoryBudget(limitBytes: 100)
        let (share, other) = (budget.share("export"), budget.share("requests"))
        var held = [70, 30].map { other.reserve($0) }
        #expect(share.setAside(60) == 0 && share.usedBytes == 0 && budget.usedBytes == 100)
        #expect(share.canEverHold(40) && !share.canEverHold(41))
        held.removeLast()
        #expect(share.asideBytes == 30 && share.usedBytes == 30 && budget.usedBytes == 100)
        #expect(other.reserve(1) == nil)
        held.removeLast()
        #expect(share.asideBytes == 60 && budget.usedBytes == 60)
        #expect(share.setAside(10) == 10 && budget.usedBytes == 10)
        #expect(other.reserve(90) != nil)
        #expect(other.reserve(91) == nil)
    }

    @Test func `a wish that is smaller now is not paid as it was`() {
        let budget = MemoryBudget(limitBytes: 100)
        let (share, other) = (budget.share("export"), budget.share("requests"))
        let held = (0..<2).map { _ in other.reserve(40) }
        #expect(share.setAside(60) == 20 && share.setAside(50) == 20 && share.setAside(5) == 5)
        #expect(budget.usedBytes == 85)
        withExtendedLifetime(held) {}
        #expect(share.asideBytes == 5)
    }

    @Test func `wishes are paid whatever threads take and give back`() async {
        let budget = MemoryBudget(limitBytes: 1000)
        let shares = (0..<2).map { budget.share("\($0)") }
        await withTaskGroup(of: Void.self) { group in
            for share in shares {
                group.addTask {
                    for turn in 0..<2000 { share.setAside(turn % 7 * 50) }
                    share.setAside(300)
                }
                group.addTask {
                    for _ in 0..<20_000 where share.tryTake(450) { share.giveBack(450) }
                }
            }
        }
        #expect(shares.map(\.asideBytes) == [300, 300] && budget.usedBytes == 600)
    }

    @Test func `an eighth of the budget is promised at the most`() {
        let budget = MemoryBudget(limitBytes: 800)
        let share = budget.share("requests")
        #expect(share.beginPromise(60) && share.beginPromise(40) && !share.beginPromise(1))
        share.endPromise(40)
        #expect(!share.beginPromise(41) && share.beginPromise(40))
        let held = share.reserve(401)
        share.endPromise(100)
        #expect(held != nil && !share.beginPromise(1))
    }

    @Test func `refuses what would pass the limit and takes nothing for it`() {
        let budget = MemoryBudget(limitBytes: 100)
        let share = budget.share("bodies")
        let held = share.reserve(60)
        #expect(held != nil)
        #expect(share.reserve(41) == nil)
        #expect(budget.usedBytes == 60)
    }

    @Test func `has somebody look before much is taken, who may take what is left himself`() {
        let mebibyte = 1 << 20
        let budget = MemoryBudget(limitBytes: 4 * mebibyte)
        let (share, own) = (budget.share("bodies"), budget.share("allocator"))
        budget.beforeMuchIsTaken { _ = own.takeUp(to: 3 * mebibyte) }
        let little = share.reserve(mebibyte - 1)
        #expect(little != nil && own.usedBytes == 0)
        #expect(share.reserve(2 * mebibyte) == nil)
        #expect(own.usedBytes == 3 * mebibyte && budget.usedBytes == 4 * mebibyte - 1)
        #expect(own.takeUp(to: mebibyte) == 1 && own.takeUp(to: mebibyte) == 0)
        withExtendedLifetime(little) {}
    }

    @Test func `a budget and its shares end with the last who holds them`() {
        weak var ended: MemoryBudget?
        weak var endedShare: MemoryBudget.Share?
        do {
            let budget = MemoryBudget(limitBytes: 100)
            let share = budget.share("a")
            ended = budget
            endedShare = share
            #expect(share.reserve(60) != nil)
        }
        #expect(ended == nil && endedShare == nil)
    }

    @Test func `gives back when the block that held a reservation is gone`() {
        let budget = MemoryBudget(limitBytes: 100)
        let share = budget.share("bodies")
        do {
            let block = ByteBlock([1, 2, 3], reservation: share.reserve(3))
            #expect(block.array == [1, 2, 3])
            #expect(budget.usedBytes == 3)
        }
        #expect(budget.usedBytes == 0)
        #expect(share.usedBytes == 0)
    }
}

@Suite struct LogTests {
    @Test func `writes one line whatever the message holds`() {
        let lines = Mutex<[String]>([])
        let log = Log(format: .text) { line in
            lines.withLock { $0.append(String(decoding: line, as: UTF8.self)) }
        }
        log.warn("bad\nname", ["peer": "a\nb"])
        log.debug("unseen")
        let seen = lines.withLock { $0 }
        #expect(seen.count == 1)
        #expect(seen[0].hasSuffix("warn bad\\nname peer=a\\nb\n"))
    }
}

@Suite struct TimeTests {
    @Test func `prints RFC 3339 with nine decimals`() {
        #expect(
            rfc3339(unixNanoseconds: 1_780_000_000_000_000_005)
                == "2026-05-28T20:26:40.000000005Z")
    }
}
