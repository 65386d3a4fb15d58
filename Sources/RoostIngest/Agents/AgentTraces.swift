import CScan

/// The open traces and their activities: arrays with free places, an index of traces by their ids,
/// and one of nodes for those of large traces.
struct AgentTraces {
    var nodes: [AgentNode] = []
    var traces: [AgentTrace] = []
    private var details: [AgentDetail] = []
    private var freeNodes: [Int32] = []
    private var unusedDetails: [Int32] = []
    private var freeTraces: [Int32] = []
    private var blocks: [AgentIDBlock] = []
    private var freeBlocks: [Int32] = []
    private var traceIndex = IdIndex()
    private var nodeIndex = IdIndex()
    /// Numbers of the texts that stand for users, by node; nil while nobody asks for them.
    private var users: [Int32]?
    /// The trace that nobody spoke of for the longest time, and the latest.
    private(set) var oldest: Int32 = -1
    private var newest: Int32 = -1

    /// Traces of more nodes have them in `nodeIndex`.
    private static let mostLookedThrough = 8 * AgentIDBlock.room

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
        if traces[Int(trace)].isIndexed { return searchNode(trace, spanID) }
        return unsafe blocks.withUnsafeBufferPointer { blocks in
            var index = Int(traces[Int(trace)].firstBlock)
            while index >= 0 {
                let block = unsafe blocks.baseAddress.unsafelyUnwrapped + index
                let count = unsafe Int(block.pointee.count)
                for place in 0..<count where unsafe block.pointee.ids[place] == spanID {
                    return unsafe block.pointee.nodes[place]
                }
                index = unsafe Int(block.pointee.next)
            }
            return nil
        }
    }

    private func searchNode(_ trace: Int32, _ spanID: UInt64) -> Int32? {
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
            prepareNode()
            index = free
            nodes[Int(index)] = node
        } else {
            index = Int32(nodes.count)
            nodes.append(node)
        }
        if users != nil { setUser(index, TextTable.none) }
        traces[Int(trace)].first = index
        traces[Int(trace)].nodes += 1
        if traces[Int(trace)].isIndexed {
            nodeIndex.insert(key(trace, spanID), index)
        } else if traces[Int(trace)].nodes > Self.mostLookedThrough {
            indexNodes(trace)
        } else {
            noteID(trace, spanID, index)
        }
        return index
    }

    /// Of a node; what a node without one has is as good as nothing.
    func detail(_ node: AgentNode) -> AgentDetail {
        node.detail < 0 ? AgentDetail() : details[Int(node.detail)]
    }

    /// Whether a node tells tokens or a cost, as long as its detail is kept.
    func hasUsage(_ node: AgentNode) -> Bool {
        node.detail >= 0 && details[Int(node.detail)].hasUsage
    }

    /// All tokens that a node tells, as long as its detail is kept.
    func tokens(_ node: Int32) -> UInt64 {
        let detail = nodes[Int(node)].detail
        return detail < 0 ? 0 : details[Int(detail)].tokens.sum
    }

    /// Keeps the detail of a node until that of its trace is freed.
    mutating func setDetail(_ node: Int32, _ detail: AgentDetail) {
        let index = nodes[Int(node)].detail
        if index >= 0 {
            details[Int(index)] = detail
            return
        }
        traces[Int(nodes[Int(node)].trace)].details += 1
        if let free = unusedDetails.popLast() {
            details[Int(free)] = detail
            nodes[Int(node)].detail = free
        } else {
            nodes[Int(node)].detail = Int32(details.count)
            details.append(detail)
        }
    }

    /// What there was to count of a trace has been counted.
    mutating func freeDetails(of trace: Int32) {
        guard traces[Int(trace)].details > 0 else { return }
        traces[Int(trace)].details = 0
        var node = traces[Int(trace)].first
        while node >= 0 {
            let detail = nodes[Int(node)].detail
            if detail >= 0 {
                unusedDetails.append(detail)
                nodes[Int(node)].detail = -1
            }
            node = nodes[Int(node)].next
        }
    }

    /// Begins to keep users of nodes, or forgets them.
    mutating func labelUsers(_ isOn: Bool) {
        guard isOn != (users != nil) else { return }
        users = isOn ? [] : nil
        for index in traces.indices { traces[index].user = TextTable.none }
    }

    /// The number of the text that stands for the user of a node by its own word.
    func user(of node: Int32) -> Int32 {
        guard let users, Int(node) < users.count else { return TextTable.none }
        return users[Int(node)]
    }

    @inline(never)
    mutating func setUser(_ node: Int32, _ user: Int32) {
        let missing = Int(node) + 1 - (users?.count ?? 0)
        if missing > 0 { users?.append(contentsOf: repeatElement(TextTable.none, count: missing)) }
        users?[Int(node)] = user
        guard user != TextTable.none else { return }
        let trace = Int(nodes[Int(node)].trace)
        let known = traces[trace].user
        traces[trace].user =
            known == TextTable.none || known == user ? user : AgentTrace.severalUsers
    }

    private mutating func noteID(_ trace: Int32, _ spanID: UInt64, _ node: Int32) {
        var block = traces[Int(trace)].firstBlock
        if block < 0 || blocks[Int(block)].count == AgentIDBlock.room {
            var made = AgentIDBlock()
            made.next = block
            if let free = freeBlocks.popLast() {
                block = free
                blocks[Int(block)] = made
            } else {
                block = Int32(blocks.count)
                blocks.append(made)
            }
            traces[Int(trace)].firstBlock = block
        }
        let place = Int(blocks[Int(block)].count)
        blocks[Int(block)].ids[place] = spanID
        blocks[Int(block)].nodes[place] = node
        blocks[Int(block)].count += 1
    }

    /// From now on the nodes of a trace are found in the index.
    private mutating func indexNodes(_ trace: Int32) {
        freeBlocks(of: trace)
        traces[Int(trace)].isIndexed = true
        var node = traces[Int(trace)].first
        while node >= 0 {
            nodeIndex.insert(key(trace, nodes[Int(node)].spanID), node)
            node = nodes[Int(node)].next
        }
    }

    private mutating func freeBlocks(of trace: Int32) {
        var block = traces[Int(trace)].firstBlock
        while block >= 0 {
            freeBlocks.append(block)
            block = blocks[Int(block)].next
        }
        traces[Int(trace)].firstBlock = -1
    }

    mutating func remove(_ index: Int32) {
        prepareToRemove(after: index)
        freeDetails(of: index)
        freeNodes(of: index)
        freeBlocks(of: index)
        let trace = traces[Int(index)]
        traceIndex.remove(IdIndex.mix(trace.idHigh, trace.idLow), index)
        unlink(index)
        traces[Int(index)] = AgentTrace()
        freeTraces.append(index)
    }

    /// Has a node brought near that will be taken soon.
    private func prepareNode() {
        let soon = freeNodes.count &- 4
        guard soon >= 0 else { return }
        let offset = Int(freeNodes[soon]) &* MemoryLayout<AgentNode>.stride
        unsafe nodes.withUnsafeBufferPointer { nodes in
            for line in 0..<2 { unsafe roost_prefetch(nodes.baseAddress, offset &+ line &* 64) }
        }
    }

    /// Has the trace brought near that will be the oldest when this one has gone, and the next.
    private func prepareToRemove(after index: Int32) {
        let next = traces[Int(index)].newer
        guard next >= 0 else { return }
        let block = Int(traces[Int(next)].firstBlock)
        if block >= 0 {
            let offset = block &* MemoryLayout<AgentIDBlock>.stride
            unsafe blocks.withUnsafeBufferPointer { blocks in
                unsafe roost_prefetch(blocks.baseAddress, offset)
                unsafe roost_prefetch(blocks.baseAddress, offset &+ 64)
            }
        }
        let after = Int(traces[Int(next)].newer)
        guard after >= 0 else { return }
        let offset = after &* MemoryLayout<AgentTrace>.stride
        unsafe traces.withUnsafeBufferPointer { traces in
            unsafe roost_prefetch(traces.baseAddress, offset)
            unsafe roost_prefetch(traces.baseAddress, offset &+ 64)
        }
    }

    private mutating func freeNodes(of index: Int32) {
        guard traces[Int(index)].isIndexed else {
            // Nodes are not touched: they have not been near for long.
            var block = traces[Int(index)].firstBlock
            while block >= 0 {
                let count = Int(blocks[Int(block)].count)
                for place in 0..<count { freeNodes.append(blocks[Int(block)].nodes[place]) }
                block = blocks[Int(block)].next
            }
            return
        }
        var node = traces[Int(index)].first
        while node >= 0 {
            nodeIndex.remove(key(index, nodes[Int(node)].spanID), node)
            freeNodes.append(node)
            node = nodes[Int(node)].next
        }
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
