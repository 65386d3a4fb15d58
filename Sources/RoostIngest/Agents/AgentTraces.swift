/// The open traces and their activities: two arrays with free places, and an index by ids.
struct AgentTraces {
    var nodes: [AgentNode] = []
    var traces: [AgentTrace] = []
    private var freeNodes: [Int32] = []
    private var freeTraces: [Int32] = []
    private var traceIndex = IdIndex()
    private var nodeIndex = IdIndex()
    /// The trace that nobody spoke of for the longest time, and the latest.
    private(set) var oldest: Int32 = -1
    private var newest: Int32 = -1

    var nodeCount: Int { nodes.count - freeNodes.count }
    var traceCount: Int { traces.count - freeTraces.count }

    func findTrace(_ high: UInt64, _ low: UInt64) -> Int32? {
        traceIndex.find(IdIndex.mix(high, low)) { [traces] index in
            traces[Int(index)].idHigh == high && traces[Int(index)].idLow == low
        }
    }

    /// A new trace, the latest heard of.
    mutating func addTrace(_ high: UInt64, _ low: UInt64, now: UInt64) -> Int32 {
        var trace = AgentTrace()
        trace.idHigh = high
        trace.idLow = low
        trace.lastHeard = now
        let index: Int32
        if let free = freeTraces.popLast() {
            index = free
            traces[Int(index)] = trace
        } else {
            index = Int32(traces.count)
            traces.append(trace)
        }
        traceIndex.insert(IdIndex.mix(high, low), index)
        link(index)
        return index
    }

    /// Notes that something was heard of a trace.
    mutating func touch(_ index: Int32, now: UInt64) {
        traces[Int(index)].lastHeard = now
        moveToEnd(index)
    }

    /// Puts a trace behind all others without having heard of it.
    mutating func moveToEnd(_ index: Int32) {
        guard newest != index else { return }
        unlink(index)
        link(index)
    }

    func findNode(_ trace: Int32, _ spanID: UInt64) -> Int32? {
        nodeIndex.find(key(trace, spanID)) { [nodes] index in
            nodes[Int(index)].spanID == spanID && nodes[Int(index)].trace == trace
        }
    }

    mutating func addNode(_ trace: Int32, _ spanID: UInt64) -> Int32 {
        var node = AgentNode()
        node.spanID = spanID
        node.trace = trace
        node.next = traces[Int(trace)].first
        let index: Int32
        if let free = freeNodes.popLast() {
            index = free
            nodes[Int(index)] = node
        } else {
            index = Int32(nodes.count)
            nodes.append(node)
        }
        traces[Int(trace)].first = index
        traces[Int(trace)].nodes += 1
        nodeIndex.insert(key(trace, spanID), index)
        return index
    }

    mutating func remove(_ index: Int32) {
        let trace = traces[Int(index)]
        var node = trace.first
        while node >= 0 {
            nodeIndex.remove(key(index, nodes[Int(node)].spanID), node)
            freeNodes.append(node)
            node = nodes[Int(node)].next
        }
        traceIndex.remove(IdIndex.mix(trace.idHigh, trace.idLow), index)
        unlink(index)
        traces[Int(index)] = AgentTrace()
        freeTraces.append(index)
    }

    private func key(_ trace: Int32, _ spanID: UInt64) -> UInt64 {
        IdIndex.mix(spanID, UInt64(UInt32(bitPattern: trace)))
    }

    private mutating func link(_ index: Int32) {
        traces[Int(index)].older = newest
        traces[Int(index)].newer = -1
        if newest >= 0 { traces[Int(newest)].newer = index } else { oldest = index }
        newest = index
    }

    private mutating func unlink(_ index: Int32) {
        let (older, newer) = (traces[Int(index)].older, traces[Int(index)].newer)
        if older >= 0 { traces[Int(older)].newer = newer } else { oldest = newer }
        if newer >= 0 { traces[Int(newer)].older = older } else { newest = older }
    }
}

/// Numbers by 64-bit hashes whose owners tell like ones apart. Open addressing; what is removed
/// leaves no hole, since what stands behind it moves up.
struct IdIndex {
    private var slots = [Slot](repeating: Slot(), count: 1024)
    private var count = 0

    private struct Slot {
        var hash: UInt64 = 0
        var value: Int32 = -1
    }

    /// Chosen at start, so that nobody can send ids that collide.
    private static let secret = UInt64.random(in: .min ... .max) | 1

    @inline(__always)
    static func mix(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = (left ^ secret).multipliedFullWidth(by: right ^ 0x9E37_79B9_7F4A_7C15)
        return product.high ^ product.low
    }

    @inline(__always)
    func find(_ hash: UInt64, where isRight: (Int32) -> Bool) -> Int32? {
        let mask = slots.count - 1
        var place = Int(truncatingIfNeeded: hash) & mask
        while slots[place].value >= 0 {
            if slots[place].hash == hash, isRight(slots[place].value) { return slots[place].value }
            place = (place + 1) & mask
        }
        return nil
    }

    mutating func insert(_ hash: UInt64, _ value: Int32) {
        if (count + 1) * 2 > slots.count { grow() }
        let mask = slots.count - 1
        var place = Int(truncatingIfNeeded: hash) & mask
        while slots[place].value >= 0 { place = (place + 1) & mask }
        slots[place] = Slot(hash: hash, value: value)
        count += 1
    }

    mutating func remove(_ hash: UInt64, _ value: Int32) {
        let mask = slots.count - 1
        var place = Int(truncatingIfNeeded: hash) & mask
        while slots[place].value >= 0, slots[place].value != value || slots[place].hash != hash {
            place = (place + 1) & mask
        }
        guard slots[place].value >= 0 else { return }
        count -= 1
        var hole = place
        var next = (place + 1) & mask
        while slots[next].value >= 0 {
            let home = Int(truncatingIfNeeded: slots[next].hash) & mask
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
        for slot in old where slot.value >= 0 { insert(slot.hash, slot.value) }
    }
}
