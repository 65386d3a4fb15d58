/// What was counted in a stretch of time that is over. Only keys that were touched take room.
struct WindowSlot: Sendable {
    /// Nanoseconds; `to` is the first that does not belong to it.
    var from: UInt64
    var to: UInt64
    /// Ascending, each with its tally.
    private(set) var keys: [UInt16] = []
    private(set) var tallies: [WindowTally] = []
    /// Ascending; the cells of a sketch end where `ends` says.
    private var sketches: [UInt16] = []
    private var ends: [UInt32] = []
    /// A bucket in the upper half, how many fell into it in the lower; ascending by bucket, a
    /// bucket that holds more than 65,535 several times.
    private var cells: [UInt32] = []

    init(from: UInt64, to: UInt64) {
        self.from = from
        self.to = to
    }

    var middle: UInt64 { from &+ (to &- from) / 2 }

    /// Bytes of memory.
    var byteCount: Int {
        keys.capacity * 2 + tallies.capacity * MemoryLayout<WindowTally>.stride
            + sketches.capacity * 2 + ends.capacity * 4 + cells.capacity * 4
    }

    /// Takes over those of all keys that were touched.
    mutating func setTallies(_ all: [WindowTally]) {
        let used = all.reduce(0) { $0 + ($1.touches > 0 ? 1 : 0) }
        keys.reserveCapacity(used)
        tallies.reserveCapacity(used)
        for key in all.indices where all[key].touches > 0 {
            keys.append(UInt16(key))
            tallies.append(all[key])
        }
    }

    /// Adds its tallies to those of all keys.
    func addTallies(to all: inout [WindowTally]) {
        for index in keys.indices { all[Int(keys[index])].add(tallies[index]) }
    }

    mutating func append(bucket: Int, count: UInt32) {
        var rest = count
        while rest > 0 {
            let part = min(rest, 65_535)
            cells.append(UInt32(truncatingIfNeeded: bucket) << 16 | part)
            rest -= part
        }
    }

    /// Ends the cells of a sketch; nothing is noted of one without.
    mutating func close(sketch: Int) {
        guard cells.count > Int(ends.last ?? 0) else { return }
        sketches.append(UInt16(truncatingIfNeeded: sketch))
        ends.append(UInt32(truncatingIfNeeded: cells.count))
    }

    mutating func takeBack(_ early: CountedRun, at key: Int) -> Bool {
        guard let place = keys.firstIndex(of: UInt16(truncatingIfNeeded: key)) else {
            return false
        }
        return tallies[place].takeBack(early)
    }

    /// Takes away what was observed once; false when it is not there.
    mutating func takeBack(_ sketch: Int, bucket: Int) -> Bool {
        guard let place = sketches.firstIndex(of: UInt16(truncatingIfNeeded: sketch)) else {
            return false
        }
        let first = place == 0 ? 0 : Int(ends[place - 1])
        let cell = cells[first..<Int(ends[place])].firstIndex {
            Int($0 >> 16) == bucket && $0 & 0xFFFF > 0
        }
        guard let cell else { return false }
        cells[cell] -= 1
        return true
    }

    @inline(__always)
    func forEachCell(_ body: (Int, UInt32) -> Void) {
        var cell = 0
        for index in sketches.indices {
            let sketch = Int(sketches[index])
            let end = Int(ends[index])
            while cell < end {
                body(sketch, cells[cell])
                cell &+= 1
            }
        }
    }

    /// Several in one; there is at least one.
    static func merged(_ slots: some Collection<WindowSlot>) -> WindowSlot {
        var result = WindowSlot(
            from: slots.lazy.map(\.from).min() ?? 0, to: slots.lazy.map(\.to).max() ?? 0)
        var tallies = [WindowTally](repeating: WindowTally(), count: WindowLayout.tallies)
        var sketches = WindowSketches()
        for slot in slots {
            slot.addTallies(to: &tallies)
            sketches.add(slot)
        }
        result.setTallies(tallies)
        sketches.write(into: &result)
        return result
    }
}

/// The sketches of some slots together, kept up to date as they come and go.
struct WindowSketchSum: Sendable {
    private(set) var sketches = WindowSketches()
    private var isWrong = false
    private var changes = 0

    /// Pages that nobody needs any more are found that way.
    private static let mostChanges = 30

    var isEmpty: Bool { sketches.isEmpty }
    var byteCount: Int { sketches.byteCount }

    /// Whether it should be made anew from the slots there are.
    var hasToRebuild: Bool { isWrong || sketches.isFull || changes > Self.mostChanges }

    mutating func add(_ slot: WindowSlot) { sketches.add(slot) }

    mutating func remove(_ slot: WindowSlot) {
        if sketches.hasOverflown { isWrong = true }
        if !isWrong { sketches.subtract(slot) }
        changes += 1
    }

    mutating func takeBack(_ sketch: Int, bucket: Int) {
        sketches.takeBack(sketch, bucket: bucket)
    }

    mutating func rebuild(_ slots: [WindowSlot]) {
        isWrong = false
        changes = 0
        sketches.removeAll()
        for slot in slots { sketches.add(slot) }
    }
}
