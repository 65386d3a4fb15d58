/// Who stands below whom in a trace, in both directions.
///
/// Made of a list of parents, which may be anything: cycles are cut where they are met first.
struct TraceTree {
    /// Index of the parent; -1 is none. Without cycles.
    private(set) var parents: [Int32]
    /// Every index, parents before their children.
    private(set) var topDown: [Int32] = []
    /// 0 for what has no parent.
    private(set) var depths: [Int32]
    /// Where the children of each begin among `members`; one more than there are nodes.
    private var starts: [Int32]
    private var members: [Int32]

    /// `parents` holds -1 or an index of another node for each node.
    init(parents: [Int32]) {
        let count = parents.count
        self.parents = parents
        depths = [Int32](repeating: 0, count: count)
        starts = []
        members = []
        listChildren()
        // A node that a cycle was cut at is nobody's child any more.
        if walk() { listChildren() }
    }

    private mutating func listChildren() {
        let count = parents.count
        starts = [Int32](repeating: 0, count: count + 1)
        for parent in parents where parent >= 0 { starts[Int(parent) + 1] += 1 }
        for place in 0..<count { starts[place + 1] += starts[place] }
        members = [Int32](repeating: 0, count: Int(starts[count]))
        var next = starts
        for (node, parent) in parents.enumerated() where parent >= 0 {
            members[Int(next[Int(parent)])] = Int32(node)
            next[Int(parent)] += 1
        }
    }

    /// The children of a node, in the order of their indices.
    func children(of node: Int) -> ArraySlice<Int32> {
        members[Int(starts[node])..<Int(starts[node + 1])]
    }

    /// Puts parents before their children. Says whether cycles had to be cut.
    private mutating func walk() -> Bool {
        var hasCut = false
        let count = parents.count
        topDown.reserveCapacity(count)
        for node in 0..<count where parents[node] < 0 { topDown.append(Int32(node)) }
        var isReached = [Bool](repeating: false, count: count)
        for node in topDown { isReached[Int(node)] = true }
        var next = 0
        var unreached = 0
        while topDown.count < count || next < topDown.count {
            while next < topDown.count {
                let node = topDown[next]
                next += 1
                for child in children(of: Int(node)) where !isReached[Int(child)] {
                    isReached[Int(child)] = true
                    depths[Int(child)] = depths[Int(node)] &+ 1
                    topDown.append(child)
                }
            }
            // What is left stands in cycles or below one.
            while unreached < count, isReached[unreached] { unreached += 1 }
            guard unreached < count else { break }
            parents[unreached] = -1
            hasCut = true
            isReached[unreached] = true
            topDown.append(Int32(unreached))
        }
        return hasCut
    }
}
