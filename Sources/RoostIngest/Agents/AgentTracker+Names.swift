/// Which agent and workflow an activity belongs to, and what lies above it.
extension AgentTracker {
    /// The agent that a node belongs to: its own word, else the nearest above, else the service.
    func agentName(_ node: AgentNode) -> Int32 {
        if node.agent != TextTable.none { return node.agent }
        if node.kind == .agent { return node.service }
        var above = node.parent
        var steps = 0
        while above >= 0, steps < Self.deepest {
            let parent = open.nodes[Int(above)]
            if parent.agent != TextTable.none { return parent.agent }
            if parent.kind == .agent { return parent.service }
            above = parent.parent
            steps += 1
        }
        return node.service
    }

    /// The workflow that a node belongs to, by the word of the topmost span that says it, else by
    /// the name of the topmost span.
    func workflowName(_ node: AgentNode) -> Int32 {
        let trace = open.traces[Int(node.trace)]
        // Asked several times for each node of a trace that is being settled.
        if trace.namedNodes == trace.nodes { return trace.workflow }
        return trace.isComplete || trace.nodes == 1
            ? workflowName(of: trace) : workflowName(above: node)
    }

    /// Notes the name of a complete trace, which holds until more of it comes; of events only until
    /// `forgetWorkflowName`, as a later one may change what is here.
    mutating func noteWorkflowName(_ index: Int32) {
        let trace = open.traces[Int(index)]
        guard trace.isComplete, trace.namedNodes != trace.nodes else { return }
        let name = workflowName(of: trace)
        open.traces[Int(index)].workflow = name
        open.traces[Int(index)].namedNodes = trace.nodes
    }

    /// To be called when a trace of events has been settled.
    mutating func forgetWorkflowName(_ index: Int32) {
        if open.traces[Int(index)].isDerived { open.traces[Int(index)].namedNodes = -1 }
    }

    func workflowName(above node: AgentNode) -> Int32 {
        if let former = formerName(of: open.traces[Int(node.trace)]) { return former }
        var name = node.workflow
        var top = node
        var above = node.parent
        var steps = 0
        while above >= 0, steps < Self.deepest {
            let parent = open.nodes[Int(above)]
            if !parent.flags.contains(.isPlaceholder) {
                if parent.workflow != TextTable.none { name = parent.workflow }
                top = parent
            }
            above = parent.parent
            steps += 1
        }
        if name != TextTable.none { return name }
        return top.flags.contains(.isFromLog) ? top.service : top.name
    }

    func workflowName(of trace: AgentTrace) -> Int32 {
        formerName(of: trace) ?? toldName(of: trace)
    }

    /// What the spans that are held say that it is called.
    func toldName(of trace: AgentTrace) -> Int32 {
        let top = topNode(of: trace)
        if top.workflow != TextTable.none { return top.workflow }
        // Those below may know; the one nearest to the root is believed.
        var best: (depth: Int, name: Int32) = (.max, TextTable.none)
        var node = trace.first
        var looked = 0
        while node >= 0, looked < 512 {
            let current = open.nodes[Int(node)]
            if current.workflow != TextTable.none {
                let depth = depth(of: current)
                if depth < best.depth { best = (depth, current.workflow) }
            }
            node = current.next
            looked += 1
        }
        if best.name != TextTable.none { return best.name }
        return top.flags.contains(.isFromLog) ? top.service : top.name
    }

    /// Whether a node stands somewhere above another; of those in a circle every one does.
    func isAbove(_ index: Int32, _ node: AgentNode) -> Bool { hasAbove(node) { $0 == index } }

    /// The same by the id of its span.
    func isAbove(_ span: UInt64, _ node: AgentNode) -> Bool {
        hasAbove(node) { open.nodes[Int($0)].spanID == span }
    }

    @inline(__always)
    private func hasAbove(_ node: AgentNode, _ isIt: (Int32) -> Bool) -> Bool {
        var above = node.parent
        var steps = 0
        while above >= 0, steps < Self.deepest {
            if isIt(above) { return true }
            above = open.nodes[Int(above)].parent
            steps += 1
        }
        return false
    }

    func depth(of node: AgentNode) -> Int {
        var depth = 0
        var above = node.parent
        while above >= 0, depth < Self.deepest {
            depth += 1
            above = open.nodes[Int(above)].parent
        }
        return depth
    }

    /// The root, or without it the earliest of the spans that are known.
    func topNode(of trace: AgentTrace) -> AgentNode {
        if trace.root >= 0 { return open.nodes[Int(trace.root)] }
        let earliest = trace.earliest >= 0 ? trace.earliest : earliest(of: trace)
        return earliest >= 0 ? open.nodes[Int(earliest)] : AgentNode()
    }

    /// Notes when a node of events began, or when it is said now to have begun: their traces last
    /// for as long as their sessions, and are asked for their name with each event.
    mutating func noteStart(_ index: Int32) {
        let node = open.nodes[Int(index)]
        let trace = open.traces[Int(node.trace)]
        let known = trace.earliest
        if known < 0 || known == index {
            open.traces[Int(node.trace)].earliest = earliest(of: trace)
        } else if node.start <= open.nodes[Int(known)].start {
            open.traces[Int(node.trace)].earliest = index
        }
    }

    /// The index of the node that began first; -1 where only placeholders are known.
    private func earliest(of trace: AgentTrace) -> Int32 {
        var best: (index: Int32, start: UInt64) = (-1, .max)
        var node = trace.first
        while node >= 0 {
            let current = open.nodes[Int(node)]
            let isKnown = !current.flags.contains(.isPlaceholder)
            // The latest time that there is, is one, too.
            if isKnown, best.index < 0 || current.start < best.start {
                best = (node, current.start)
            }
            node = current.next
        }
        return best.index
    }

    /// Whether both sides of one call of a tool told it.
    func isInsideSameTool(_ node: AgentNode) -> Bool { sameTool(above: node) != nil }

    /// The other side of a call of a tool, which stands above and is the one that counts.
    func sameTool(above node: AgentNode) -> Int32? {
        var above = node.parent
        var steps = 0
        while above >= 0, steps < Self.deepest {
            let parent = open.nodes[Int(above)]
            if parent.kind == .tool {
                if !isTold(parent, by: node) { return parent.tool == node.tool ? above : nil }
            } else if parent.kind != .other {
                return nil
            }
            above = parent.parent
            steps += 1
        }
        return nil
    }

    /// A call of a tool that another side of it tells below: it failed if the last of these did.
    mutating func withOutcomeInside(_ index: Int32, _ node: AgentNode) -> AgentNode {
        let outcomes = outcomesInside ?? outcomes(in: open.traces[Int(node.trace)])
        outcomesInside = outcomes
        guard let place = outcomes[index] else { return node }
        let last = open.nodes[Int(place)]
        guard last.status == .error else { return node }
        var detail = open.detail(node)
        detail.errorType = open.detail(last).errorType
        open.setDetail(index, detail)
        open.nodes[Int(index)].status = .error
        return open.nodes[Int(index)]
    }

    /// By calls of tools below which others failed: the last of those that tell the same call, or of
    /// its parts that tell its outcome, with nothing between but other sides of it.
    private func outcomes(in trace: AgentTrace) -> [Int32: Int32] {
        var outcomes: [Int32: Int32] = [:]
        var next = trace.first
        while next >= 0 {
            let (place, node) = (next, open.nodes[Int(next)])
            next = node.next
            guard node.kind == .tool || node.tellsOutcome,
                node.flags.isDisjoint(with: [.isPending, .hasFailedToolBelow])
            else { continue }
            // What is a part of a call is one of the first above it.
            var tool = node.tellsOutcome ? nil : node.tool
            var above = node.parent
            var steps = 0
            while above >= 0, above != place, steps < Self.deepest {
                let parent = open.nodes[Int(above)]
                let isSide = parent.kind == .tool && parent.tool == tool ?? parent.tool
                guard isSide || parent.kind == .other else { break }
                if isSide { tool = parent.tool }
                if isSide, parent.flags.contains(.hasFailedToolBelow) {
                    let known = outcomes[above] ?? place
                    outcomes[above] = node.end >= open.nodes[Int(known)].end ? place : known
                }
                above = parent.parent
                steps += 1
            }
        }
        return outcomes
    }

    /// Whether a span above was found to be told by events, of which this is one: then the event
    /// counts, below a span that does not.
    func isTold(_ above: AgentNode, by node: AgentNode) -> Bool {
        node.flags.contains(.isFromLog) && above.flags.contains(.isToldBefore)
    }

    func exemplar(_ node: AgentNode) -> AgentExemplar {
        let trace = node.trace >= 0 ? open.traces[Int(node.trace)] : AgentTrace()
        return AgentExemplar(
            traceIDHigh: trace.idHigh, traceIDLow: trace.idLow, spanID: node.spanID, value: 0,
            unixNano: node.end)
    }

    func text(_ number: Int32) -> ArraySlice<UInt8> {
        guard number > 0, Int(number) < metrics.texts.texts.count else { return [] }
        return metrics.texts.texts[Int(number)][...]
    }
}
