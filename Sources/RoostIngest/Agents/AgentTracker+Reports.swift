/// One call that several reports with the id of one answer tell, wherever they stand: counted once,
/// and what it used with the first report that says so.
extension AgentTracker {
    /// Whether another report with the same id of an answer told this call. What only this one says
    /// that the call used is counted.
    mutating func isReportedBefore(
        _ index: Int32, _ node: AgentNode, _ detail: AgentDetail, unixNow: UInt64
    ) -> Bool {
        let trace = open.traces[Int(node.trace)]
        let report = CallReport(
            id: detail.call, trace: IdIndex.mix(trace.idHigh, trace.idLow), start: node.start,
            end: node.end, tokens: detail.tokens, usage: detail.hasUsage ? .told : toldAbove(node))
        guard let known = recentCalls.take(report) else { return false }
        if detail.hasUsage, lacksUsage(known, report, of: node) {
            countLateUsage(index, node, detail, unixNow: unixNow)
        }
        return true
    }

    /// Whether what a call used has not been counted, be it with the account of an agent.
    private func lacksUsage(
        _ known: CallReport, _ report: CallReport, of node: AgentNode
    ) -> Bool {
        switch known.usage {
        case .told: false
        // An account gives way to the calls below it that tell usage.
        case .accounted: known.isBeside(report) && toldAbove(node) == .accounted
        case .unknown: known.isBeside(report)
        case .missing: true
        }
    }

    private mutating func countLateUsage(
        _ index: Int32, _ node: AgentNode, _ detail: AgentDetail, unixNow: UInt64
    ) {
        if node.kind == .llm, isAccounted(node) {
            metrics.events.lateChildren &+= 1
            return
        }
        metrics.client?.countUsage(node, detail, now: unixNow)
        let usage = countUsage(
            node, detail, agent: agentName(node), user: user(of: index), exemplar(node),
            unixNow: unixNow)
        tellAccount(node, usage)
    }

    /// Whether an account above a call that tells no usage may hold what it used.
    private func toldAbove(_ node: AgentNode) -> CallReport.Usage {
        var above = node.parent
        var steps = 0
        while above >= 0, steps < Self.deepest {
            let flags = open.nodes[Int(above)].flags
            if flags.contains(.isAggregate) { return .accounted }
            if !flags.isDisjoint(with: [.isPlaceholder, .isPending]) { return .unknown }
            above = open.nodes[Int(above)].parent
            steps += 1
        }
        return .missing
    }
}
