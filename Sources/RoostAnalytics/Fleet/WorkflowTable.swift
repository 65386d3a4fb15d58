/// The runs that are held, by trace id and in three orders: as they were first heard of, and those
/// that are open as they were last heard of, and the others as they ended.
struct WorkflowTable: Sendable {
    private(set) var records: [WorkflowRecord] = []
    private var free: [Int32] = []
    private var index = SlotIndex()
    private var sequence: UInt64 = 0
    private(set) var open = Ends()
    private(set) var finished = Ends()
    /// The one heard of last for the first time.
    private(set) var newest: Int32 = -1

    /// A list of runs.
    struct Ends: Sendable {
        /// The quietest, and the one after all others; -1 is none.
        var first: Int32 = -1
        var last: Int32 = -1
        var count = 0
    }

    var byteCount: Int {
        records.capacity * MemoryLayout<WorkflowRecord>.stride + index.byteCount
            + free.capacity * 4
    }

    subscript(slot: Int32) -> WorkflowRecord {
        @inline(__always) _read { yield records[Int(slot)] }
        @inline(__always) _modify { yield &records[Int(slot)] }
    }

    @inline(__always)
    func isTrace(_ slot: Int32, _ high: UInt64, _ low: UInt64) -> Bool {
        records[Int(slot)].traceLow == low && records[Int(slot)].traceHigh == high
            && records[Int(slot)].sequence != 0
    }

    func find(_ high: UInt64, _ low: UInt64) -> Int32? {
        index.find(SlotIndex.hash(high, low)) { isTrace($0, high, low) }
    }

    /// A new one, open.
    mutating func add(_ high: UInt64, _ low: UInt64, now: UInt64) -> Int32 {
        sequence += 1
        var record = WorkflowRecord()
        record.traceHigh = high
        record.traceLow = low
        record.sequence = sequence
        record.firstHeard = now
        record.lastHeard = now
        record.before = newest
        let slot: Int32
        if let place = free.popLast() {
            slot = place
            records[Int(slot)] = record
        } else {
            slot = Int32(records.count)
            records.append(record)
        }
        if newest >= 0 { self[newest].after = slot }
        newest = slot
        link(slot, isOpen: true)
        index.insert(SlotIndex.hash(high, low), slot)
        return slot
    }

    /// Its steps must be gone.
    mutating func remove(_ slot: Int32) {
        let record = self[slot]
        unlink(slot, isOpen: record.state.isOpen)
        if record.before >= 0 { self[record.before].after = record.after }
        if record.after >= 0 { self[record.after].before = record.before }
        if newest == slot { newest = record.before }
        index.remove(SlotIndex.hash(record.traceHigh, record.traceLow), slot)
        self[slot] = WorkflowRecord()
        free.append(slot)
    }

    /// Notes a sign of life of an open run.
    mutating func touch(_ slot: Int32) {
        guard open.last != slot else { return }
        unlink(slot, isOpen: true)
        link(slot, isOpen: true)
    }

    /// Moves it to the list where its new state belongs.
    mutating func change(_ slot: Int32, to state: WorkflowState) {
        let wasOpen = self[slot].state.isOpen
        self[slot].state = state
        guard wasOpen != state.isOpen else { return }
        unlink(slot, isOpen: wasOpen)
        link(slot, isOpen: !wasOpen)
    }

    private mutating func link(_ slot: Int32, isOpen: Bool) {
        var list = isOpen ? open : finished
        self[slot].quieter = list.last
        self[slot].livelier = -1
        if list.last >= 0 { self[list.last].livelier = slot } else { list.first = slot }
        list.last = slot
        list.count += 1
        put(list, isOpen)
    }

    private mutating func unlink(_ slot: Int32, isOpen: Bool) {
        var list = isOpen ? open : finished
        let (quieter, livelier) = (self[slot].quieter, self[slot].livelier)
        if quieter >= 0 { self[quieter].livelier = livelier } else { list.first = livelier }
        if livelier >= 0 { self[livelier].quieter = quieter } else { list.last = quieter }
        list.count -= 1
        put(list, isOpen)
    }

    private mutating func put(_ list: Ends, _ isOpen: Bool) {
        if isOpen { open = list } else { finished = list }
    }
}
