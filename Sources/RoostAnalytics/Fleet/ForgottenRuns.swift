/// Runs that had to go for want of room, whose true end may still come.
///
/// Bounded: the one that has been here longest gives way. A run is known by a hash of its trace.
struct ForgottenRuns: Sendable {
    struct Run: Sendable {
        fileprivate var hash: UInt64 = 0
        /// The session that it was counted in; 0 is none.
        let session: UInt64
        /// What it was counted as, in which minute, and with which duration in nanoseconds.
        let duration: UInt64
        let minute: UInt32
        /// Steps that are told, and whose account will come; at most 255 of a kind.
        let seen: SIMD4<UInt8>
        let state: WorkflowState
        /// It was over before, and had gone on.
        let wasOver: Bool
        fileprivate var isTaken = false

        init(_ record: WorkflowRecord, session: UInt64, seen: FoldedSteps) {
            self.session = session
            state = record.state
            minute = record.overMinute
            duration = record.countedDuration
            self.seen = seen.clamped
            wasOver = record.wasOver
        }
    }

    /// More than activities wait for the end of their trace, `agents.open_activities`.
    private static let most = 1 << 16

    private var runs: [Run] = []
    /// The place that is filled next, once all are.
    private var next = 0
    private var index = SlotIndex()
    private(set) var count = 0

    var byteCount: Int { runs.capacity * MemoryLayout<Run>.stride + index.byteCount }

    mutating func add(_ high: UInt64, _ low: UInt64, _ run: Run) {
        var run = run
        run.hash = SlotIndex.hash(high, low)
        let place = next
        if place < runs.count {
            if !runs[place].isTaken { remove(place) }
            runs[place] = run
        } else {
            runs.append(run)
        }
        next = (place + 1) % Self.most
        index.insert(run.hash, Int32(place))
        count += 1
    }

    /// The run of a trace, which is no longer forgotten then.
    mutating func take(_ high: UInt64, _ low: UInt64) -> Run? {
        guard count > 0 else { return nil }
        let hash = SlotIndex.hash(high, low)
        guard let place = index.find(hash, where: { runs[Int($0)].hash == hash }) else {
            return nil
        }
        remove(Int(place))
        return runs[Int(place)]
    }

    private mutating func remove(_ place: Int) {
        index.remove(runs[place].hash, Int32(place))
        runs[place].isTaken = true
        count -= 1
    }
}
