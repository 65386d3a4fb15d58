/// When people were waited for.
struct HumanWait: Sendable {
    let node: Int32
    /// Unix nanoseconds.
    let start: UInt64
    let end: UInt64
}

/// Waiting for people is no work of agents and tools.
extension AgentTracker {
    /// Of one trace; what comes beyond counts as work.
    private static let mostWaits = 256

    mutating func noteWait(_ index: Int32) {
        let node = open.nodes[Int(index)]
        guard node.end > node.start, waits[node.trace, default: []].count < Self.mostWaits else {
            return
        }
        waits[node.trace, default: []].append(
            HumanWait(node: index, start: node.start, end: node.end))
    }

    /// Nanoseconds of a step without those in which people were waited for below it.
    func working(_ node: AgentNode) -> UInt64 { node.end &- node.start &- waited(node) }

    /// Nanoseconds in which people were waited for below a step, while it went on.
    func waited(_ node: AgentNode) -> UInt64 {
        guard node.flags.contains(.hasWaitBelow), let waits = waits[node.trace] else { return 0 }
        let within = waits.filter { isAbove(node.spanID, open.nodes[Int($0.node)]) }
            .map { (start: max($0.start, node.start), end: min($0.end, node.end)) }
            .filter { $0.start < $0.end }
            .sorted { $0.start < $1.start }
        var waited: UInt64 = 0
        var reached: UInt64 = 0
        // Tools at work at the same time wait at the same time.
        for wait in within where wait.end > reached {
            waited += wait.end - max(wait.start, reached)
            reached = wait.end
        }
        return waited
    }
}
