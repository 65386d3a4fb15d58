import RoostIngest

extension TraceDocumentBuilder {

    /// What the document says in one line, without making its steps. Its times are those that were
    /// told; `timesMayDiffer` says whether the analysis may have others.
    mutating func summary(
        _ batch: ActivityBatch, high: UInt64, low: UInt64
    ) -> TraceSummary {
        let understood = understand(batch, high, low)
        var summary = TraceSummary()
        summary.traceIDHigh = high
        summary.traceIDLow = low
        summary.workflow = texts[understood.workflow]
        summary.spans = understood.nodes.count
        timesMayDiffer = false
        guard understood.top.node >= 0 else { return summary }
        var lists = SummaryLists()
        summary.start = start(
            batch.activities[Int(understood.nodes[Int(understood.order[0])].activity)],
            earliest: understood.earliest)
        var verdict = TraceVerdict()
        for place in understood.order {
            let node = understood.nodes[Int(place)]
            let activity = batch.activities[Int(node.activity)]
            add(activity, node, batch, earliest: understood.earliest, to: &summary, &lists)
            verdict.note(
                activity.kind, activity.status, isPending: activity.phase == .pending,
                isTop: understood.tree.parents[Int(place)] < 0,
                tellsEnd: node.flags.contains(.tellsEnd))
        }
        let top = understood.nodes[Int(understood.top.node)]
        let activity = batch.activities[Int(top.activity)]
        summary.service = texts[top.service]
        summary.name = texts.text(activity.name, batch)
        if !activity.session.isEmpty { lists.session = texts.number(activity.session, batch) }
        if !activity.user.isEmpty { lists.user = texts.number(activity.user, batch) }
        summary.session = texts[lists.session]
        summary.user = texts[lists.user]
        summary.services = lists.services.map { texts[$0] }
        summary.agents = lists.agents.map { texts[$0] }
        summary.models = lists.models.map { texts[$0] }
        verdict.judge(
            hasRoot: understood.top.isRoot, isPending: activity.phase == .pending,
            source: activity.source, isDerived: activity.flags.contains(.isDerivedTrace),
            top: activity.status, &summary)
        timesMayDiffer = mayNeedTimes(
            understood, batch, start: summary.start, end: summary.end)
        return summary
    }

    /// Numbers of the texts that a summary lists.
    struct SummaryLists {
        var services: [Int32] = []
        var agents: [Int32] = []
        var models: [Int32] = []
        var session: Int32 = 0
        var user: Int32 = 0

        static func note(_ text: Int32, in list: inout [Int32], most: Int) {
            guard text != 0, !list.contains(text), list.count < most else { return }
            list.append(text)
        }
    }

    @inline(__always)
    mutating func add(
        _ activity: Activity, _ node: TraceNode, _ batch: ActivityBatch, earliest: UInt64,
        to summary: inout TraceSummary, _ lists: inout SummaryLists
    ) {
        let start = start(activity, earliest: earliest)
        let isPending = activity.phase == .pending
        summary.end = max(summary.end, isPending ? start : max(activity.end, start))
        SummaryLists.note(node.service, in: &lists.services, most: TraceSummary.mostServices)
        // What belongs to none has its service for one.
        if activity.kind != .other {
            SummaryLists.note(
                node.agent != 0 ? node.agent : node.service, in: &lists.agents,
                most: TraceSummary.mostAgents)
        }
        SummaryLists.note(node.model, in: &lists.models, most: TraceSummary.mostModels)
        if lists.session == 0 { lists.session = texts.number(activity.session, batch) }
        if lists.user == 0 { lists.user = texts.number(activity.user, batch) }
        if activity.status == .error { summary.errors += 1 }
        guard node.isCounted(activity) else { return }
        switch activity.kind {
        case .llm, .embedding: summary.calls += 1
        case .tool: summary.toolCalls += 1
        default: break
        }
        summary.tokens &+= activity.tokens.total
        if let cost = cost(of: node, activity) { summary.cost = (summary.cost ?? 0) + cost }
    }
}
