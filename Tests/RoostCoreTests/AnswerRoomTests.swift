import RoostCore
import Testing

@Suite struct AnswerRoomTests {
    private let budget = MemoryBudget(limitBytes: 1_600)
    private let room: AnswerRoom

    init() { room = AnswerRoom(budget: budget) }

    @Test func `a sixteenth is there whatever else is held`() {
        #expect(budget.usedBytes == 100)
        let full = budget.share("requests").reserve(1_500)
        let first = room.lease(60)
        let second = room.lease(40)
        #expect(first != nil && second != nil && room.lease(1) == nil)
        #expect(first?.grow(to: 61) == false)
        second?.shrink(to: 10)
        #expect(first?.grow(by: 30) == true && room.lease(1) == nil)
        withExtendedLifetime((full, first, second)) {}
    }

    @Test func `what is needed at the least is set aside of a small budget, too`() {
        let small = AnswerRoom(budget: budget, name: "pages", fraction: 32, leastBytes: 300)
        #expect(budget.usedBytes == 400)
        let full = budget.share("requests").reserve(1_200)
        let lease = small.lease(300)
        #expect(lease != nil && small.lease(1) == nil)
        withExtendedLifetime((full, lease)) {}
    }

    @Test func `more is taken from the rest while a quarter of that stays free`() {
        let held = budget.share("requests").reserve(800)
        let large = room.lease(300)
        #expect(large != nil && budget.usedBytes == 1_200)
        #expect(room.lease(101) == nil)
        withExtendedLifetime((held, large)) {}
    }

    @Test func `a quarter of all is the most`() {
        let large = room.lease(300)
        #expect(large != nil && room.lease(101) == nil)
        #expect(large?.grow(by: 1) == false)
        withExtendedLifetime(large) {}
    }

    @Test func `what is too large now is told from what is too large for ever`() {
        let held = budget.share("requests").reserve(1_000)
        let lease = room.lease(50)
        #expect(lease?.grow(by: 250) == false && lease?.mayComeTrue == true)
        #expect(lease?.grow(by: 251) == false && lease?.mayComeTrue == false)
        withExtendedLifetime(held) {}
        let alone = AnswerRoom(budget: MemoryBudget(limitBytes: 1_600))
        #expect(alone.lease(alone.mostBytes) != nil && alone.lease(alone.mostBytes + 1) == nil)
    }

    @Test func `what outgrows what is set aside moves over whole`() {
        let lease = room.lease(80)
        #expect(budget.usedBytes == 100)
        #expect(lease?.grow(to: 200) == true && budget.usedBytes == 300)
        let other = room.lease(100)
        #expect(other != nil && budget.usedBytes == 300)
        withExtendedLifetime((lease, other)) {}
    }

    @Test func `everything is given back`() {
        do {
            let lease = room.lease(300)
            #expect(lease?.grow(by: -1) == true)
            lease?.shrink(to: 250)
            #expect(budget.usedBytes == 350)
            withExtendedLifetime(lease) {}
        }
        #expect(budget.usedBytes == 100 && room.lease(100) != nil)
    }
}
