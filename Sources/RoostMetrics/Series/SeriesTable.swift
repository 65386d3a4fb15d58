import RoostCore

/// The series of a stripe: label texts one after another, found by their bytes.
///
///     texts   a="1",b="2"a="1",b="3"…
///     all     [ place length first ] …         one per series, numbers stay for life
///     slots   numbers, open addressing by the hash of the text
struct SeriesTable {
    /// What a page shows under one set of labels. 12 bytes.
    struct Entry {
        var place: TextBlocks.Place
        var length: UInt32
        /// The stream it shows; the others, if any, are in `others`. `none` when the slot is free.
        var first: UInt32
    }

    private(set) var all = BlockArray<Entry>()
    private var texts = TextBlocks()
    private var free: [UInt32] = []
    private var slots: [UInt32] = []
    private var freedBytes = 0
    private(set) var count = 0
    /// Further streams with the same labels, by series.
    private(set) var others: [UInt32: [UInt32]] = [:]

    func find(_ text: [UInt8]) -> UInt32? {
        guard !slots.isEmpty else { return nil }
        let mask = slots.count - 1
        var slot = Self.hash(text.span) & mask
        while slots[slot] != Stream.none {
            if isText(slots[slot], text) { return slots[slot] }
            slot = (slot + 1) & mask
        }
        return nil
    }

    /// nil when the texts together would pass 2 GiB.
    mutating func insert(_ text: [UInt8], stream: UInt32) -> UInt32? {
        guard texts.count + text.count < 1 << 31 else { return nil }
        guard let place = texts.append(text.span) else { return nil }
        let entry = Entry(
            place: place, length: UInt32(truncatingIfNeeded: text.count), first: stream)
        let id: UInt32
        if let reused = free.popLast() {
            id = reused
            all[Int(id)] = entry
        } else {
            id = UInt32(truncatingIfNeeded: all.count)
            all.append(entry)
        }
        count += 1
        if count * 5 > slots.count * 4 { rebuild() } else { self.place(id) }
        return id
    }

    mutating func join(_ stream: UInt32, to series: UInt32) {
        others[series, default: []].append(stream)
    }

    /// Whether other streams show in the same series.
    func isShared(_ series: UInt32) -> Bool { !others.isEmpty && others[series] != nil }

    /// How many streams show in a series.
    func streamCount(_ series: UInt32) -> Int {
        (all[Int(series)].first == Stream.none ? 0 : 1) + (others[series]?.count ?? 0)
    }

    /// Takes streams off their series.
    mutating func leave(_ leaving: Set<UInt32>, from series: UInt32) {
        var rest = others.removeValue(forKey: series) ?? []
        rest.removeAll { leaving.contains($0) }
        if leaving.contains(all[Int(series)].first) {
            all[Int(series)].first = rest.popLast() ?? Stream.none
        }
        if !rest.isEmpty { others[series] = rest }
    }

    /// Frees a series, whose streams are to go too; `tidy` must follow before the next look-up.
    mutating func remove(_ series: UInt32) {
        others[series] = nil
        freedBytes += Int(all[Int(series)].length)
        all[Int(series)] = Entry(place: 0, length: 0, first: Stream.none)
        free.append(series)
        count -= 1
    }

    /// Makes the index anew, and the texts too once a third of them is nobody's.
    mutating func tidy() {
        if freedBytes * 3 > texts.count {
            pack()
        }
        rebuild()
    }

    /// Lends the label text.
    @inline(__always)
    func withText(_ entry: Entry, _ body: (Span<UInt8>) -> Void) {
        texts.with(entry.place, length: entry.length, body)
    }

    /// Bytes on the heap.
    var heapBytes: Int {
        texts.heapBytes + all.capacity * MemoryLayout<Entry>.stride
            + (free.capacity + slots.capacity) * 4
            + others.values.reduce(0) { $0 + $1.capacity * 4 + 64 }
    }

    private mutating func pack() {
        var packed = TextBlocks()
        var places: [TextBlocks.Place] = []
        places.reserveCapacity(all.count)
        for index in all.indices {
            let entry = all[index]
            let place = texts.with(entry.place, length: entry.length) { packed.append($0) }
            guard let place else { return }
            places.append(place)
        }
        for index in all.indices { all[index].place = places[index] }
        texts = packed
        freedBytes = 0
    }

    private mutating func rebuild() {
        var size = 8
        while count * 5 > size * 4 - size / 8 { size *= 2 }
        slots = [UInt32](repeating: Stream.none, count: size)
        for id in all.indices where all[id].first != Stream.none {
            place(UInt32(truncatingIfNeeded: id))
        }
    }

    private mutating func place(_ id: UInt32) {
        let entry = all[Int(id)]
        let mask = slots.count - 1
        var slot = texts.with(entry.place, length: entry.length, Self.hash) & mask
        while slots[slot] != Stream.none { slot = (slot + 1) & mask }
        slots[slot] = id
    }

    private func isText(_ series: UInt32, _ text: [UInt8]) -> Bool {
        let entry = all[Int(series)]
        guard Int(entry.length) == text.count else { return false }
        return texts.with(entry.place, length: entry.length) { known in
            known.indices.allSatisfy { known[$0] == text[$0] }
        }
    }

    private static func hash(_ text: Span<UInt8>) -> Int {
        unsafe text.withUnsafeBufferPointer {
            Int(truncatingIfNeeded: unsafe ByteHash.hash($0, seed: 0))
        }
    }
}
