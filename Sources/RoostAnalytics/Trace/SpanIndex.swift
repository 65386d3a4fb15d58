/// Which activity of a trace has which span id. Open addressing; reused from trace to trace.
struct SpanIndex {
    private var slots: [Slot] = []
    private var mask = 0

    private struct Slot {
        var id: UInt64 = 0
        /// -1 is free.
        var value: Int32 = -1
    }

    /// Chosen at start, so that nobody can send ids that collide.
    private static let secret = UInt64.random(in: .min ... .max)

    /// Empties it and makes room for `count` ids.
    mutating func begin(_ count: Int) {
        var size = 64
        while size < count * 2 { size *= 2 }
        if slots.count == size || slots.count > size && slots.count <= 1024 {
            for place in slots.indices { slots[place].value = -1 }
        } else {
            slots = [Slot](repeating: Slot(), count: size)
        }
        mask = slots.count - 1
    }

    private func home(_ id: UInt64) -> Int {
        let product = (id ^ SpanIndex.secret).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
        return Int(truncatingIfNeeded: product.high ^ product.low) & mask
    }

    func find(_ id: UInt64) -> Int32? {
        guard !slots.isEmpty else { return nil }
        var place = home(id)
        while slots[place].value >= 0 {
            if slots[place].id == id { return slots[place].value }
            place = (place &+ 1) & mask
        }
        return nil
    }

    /// Puts in an id, or gives one that is there another value. There must be room.
    mutating func set(_ id: UInt64, _ value: Int32) {
        var place = home(id)
        while slots[place].value >= 0, slots[place].id != id { place = (place &+ 1) & mask }
        slots[place] = Slot(id: id, value: value)
    }
}
