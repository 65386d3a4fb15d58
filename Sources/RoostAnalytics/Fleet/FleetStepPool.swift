/// The activities of all runs: one array with free places, and an index of those whose end may
/// still come.
struct FleetStepPool: Sendable {
    private(set) var steps: [FleetStep] = []
    private let limit: Int
    private var firstFree: Int32 = -1
    private(set) var count = 0
    private var index = SlotIndex()

    init(limit: Int) {
        self.limit = limit
        // Address space only; pages are touched as steps come.
        steps.reserveCapacity(limit)
    }

    var isFull: Bool { count >= limit }

    var byteCount: Int {
        steps.count * MemoryLayout<FleetStep>.stride + index.byteCount
    }

    subscript(place: Int32) -> FleetStep {
        @inline(__always) _read { yield steps[Int(place)] }
        @inline(__always) _modify { yield &steps[Int(place)] }
    }

    /// The caller has seen to it that there is room.
    mutating func add(_ step: FleetStep) -> Int32 {
        count += 1
        guard firstFree >= 0 else {
            steps.append(step)
            return Int32(steps.count - 1)
        }
        let place = firstFree
        firstFree = steps[Int(place)].newer
        steps[Int(place)] = step
        return place
    }

    /// It must stand in no index any more.
    mutating func remove(_ place: Int32) {
        count -= 1
        steps[Int(place)].workflow = -1
        steps[Int(place)].newer = firstFree
        firstFree = place
    }

    func find(_ span: UInt64, in workflow: Int32) -> Int32? {
        index.find(Self.hash(span, workflow)) { place in
            steps[Int(place)].span == span && steps[Int(place)].workflow == workflow
        }
    }

    mutating func note(_ place: Int32) {
        index.insert(Self.hash(self[place].span, self[place].workflow), place)
    }

    mutating func forget(_ place: Int32) {
        index.remove(Self.hash(self[place].span, self[place].workflow), place)
    }

    private static func hash(_ span: UInt64, _ workflow: Int32) -> UInt64 {
        SlotIndex.hash(span, UInt64(UInt32(bitPattern: workflow)))
    }
}
