import RoostCore
import RoostIngest

/// Finds out from the activities of one whole trace what a document says of them: the rules are
/// those of `AgentTracker`, which meets them one by one.
struct TraceDocumentBuilder {
    private let prices: (any PriceSource)?
    private var texts = TraceTexts()
    private var quotes: [QuoteKey: PriceQuote] = [:]
    private var index = SpanIndex()
    private var calls = SpanIndex()

    /// One activity that is kept.
    private struct Node {
        /// Into the activities at hand.
        var activity: Int32
        var flags: Flags = []
        /// Numbers of texts. Of agent and workflow the own word at first.
        var service: Int32 = 0
        var agent: Int32 = 0
        var workflow: Int32 = 0
        var model: Int32 = 0
        var provider: Int32 = 0
        var tool: Int32 = 0
        /// The nearest node, from this one upwards, that is more than a span between; -1 is none.
        var remarkable: Int32 = -1
    }

    private struct Flags: OptionSet {
        let rawValue: UInt8
        static let hasInferenceBelow = Flags(rawValue: 1)
        static let hasAggregateBelow = Flags(rawValue: 2)
        static let hasDirectCall = Flags(rawValue: 4)
        static let isWrapper = Flags(rawValue: 8)
        static let isRepeated = Flags(rawValue: 16)
    }

    private struct QuoteKey: Hashable {
        let model: Int32
        let provider: Int32
        let tier: ActivityServiceTier
    }

    init(prices: (any PriceSource)?) { self.prices = prices }

    /// `details` is empty or has one for each activity.
    mutating func make(
        _ batch: ActivityBatch, _ details: [SpanDetail], high: UInt64, low: UInt64, most: Int
    ) -> TraceDocument {
        let understood = understand(batch, high, low)
        let (nodes, order, top) = (understood.nodes, understood.order, understood.top)

        var document = TraceDocument(traceIDHigh: high, traceIDLow: low, steps: [])
        document.workflow = texts[understood.workflow]
        let kept = order.prefix(max(most, 0))
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
        return document
    }

    /// What the document says in one line, without making its steps.
    mutating func summary(
        _ batch: ActivityBatch, high: UInt64, low: UInt64, isClosed: Bool
    ) -> TraceSummary {
        let understood = understand(batch, high, low)
        var summary = TraceSummary()
        summary.traceIDHigh = high
        summary.traceIDLow = low
        summary.workflow = texts[understood.workflow]
        summary.spans = understood.nodes.count
        guard understood.top.node >= 0 else { return summary }
        var lists = SummaryLists()
        summary.start = start(
            batch.activities[Int(understood.nodes[Int(understood.order[0])].activity)],
            earliest: understood.earliest)
        for place in understood.order {
            let node = understood.nodes[Int(place)]
            add(
                batch.activities[Int(node.activity)], node, batch,
                earliest: understood.earliest, to: &summary, &lists)
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
        summary.status = TraceSummary.status(
            hasRoot: understood.top.isRoot, isPending: activity.phase == .pending,
            source: activity.source, top: activity.status, isClosed: isClosed
        ) {
            understood.nodes.indices.contains { place in
                understood.tree.parents[place] < 0
                    && batch.activities[Int(understood.nodes[place].activity)].status == .error
            }
        }
        return summary
    }

    /// Numbers of the texts that a summary lists.
    private struct SummaryLists {
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
    private mutating func add(
        _ activity: Activity, _ node: Node, _ batch: ActivityBatch, earliest: UInt64,
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
        guard isCounted(node, activity) else { return }
        switch activity.kind {
        case .llm, .embedding: summary.calls += 1
        case .tool: summary.toolCalls += 1
        default: break
        }
        summary.tokens &+= activity.tokens.total
        if let cost = cost(of: node, activity) { summary.cost = (summary.cost ?? 0) + cost }
    }

    // MARK: all of a trace

    private struct Understood {
        var nodes: [Node]
        var tree: TraceTree
        /// Of the nodes, by start.
        var order: [Int32]
        var top: Top
        /// The number of a text.
        var workflow: Int32
        /// The first start that was told; 0 without one.
        var earliest: UInt64
    }

    private mutating func understand(
        _ batch: ActivityBatch, _ high: UInt64, _ low: UInt64
    ) -> Understood {
        if !texts.begin() { quotes.removeAll() }
        var nodes = nodes(batch, high, low)
        var parents = [Int32](repeating: -1, count: nodes.count)
        for place in nodes.indices {
            let activity = batch.activities[Int(nodes[place].activity)]
            guard activity.parentSpanID != 0, activity.parentSpanID != activity.spanID else {
                continue
            }
            parents[place] = index.find(activity.parentSpanID) ?? -1
        }
        let tree = TraceTree(parents: parents)
        lookUp(&nodes, batch.activities, tree)
        let order = order(nodes, batch.activities, tree)
        findRepeats(&nodes, batch, order)
        let top = top(batch.activities, nodes, order)
        let workflow = workflow(nodes, batch, tree, top: top)
        inherit(&nodes, batch.activities, tree)
        return Understood(
            nodes: nodes, tree: tree, order: order, top: top, workflow: workflow,
            earliest: earliest(batch.activities, nodes, order))
    }

    // MARK: which there are

    /// Each span once; what was announced only as long as its end is not here. Leaves their places
    /// in the index.
    private mutating func nodes(
        _ batch: ActivityBatch, _ high: UInt64, _ low: UInt64
    ) -> [Node] {
        var nodes: [Node] = []
        nodes.reserveCapacity(batch.activities.count)
        index.begin(batch.activities.count)
        for (number, activity) in batch.activities.enumerated()
        where activity.traceIDLow == low && activity.traceIDHigh == high {
            let node = Node(activity: Int32(truncatingIfNeeded: number))
            if let known = index.find(activity.spanID) {
                let before = batch.activities[Int(nodes[Int(known)].activity)]
                if before.phase == .pending, activity.phase == .finished {
                    nodes[Int(known)] = node
                }
                continue
            }
            index.set(activity.spanID, Int32(truncatingIfNeeded: nodes.count))
            nodes.append(node)
        }
        return nodes
    }

    // MARK: what their neighbours make of them

    /// From below: which calls and accounts stand under each.
    private func lookUp(_ nodes: inout [Node], _ activities: [Activity], _ tree: TraceTree) {
        for place in tree.topDown.reversed() {
            let above = Int(tree.parents[Int(place)])
            guard above >= 0 else { continue }
            let flags = nodes[Int(place)].flags
            let activity = Int(nodes[Int(place)].activity)
            let kind = activities[activity].kind
            let isOver = activities[activity].phase == .finished
            let isCall = isOver && (kind == .llm || kind == .embedding)
            if isCall || flags.contains(.hasInferenceBelow) {
                nodes[above].flags.insert(.hasInferenceBelow)
            }
            if flags.contains(.hasAggregateBelow) || isOver && isAccount(activities[activity]) {
                nodes[above].flags.insert(.hasAggregateBelow)
            }
            guard isCall || kind == .other && flags.contains(.hasDirectCall) else { continue }
            switch activities[Int(nodes[above].activity)].kind {
            case .other: nodes[above].flags.insert(.hasDirectCall)
            case .llm, .embedding: nodes[above].flags.insert(.isWrapper)
            default: break
            }
        }
    }

    private func isAccount(_ activity: Activity) -> Bool {
        activity.flags.contains(.usageIsAggregate)
            && (!activity.tokens.isEmpty || activity.hasReportedCost)
    }

    /// In order of start; of equal ones parents first, then as they came.
    private func order(
        _ nodes: [Node], _ activities: [Activity], _ tree: TraceTree
    ) -> [Int32] {
        struct Key: Comparable {
            let start: UInt64
            let depth: Int32
            let place: Int32

            static func < (one: Key, other: Key) -> Bool {
                if one.start != other.start { return one.start < other.start }
                if one.depth != other.depth { return one.depth < other.depth }
                return one.place < other.place
            }
        }
        var keys: [Key] = []
        keys.reserveCapacity(nodes.count)
        for (place, node) in nodes.enumerated() {
            keys.append(
                Key(
                    start: activities[Int(node.activity)].start, depth: tree.depths[place],
                    place: Int32(truncatingIfNeeded: place)))
        }
        keys.sort()
        return keys.map(\.place)
    }

    /// The first start that was told; 0 without one.
    private func earliest(_ activities: [Activity], _ nodes: [Node], _ order: [Int32]) -> UInt64 {
        for place in order {
            let start = activities[Int(nodes[Int(place)].activity)].start
            if start != 0 { return start }
        }
        return 0
    }

    /// Notes the numbers of texts, and which steps tell what another tells as well.
    private mutating func findRepeats(
        _ nodes: inout [Node], _ batch: ActivityBatch, _ order: [Int32]
    ) {
        calls.begin(nodes.count)
        /// Services whose spans tell their calls, tools and runs.
        var told = Set<Told>()
        let hasEvents = batch.activities.contains { $0.source == .log }
        for place in order {
            let activity = batch.activities[Int(nodes[Int(place)].activity)]
            var node = nodes[Int(place)]
            node.service = texts.number(activity.service, batch)
            node.agent = texts.number(activity.agent, batch)
            node.workflow = texts.number(activity.workflow, batch)
            node.tool = texts.number(activity.tool, batch)
            node.model = texts.number(
                activity.modelAnswered.isEmpty ? activity.modelRequested : activity.modelAnswered,
                batch)
            node.provider = texts.number(activity.provider, batch)
            if hasEvents, activity.source == .span, activity.phase == .finished,
                let fact = Told.Fact(activity.kind)
            {
                told.insert(Told(service: node.service, fact: fact))
            }
            let isCall = activity.kind == .llm || activity.kind == .embedding
            if isCall, activity.phase == .finished, !node.flags.contains(.isWrapper),
                !activity.callID.isEmpty
            {
                let hash = callHash(node.service, batch.bytes(activity.callID))
                if calls.find(hash) != nil {
                    node.flags.insert(.isRepeated)
                } else {
                    calls.set(hash, place)
                }
            }
            nodes[Int(place)] = node
        }
        guard hasEvents, !told.isEmpty else { return }
        for place in nodes.indices {
            let activity = batch.activities[Int(nodes[place].activity)]
            guard activity.source == .log, let fact = Told.Fact(activity.kind),
                told.contains(Told(service: nodes[place].service, fact: fact))
            else { continue }
            nodes[place].flags.insert(.isRepeated)
        }
    }

    /// What a service's spans tell, so that its events are not needed for it.
    private struct Told: Hashable {
        enum Fact {
            case calls, tools, runs

            init?(_ kind: ActivityKind) {
                switch kind {
                case .llm, .embedding: self = .calls
                case .tool: self = .tools
                case .agent: self = .runs
                default: return nil
                }
            }
        }

        let service: Int32
        let fact: Fact
    }

    private func callHash(_ service: Int32, _ id: ArraySlice<UInt8>) -> UInt64 {
        let seed = UInt64(UInt32(bitPattern: service))
        return unsafe id.withUnsafeBufferPointer { unsafe ByteHash.hash($0, seed: seed) }
    }

    /// The root, or without one that is here the earliest.
    private struct Top {
        /// -1 when there is nothing.
        var node: Int32 = -1
        var isRoot = false
    }

    private func top(_ activities: [Activity], _ nodes: [Node], _ order: [Int32]) -> Top {
        var announced: Int32?
        for place in order {
            let activity = activities[Int(nodes[Int(place)].activity)]
            guard activity.source == .span,
                activity.parentSpanID == 0 || activity.parentSpanID == activity.spanID
            else { continue }
            if activity.phase == .finished { return Top(node: place, isRoot: true) }
            if announced == nil { announced = place }
        }
        if let announced { return Top(node: announced, isRoot: true) }
        return Top(node: order.first ?? -1, isRoot: false)
    }

    /// By the word of the top, else by that nearest to it, else by the name of the top.
    private mutating func workflow(
        _ nodes: [Node], _ batch: ActivityBatch, _ tree: TraceTree, top: Top
    ) -> Int32 {
        guard top.node >= 0 else { return 0 }
        let first = nodes[Int(top.node)]
        if first.workflow != 0 { return first.workflow }
        for place in tree.topDown where nodes[Int(place)].workflow != 0 {
            return nodes[Int(place)].workflow
        }
        let activity = batch.activities[Int(first.activity)]
        return activity.source == .log ? first.service : texts.number(activity.name, batch)
    }

    /// From above: agent, workflow, and what of note stands over each.
    private mutating func inherit(
        _ nodes: inout [Node], _ activities: [Activity], _ tree: TraceTree
    ) {
        for place in tree.topDown {
            let above = Int(tree.parents[Int(place)])
            let activity = activities[Int(nodes[Int(place)].activity)]
            var node = nodes[Int(place)]
            if node.agent == 0, activity.kind == .agent { node.agent = node.service }
            node.remarkable = activity.kind == .other ? -1 : place
            if above >= 0 {
                let parent = nodes[above]
                if node.agent == 0 { node.agent = parent.agent }
                if node.workflow == 0 { node.workflow = parent.workflow }
                if node.remarkable < 0 { node.remarkable = parent.remarkable }
                if activity.kind == .tool, parent.remarkable >= 0,
                    isSameTool(node, nodes[Int(parent.remarkable)], activities)
                {
                    node.flags.insert(.isRepeated)
                }
            }
            nodes[Int(place)] = node
        }
    }

    private func isSameTool(_ node: Node, _ above: Node, _ activities: [Activity]) -> Bool {
        activities[Int(above.activity)].kind == .tool && above.tool == node.tool
    }

    // MARK: steps

    private mutating func fill(
        _ step: inout TraceStep, _ node: Node, _ batch: ActivityBatch, _ activity: Activity,
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
        if step.isPending { step.end = step.start }
        step.isCounted = isCounted(node, activity)
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
    private func start(_ activity: Activity, earliest: UInt64) -> UInt64 {
        activity.start != 0 ? activity.start : max(activity.end, earliest)
    }

    /// Nil when it is unknown.
    @inline(__always)
    private mutating func cost(of node: Node, _ activity: Activity) -> Double? {
        if activity.hasReportedCost { return activity.reportedCost }
        guard !activity.tokens.isEmpty, node.model != 0 else { return nil }
        return cost(node, activity)
    }

    private func isCounted(_ node: Node, _ activity: Activity) -> Bool {
        if node.flags.contains(.isRepeated) || activity.phase == .pending { return false }
        switch activity.kind {
        case .llm, .embedding: return !node.flags.contains(.isWrapper)
        default:
            return !isAccount(activity)
                || node.flags.isDisjoint(with: [.hasInferenceBelow, .hasAggregateBelow])
        }
    }

    /// Nil when the price is unknown.
    private mutating func cost(_ node: Node, _ activity: Activity) -> Double? {
        guard let prices else { return nil }
        let tokens = activity.tokens
        let input = tokens.input &+ tokens.cacheRead &+ tokens.cacheWrite
        let key = QuoteKey(
            model: node.model, provider: node.provider, tier: activity.serviceTier)
        if let known = quotes[key], known.holds(inputTokens: input, unixNano: activity.end) {
            return known.rates?.cost(tokens)
        }
        let quote = prices.quote(
            model: Array(texts[node.model].utf8)[...],
            provider: Array(texts[node.provider].utf8)[...], tier: activity.serviceTier,
            inputTokens: input, unixNano: activity.end)
        if quotes.count >= 4096 { quotes.removeAll(keepingCapacity: true) }
        quotes[key] = quote
        return quote.rates?.cost(tokens)
    }
}
