/// What is at work now.
extension AgentTracker {
    /// Counts the workflows and agents in progress: announced, or known by what is below them.
    mutating func noteActive() {
        rest(\.activeWorkflows)
        rest(\.activeAgents)
        for trace in open.traces where trace.first >= 0 && trace.isAgentic {
            guard trace.pending > 0 || trace.placeholders > 0 && !trace.isDerived, trace.root < 0,
                !isTracedToo(trace)
            else { continue }
            let workflow = workflowName(of: trace)
            count(workflow, in: \.activeWorkflows)
            var agents: Set<Int32> = []
            var node = trace.first
            while node >= 0 {
                let current = open.nodes[Int(node)]
                if let name = activeAgent(current) { agents.insert(name) }
                node = current.next
            }
            for agent in agents { count(agent, in: \.activeAgents) }
        }
    }

    /// Whether spans tell what events announced.
    private func isTracedToo(_ trace: AgentTrace) -> Bool {
        guard trace.isDerived else { return false }
        let source = AgentSignals.Source(
            service: topNode(of: trace).service, session: trace.session)
        return signals.isTraced(source, now: lastTold)
    }

    /// Ends what events announced, although spans are believed in how it ended.
    mutating func endAnnounced(_ activity: Activity) {
        guard activity.phase == .finished, activity.kind == .agent,
            let trace = open.findTrace(activity.traceIDHigh, activity.traceIDLow),
            let node = open.findNode(trace, activity.spanID),
            open.nodes[Int(node)].flags.contains(.isPending)
        else { return }
        open.nodes[Int(node)].flags.remove(.isPending)
        open.nodes[Int(node)].flags.insert(.isSettled)
        open.traces[Int(trace)].pending -= 1
        open.traces[Int(trace)].unsettled -= 1
    }

    /// Nobody is at work. Names stay, so that a series goes to zero and not away, until others need
    /// their room.
    private mutating func rest(_ gauge: WritableKeyPath<AgentMetrics, [Int32: Int]>) {
        if metrics[keyPath: gauge].count >= settings.seriesLimit.most {
            metrics[keyPath: gauge] = metrics[keyPath: gauge].filter { $0.value > 0 }
        }
        for name in metrics[keyPath: gauge].keys { metrics[keyPath: gauge][name] = 0 }
    }

    mutating func count(
        _ name: Int32, in gauge: WritableKeyPath<AgentMetrics, [Int32: Int]>
    ) {
        guard name >= 0 else { return }
        if metrics[keyPath: gauge][name] == nil,
            metrics[keyPath: gauge].count >= settings.seriesLimit.most
        {
            return
        }
        metrics[keyPath: gauge][name, default: 0] += 1
    }

    /// The agent at work that a node is or tells of.
    func activeAgent(_ node: AgentNode) -> Int32? {
        if node.flags.contains(.isPlaceholder) { return nil }
        if node.kind == .agent { return node.flags.contains(.isPending) ? agentName(node) : nil }
        guard node.kind != .other, node.agent != TextTable.none else { return nil }
        var above = node.parent
        var steps = 0
        while above >= 0, steps < Self.deepest {
            let parent = open.nodes[Int(above)]
            if parent.flags.contains(.isPlaceholder) { return node.agent }
            if parent.kind == .agent { return nil }
            above = parent.parent
            steps += 1
        }
        return nil
    }
}
