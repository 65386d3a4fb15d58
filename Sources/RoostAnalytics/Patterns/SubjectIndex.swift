/// Finds the place of a key of two words in a table: open addressing, linear probing.
///
/// The table's places are dense and the caller's; removing is done by rebuilding.
struct SubjectIndex: Sendable {
    private struct Slot {
        var first: UInt64 = 0
        var second: UInt64 = 0
        var place: Int32 = -1
    }

    private var slots: [Slot]
    private(set) var count = 0

    init() { slots = Array(repeating: Slot(), count: 64) }

    /// The place of a key; -1 when it has none.
    func place(_ first: UInt64, _ second: UInt64 = 0) -> Int {
        let mask = slots.count &- 1
        var at = SubjectIndex.hash(first, second) & mask
        while true {
            let slot = slots[at]
            if slot.place < 0 { return -1 }
            if slot.first == first && slot.second == second { return Int(slot.place) }
            at = (at &+ 1) & mask
        }
    }

    /// Gives a key that has none a place.
    mutating func insert(_ first: UInt64, _ second: UInt64 = 0, place: Int) {
        if (count &+ 1) &* 2 > slots.count { grow() }
        put(Slot(first: first, second: second, place: Int32(place)))
        count &+= 1
    }

    mutating func removeAll() {
        for at in slots.indices { slots[at].place = -1 }
        count = 0
    }

    private mutating func put(_ slot: Slot) {
        let mask = slots.count &- 1
        var at = SubjectIndex.hash(slot.first, slot.second) & mask
        while slots[at].place >= 0 { at = (at &+ 1) & mask }
        slots[at] = slot
    }

    private mutating func grow() {
        let old = slots
        slots = Array(repeating: Slot(), count: old.count &* 2)
        for slot in old where slot.place >= 0 { put(slot) }
    }

    private static func hash(_ first: UInt64, _ second: UInt64) -> Int {
        var mixed = (first ^ (second &* 0x9E37_79B9_7F4A_7C15)) &* 0xBF58_476D_1CE4_E5B9
        mixed ^= mixed >> 29
        mixed = mixed &* 0x94D0_49BB_1331_11EB
        return Int(truncatingIfNeeded: mixed >> 20)
    }
}
