import RoostCore

/// How activities come in: into their traces, under their parents, once.
extension AgentTracker {
    /// Takes in a batch. `now` is monotonic, `unixNow` the time of day, both in nanoseconds.
    public mutating func take(_ batch: inout ActivityBatch, now: UInt64, unixNow: UInt64) {
        numbers.begin()
        latest = -1
        lastTold = now
        latestSession = (.none, 0)
        toldSession = (.none, 0)
        labelledUser = (.none, TextTable.none)
        for place in batch.activities.indices {
            take(batch.activities[place], batch, now: now)
            if open.nodeCount > settings.openActivities {
                closeOldest(now: now, unixNow: unixNow)
                latest = -1
            }
        }
        for trace in touched where open.traces[Int(trace)].isTouched {
            open.traces[Int(trace)].isTouched = false
            if open.traces[Int(trace)].isComplete {
                settleAll(trace, unixNow: unixNow)
            } else if open.traces[Int(trace)].mayHaveLateRoot {
                tellLateRoot(trace)
            }
        }
        touched.removeAll(keepingCapacity: true)
        if !arrived.isEmpty { tellSeen(now: now) }
    }

    mutating func take(_ activity: Activity, _ batch: ActivityBatch, now: UInt64) {
        if activity.flags.contains(.hasRejectedValue) { metrics.events.rejectedValues &+= 1 }
        if activity.flags.contains(.isMendedTime) { metrics.events.mendedTimes &+= 1 }
        if activity.source == .log, isLeftOut(activity, batch, now: now) {
            metrics.events.disbelieved &+= 1
            endAnnounced(activity)
            return
        }
        let trace = trace(of: activity, now: now)
        guard let index = node(for: activity, in: trace) else { return }
        fill(index, activity, batch, now: now)
        if activity.kind != .other, activity.phase == .finished {
            noteTold(index, activity, batch, now: now)
        } else if activity.source == .log, activity.flags.contains(.isDerivedTrace) {
            open.traces[Int(trace)].session = source(of: activity, batch).session
        }
        attach(index, activity)
        noteArrival(index, activity)
        if activity.kind == .humanWait, activity.phase == .finished { noteWait(index) }
        let node = open.nodes[Int(index)]
        if node.kind != .other || node.flags.contains(.isAggregate) {
            open.traces[Int(trace)].isAgentic = true
        }
        tellAncestors(of: index)
    }

    /// Whether spans tell what this event does.
    mutating func isLeftOut(
        _ activity: Activity, _ batch: ActivityBatch, now: UInt64
    ) -> Bool {
        let fact = activity.phase == .finished ? AgentSignals.Fact(activity.kind) : nil
        guard fact != nil || activity.flags.contains(.isDerivedTrace) else { return false }
        return signals.leavesOutEvent(fact, source(of: activity, batch), now: now)
    }

    mutating func source(
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
    mutating func noteTold(
        _ index: Int32, _ activity: Activity, _ batch: ActivityBatch, now: UInt64
    ) {
        guard let fact = AgentSignals.Fact(activity.kind) else { return }
        let source = source(of: activity, batch)
        if activity.source == .span {
            if signals.span(fact, source, now: now) { noteToldBefore(index, fact, source) }
            return
        }
        let node = open.nodes[Int(index)]
        signals.event(
            fact, source, name: toldName(node, fact), end: node.end, toldAccount(node), now: now)
        open.traces[Int(node.trace)].session = source.session
    }

    @inline(never)
    private mutating func noteToldBefore(
        _ index: Int32, _ fact: AgentSignals.Fact, _ source: AgentSignals.Source
    ) {
        let node = open.nodes[Int(index)]
        if signals.wasTold(
            fact, source, name: toldName(node, fact), end: node.end, toldAccount(node))
        {
            open.nodes[Int(index)].flags.insert(.isToldBefore)
        }
    }

    private func toldName(_ node: AgentNode, _ fact: AgentSignals.Fact) -> Int32 {
        switch fact {
        case .calls: node.model
        case .tools: node.tool
        case .runs: node.agent
        }
    }

    mutating func trace(of activity: Activity, now: UInt64) -> Int32 {
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
            open.traces[Int(index)].isOfPrompt = activity.flags.contains(.isOfPrompt)
            if closed.hasCounted(high, low) {
                open.traces[Int(index)].isReopened = true
                open.traces[Int(index)].isWorkflowCounted = true
                recallRun(index)
            } else if activity.flags.contains(.isDerivedTrace) {
                recallRun(index)
            }
        }
        if !open.traces[Int(index)].isTouched {
            open.traces[Int(index)].isTouched = true
            touched.append(index)
        }
        latest = index
        return index
    }

    /// The place for an activity; nil when it was there already.
    mutating func node(for activity: Activity, in trace: Int32) -> Int32? {
        guard let known = open.findNode(trace, activity.spanID) else {
            let index = addNode(trace, activity.spanID)
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

    mutating func fill(
        _ index: Int32, _ activity: Activity, _ batch: ActivityBatch, now: UInt64
    ) {
        var node = open.nodes[Int(index)]
        var detail = AgentDetail()
        node.flags.subtract([.isPlaceholder, .isPending])
        node.kind = activity.kind
        node.status = activity.status
        node.service = numbers.number(activity.service, batch, &metrics.texts)
        node.name = numbers.number(activity.name, batch, &metrics.texts, isName: true)
        node.agent = numbers.number(activity.agent, batch, &metrics.texts)
        node.workflow = numbers.number(activity.workflow, batch, &metrics.texts)
        node.tool = numbers.number(activity.tool, batch, &metrics.texts)
        node.start = activity.start
        node.end = activity.end
        let model =
            activity.modelAnswered.isEmpty ? activity.modelRequested : activity.modelAnswered
        detail.model = numbers.number(model, batch, &metrics.texts)
        node.model = detail.model
        detail.modelRequested = numbers.number(activity.modelRequested, batch, &metrics.texts)
        if !activity.modelAnswered.isEmpty { node.flags.insert(.isModelAnswered) }
        detail.job = numbers.number(activity.job, batch, &metrics.texts)
        detail.provider = numbers.number(activity.provider, batch, &metrics.texts)
        detail.errorType = numbers.number(activity.errorType, batch, &metrics.texts)
        detail.arguments = activity.arguments
        detail.serviceTier = activity.serviceTier
        detail.timeToFirstToken = activity.timeToFirstToken
        detail.tokens = activity.tokens
        detail.cost = activity.reportedCost
        detail.arrived = now
        if !activity.callID.isEmpty {
            detail.call = callHash(node.service, batch.bytes(activity.callID))
            recentCalls.prepare(detail.call)
        }
        if activity.flags.contains(.usageIsAggregate), detail.hasUsage {
            node.flags.insert(.isAggregate)
            open.traces[Int(node.trace)].hasAggregates = true
        }
        if activity.source == .log { node.flags.insert(.isFromLog) }
        if activity.flags.contains(.isInstant) { node.flags.insert(.isInstant) }
        if activity.kind == .other, activity.flags.contains(.tellsOutcome) {
            node.flags.insert(.tellsOutcome)
        }
        if activity.phase == .pending {
            node.flags.insert(.isPending)
            open.traces[Int(node.trace)].pending += 1
        }
        if facts != nil { identify(activity, batch, &node) }
        open.nodes[Int(index)] = node
        open.setDetail(index, detail)
        if open.traces[Int(node.trace)].isDerived { noteStart(index) }
        if users != nil { noteUser(index, activity, batch) }
    }

    func callHash(_ service: Int32, _ id: ArraySlice<UInt8>) -> UInt64 {
        let seed = UInt64(UInt32(bitPattern: service))
        let hash = unsafe id.withUnsafeBufferPointer { unsafe ByteHash.hash($0, seed: seed) }
        return hash | 1
    }

    /// Puts a node under its parent, which may only be known by that.
    mutating func attach(_ index: Int32, _ activity: Activity) {
        let trace = open.nodes[Int(index)].trace
        let parentID = activity.parentSpanID
        guard parentID != 0, parentID != activity.spanID else {
            open.nodes[Int(index)].parent = -1
            // Of events that were put together by their session none is above the others, but a
            // workflow that told its end.
            let isBare =
                activity.flags.contains(.isDerivedTrace) && !activity.flags.contains(.tellsEnd)
            if activity.phase == .finished, !isBare, isRoot(index, of: open.traces[Int(trace)]) {
                let hadRoot = open.traces[Int(trace)].root >= 0
                open.traces[Int(trace)].root = index
                if hadRoot, open.traces[Int(trace)].isWorkflowCounted {
                    open.traces[Int(trace)].hasLateRoot = true
                }
            }
            return
        }
        if let parent = open.findNode(trace, parentID) {
            open.nodes[Int(index)].parent = parent
            return
        }
        let parent = addNode(trace, parentID)
        open.nodes[Int(parent)].flags.insert(.isPlaceholder)
        open.traces[Int(trace)].placeholders += 1
        open.nodes[Int(index)].parent = parent
    }

    /// Whether a node without parent is its trace's root: of several spans the one that started first,
    /// of those that started together the one with the lower id. Of events the latest is.
    private func isRoot(_ index: Int32, of trace: AgentTrace) -> Bool {
        guard trace.root >= 0, !trace.isDerived else { return true }
        let node = open.nodes[Int(index)]
        let root = open.nodes[Int(trace.root)]
        if root.flags.contains(.isFromLog) { return true }
        if node.flags.contains(.isFromLog) { return false }
        return (node.start, node.spanID) < (root.start, root.spanID)
    }

    private mutating func addNode(_ trace: Int32, _ spanID: UInt64) -> Int32 {
        let index = open.addNode(trace, spanID)
        if open.traces[Int(trace)].isReopened { recall(index) }
        return index
    }

    /// Tells those above what an activity means for their own account. What was announced passes
    /// on what is known below it.
    mutating func tellAncestors(of index: Int32) {
        var node = open.nodes[Int(index)]
        let isOver = !node.flags.contains(.isPending)
        let isCall = isOver && node.kind.isCall
        if isCall, node.directCall >= 0 {
            noteWrapper(index, around: node.directCall)
            node = open.nodes[Int(index)]
        }
        let hasInference =
            isOver && node.kind == .llm && open.hasUsage(node)
            || node.flags.contains(.hasInferenceBelow)
        let hasAggregate =
            node.flags.contains(.hasAggregateBelow)
            || node.flags.contains(.isAggregate) && !wrapsEmbeddings(node)
        var told = node.flags.intersection([.hasWaitBelow, .hasFailedToolBelow])
        if hasInference { told.insert(.hasInferenceBelow) }
        if hasAggregate { told.insert(.hasAggregateBelow) }
        if isOver, node.kind == .humanWait { told.insert(.hasWaitBelow) }
        if isOver, node.kind == .tool || node.tellsOutcome, node.status == .error {
            told.insert(.hasFailedToolBelow)
        }
        var direct =
            isCall ? index : isOver && node.kind == .other ? node.directCall : -1
        guard !told.isEmpty || direct >= 0 else { return }
        var isBelowCall = false
        var above = node.parent
        var steps = 0
        while above >= 0, above != index, steps < Self.deepest {
            steps += 1
            var parent = open.nodes[Int(above)]
            parent.flags.formUnion(told)
            let isBetween = parent.flags.contains(.isPlaceholder) || parent.kind == .other
            if direct >= 0, isBetween { parent.directCall = better(parent.directCall, direct) }
            open.nodes[Int(above)] = parent
            if direct >= 0, !isBetween {
                if parent.kind.isCall { noteWrapper(above, around: direct) }
                direct = -1
                isBelowCall = parent.kind.isCall
            } else if isBelowCall, !isBetween {
                // What stands just below tells more, or less, than it did.
                if parent.kind.isCall { noteWrapper(above) }
                isBelowCall = parent.kind.isCall
            }
            above = parent.parent
        }
    }
}
