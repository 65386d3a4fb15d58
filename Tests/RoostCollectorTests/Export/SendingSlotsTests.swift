import Testing

@testable import RoostCollector

@Suite struct SendingSlotsTests {
    private let plain = SendingSlots.Need(bytes: 10, packs: false)
    private let packed = SendingSlots.Need(bytes: 20, packs: true)

    /// `#expect` asks nobody who changes by being asked, unless he is of a class.
    private final class Slots {
        private(set) var slots = SendingSlots()

        func suit(_ bytes: [Int], count: Int = 1, packerBytes: Int = 0) {
            slots.suit(
                bytes.enumerated().map { ($0.offset, $0.element) }, count: count,
                packerBytes: packerBytes)
        }

        func take(_ index: Int, _ need: SendingSlots.Need, held: Int, now: UInt64) -> Bool {
            slots.take(index, need, held: held, now: now)
        }

        func release(_ index: Int, _ need: SendingSlots.Need) { slots.release(index, need) }
    }

    private func slots(_ bytes: [Int], count: Int = 1, packerBytes: Int = 0) -> Slots {
        let slots = Slots()
        slots.suit(bytes, count: count, packerBytes: packerBytes)
        return slots
    }

    @Test func `with all that was wished for each destination has all of its requests`() {
        let slots = slots([20, 20, 10], count: 3, packerBytes: 50)
        let held = slots.slots.wantedBytes
        #expect(held == 200)
        for index in [0, 0, 0, 1, 1, 1] {
            #expect(slots.take(index, packed, held: held, now: 0))
        }
        for _ in 0..<3 { #expect(slots.take(2, plain, held: held, now: 0)) }
        for index in 0..<3 { #expect(!slots.take(index, plain, held: held, now: 0)) }
        #expect(slots.slots.neededBytes == 200)
    }

    @Test func `with less each has one before any has two`() {
        let slots = slots([10, 10, 10], count: 4)
        #expect(slots.take(0, plain, held: 35, now: 0) && !slots.take(0, plain, held: 35, now: 0))
        #expect(slots.take(2, plain, held: 35, now: 0) && slots.take(1, plain, held: 35, now: 0))
        #expect(!slots.take(1, plain, held: 39, now: 0) && slots.take(1, plain, held: 40, now: 0))
    }

    @Test func `with room for one they take turns, and who asks no more has none`() {
        let slots = slots([10, 10, 10])
        #expect(slots.take(0, plain, held: 10, now: 0))
        #expect(!slots.take(1, plain, held: 10, now: 0) && !slots.take(2, plain, held: 10, now: 0))
        slots.release(0, plain)
        #expect(!slots.take(0, plain, held: 10, now: 1) && !slots.take(2, plain, held: 10, now: 1))
        #expect(slots.take(1, plain, held: 10, now: 1))
        slots.release(1, plain)
        #expect(!slots.take(0, plain, held: 10, now: 2))
        #expect(slots.take(0, plain, held: 10, now: SendingSlots.patience + 2))
    }

    @Test func `who needs more than there is keeps nobody from having less`() {
        let slots = slots([20, 10], packerBytes: 50)
        #expect(!slots.take(0, packed, held: 15, now: 0) && slots.take(1, plain, held: 15, now: 0))
        #expect(!slots.take(0, plain, held: 15, now: 0))
        slots.release(1, plain)
        #expect(!slots.take(1, plain, held: 15, now: 0) && slots.take(0, plain, held: 15, now: 0))
    }

    @Test func `the packer is paid for before anybody packs`() {
        let slots = slots([20, 20], packerBytes: 50)
        #expect(!slots.take(0, packed, held: 69, now: 0) && slots.take(0, packed, held: 70, now: 0))
        #expect(!slots.take(1, plain, held: 79, now: 0) && slots.take(1, plain, held: 80, now: 0))
        slots.suit([], packerBytes: 50)
        #expect(slots.slots.neededBytes == 80)
        slots.release(0, packed)
        #expect(slots.slots.neededBytes == 50 && !slots.take(0, plain, held: 100, now: 0))
    }
}
