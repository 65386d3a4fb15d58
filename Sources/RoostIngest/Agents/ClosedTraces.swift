/// What is remembered of traces that are no longer held, should more of them come: long calls lie
/// further apart than the hold.
struct ClosedTraces: Sendable {
    /// Traces that were counted as runs of workflows.
    private var counted = RecentSet(limit: 32_768)
    /// Spans that had not come, and below which usage was counted.
    private var told = RecentSet(limit: 16_384)
    /// Spans whose account was counted, and those below them.
    private var accounted = RecentSet(limit: 16_384)
    /// Calls whose way up was not known, by trace.
    private var orphans = RecentTable<[OrphanCalls]>(limit: 4_096)
    private var runs = RecentTable<ClosedRun>(limit: 8_192)

    /// Stands for the root of a trace, whatever its id.
    static let root: UInt64 = 0

    func hasCounted(_ high: UInt64, _ low: UInt64) -> Bool {
        counted.contains(IdIndex.mix(high, low))
    }

    mutating func noteCounted(_ trace: AgentTrace) {
        _ = counted.insert(IdIndex.mix(trace.idHigh, trace.idLow))
    }

    func wasTold(_ trace: AgentTrace, _ span: UInt64) -> Bool {
        told.contains(key(trace, span))
    }

    mutating func noteTold(_ trace: AgentTrace, _ span: UInt64) {
        _ = told.insert(key(trace, span))
    }

    func wasAccounted(_ trace: AgentTrace, _ span: UInt64) -> Bool {
        accounted.contains(key(trace, span))
    }

    mutating func noteAccounted(_ trace: AgentTrace, _ span: UInt64) {
        _ = accounted.insert(key(trace, span))
    }

    func orphans(of trace: AgentTrace) -> [OrphanCalls] {
        orphans[IdIndex.mix(trace.idHigh, trace.idLow)] ?? []
    }

    mutating func noteOrphans(_ trace: AgentTrace, _ calls: [OrphanCalls]) {
        let key = IdIndex.mix(trace.idHigh, trace.idLow)
        if !calls.isEmpty || orphans[key] != nil { orphans.set(key, calls) }
    }

    func run(_ trace: AgentTrace) -> ClosedRun? {
        runs[IdIndex.mix(trace.idHigh, trace.idLow)]
    }

    mutating func noteRun(_ trace: AgentTrace, _ run: ClosedRun) {
        runs.set(IdIndex.mix(trace.idHigh, trace.idLow), run)
    }

    /// Numbers of users stand for others from now on.
    mutating func forgetRuns() { runs.removeAll() }

    private func key(_ trace: AgentTrace, _ span: UInt64) -> UInt64 {
        IdIndex.mix(span, IdIndex.mix(trace.idHigh, trace.idLow))
    }
}

extension AgentTracker {
    /// Keeps of a trace that is closed what later spans of it depend on.
    mutating func remember(_ index: Int32) {
        let trace = open.traces[Int(index)]
        rememberRun(trace)
        // Of a session without prompts whatever comes after a rest is another run.
        guard trace.isWorkflowCounted, !trace.isDerived || trace.isOfPrompt else { return }
        closed.noteCounted(trace)
        if trace.placeholders > 0 || trace.isReopened {
            closed.noteOrphans(trace, orphans(of: index))
        }
        guard trace.placeholders > 0 else { return }
        var node = trace.first
        while node >= 0 {
            let current = open.nodes[Int(node)]
            if current.flags.contains(.isPlaceholder),
                !current.flags.isDisjoint(with: [.hasInferenceBelow, .hasAggregateBelow])
            {
                closed.noteTold(trace, current.spanID)
            }
            node = current.next
        }
    }

    /// The same for accounts that were counted.
    mutating func rememberAccounts(_ index: Int32) {
        let trace = open.traces[Int(index)]
        var node = trace.first
        while node >= 0 {
            let current = open.nodes[Int(node)]
            if hasAccount(current) { closed.noteAccounted(trace, current.spanID) }
            node = current.next
        }
        if trace.root >= 0, open.nodes[Int(trace.root)].flags.contains(.isAccounted) {
            closed.noteAccounted(trace, ClosedTraces.root)
        }
    }

    /// What is known from before of a span of a reopened trace.
    mutating func recall(_ index: Int32) {
        let node = open.nodes[Int(index)]
        let trace = open.traces[Int(node.trace)]
        if closed.wasTold(trace, node.spanID) {
            open.nodes[Int(index)].flags.insert(.hasInferenceBelow)
        }
        if closed.wasAccounted(trace, node.spanID) {
            open.nodes[Int(index)].flags.insert(.isAccounted)
        }
    }

    /// Whether an account that was counted before holds what a step used.
    func isAccounted(_ node: AgentNode) -> Bool {
        let trace = open.traces[Int(node.trace)]
        return (trace.isReopened || trace.isDerived && trace.hasAggregates) && hasAccount(node)
    }

    private func hasAccount(_ node: AgentNode) -> Bool {
        if node.flags.contains(.isAccounted) { return true }
        var above = node.parent
        var steps = 0
        var isBelowUnknown = false
        while above >= 0, steps < Self.deepest {
            let parent = open.nodes[Int(above)]
            if parent.flags.contains(.isAccounted) { return true }
            isBelowUnknown = parent.flags.contains(.isPlaceholder)
            above = parent.parent
            steps += 1
        }
        // Whatever stands between stands below the root.
        return isBelowUnknown
            && closed.wasAccounted(open.traces[Int(node.trace)], ClosedTraces.root)
    }
}
