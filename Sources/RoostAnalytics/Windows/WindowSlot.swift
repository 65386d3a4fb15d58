/// What was counted in a stretch of time that is over. Only keys that were touched take room.
struct WindowSlot: Sendable {
    /// Nanoseconds; `to` is the first that does not belong to it.
    var from: UInt64
    var to: UInt64
    /// Ascending, each with its tally.
    var keys: [UInt16] = []
    var tallies: [WindowTally] = []
    /// Ascending; the cells of a sketch end where `ends` says.
    var sketches: [UInt16] = []
    var ends: [UInt32] = []
    /// A bucket in the upper half, how many fell into it in the lower; ascending by bucket, a
    /// bucket that holds more than 65,535 several times.
    var cells: [UInt32] = []

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

    /// The place in `cells` of the sketch that stands at `index`.
    func range(_ index: Int) -> Range<Int> {
        (index == 0 ? 0 : Int(ends[index - 1]))..<Int(ends[index])
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

    /// Everything of several slots in one.
    static func merged(_ slots: some RandomAccessCollection<WindowSlot>) -> WindowSlot? {
        guard let first = slots.first else { return nil }
        if slots.count == 1 { return first }
        var result = WindowSlot(from: first.from, to: first.to)
        for slot in slots {
            result.from = min(result.from, slot.from)
            result.to = max(result.to, slot.to)
        }
        result.mergeTallies(slots)
        result.mergeCells(slots)
        return result
    }

    private mutating func mergeTallies(_ slots: some RandomAccessCollection<WindowSlot>) {
        var sums = [WindowTally](repeating: WindowTally(), count: WindowLayout.tallies)
        for slot in slots {
            for (index, key) in slot.keys.enumerated() { sums[Int(key)].add(slot.tallies[index]) }
        }
        let used = sums.lazy.filter { $0.touches > 0 }.count
        keys.reserveCapacity(used)
        tallies.reserveCapacity(used)
        for key in sums.indices where sums[key].touches > 0 {
            keys.append(UInt16(key))
            tallies.append(sums[key])
        }
    }

    private mutating func mergeCells(_ slots: some RandomAccessCollection<WindowSlot>) {
        var histogram = WindowHistogram()
        var next = [Int](repeating: 0, count: slots.count)
        cells.reserveCapacity(slots.map(\.cells.count).max() ?? 0)
        while true {
            var sketch = UInt16.max
            for (place, slot) in slots.enumerated() where next[place] < slot.sketches.count {
                sketch = min(sketch, slot.sketches[next[place]])
            }
            if sketch == .max { return }
            for (place, slot) in slots.enumerated() {
                let index = next[place]
                guard index < slot.sketches.count, slot.sketches[index] == sketch else { continue }
                next[place] = index + 1
                histogram.add(slot.cells, slot.range(index))
            }
            histogram.forEach { bucket, count in append(bucket: bucket, count: count) }
            close(sketch: Int(sketch))
            histogram.removeAll()
        }
    }
}

/// The buckets of one sketch spread out, for adding several and for reading quantiles.
struct WindowHistogram: Sendable {
    private var counts = [UInt32](repeating: 0, count: WindowBuckets.count)
    private var low = WindowBuckets.count
    private var high = -1
    private(set) var total: UInt64 = 0

    var isEmpty: Bool { total == 0 }

    mutating func add(_ bucket: Int, _ count: UInt32) {
        if bucket < low { low = bucket }
        if bucket > high { high = bucket }
        counts[bucket] &+= count
        total &+= UInt64(count)
    }

    mutating func add(_ cells: [UInt32], _ range: Range<Int>) {
        if range.isEmpty { return }
        low = min(low, Int(cells[range.lowerBound] >> 16))
        high = max(high, Int(cells[range.upperBound - 1] >> 16))
        for place in range {
            let cell = cells[place]
            counts[Int(cell >> 16)] &+= cell & 0xFFFF
            total &+= UInt64(cell & 0xFFFF)
        }
    }

    func forEach(_ body: (Int, UInt32) -> Void) {
        if low > high { return }
        for bucket in low...high where counts[bucket] > 0 { body(bucket, counts[bucket]) }
    }

    /// Nanoseconds at ascending quantiles: the value of the smallest rank at or above each share.
    func quantiles(_ shares: [Double]) -> [Double] {
        var result: [Double] = []
        var below: UInt64 = 0
        var bucket = low - 1
        for share in shares {
            let rank = max(1, UInt64((share * Double(total)).rounded(.up)))
            while below < rank, bucket < high {
                bucket += 1
                below &+= UInt64(counts[bucket])
            }
            result.append(WindowBuckets.value(bucket))
        }
        return result
    }

    /// Nanoseconds, to 1 %.
    var sum: Double {
        var sum = 0.0
        forEach { bucket, count in sum += WindowBuckets.value(bucket) * Double(count) }
        return sum
    }

    mutating func removeAll() {
        if low <= high { for bucket in low...high { counts[bucket] = 0 } }
        low = WindowBuckets.count
        high = -1
        total = 0
    }
}
