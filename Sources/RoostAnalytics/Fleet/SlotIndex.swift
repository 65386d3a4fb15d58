/// Places in a table by 64-bit hashes; the owner tells like ones apart.
///
/// Open addressing, at most four fifths full: eight places lie in one line of the cache. What is
/// removed leaves no hole, since what stands behind it moves up.
struct SlotIndex: Sendable {
    private var slots = [Slot](repeating: Slot(), count: 64)
    private var count = 0

    private struct Slot: Sendable {
        /// The upper half of the hash; its lower bits say where the search begins.
        var tag: UInt32 = 0
        /// -1 is free.
        var place: Int32 = -1
    }

    /// Chosen at start, so that nobody can send ids that collide.
    private static let secret = UInt64.random(in: .min ... .max) | 1

    @inline(__always)
    static func hash(_ first: UInt64, _ second: UInt64) -> UInt64 {
        let product = (first ^ secret).multipliedFullWidth(by: second ^ 0x9E37_79B9_7F4A_7C15)
        return product.high ^ product.low
    }

    @inline(__always)
    func find(_ hash: UInt64, where isRight: (Int32) -> Bool) -> Int32? {
        let mask = slots.count &- 1
        let tag = UInt32(truncatingIfNeeded: hash &>> 32)
        var at = Int(tag) & mask
        while slots[at].place >= 0 {
            if slots[at].tag == tag, isRight(slots[at].place) { return slots[at].place }
            at = (at &+ 1) & mask
        }
        return nil
    }

    mutating func insert(_ hash: UInt64, _ place: Int32) {
        if (count + 1) * 5 > slots.count * 4 { grow() }
        put(Slot(tag: UInt32(truncatingIfNeeded: hash &>> 32), place: place))
    }

    mutating func remove(_ hash: UInt64, _ place: Int32) {
        let mask = slots.count &- 1
        var at = Int(UInt32(truncatingIfNeeded: hash &>> 32)) & mask
        while slots[at].place >= 0, slots[at].place != place { at = (at &+ 1) & mask }
        guard slots[at].place >= 0 else { return }
        count -= 1
        var hole = at
        var next = (at &+ 1) & mask
        while slots[next].place >= 0 {
            let home = Int(slots[next].tag) & mask
            // Whether its home lies at or before the hole, going round.
            if (next &- home) & mask >= (next &- hole) & mask {
                slots[hole] = slots[next]
                hole = next
            }
            next = (next &+ 1) & mask
        }
        slots[hole] = Slot()
    }

    /// Bytes that it occupies.
    var byteCount: Int { slots.capacity * MemoryLayout<Slot>.stride }

    private mutating func put(_ slot: Slot) {
        let mask = slots.count &- 1
        var at = Int(slot.tag) & mask
        while slots[at].place >= 0 { at = (at &+ 1) & mask }
        slots[at] = slot
        count += 1
    }

    private mutating func grow() {
        let old = slots
        slots = [Slot](repeating: Slot(), count: old.count * 2)
        count = 0
        for slot in old where slot.place >= 0 { put(slot) }
    }
}
