/// Numbers by 64-bit hashes whose owners tell like ones apart. Open addressing; what is removed
/// leaves no hole, since what stands behind it moves up.
struct IdIndex {
    private var slots = [Slot](repeating: Slot(), count: 1024)
    private var count = 0

    /// Eight bytes, so that the index of 50,000 stays in a core's own cache.
    private struct Slot {
        /// Half of the hash; its lower bits say where the search begins.
        var tag: UInt32 = 0
        /// -1 is free.
        var value: Int32 = -1
    }

    /// Chosen at start, so that nobody can send ids that collide.
    private static let secret = UInt64.random(in: .min ... .max) | 1

    @inline(__always)
    static func mix(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = (left ^ secret).multipliedFullWidth(by: right ^ 0x9E37_79B9_7F4A_7C15)
        return product.high ^ product.low
    }

    /// The number whose hash may be this one and of which `isRight` holds.
    @inline(__always)
    func find(_ hash: UInt64, where isRight: (Int32) -> Bool) -> Int32? {
        unsafe slots.withUnsafeBufferPointer { slots in
            let mask = slots.count &- 1
            let tag = UInt32(truncatingIfNeeded: hash &>> 32)
            var place = Int(tag) & mask
            while true {
                let slot = unsafe slots[place]
                if slot.value < 0 { return nil }
                if slot.tag == tag, isRight(slot.value) { return slot.value }
                place = (place &+ 1) & mask
            }
        }
    }

    mutating func insert(_ hash: UInt64, _ value: Int32) {
        if (count + 1) * 2 > slots.count { grow() }
        put(Slot(tag: UInt32(truncatingIfNeeded: hash >> 32), value: value))
    }

    private mutating func put(_ slot: Slot) {
        let mask = slots.count - 1
        var place = Int(slot.tag) & mask
        while slots[place].value >= 0 { place = (place + 1) & mask }
        slots[place] = slot
        count += 1
    }

    mutating func remove(_ hash: UInt64, _ value: Int32) {
        let mask = slots.count - 1
        var place = Int(truncatingIfNeeded: hash >> 32) & mask
        while slots[place].value >= 0, slots[place].value != value { place = (place + 1) & mask }
        guard slots[place].value >= 0 else { return }
        count -= 1
        var hole = place
        var next = (place + 1) & mask
        while slots[next].value >= 0 {
            let home = Int(slots[next].tag) & mask
            // Whether its home lies at or before the hole, going round.
            if (next &- home) & mask >= (next &- hole) & mask {
                slots[hole] = slots[next]
                hole = next
            }
            next = (next + 1) & mask
        }
        slots[hole] = Slot()
    }

    private mutating func grow() {
        let old = slots
        slots = [Slot](repeating: Slot(), count: old.count * 2)
        count = 0
        for slot in old where slot.value >= 0 { put(slot) }
    }
}
