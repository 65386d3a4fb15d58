/// What is counted of an activity once its ancestors are known, or of a trace when it is over.
extension AgentTracker {
    mutating func settle(_ index: Int32, unixNow: UInt64) {
        let node = open.nodes[Int(index)]
        open.nodes[Int(index)].flags.insert(.isSettled)
        open.traces[Int(node.trace)].unsettled -= 1
        if node.flags.contains(.isToldBefore) {
            metrics.events.disbelieved &+= 1
            return
        }
        switch node.kind {
        case .llm, .embedding: countCall(index, node, unixNow: unixNow)
        case .tool: countTool(index, node, unixNow: unixNow)
        case .agent: countRun(index, node, unixNow: unixNow)
        case .workflow: noteToldEnd(index, node, unixNow: unixNow)
        case .other: break
        default: tellEnded(node)
        }
    }

    /// The end of a workflow that events tell ends its run, were it one of several of its session.
    private mutating func noteToldEnd(_ index: Int32, _ node: AgentNode, unixNow: UInt64) {
        let trace = open.traces[Int(node.trace)]
        guard trace.isDerived, trace.root == index else { return }
        // An end that was not announced and has no duration may have been sent again.
        if trace.isWorkflowCounted, node.flags.contains(.isInstant) { return }
        open.traces[Int(node.trace)].isWorkflowCounted = false
        open.traces[Int(node.trace)].hasToldEnd = true
        tellStep(node)
        if tellsUsageInOrder(node),
            let usage = countToldUsage(index, node, unixNow: unixNow)
        {
            tellAccount(node, usage)
        }
    }

    mutating func countCall(_ index: Int32, _ node: AgentNode, unixNow: UInt64) {
        if isToldElsewhere(index, node) {
            metrics.events.duplicateCalls &+= 1
            return
        }
        let detail = open.detail(node)
        if detail.call != 0, isReportedBefore(index, node, detail, unixNow: unixNow) {
            metrics.events.duplicateCalls &+= 1
            return
        }
        open.nodes[Int(index)].flags.insert(.isCounted)
        let agent = agentName(node)
        let user = user(of: index)
        let status = node.status == .error ? metrics.error : metrics.ok
        let exemplar = exemplar(node)
        metrics.llmCalls.add(
            1,
            AgentSeriesKey(
                first: agent, second: detail.provider, third: detail.model, fourth: status,
                fifth: detail.errorType, sixth: user), exemplar, now: unixNow)
        let key = AgentSeriesKey(
            first: agent, second: detail.provider, third: detail.model, fourth: status)
        if !node.flags.contains(.isInstant) {
            metrics.llmCallDuration.observe(
                nanoseconds: node.end &- node.start, key, exemplar, now: unixNow)
        }
        if detail.timeToFirstToken > 0 {
            metrics.llmTimeToFirstToken.observe(
                nanoseconds: detail.timeToFirstToken, key, exemplar, now: unixNow)
        }
        let isLate = node.kind == .llm && isAccounted(node)
        metrics.client?.count(node, detail, usage: !isLate, now: unixNow)
        if isLate {
            metrics.events.lateChildren &+= 1
            tellEnded(node)
            return
        }
        tellEnded(
            node,
            countUsage(node, detail, agent: agent, user: user, exemplar, unixNow: unixNow))
    }

    mutating func countUsage(
        _ node: AgentNode, _ detail: AgentDetail, agent: Int32, user: Int32,
        _ exemplar: AgentExemplar, unixNow: UInt64
    ) -> CountedUsage {
        var counted = CountedUsage(tokens: detail.tokens)
        for (place, type) in metrics.tokenTypes.enumerated() {
            let count = detail.tokens[place]
            if count == 0 { continue }
            metrics.llmTokens.add(
                Double(count),
                AgentSeriesKey(
                    first: agent, second: detail.provider, third: detail.model, fourth: type,
                    fifth: user),
                exemplar, now: unixNow)
        }
        guard detail.hasUsage else { return counted }
        var cost = detail.cost
        var source = metrics.reported
        if cost.isNaN, detail.model > 0 {
            source = metrics.computed
            cost =
                node.flags.contains(.isAggregate)
                ? self.cost(
                    of: detail.tokens, model: detail.model, provider: detail.provider,
                    tier: detail.serviceTier, unixNow: node.end) ?? .nan
                : computedCost(detail, end: node.end)
        }
        if cost.isNaN {
            metrics.llmUnpricedCalls.add(
                1, AgentSeriesKey(first: detail.provider, second: detail.model), nil, now: unixNow)
            return counted
        }
        counted.cost = cost
        counted.source = source == metrics.reported ? .reported : .computed
        metrics.llmCost.add(
            cost,
            AgentSeriesKey(
                first: agent, second: workflowName(node), third: detail.provider,
                fourth: detail.model, fifth: source, sixth: user), exemplar, now: unixNow)
        return counted
    }

    /// Not a number when the price is unknown. `end` in Unix nanoseconds.
    mutating func computedCost(_ detail: AgentDetail, end: UInt64) -> Double {
        let input = detail.tokens.input &+ detail.tokens.cacheRead &+ detail.tokens.cacheWrite
        let key = AgentSeriesKey(
            first: detail.model, second: detail.provider, third: Int32(detail.serviceTier.rawValue))
        if let cost = quotes.cost(key, of: detail.tokens, input: input, end: end) { return cost }
        guard let prices else { return .nan }
        let quote = prices.quote(
            model: text(detail.model), provider: text(detail.provider), tier: detail.serviceTier,
            inputTokens: input, unixNano: end)
        quotes.note(quote, of: key)
        return quote.rates?.cost(detail.tokens) ?? .nan
    }

    /// What tokens of several calls cost together, at the price of short ones; nil when it is unknown.
    func cost(
        of tokens: ActivityTokens, model: Int32, provider: Int32,
        tier: ActivityServiceTier = .standard, unixNow: UInt64
    ) -> Double? {
        let quote = prices?.quote(
            model: text(model), provider: text(provider), tier: tier, inputTokens: 0,
            unixNano: unixNow)
        return quote?.rates?.cost(tokens, calls: 0)
    }

    mutating func countTool(_ index: Int32, _ told: AgentNode, unixNow: UInt64) {
        if isInsideSameTool(told) {
            metrics.events.duplicateCalls &+= 1
            return
        }
        let node =
            told.flags.contains(.hasFailedToolBelow) && told.status != .error
            ? withOutcomeInside(index, told) : told
        open.nodes[Int(index)].flags.insert(.isCounted)
        let agent = agentName(node)
        let status = node.status == .error ? metrics.error : metrics.ok
        let exemplar = exemplar(node)
        metrics.toolCalls.add(
            1,
            AgentSeriesKey(
                first: agent, second: node.tool, third: status,
                fourth: open.detail(node).errorType),
            exemplar, now: unixNow)
        if !node.flags.contains(.isInstant) {
            metrics.toolDuration.observe(
                nanoseconds: working(node),
                AgentSeriesKey(first: agent, second: node.tool, third: status), exemplar,
                now: unixNow)
        }
        tellEnded(node)
    }

    /// A run begins with an agent's span below no other of the same agent.
    mutating func countRun(_ index: Int32, _ node: AgentNode, unixNow: UInt64) {
        let name = agentName(node)
        var above = node.parent
        var steps = 0
        while above >= 0, steps < Self.deepest {
            let parent = open.nodes[Int(above)]
            if parent.kind == .agent, !isTold(parent, by: node) {
                if agentName(parent) == name { return }
                break
            }
            above = parent.parent
            steps += 1
        }
        let status = node.status == .error ? metrics.error : metrics.ok
        let key = AgentSeriesKey(first: name, second: workflowName(node), third: status)
        let exemplar = exemplar(node)
        var counted = key
        counted.fourth = user(of: index)
        metrics.agentRuns.add(1, counted, exemplar, now: unixNow)
        if !node.flags.contains(.isInstant) {
            metrics.agentRunDuration.observe(
                nanoseconds: working(node), key, exemplar, now: unixNow)
        }
        guard tellsUsageInOrder(node) else { return tellEnded(node) }
        let detail = open.detail(node)
        if let usage = countToldUsage(index, node, unixNow: unixNow) {
            tellEnded(node, usage)
        } else {
            tellEnded(
                node, CountedUsage(tokens: detail.tokens, cost: detail.cost, source: .reported),
                isRepeated: true)
        }
    }

    /// Whether an account comes after what it may repeat: events are told one after another.
    private func tellsUsageInOrder(_ node: AgentNode) -> Bool {
        node.flags.contains(.isAggregate) && open.traces[Int(node.trace)].isDerived
    }

    /// Counts what events say an agent or a workflow used; nil when those below it told that.
    private mutating func countToldUsage(
        _ index: Int32, _ node: AgentNode, unixNow: UInt64
    ) -> CountedUsage? {
        guard node.flags.isDisjoint(with: [.hasInferenceBelow, .hasAggregateBelow]),
            !isAccounted(node)
        else { return nil }
        open.nodes[Int(index)].flags.insert(.isAccounted)
        return countUsage(
            node, open.detail(node), agent: agentName(node), user: user(of: index),
            exemplar(node), unixNow: unixNow)
    }

    mutating func countWorkflow(_ index: Int32, unixNow: UInt64) {
        let trace = open.traces[Int(index)]
        guard !trace.isWorkflowCounted else { return tellLateRoot(index) }
        guard trace.isAgentic, trace.first >= 0 else { return }
        open.traces[Int(index)].isWorkflowCounted = true
        let top = topNode(of: trace)
        if trace.isDerived {
            let source = AgentSignals.Source(service: top.service, session: trace.session)
            if signals.isTraced(source, now: lastTold) { return }
        }
        var (start, end) = (UInt64.max, UInt64(0))
        var node = trace.first
        while node >= 0 {
            let current = open.nodes[Int(node)]
            if !current.flags.contains(.isPlaceholder), !current.flags.contains(.isPending) {
                start = min(start, current.start)
                end = max(end, current.end)
            }
            node = current.next
        }
        if trace.root >= 0 { (start, end) = (top.start, top.end) }
        guard start <= end else { return }
        let status = top.status == .error ? metrics.error : metrics.ok
        let key = AgentSeriesKey(first: workflowName(of: trace), second: status)
        let exemplar = exemplar(top)
        metrics.workflowRuns.add(1, key, exemplar, now: unixNow)
        let isInstant = trace.root >= 0 ? top.flags.contains(.isInstant) : start == end
        if !isInstant {
            metrics.workflowDuration.observe(
                nanoseconds: end &- start, key, exemplar, now: unixNow)
        }
        tellWorkflow(
            top, name: workflowName(of: trace), start: start, end: end,
            isRootless: trace.root < 0 && !trace.isDerived)
    }

    /// Usage that agents told of themselves, where no call below them did.
    mutating func countAccounts(_ index: Int32, unixNow: UInt64) {
        let trace = open.traces[Int(index)]
        let orphans = orphans(of: index)
        let rivals = orphans.isEmpty ? [] : rivals(of: index)
        var node = trace.first
        var hasCounted = false
        while node >= 0 {
            let current = open.nodes[Int(node)]
            if current.flags.contains(.isAggregate),
                current.flags.isDisjoint(with: [.hasInferenceBelow, .hasAggregateBelow]),
                !isAccounted(current), !wrapsEmbeddings(current),
                !repeatsOrphans(node, current, orphans, rivals: rivals)
            {
                let usage = countUsage(
                    current, open.detail(current), agent: agentName(current),
                    user: user(of: node), exemplar(current), unixNow: unixNow)
                tellAccount(current, usage)
                open.nodes[Int(node)].flags.insert(.isAccounted)
                hasCounted = true
            }
            node = current.next
        }
        if hasCounted { rememberAccounts(index) }
    }
}
