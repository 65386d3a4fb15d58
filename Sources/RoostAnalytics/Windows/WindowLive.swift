/// What is being counted now.
struct WindowLive: Sendable {
    private(set) var tallies = [WindowTally](repeating: WindowTally(), count: WindowLayout.tallies)
    private(set) var sketches = WindowSketches()
    private let buckets = WindowBuckets.Table()

    /// Whether room has nearly run out, so that what is here should become a slot.
    var isFull: Bool { sketches.isFull }

    var byteCount: Int {
        tallies.capacity * MemoryLayout<WindowTally>.stride + sketches.byteCount
    }

    @inline(__always)
    mutating func update(_ key: Int, _ body: (inout WindowTally) -> Void) {
        tallies[key].touches &+= 1
        body(&tallies[key])
    }

    @inline(__always)
    func bucket(_ nanoseconds: UInt64) -> Int { buckets.bucket(nanoseconds) }

    @inline(__always)
    mutating func observe(_ sketch: Int, bucket: Int) { sketches.observe(sketch, bucket: bucket) }

    mutating func takeBack(_ early: CountedRun, at key: Int) -> Bool {
        tallies[key].takeBack(early)
    }

    mutating func takeBack(_ sketch: Int, bucket: Int) {
        sketches.takeBack(sketch, bucket: bucket)
    }

    func isUsed(_ key: Int) -> Bool { tallies[key].touches > 0 }

    /// Makes a slot of everything and begins anew, keeping the room.
    mutating func finish(from: UInt64, to: UInt64) -> WindowSlot {
        var slot = WindowSlot(from: from, to: to)
        slot.setTallies(tallies)
        sketches.write(into: &slot)
        sketches.removeAll()
        for key in slot.keys { tallies[Int(key)] = WindowTally() }
        return slot
    }
}
