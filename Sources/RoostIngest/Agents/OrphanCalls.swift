/// Calls below a span that is not known: one between them and their agent was never sent, or comes
/// later. What an agent says of itself may repeat them.
struct OrphanCalls: Sendable {
    /// The span that is not known.
    let parent: UInt64
    /// Number of the text.
    let service: Int32
    /// The agent that they name themselves, as the number of a text; 0 is none.
    var agent: Int32
    /// Unix nanoseconds.
    var start: UInt64
    var end: UInt64
    /// Of input and output, whatever a cache had and whatever was reasoned; 0 and 0 where only spans
    /// between are known.
    var read: UInt64
    var written: UInt64

    /// Of one trace; what goes beyond is not looked at.
    static let most = 16

    fileprivate mutating func add(_ other: OrphanCalls) {
        if agent != other.agent { agent = TextTable.none }
        start = min(start, other.start)
        end = max(end, other.end)
        let isKnown = tellsTokens && other.tellsTokens
        read = isKnown ? read &+ other.read : 0
        written = isKnown ? written &+ other.written : 0
    }

    fileprivate var tellsTokens: Bool { read | written != 0 }
}

/// Accounts of agents beside calls that may be theirs.
extension AgentTracker {
    /// The calls of a trace whose way to their agent is not known, those of before included.
    func orphans(of index: Int32) -> [OrphanCalls] {
        let trace = open.traces[Int(index)]
        guard trace.placeholders > 0 || trace.isReopened else { return [] }
        var found: [OrphanCalls] = []
        func add(_ one: OrphanCalls) {
            if let place = found.firstIndex(where: {
                $0.parent == one.parent && $0.service == one.service
            }) {
                found[place].add(one)
            } else if found.count < OrphanCalls.most {
                found.append(one)
            }
        }
        var next = trace.placeholders > 0 ? trace.first : -1
        while next >= 0 {
            let node = open.nodes[Int(next)]
            next = node.next
            if let one = orphan(node) { add(one) }
        }
        guard trace.isReopened else { return found }
        for one in closed.orphans(of: trace) {
            // What is known of a span that has come it passes on itself.
            let parent = open.findNode(index, one.parent).map { open.nodes[Int($0)] }
            if parent?.flags.contains(.isPlaceholder) ?? true { add(one) }
        }
        return found
    }

    /// A call right below a span that is not known, or what stands between such a span and calls.
    private func orphan(_ node: AgentNode) -> OrphanCalls? {
        guard node.parent >= 0, open.nodes[Int(node.parent)].flags.contains(.isPlaceholder),
            node.flags.isDisjoint(with: [.isPlaceholder, .isPending])
        else { return nil }
        let isCall = node.kind == .llm && open.hasUsage(node)
        guard isCall || node.flags.contains(.hasInferenceBelow) else { return nil }
        let tokens = isCall ? open.detail(node).tokens : ActivityTokens()
        return OrphanCalls(
            parent: open.nodes[Int(node.parent)].spanID, service: node.service, agent: node.agent,
            start: node.start, end: node.end, read: tokens.read, written: tokens.written)
    }

    /// Whether what an agent says of itself repeats calls whose way up is not known. All stand below
    /// the root. Below another agent stands what falls within its time, in the same service, names
    /// no other agent and is no more than its account; where another agent is at work then too, only
    /// what adds up to its account.
    func repeatsOrphans(
        _ index: Int32, _ node: AgentNode, _ orphans: [OrphanCalls], rivals: [Int32]
    ) -> Bool {
        if orphans.isEmpty { return false }
        if open.traces[Int(node.trace)].root == index { return true }
        var (read, written) = (UInt64(0), UInt64(0))
        var (isFound, isKnown, isContested) = (false, true, false)
        for one in orphans where mayBelong(one, to: node) && !isAbove(one.parent, node) {
            isFound = true
            isKnown = isKnown && one.tellsTokens
            read &+= one.read
            written &+= one.written
            isContested = isContested || isClaimed(one, beside: index, node, rivals)
        }
        guard isFound else { return false }
        let own = open.detail(node).tokens
        guard isKnown, !own.isEmpty else { return !isContested }
        return isContested
            ? read == own.read && written == own.written
            : read <= own.read && written <= own.written
    }

    private func mayBelong(_ calls: OrphanCalls, to node: AgentNode) -> Bool {
        calls.service == node.service && calls.start >= node.start && calls.end <= node.end
            && (calls.agent == TextTable.none || calls.agent == agentName(node))
    }

    /// Who calls may belong to beside an agent, one more than are compared with each other at most.
    func rivals(of index: Int32) -> [Int32] {
        var found: [Int32] = []
        var next = open.traces[Int(index)].first
        while next >= 0, found.count <= Self.mostRivals {
            let (place, node) = (next, open.nodes[Int(next)])
            next = node.next
            guard node.kind == .agent || node.flags.contains(.isAggregate),
                !node.flags.contains(.isPlaceholder)
            else { continue }
            found.append(place)
        }
        return found
    }

    /// Among more of them any call is taken for one that another may have made.
    private static let mostRivals = 64

    /// Whether the calls may be those of another agent that stands neither above nor below.
    private func isClaimed(
        _ calls: OrphanCalls, beside index: Int32, _ node: AgentNode, _ rivals: [Int32]
    ) -> Bool {
        if rivals.count > Self.mostRivals { return true }
        return rivals.contains { place in
            let other = open.nodes[Int(place)]
            return place != index && mayBelong(calls, to: other)
                && !isAbove(other.spanID, node) && !isAbove(node.spanID, other)
        }
    }
}

extension ActivityTokens {
    fileprivate var read: UInt64 { input &+ cacheRead &+ cacheWrite }
    fileprivate var written: UInt64 { output &+ reasoning }
}
