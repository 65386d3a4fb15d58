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
        let hash = IdIndex.mix(high, low)
        return unsafe traces.withUnsafeBufferPointer { traces in
            traceIndex.find(hash) { index in
                unsafe traces[Int(index)].idLow == low && traces[Int(index)].idHigh == high
            }
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
        let hash = key(trace, spanID)
        return unsafe nodes.withUnsafeBufferPointer { nodes in
            nodeIndex.find(hash) { index in
                unsafe nodes[Int(index)].spanID == spanID && nodes[Int(index)].trace == trace
            }
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
