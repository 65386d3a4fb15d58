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
        share.setAside(60)
        #expect(budget.usedBytes == 20, "there is no room")
        budget.setLimit(100)
        share.setAside(60)
        #expect(budget.usedBytes == 60 && !share.canEverHold(41))
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
