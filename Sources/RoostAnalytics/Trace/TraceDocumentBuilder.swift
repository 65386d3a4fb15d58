import RoostCore
import RoostIngest

/// Makes the document of one whole trace from its activities. What these are to each other is found
/// out by `TraceNodeFinder`, what they cost by `TraceQuotes`.
struct TraceDocumentBuilder {
    var texts = TraceTexts()
    private var finder = TraceNodeFinder()
    private var quotes: TraceQuotes
    /// Of the summary made last.
    var timesMayDiffer = false

    init(prices: (any PriceSource)?) { quotes = TraceQuotes(prices) }

    /// All of a trace: its nodes, and where each stands.
    mutating func understand(_ batch: ActivityBatch, _ high: UInt64, _ low: UInt64) -> TraceNodes {
        if !texts.begin() { quotes.forget() }
        return finder.find(batch, high, low, &texts)
    }

    /// `details` is empty or has one for each activity.
    mutating func make(
        _ batch: ActivityBatch, _ details: [SpanDetail], high: UInt64, low: UInt64, most: Int
    ) -> TraceDocument {
        let understood = understand(batch, high, low)
        let (nodes, order, top) = (understood.nodes, understood.order, understood.top)

        var document = TraceDocument(traceIDHigh: high, traceIDLow: low, steps: [])
        document.workflow = texts[understood.workflow]
        let kept = understood.kept(batch.activities, most: most)
        document.omitted = order.count - kept.count
        var places = [Int32](repeating: -1, count: nodes.count)
        for (place, node) in kept.enumerated() { places[Int(node)] = Int32(place) }
        if top.isRoot, places[Int(top.node)] >= 0 { document.root = Int(places[Int(top.node)]) }
        // Filled where they stand: to move a step costs more than all that is looked up for it.
        var steps = [TraceStep](repeating: TraceStep(), count: kept.count)
        for (place, node) in kept.enumerated() {
            let number = Int(nodes[Int(node)].activity)
            fill(
                &steps[place], nodes[Int(node)], batch, batch.activities[number],
                number < details.count ? details[number] : nil, workflow: understood.workflow,
                earliest: understood.earliest)
            let above = understood.tree.parents[Int(node)]
            if above >= 0, places[Int(above)] >= 0 { steps[place].parent = Int(places[Int(above)]) }
        }
        document.steps = steps
        if document.omitted > 0 {
            var whole = summary(batch, high: high, low: low)
            if timesMayDiffer { putTimesRight(&whole, batch, details) }
            document.whole = whole
        }
        return document
    }

    // MARK: steps

    private mutating func fill(
        _ step: inout TraceStep, _ node: TraceNode, _ batch: ActivityBatch, _ activity: Activity,
        _ detail: SpanDetail?, workflow: Int32, earliest: UInt64
    ) {
        if activity.source == .span { step.spanID = activity.spanID }
        step.parentSpanID = activity.parentSpanID
        step.name = texts.text(activity.name, batch)
        step.service = texts[node.service]
        step.activity = activity.kind
        step.source = activity.source
        step.status = activity.status
        step.errorType = texts.text(activity.errorType, batch)
        let start = start(activity, earliest: earliest)
        step.start = start
        step.end = max(activity.end, start)
        step.agent = texts[node.agent != 0 ? node.agent : node.service]
        step.workflow = texts[node.workflow != 0 ? node.workflow : workflow]
        step.model = texts[node.model]
        step.provider = texts[node.provider]
        step.tool = texts[node.tool]
        step.session = texts.text(activity.session, batch)
        step.user = texts.text(activity.user, batch)
        step.timeToFirstToken = activity.timeToFirstToken
        step.tokens = activity.tokens
        step.isPending = activity.phase == .pending
        step.isMendedTime = activity.flags.contains(.isMendedTime) || activity.start == 0
        step.isInstant = activity.flags.contains(.isInstant)
        step.isDerived = activity.flags.contains(.isDerivedTrace)
        step.tellsEnd = node.flags.contains(.tellsEnd)
        if step.isPending { step.end = step.start }
        step.isCounted = node.isCounted(activity)
        if let cost = cost(of: node, activity) {
            step.cost = cost
            step.costSource = activity.hasReportedCost ? .reported : .computed
        }
        if let detail {
            step.spanKind = detail.kind
            step.statusMessage = texts.text(detail.statusMessage, batch)
            if activity.kind == .tool { step.argumentsHash = detail.arguments }
        }
    }

    /// A time that nobody told is that of the end, or of the first who did.
    func start(_ activity: Activity, earliest: UInt64) -> UInt64 {
        activity.start != 0 ? activity.start : max(activity.end, earliest)
    }

    /// USD; nil when it is unknown.
    @inline(__always)
    mutating func cost(of node: TraceNode, _ activity: Activity) -> Double? {
        if activity.hasReportedCost { return activity.reportedCost }
        guard !activity.tokens.isEmpty, node.model != 0 else { return nil }
        return quotes.cost(node, activity, texts)
    }
}
