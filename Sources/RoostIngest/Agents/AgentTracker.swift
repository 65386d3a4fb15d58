public import RoostCore

/// What calls to models cost, where that is known.
public protocol PriceSource: Sendable {
    /// The rates for a request with so many tokens of input. `unixNano` is when the call ended.
    func quote(
        model: ArraySlice<UInt8>, provider: ArraySlice<UInt8>, tier: ActivityServiceTier,
        inputTokens: UInt64, unixNano: UInt64
    ) -> PriceQuote
}

/// The rates of one model, and for which requests they hold.
public struct PriceQuote: Sendable {
    /// Nil when the price is unknown.
    let rates: PriceRates?
    /// Unix nanoseconds, the second excluded.
    let from: UInt64
    let until: UInt64
    /// More tokens of input than the first and at most the second; none are more than none.
    let over: UInt64
    let to: UInt64

    func holds(inputTokens: UInt64, unixNano: UInt64) -> Bool {
        unixNano >= from && unixNano < until && inputTokens <= to
            && (inputTokens > over || over == 0)
    }
}

/// How the tracker waits and what it holds.
public struct AgentTrackerSettings: Sendable {
    /// Nanoseconds that a trace must be quiet before it is taken to be over, and that a call waits
    /// at most to learn which agent it belongs to.
    public var hold: UInt64 = 30_000_000_000
    /// Activities held at the same time.
    public var openActivities = 50_000
    public var seriesLimit = 10_000
    public var bounds = DurationBounds.standard
    /// Pays for the series.
    public var memory: MemoryBudget.Share?
    /// Unix nanoseconds. Sums that began before then are counted from their second point on.
    public var began: UInt64 = 0
    /// Whose names the computed client metrics have.
    public var semconv = ClientConventions.stable

    public init() {}
}

/// Finds out from the activities of all traces what is to be counted, each thing once.
///
/// Children are told before their parents, and parents may never come: a call is counted when its
/// ancestors are known up to the root, or when it has waited for long enough; usage that may repeat
/// that of children when its trace has been quiet. Pure but for the times it is given. Confined to
/// one thread.
public struct AgentTracker: Sendable {
    let settings: AgentTrackerSettings
    var metrics: AgentMetrics
    private var open = AgentTraces()
    private var prices: (any PriceSource)?
    /// The last quote for each model, provider and tier.
    private var quotes: [AgentSeriesKey: PriceQuote] = [:]
    /// Calls counted lately, by service and call id.
    private var recentCalls = RecentSet(limit: 65_536)
    /// Traces whose usage was counted from an agent's own account.
    private var closedByAccount = RecentSet(limit: 16_384)
    private var touched: [Int32] = []
    /// The trace of the activity before; -1 is none.
    private var latest: Int32 = -1
    private var numbers = BatchTexts()
    var signals = AgentSignals()
    var usage: UsageStreams
    /// Numbers of services whose metrics tell their cost.
    var costTellers: Set<Int32> = []
    /// The session of the activity before, and its hash.
    private var latestSession: (text: TextRef, hash: UInt64) = (.none, 0)
    /// Monotonic nanoseconds of the last batch or tick.
    var lastTold: UInt64 = 0

    /// More ancestors than this are a cycle, or as good as one.
    private static let deepest = 64
    /// Nanoseconds for which what was announced may stay away.
    private static let longestPending: UInt64 = 3_600_000_000_000

    public init(_ settings: AgentTrackerSettings, prices: (any PriceSource)? = nil) {
        self.settings = settings
        self.prices = prices
        usage = UsageStreams(began: settings.began)
        metrics = AgentMetrics(
            bounds: settings.bounds,
            room: AgentSeriesRoom(series: settings.seriesLimit, memory: settings.memory),
            conventions: settings.semconv)
    }

    /// From the next call on.
    public mutating func use(prices: any PriceSource) {
        self.prices = prices
        quotes.removeAll()
    }

    /// How many activities are held.
    public var heldActivities: Int { open.nodeCount }

    /// From now on a service's own client metrics are shown, and none computed for it.
    public mutating func noteClientMetrics(of service: [UInt8]) {
        let number = metrics.texts.number(service[...])
        metrics.client?.sendsItsOwn(number)
    }

    // MARK: taking in

    /// Takes in a batch. `now` is monotonic, `unixNow` the time of day, both in nanoseconds.
    public mutating func take(_ batch: inout ActivityBatch, now: UInt64, unixNow: UInt64) {
        numbers.begin()
        latest = -1
        lastTold = now
        latestSession = (.none, 0)
        for place in batch.activities.indices {
            take(batch.activities[place], batch, now: now)
            if open.nodeCount > settings.openActivities {
                closeOldest(now: now, unixNow: unixNow)
                latest = -1
            }
        }
        for trace in touched where open.traces[Int(trace)].isTouched {
            open.traces[Int(trace)].isTouched = false
            if open.traces[Int(trace)].isComplete { settleAll(trace, unixNow: unixNow) }
        }
        touched.removeAll(keepingCapacity: true)
    }

    private mutating func take(_ activity: Activity, _ batch: ActivityBatch, now: UInt64) {
        if activity.flags.contains(.hasRejectedValue) { metrics.events.rejectedValues &+= 1 }
        if activity.flags.contains(.isMendedTime) { metrics.events.mendedTimes &+= 1 }
        if activity.source == .log, isLeftOut(activity, batch, now: now) {
            metrics.events.disbelieved &+= 1
            return
        }
        let trace = trace(of: activity, now: now)
        guard let index = node(for: activity, in: trace) else { return }
        fill(index, activity, batch, now: now)
        if activity.kind != .other, activity.phase == .finished {
            noteTold(index, activity, batch, now: now)
        }
        attach(index, activity)
        let node = open.nodes[Int(index)]
        if node.kind != .other || node.flags.contains(.isAggregate) {
            open.traces[Int(trace)].isAgentic = true
        }
        if !node.flags.contains(.isPending) { tellAncestors(of: index) }
    }

    /// Whether spans tell what this event does.
    private mutating func isLeftOut(
        _ activity: Activity, _ batch: ActivityBatch, now: UInt64
    ) -> Bool {
        let fact = activity.phase == .finished ? AgentSignals.Fact(activity.kind) : nil
        guard fact != nil || activity.flags.contains(.isDerivedTrace) else { return false }
        return signals.leavesOutEvent(fact, source(of: activity, batch), now: now)
    }

    private mutating func source(
        of activity: Activity, _ batch: ActivityBatch
    ) -> AgentSignals.Source {
        let service = numbers.number(activity.service, batch, &metrics.texts)
        // A batch holds each text once.
        if activity.session != latestSession.text {
            latestSession = (activity.session, sessionHash(batch.bytes(activity.session)))
        }
        return AgentSignals.Source(service: service, session: latestSession.hash)
    }

    func sessionHash(_ session: ArraySlice<UInt8>) -> UInt64 {
        guard !session.isEmpty else { return 0 }
        let hash = unsafe session.withUnsafeBufferPointer {
            unsafe ByteHash.hash($0, seed: 0x5E55)
        }
        // Neither of the numbers that mean something else.
        return min(max(hash, 1), .max - 1)
    }

    /// Takes in which signal has told something, and finds out whether events told before what a
    /// span does.
    private mutating func noteTold(
        _ index: Int32, _ activity: Activity, _ batch: ActivityBatch, now: UInt64
    ) {
        guard let fact = AgentSignals.Fact(activity.kind) else { return }
        let source = source(of: activity, batch)
        let name =
            switch fact {
            case .calls: open.nodes[Int(index)].model
            case .tools: open.nodes[Int(index)].tool
            case .runs: open.nodes[Int(index)].agent
            }
        if activity.source == .log {
            signals.event(fact, source, name: name, end: activity.end)
            open.traces[Int(open.nodes[Int(index)].trace)].session = source.session
        } else if signals.span(fact, source, name: name, end: activity.end, now: now) {
            open.nodes[Int(index)].flags.insert(.isToldBefore)
        }
    }

    private mutating func trace(of activity: Activity, now: UInt64) -> Int32 {
        let (high, low) = (activity.traceIDHigh, activity.traceIDLow)
        if latest >= 0, open.traces[Int(latest)].idLow == low,
            open.traces[Int(latest)].idHigh == high
        {
            return latest
        }
        let index: Int32
        if let known = open.findTrace(high, low) {
            index = known
            open.touch(index, now: now)
        } else {
            index = open.addTrace(high, low, now: now)
            open.traces[Int(index)].isDerived = activity.flags.contains(.isDerivedTrace)
            open.traces[Int(index)].isLate = closedByAccount.contains(IdIndex.mix(high, low))
        }
        if !open.traces[Int(index)].isTouched {
            open.traces[Int(index)].isTouched = true
            touched.append(index)
        }
        latest = index
        return index
    }

    /// The place for an activity; nil when it was there already.
    private mutating func node(for activity: Activity, in trace: Int32) -> Int32? {
        guard let known = open.findNode(trace, activity.spanID) else {
            let index = open.addNode(trace, activity.spanID)
            open.traces[Int(trace)].unsettled += 1
            return index
        }
        let flags = open.nodes[Int(known)].flags
        if flags.contains(.isPlaceholder) {
            open.traces[Int(trace)].placeholders -= 1
            open.traces[Int(trace)].unsettled += 1
            return known
        }
        if flags.contains(.isPending), activity.phase == .finished {
            open.traces[Int(trace)].pending -= 1
            return known
        }
        if activity.phase == .finished { metrics.events.repeatedSpans &+= 1 }
        return nil
    }

    private mutating func fill(
        _ index: Int32, _ activity: Activity, _ batch: ActivityBatch, now: UInt64
    ) {
        var node = open.nodes[Int(index)]
        node.flags.subtract([.isPlaceholder, .isPending])
        node.kind = activity.kind
        node.status = activity.status
        node.serviceTier = activity.serviceTier
        node.service = numbers.number(activity.service, batch, &metrics.texts)
        node.name = numbers.number(activity.name, batch, &metrics.texts)
        node.agent = numbers.number(activity.agent, batch, &metrics.texts)
        node.workflow = numbers.number(activity.workflow, batch, &metrics.texts)
        let model =
            activity.modelAnswered.isEmpty ? activity.modelRequested : activity.modelAnswered
        node.model = numbers.number(model, batch, &metrics.texts)
        node.modelRequested = numbers.number(activity.modelRequested, batch, &metrics.texts)
        if !activity.modelAnswered.isEmpty { node.flags.insert(.isModelAnswered) }
        node.provider = numbers.number(activity.provider, batch, &metrics.texts)
        node.tool = numbers.number(activity.tool, batch, &metrics.texts)
        node.errorType = numbers.number(activity.errorType, batch, &metrics.texts)
        node.start = activity.start
        node.end = activity.end
        node.timeToFirstToken = activity.timeToFirstToken
        node.tokens = activity.tokens
        node.cost = activity.reportedCost
        node.arrived = now
        if !activity.callID.isEmpty {
            node.call = callHash(node.service, batch.bytes(activity.callID))
        }
        if activity.flags.contains(.usageIsAggregate), node.hasUsage {
            node.flags.insert(.isAggregate)
            open.traces[Int(node.trace)].hasAggregates = true
        }
        if activity.source == .log { node.flags.insert(.isFromLog) }
        if activity.flags.contains(.isInstant) { node.flags.insert(.isInstant) }
        if activity.phase == .pending {
            node.flags.insert(.isPending)
            open.traces[Int(node.trace)].pending += 1
        }
        if node.kind == .humanWait { node.humanWait &+= activity.duration }
        open.nodes[Int(index)] = node
    }

    private func callHash(_ service: Int32, _ id: ArraySlice<UInt8>) -> UInt64 {
        let seed = UInt64(UInt32(bitPattern: service))
        let hash = unsafe id.withUnsafeBufferPointer { unsafe ByteHash.hash($0, seed: seed) }
        return hash | 1
    }

    /// Puts a node under its parent, which may only be known by that.
    private mutating func attach(_ index: Int32, _ activity: Activity) {
        let trace = open.nodes[Int(index)].trace
        let parentID = activity.parentSpanID
        guard parentID != 0, parentID != activity.spanID else {
            open.nodes[Int(index)].parent = -1
            open.nodes[Int(index)].flags.insert(.isRoot)
            // Of events that were put together by their session none is above the others.
            if activity.phase == .finished, !activity.flags.contains(.isDerivedTrace) {
                open.traces[Int(trace)].root = index
            }
            return
        }
        if let parent = open.findNode(trace, parentID) {
            open.nodes[Int(index)].parent = parent
            return
        }
        let parent = open.addNode(trace, parentID)
        open.nodes[Int(parent)].flags.insert(.isPlaceholder)
        open.traces[Int(trace)].placeholders += 1
        open.nodes[Int(index)].parent = parent
    }

    /// Tells those above what an activity means for their own account.
    private mutating func tellAncestors(of index: Int32) {
        var node = open.nodes[Int(index)]
        let isCall = node.kind == .llm || node.kind == .embedding
        if isCall, node.flags.contains(.hasDirectCall) {
            node.flags.insert(.isWrapper)
            open.nodes[Int(index)].flags = node.flags
        }
        let hasInference = isCall || node.flags.contains(.hasInferenceBelow)
        let hasAggregate =
            node.flags.contains(.isAggregate) || node.flags.contains(.hasAggregateBelow)
        var isDirect = isCall || node.kind == .other && node.flags.contains(.hasDirectCall)
        guard hasInference || hasAggregate || node.humanWait > 0 else { return }
        var above = node.parent
        var steps = 0
        while above >= 0, above != index, steps < Self.deepest {
            steps += 1
            var parent = open.nodes[Int(above)]
            if hasInference { parent.flags.insert(.hasInferenceBelow) }
            if hasAggregate { parent.flags.insert(.hasAggregateBelow) }
            parent.humanWait &+= node.humanWait
            if isDirect {
                if parent.flags.contains(.isPlaceholder) || parent.kind == .other {
                    parent.flags.insert(.hasDirectCall)
                } else {
                    if parent.kind == .llm || parent.kind == .embedding {
                        parent.flags.insert(.isWrapper)
                    }
                    isDirect = false
                }
            }
            open.nodes[Int(above)] = parent
            above = parent.parent
        }
    }

    // MARK: time

    /// Counts what has waited for long enough and ends what has been quiet for long enough.
    public mutating func tick(now: UInt64, unixNow: UInt64) {
        lastTold = now
        countUsage(now: now, unixNow: unixNow)
        var rounds = open.traceCount
        while rounds > 0, open.oldest >= 0 {
            rounds -= 1
            let index = open.oldest
            let trace = open.traces[Int(index)]
            let quiet = now &- trace.lastHeard
            guard quiet >= settings.hold else { break }
            if trace.pending > 0, quiet < Self.longestPending {
                settleWaiting(index, now: now, unixNow: unixNow)
                open.moveToEnd(index)
            } else {
                close(index, unixNow: unixNow)
            }
        }
        // Traces that go on and on: calls in them do not wait for ever.
        for index in open.traces.indices where open.traces[index].unsettled > 0 {
            settleWaiting(Int32(index), now: now, unixNow: unixNow)
        }
        noteActive()
    }

    private mutating func closeOldest(now: UInt64, unixNow: UInt64) {
        guard open.oldest >= 0 else { return }
        close(open.oldest, unixNow: unixNow)
    }

    private mutating func settleWaiting(_ index: Int32, now: UInt64, unixNow: UInt64) {
        var node = open.traces[Int(index)].first
        while node >= 0 {
            let next = open.nodes[Int(node)].next
            let flags = open.nodes[Int(node)].flags
            if flags.isDisjoint(with: [.isSettled, .isPlaceholder, .isPending]),
                now &- open.nodes[Int(node)].arrived >= settings.hold
            {
                settle(node, unixNow: unixNow)
            }
            node = next
        }
    }

    private mutating func settleAll(_ index: Int32, unixNow: UInt64) {
        if open.traces[Int(index)].unsettled > 0 {
            var node = open.traces[Int(index)].first
            while node >= 0 {
                let next = open.nodes[Int(node)].next
                let flags = open.nodes[Int(node)].flags
                if flags.isDisjoint(with: [.isSettled, .isPlaceholder, .isPending]) {
                    settle(node, unixNow: unixNow)
                }
                node = next
            }
        }
        if !open.traces[Int(index)].isDerived { countWorkflow(index, unixNow: unixNow) }
    }

    private mutating func close(_ index: Int32, unixNow: UInt64) {
        let before = open.traces[Int(index)]
        settleAll(index, unixNow: unixNow)
        if before.isAgentic {
            metrics.events.abandoned &+= UInt64(max(before.pending, 0))
            countWorkflow(index, unixNow: unixNow)
        }
        if before.hasAggregates { countAccounts(index, unixNow: unixNow) }
        open.remove(index)
    }

    // MARK: counting

    private mutating func settle(_ index: Int32, unixNow: UInt64) {
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
        case .agent: countRun(node, unixNow: unixNow)
        default: break
        }
    }

    private mutating func countCall(_ index: Int32, _ node: AgentNode, unixNow: UInt64) {
        if node.flags.contains(.isWrapper) || isInsideCountedCall(node) {
            metrics.events.duplicateCalls &+= 1
            return
        }
        if node.call != 0, !recentCalls.insert(node.call) {
            metrics.events.duplicateCalls &+= 1
            return
        }
        open.nodes[Int(index)].flags.insert(.isCounted)
        let agent = agentName(node)
        let status = node.status == .error ? metrics.error : metrics.ok
        let exemplar = exemplar(node)
        metrics.llmCalls.add(
            1,
            AgentSeriesKey(
                first: agent, second: node.provider, third: node.model, fourth: status,
                fifth: node.errorType), exemplar, now: unixNow)
        let key = AgentSeriesKey(
            first: agent, second: node.provider, third: node.model, fourth: status)
        if !node.flags.contains(.isInstant) {
            metrics.llmCallDuration.observe(
                nanoseconds: node.end &- node.start, key, exemplar, now: unixNow)
        }
        if node.timeToFirstToken > 0 {
            metrics.llmTimeToFirstToken.observe(
                nanoseconds: node.timeToFirstToken, key, exemplar, now: unixNow)
        }
        let isLate = open.traces[Int(node.trace)].isLate
        metrics.client?.count(node, usage: !isLate, now: unixNow)
        if isLate {
            metrics.events.lateChildren &+= 1
            return
        }
        countUsage(node, agent: agent, exemplar, unixNow: unixNow)
    }

    private mutating func countUsage(
        _ node: AgentNode, agent: Int32, _ exemplar: AgentExemplar, unixNow: UInt64
    ) {
        for (place, type) in metrics.tokenTypes.enumerated() {
            let count = node.tokens[place]
            if count == 0 { continue }
            metrics.llmTokens.add(
                Double(count),
                AgentSeriesKey(
                    first: agent, second: node.provider, third: node.model, fourth: type),
                exemplar, now: unixNow)
        }
        guard node.hasUsage else { return }
        var cost = node.cost
        var source = metrics.reported
        if cost.isNaN, node.model > 0 {
            source = metrics.computed
            cost = computedCost(node)
        }
        if cost.isNaN {
            metrics.llmUnpricedCalls.add(
                1, AgentSeriesKey(first: node.provider, second: node.model), nil, now: unixNow)
            return
        }
        metrics.llmCost.add(
            cost,
            AgentSeriesKey(
                first: agent, second: workflowName(node), third: node.provider,
                fourth: node.model, fifth: source), exemplar, now: unixNow)
    }

    /// Not a number when the price is unknown.
    private mutating func computedCost(_ node: AgentNode) -> Double {
        guard let prices else { return .nan }
        let input = node.tokens.input &+ node.tokens.cacheRead &+ node.tokens.cacheWrite
        let key = AgentSeriesKey(
            first: node.model, second: node.provider, third: Int32(node.serviceTier.rawValue))
        if let known = quotes[key], known.holds(inputTokens: input, unixNano: node.end) {
            return known.rates?.cost(node.tokens) ?? .nan
        }
        let quote = prices.quote(
            model: text(node.model), provider: text(node.provider), tier: node.serviceTier,
            inputTokens: input, unixNano: node.end)
        if quotes.count >= 4096 { quotes.removeAll(keepingCapacity: true) }
        quotes[key] = quote
        return quote.rates?.cost(node.tokens) ?? .nan
    }

    /// What tokens of several calls cost together; nil when the price is unknown.
    func cost(
        of tokens: ActivityTokens, model: Int32, provider: Int32, unixNow: UInt64
    ) -> Double? {
        let quote = prices?.quote(
            model: text(model), provider: text(provider), tier: .standard, inputTokens: 0,
            unixNano: unixNow)
        return quote?.rates?.cost(tokens)
    }

    private mutating func countTool(_ index: Int32, _ node: AgentNode, unixNow: UInt64) {
        if isInsideSameTool(node) {
            metrics.events.duplicateCalls &+= 1
            return
        }
        open.nodes[Int(index)].flags.insert(.isCounted)
        let agent = agentName(node)
        let status = node.status == .error ? metrics.error : metrics.ok
        let exemplar = exemplar(node)
        metrics.toolCalls.add(
            1,
            AgentSeriesKey(
                first: agent, second: node.tool, third: status, fourth: node.errorType),
            exemplar, now: unixNow)
        metrics.toolDuration.observe(
            nanoseconds: working(node),
            AgentSeriesKey(first: agent, second: node.tool, third: status), exemplar, now: unixNow)
    }

    /// A run begins with an agent's span below no other of the same agent.
    private mutating func countRun(_ node: AgentNode, unixNow: UInt64) {
        let name = agentName(node)
        var above = node.parent
        var steps = 0
        while above >= 0, steps < Self.deepest {
            let parent = open.nodes[Int(above)]
            if parent.kind == .agent {
                if agentName(parent) == name { return }
                break
            }
            above = parent.parent
            steps += 1
        }
        let status = node.status == .error ? metrics.error : metrics.ok
        let key = AgentSeriesKey(first: name, second: workflowName(node), third: status)
        let exemplar = exemplar(node)
        metrics.agentRuns.add(1, key, exemplar, now: unixNow)
        metrics.agentRunDuration.observe(
            nanoseconds: working(node), key, exemplar, now: unixNow)
    }

    private mutating func countWorkflow(_ index: Int32, unixNow: UInt64) {
        let trace = open.traces[Int(index)]
        guard trace.isAgentic, !trace.isWorkflowCounted, trace.first >= 0, !trace.isLate else {
            return
        }
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
        metrics.workflowDuration.observe(
            nanoseconds: end &- start, key, exemplar, now: unixNow)
    }

    /// Usage that agents told of themselves, where no call below them did.
    private mutating func countAccounts(_ index: Int32, unixNow: UInt64) {
        let trace = open.traces[Int(index)]
        var node = trace.first
        var hasCounted = false
        while node >= 0 {
            let current = open.nodes[Int(node)]
            if current.flags.contains(.isAggregate),
                current.flags.isDisjoint(with: [.hasInferenceBelow, .hasAggregateBelow]),
                !trace.isLate
            {
                countUsage(
                    current, agent: agentName(current), exemplar(current), unixNow: unixNow)
                hasCounted = true
            }
            node = current.next
        }
        if hasCounted { _ = closedByAccount.insert(IdIndex.mix(trace.idHigh, trace.idLow)) }
    }

    // MARK: who and where

    /// The agent that a node belongs to: its own word, else the nearest above, else the service.
    private func agentName(_ node: AgentNode) -> Int32 {
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
    private func workflowName(_ node: AgentNode) -> Int32 {
        let trace = open.traces[Int(node.trace)]
        return trace.isComplete || trace.nodes == 1
            ? workflowName(of: trace) : workflowName(above: node)
    }

    private func workflowName(above node: AgentNode) -> Int32 {
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

    private func workflowName(of trace: AgentTrace) -> Int32 {
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

    private func depth(of node: AgentNode) -> Int {
        var depth = 0
        var above = node.parent
        while above >= 0, depth < Self.deepest {
            depth += 1
            above = open.nodes[Int(above)].parent
        }
        return depth
    }

    /// The root, or without it the earliest of the spans that are known.
    private func topNode(of trace: AgentTrace) -> AgentNode {
        if trace.root >= 0 { return open.nodes[Int(trace.root)] }
        var best = AgentNode()
        best.start = .max
        var node = trace.first
        while node >= 0 {
            let current = open.nodes[Int(node)]
            if !current.flags.contains(.isPlaceholder), current.start < best.start {
                best = current
            }
            node = current.next
        }
        return best
    }

    /// Whether the call above, with nothing of note between, has been counted.
    private func isInsideCountedCall(_ node: AgentNode) -> Bool {
        var above = node.parent
        var steps = 0
        while above >= 0, steps < Self.deepest {
            let parent = open.nodes[Int(above)]
            if parent.kind == .llm || parent.kind == .embedding {
                return parent.flags.contains(.isCounted)
            }
            if parent.kind != .other { return false }
            above = parent.parent
            steps += 1
        }
        return false
    }

    /// Whether both sides of one call of a tool told it.
    private func isInsideSameTool(_ node: AgentNode) -> Bool {
        var above = node.parent
        var steps = 0
        while above >= 0, steps < Self.deepest {
            let parent = open.nodes[Int(above)]
            if parent.kind == .tool { return parent.tool == node.tool }
            if parent.kind != .other { return false }
            above = parent.parent
            steps += 1
        }
        return false
    }

    /// Nanoseconds without waiting for people.
    private func working(_ node: AgentNode) -> UInt64 {
        let duration = node.end &- node.start
        return duration > node.humanWait ? duration - node.humanWait : 0
    }

    private func exemplar(_ node: AgentNode) -> AgentExemplar {
        let trace = open.traces[Int(node.trace)]
        return AgentExemplar(
            traceIDHigh: trace.idHigh, traceIDLow: trace.idLow, spanID: node.spanID, value: 0,
            unixNano: node.end)
    }

    private func text(_ number: Int32) -> ArraySlice<UInt8> {
        guard number > 0, Int(number) < metrics.texts.texts.count else { return [] }
        return metrics.texts.texts[Int(number)][...]
    }

    // MARK: what is at work

    /// Counts the workflows and agents in progress: announced, or known by what is below them.
    private mutating func noteActive() {
        for key in metrics.activeWorkflows.keys { metrics.activeWorkflows[key] = 0 }
        for key in metrics.activeAgents.keys { metrics.activeAgents[key] = 0 }
        for trace in open.traces where trace.first >= 0 && trace.isAgentic && !trace.isDerived {
            guard trace.pending > 0 || trace.placeholders > 0, trace.root < 0 else { continue }
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

    private mutating func count(
        _ name: Int32, in gauge: WritableKeyPath<AgentMetrics, [Int32: Int]>
    ) {
        guard name >= 0 else { return }
        if metrics[keyPath: gauge][name] == nil,
            metrics[keyPath: gauge].count >= settings.seriesLimit
        {
            return
        }
        metrics[keyPath: gauge][name, default: 0] += 1
    }

    /// The agent at work that a node is or tells of.
    private func activeAgent(_ node: AgentNode) -> Int32? {
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

    /// What has been counted so far. Nothing is copied until the next activity comes.
    public var snapshot: AgentSnapshot {
        AgentSnapshot(metrics: metrics, heldActivities: open.nodeCount)
    }

    /// Which signal the work of each service is taken from; of 1,000 at the most.
    public var beliefs: [AgentBelief] {
        signals.beliefs(now: lastTold, most: Self.mostBeliefs).map { belief in
            AgentBelief(
                service: String(decoding: text(belief.service), as: UTF8.self),
                fact: "\(belief.fact)", signal: "\(belief.signal)",
                others: belief.others.map { "\($0)" })
        }
    }

    private static let mostBeliefs = 1_000
}
