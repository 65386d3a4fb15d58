import RoostCore

/// The series of a stripe: label texts one after another in one array, found by their bytes.
///
///     texts   a="1",b="2"a="1",b="3"…
///     all     [ offset length first ] …        one per series, numbers stay for life
///     slots   numbers, open addressing by the hash of the text
struct SeriesTable {
    /// What a page shows under one set of labels. 12 bytes.
    struct Entry {
        var offset: UInt32
        var length: UInt32
        /// The stream it shows; the others, if any, are in `others`. `none` when the slot is free.
        var first: UInt32
    }

    private(set) var all: [Entry] = []
    private var texts: [UInt8] = []
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
        if texts.capacity - texts.count < text.count, texts.count > 4096 {
            texts.reserveCapacity(texts.count + max(texts.count / 4, text.count))
        }
        let entry = Entry(
            offset: UInt32(truncatingIfNeeded: texts.count),
            length: UInt32(truncatingIfNeeded: text.count), first: stream)
        texts.append(contentsOf: text)
        let id: UInt32
        if let reused = free.popLast() {
            id = reused
            all[Int(id)] = entry
        } else {
            id = UInt32(truncatingIfNeeded: all.count)
            makeRoomGently(&all)
            all.append(entry)
        }
        count += 1
        if count * 5 > slots.count * 4 { rebuild() } else { place(id) }
        return id
    }

    mutating func join(_ stream: UInt32, to series: UInt32) {
        others[series, default: []].append(stream)
    }

    /// Whether other streams show in the same series.
    func isShared(_ series: UInt32) -> Bool { !others.isEmpty && others[series] != nil }

    /// Takes streams off their series; answers how many it has left.
    mutating func leave(_ leaving: Set<UInt32>, from series: UInt32) -> Int {
        var rest = others.removeValue(forKey: series) ?? []
        rest.removeAll { leaving.contains($0) }
        if leaving.contains(all[Int(series)].first) {
            all[Int(series)].first = rest.popLast() ?? Stream.none
        }
        if !rest.isEmpty { others[series] = rest }
        return (all[Int(series)].first == Stream.none ? 0 : 1) + rest.count
    }

    /// Frees a series without streams; `tidy` must follow before the next look-up.
    mutating func remove(_ series: UInt32) {
        freedBytes += Int(all[Int(series)].length)
        all[Int(series)] = Entry(offset: 0, length: 0, first: Stream.none)
        free.append(series)
        count -= 1
    }

    /// Makes the index anew, and the texts too once a third of them is nobody's.
    mutating func tidy() {
        if freedBytes * 3 > texts.count {
            var packed: [UInt8] = []
            packed.reserveCapacity(texts.count - freedBytes)
            for index in all.indices where all[index].first != Stream.none {
                let start = Int(all[index].offset)
                all[index].offset = UInt32(truncatingIfNeeded: packed.count)
                packed.append(contentsOf: texts[start..<start + Int(all[index].length)])
            }
            texts = packed
            freedBytes = 0
        }
        rebuild()
    }

    /// Lends the label text.
    @inline(__always)
    func withText(_ entry: Entry, _ body: (Span<UInt8>) -> Void) {
        let start = Int(entry.offset)
        body(texts.span.extracting(start..<start &+ Int(entry.length)))
    }

    /// Bytes on the heap.
    var heapBytes: Int {
        texts.capacity + all.capacity * MemoryLayout<Entry>.stride
            + (free.capacity + slots.capacity) * 4 + others.count * 64
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
        let start = Int(entry.offset)
        let mask = slots.count - 1
        var slot =
            Self.hash(texts.span.extracting(start..<start + Int(entry.length))) & mask
        while slots[slot] != Stream.none { slot = (slot + 1) & mask }
        slots[slot] = id
    }

    private func isText(_ series: UInt32, _ text: [UInt8]) -> Bool {
        let entry = all[Int(series)]
        guard Int(entry.length) == text.count else { return false }
        let start = Int(entry.offset)
        return texts[start..<start + text.count].elementsEqual(text)
    }

    private static func hash(_ text: Span<UInt8>) -> Int {
        unsafe text.withUnsafeBufferPointer {
            Int(truncatingIfNeeded: unsafe ByteHash.hash($0, seed: 0))
        }
    }
}
