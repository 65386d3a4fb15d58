/// What the tracker tells those who analyse.
extension AgentTracker {
    /// From now on what is found out is told, to be fetched with `takeFacts`.
    public mutating func tellFacts() { if facts == nil { facts = AgentFactLog() } }

    /// From now on nothing is told; what was not fetched is forgotten.
    public mutating func stopFacts() { facts = nil }

    /// How many facts wait to be fetched.
    public var waitingFacts: Int { facts?.count ?? 0 }

    /// What was found out since the last time, in order. `room` is what an earlier call returned,
    /// emptied, or a new one.
    public mutating func takeFacts(room: AgentFactBatch) -> AgentFactBatch {
        facts?.take(metrics.texts.texts, room: room) ?? AgentFactBatch()
    }

    // MARK: told while activities come in

    /// Notes that an activity came.
    mutating func noteArrival(_ index: Int32, _ activity: Activity) {
        guard facts != nil, activity.isAgentic else { return }
        if activity.phase == .pending {
            tell(.began, open.nodes[Int(index)])
        } else {
            arrived.append((index, activity.spanID))
        }
    }

    /// Tells of the activities of this batch that wait for their neighbours.
    mutating func tellSeen(now: UInt64) {
        for (index, spanID) in arrived {
            let flags = open.nodes[Int(index)].flags
            guard flags.isDisjoint(with: [.isSettled, .isWrapper]) else { continue }
            let node = open.nodes[Int(index)]
            guard node.spanID == spanID, node.trace >= 0, open.detail(node).arrived == now else {
                continue
            }
            tell(.seen, node)
        }
        arrived.removeAll(keepingCapacity: true)
    }

    /// Tells of a step that is over and counted with its run.
    mutating func tellStep(_ node: AgentNode) {
        if facts != nil { tell(.seen, node) }
    }

    // MARK: told when something is counted

    /// Usage that was counted with a call or without one.
    struct CountedUsage {
        var tokens = ActivityTokens()
        var cost = Double.nan
        var source = AgentFact.CostSource.unknown
    }

    /// An activity was counted; `usage` is what was counted with it, unless it repeats others'.
    mutating func tellEnded(
        _ node: AgentNode, _ usage: CountedUsage = CountedUsage(), isRepeated: Bool = false
    ) {
        guard facts != nil else { return }
        var fact = fact(.ended, node)
        fact.tokens = usage.tokens
        fact.cost = usage.cost
        fact.costSource = usage.source
        fact.isUsageRepeated = isRepeated
        facts?.add(fact)
    }

    /// An agent's own account of its usage was counted.
    mutating func tellAccount(_ node: AgentNode, _ usage: CountedUsage) {
        guard facts != nil else { return }
        var fact = fact(.usage, node)
        fact.tokens = usage.tokens
        fact.cost = usage.cost
        fact.costSource = usage.source
        fact.calls = 0
        facts?.add(fact)
    }

    mutating func tellWorkflow(
        _ top: AgentNode, name: Int32, start: UInt64, end: UInt64, isRootless: Bool
    ) {
        guard facts != nil else { return }
        var fact = runFact(.workflowEnded, top, name: name)
        fact.isRootless = isRootless
        fact.start = start
        fact.end = end
        facts?.add(fact)
    }

    /// Tells the root of a run that was counted before it came, be it with a later one. Told again
    /// when more of the trace comes; whoever has taken it in knows.
    mutating func tellLateRoot(_ index: Int32) {
        let trace = open.traces[Int(index)]
        guard facts != nil, trace.mayHaveLateRoot, !trace.isDerived, trace.root >= 0 else { return }
        let fact = runFact(
            .workflowCorrected, open.nodes[Int(trace.root)], name: toldName(of: trace))
        facts?.add(fact)
    }

    private func runFact(_ kind: AgentFact.Kind, _ top: AgentNode, name: Int32) -> AgentFact {
        var fact = fact(kind, top)
        fact.activity = .workflow
        fact.workflow = name
        fact.tokens = ActivityTokens()
        fact.cost = .nan
        return fact
    }

    mutating func tellClosed(_ trace: AgentTrace) {
        guard facts != nil else { return }
        var fact = AgentFact(.traceClosed)
        fact.traceIDHigh = trace.idHigh
        fact.traceIDLow = trace.idLow
        fact.isDerivedTrace = trace.isDerived
        fact.calls = UInt32(max(trace.pending, 0))
        facts?.add(fact)
    }

    /// Calls, or a reported cost, that metrics tell.
    mutating func tellUsage(
        _ held: HeldUsage, _ activity: ActivityKind = .other, calls: Double = 0,
        cost: Double = .nan
    ) {
        guard facts != nil else { return }
        var fact = AgentFact(.usage)
        fact.activity = activity
        fact.status = held.isError ? .error : .ok
        fact.service = held.source.service
        fact.agent = held.agent
        fact.workflow = held.source.service
        (fact.session, fact.user) = (held.owner.session, held.owner.user)
        fact.provider = held.provider
        fact.model = held.model
        fact.tool = held.tool
        fact.errorType = held.errorType
        fact.cost = cost
        fact.costSource = cost.isNaN ? .unknown : .reported
        fact.calls = UInt32(min(max(calls, 0), 1e9))
        facts?.add(fact)
    }

    /// Tokens of one model that metrics tell, and what they cost, if that is known.
    mutating func tellUsage(
        _ key: AgentSeriesKey, _ tokens: ActivityTokens, of owner: UsageOwner, cost: Double?
    ) {
        guard facts != nil else { return }
        var fact = AgentFact(.usage)
        (fact.agent, fact.provider, fact.model) = (key.first, key.second, key.third)
        (fact.service, fact.workflow) = (key.fourth, key.fourth)
        (fact.session, fact.user) = (owner.session, owner.user)
        fact.tokens = tokens
        fact.cost = cost ?? .nan
        fact.costSource = cost == nil ? .unknown : .computed
        fact.isCostApart = costTellers.contains(key.fourth)
        fact.calls = 0
        facts?.add(fact)
    }

    private mutating func tell(_ kind: AgentFact.Kind, _ node: AgentNode) {
        var fact = fact(kind, node)
        let isCall = node.kind == .llm || node.kind == .embedding
        if kind == .seen, isCall, !node.flags.contains(.isAggregate) {
            let detail = open.detail(node)
            fact.cost = detail.cost
            fact.costSource = detail.cost.isNaN ? .unknown : .reported
            if detail.cost.isNaN, detail.hasUsage, detail.model > 0 {
                fact.cost = computedCost(detail, end: node.end)
                fact.costSource = fact.cost.isNaN ? .unknown : .computed
            }
        } else {
            fact.tokens = ActivityTokens()
        }
        facts?.add(fact)
    }

    /// What a node says, and what is known above it.
    private func fact(_ kind: AgentFact.Kind, _ node: AgentNode) -> AgentFact {
        var fact = AgentFact(kind)
        let trace = open.traces[Int(node.trace)]
        let detail = open.detail(node)
        fact.activity = node.kind
        fact.status = node.status
        fact.source = node.flags.contains(.isFromLog) ? .log : .span
        fact.isInstant = node.flags.contains(.isInstant)
        fact.isDerivedTrace = trace.isDerived
        fact.traceIDHigh = trace.idHigh
        fact.traceIDLow = trace.idLow
        fact.spanID = node.spanID
        fact.parentSpanID = toldParent(of: node)
        (fact.session, fact.user) = owner(of: node, in: trace)
        fact.service = node.service
        fact.name = node.name
        fact.agent = agentName(node)
        fact.workflow = workflowName(node)
        fact.provider = detail.provider
        fact.model = detail.model
        fact.tool = node.tool
        fact.errorType = detail.errorType
        fact.arguments = detail.arguments
        fact.start = node.start
        fact.end = node.end
        fact.humanWait = waited(node)
        fact.timeToFirstToken = detail.timeToFirstToken
        fact.tokens = detail.tokens
        return fact
    }

    /// The span above; where two tell one call of a tool the one that counts. 0 is none.
    private func toldParent(of node: AgentNode) -> UInt64 {
        var above = node.parent
        guard above >= 0 else { return 0 }
        var steps = 0
        while steps < Self.deepest, open.nodes[Int(above)].kind == .tool,
            let outer = sameTool(above: open.nodes[Int(above)])
        {
            above = outer
            steps += 1
        }
        return open.nodes[Int(above)].spanID
    }
}
