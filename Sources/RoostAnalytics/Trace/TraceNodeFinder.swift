import RoostCore
import RoostIngest

/// Finds out what the activities of one whole trace are to each other: the rules are those of
/// `AgentTracker`, which meets them one by one. Reused from trace to trace.
struct TraceNodeFinder {
    private var index = SpanIndex()
    private var calls = SpanIndex()
    /// Of the trace at hand: an event said that a workflow is over.
    private var hasToldEnd = false

    /// Of a batch, those of one trace.
    mutating func find(
        _ batch: ActivityBatch, _ high: UInt64, _ low: UInt64, _ texts: inout TraceTexts
    ) -> TraceNodes {
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
        lookUp(&nodes, batch, tree, parents)
        tellRoot(&nodes, batch, parents)
        if hasToldEnd { findToldEnds(&nodes, batch, tree) }
        let order = order(nodes, batch.activities, tree)
        findRepeats(&nodes, batch, order, &texts)
        let top = top(batch.activities, nodes, order)
        let workflow = workflow(nodes, batch, tree, top: top, &texts)
        inherit(&nodes, batch, tree, parents)
        return TraceNodes(
            nodes: nodes, tree: tree, order: order, top: top, workflow: workflow,
            earliest: earliest(batch.activities, nodes, order))
    }

    // MARK: which there are

    /// Each span once; what was announced only as long as its end is not here. Leaves their places
    /// in the index.
    private mutating func nodes(
        _ batch: ActivityBatch, _ high: UInt64, _ low: UInt64
    ) -> [TraceNode] {
        var nodes: [TraceNode] = []
        nodes.reserveCapacity(batch.activities.count)
        index.begin(batch.activities.count)
        hasToldEnd = false
        for (number, activity) in batch.activities.enumerated()
        where activity.traceIDLow == low && activity.traceIDHigh == high {
            let node = TraceNode(activity: Int32(truncatingIfNeeded: number))
            if activity.flags.contains(.tellsEnd) { hasToldEnd = true }
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

    /// From below: which calls and accounts stand under each. `parents` as they were told, with
    /// cycles.
    private func lookUp(
        _ nodes: inout [TraceNode], _ batch: ActivityBatch, _ tree: TraceTree, _ parents: [Int32]
    ) {
        for place in tree.topDown.reversed() {
            if wrapsEmbeddings(nodes[Int(place)], nodes, batch) {
                nodes[Int(place)].flags.insert(.isRepeated)
            }
            let above = Int(tree.parents[Int(place)])
            guard above >= 0 else { continue }
            let node = nodes[Int(place)]
            let activity = batch.activities[Int(node.activity)]
            let isOver = activity.phase == .finished
            if isOver && activity.kind == .llm && activity.hasUsage
                || node.flags.contains(.hasInferenceBelow)
            {
                nodes[above].flags.insert(.hasInferenceBelow)
            }
            let isAccount = activity.isAccount && !node.flags.contains(.isRepeated)
            if node.flags.contains(.hasAggregateBelow) || isOver && isAccount {
                nodes[above].flags.insert(.hasAggregateBelow)
            }
            let direct = isOver && activity.kind.isCall ? place : node.directCall
            guard direct >= 0, activity.kind.isCall ? isOver : activity.kind == .other else {
                continue
            }
            let kind = batch.activities[Int(nodes[above].activity)].kind
            if kind == .other {
                nodes[above].directCall = better(nodes[above].directCall, direct, nodes, batch)
            } else if kind.isCall, !nodes[above].flags.contains(.isWrapper),
                wraps(above, direct, nodes, batch),
                !isAbove(direct, Int32(truncatingIfNeeded: above), parents)
            {
                nodes[above].flags.insert(.isWrapper)
                nodes[above].directCall = direct
            }
        }
    }

    /// Whether a call only tells once more what those below it tell together.
    private func wraps(
        _ place: Int, _ nearest: Int32, _ nodes: [TraceNode], _ batch: ActivityBatch
    ) -> Bool {
        var teller = nodes[Int(nearest)]
        var steps = 0
        while teller.flags.contains(.isWrapper), teller.directCall >= 0, steps < Self.deepest {
            teller = nodes[Int(teller.directCall)]
            steps += 1
        }
        return account(nodes[place], batch).wraps(
            account(teller, batch), through: account(nodes[Int(nearest)], batch))
    }

    /// As in `AgentTracker`.
    private func wrapsEmbeddings(
        _ node: TraceNode, _ nodes: [TraceNode], _ batch: ActivityBatch
    ) -> Bool {
        let activity = batch.activities[Int(node.activity)]
        guard activity.kind == .other, activity.isAccount, node.directCall >= 0 else {
            return false
        }
        let call = batch.activities[Int(nodes[Int(node.directCall)].activity)]
        return call.kind == .embedding && activity.tokens.output | activity.tokens.reasoning == 0
    }

    /// Calls below a span that is not here stand below the root all the same.
    private func tellRoot(_ nodes: inout [TraceNode], _ batch: ActivityBatch, _ parents: [Int32]) {
        var root: Int?
        var hasOrphans = false
        for place in nodes.indices where parents[place] < 0 {
            let activity = batch.activities[Int(nodes[place].activity)]
            if activity.parentSpanID == 0 {
                if activity.source == .span { root = place }
                continue
            }
            guard activity.phase == .finished, activity.parentSpanID != activity.spanID else {
                continue
            }
            hasOrphans =
                hasOrphans || activity.kind == .llm && activity.hasUsage
                || nodes[place].flags.contains(.hasInferenceBelow)
        }
        if hasOrphans, let root { nodes[root].flags.insert(.hasInferenceBelow) }
    }

    /// The end of a workflow within another ends no run, and a run goes on with what is announced
    /// after its end. Events stand in the order in which they came.
    private func findToldEnds(
        _ nodes: inout [TraceNode], _ batch: ActivityBatch, _ tree: TraceTree
    ) {
        let announced = nodes.lazy.map(\.activity)
            .filter { batch.activities[Int($0)].phase == .pending }.max()
        for place in nodes.indices where tree.parents[place] < 0 {
            let number = nodes[place].activity
            if batch.activities[Int(number)].flags.contains(.tellsEnd), number > announced ?? -1 {
                nodes[place].flags.insert(.tellsEnd)
            }
        }
    }

    /// As in `AgentTracker`.
    private func better(
        _ known: Int32, _ new: Int32, _ nodes: [TraceNode], _ batch: ActivityBatch
    ) -> Int32 {
        guard known >= 0 else { return new }
        let one = batch.activities[Int(nodes[Int(known)].activity)]
        let other = batch.activities[Int(nodes[Int(new)].activity)]
        if one.kind != other.kind { return one.kind == .llm ? known : new }
        return one.tokens.sum > other.tokens.sum ? known : new
    }

    /// Whether one stands somewhere above another; of those in a cycle every one does.
    private func isAbove(_ one: Int32, _ other: Int32, _ parents: [Int32]) -> Bool {
        var above = parents[Int(other)]
        var steps = 0
        while above >= 0, steps < Self.deepest {
            if above == one { return true }
            above = parents[Int(above)]
            steps += 1
        }
        return false
    }

    /// More ancestors than this are a cycle, or as good as one.
    private static let deepest = 64

    private func account(_ node: TraceNode, _ batch: ActivityBatch) -> CallAccount {
        let activity = batch.activities[Int(node.activity)]
        return CallAccount(
            kind: activity.kind, tokens: activity.tokens,
            hasCost: activity.hasReportedCost, isFailed: activity.status == .error,
            requested: batch.bytes(activity.modelRequested),
            answered: batch.bytes(activity.modelAnswered))
    }

    /// In order of start; of equal ones parents first, then as they came.
    private func order(
        _ nodes: [TraceNode], _ activities: [Activity], _ tree: TraceTree
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
    private func earliest(_ activities: [Activity], _ nodes: [TraceNode], _ order: [Int32])
        -> UInt64
    {
        for place in order {
            let start = activities[Int(nodes[Int(place)].activity)].start
            if start != 0 { return start }
        }
        return 0
    }

    /// Notes the numbers of texts, and which steps tell what another tells as well.
    private mutating func findRepeats(
        _ nodes: inout [TraceNode], _ batch: ActivityBatch, _ order: [Int32],
        _ texts: inout TraceTexts
    ) {
        calls.begin(nodes.count)
        /// Services whose spans tell their calls, tools and runs.
        var told = Set<Told>()
        /// Of a call the one before it with the same id of an answer.
        var before: [Int32: Int32] = [:]
        /// Of a call that several reports tell, what they say together.
        var joined: [Int32: CallReport] = [:]
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
            if activity.kind.isCall, activity.phase == .finished, !node.flags.contains(.isWrapper),
                !activity.callID.isEmpty
            {
                let hash = callHash(node.service, batch.bytes(activity.callID))
                let report = CallReport(of: activity, id: hash)
                let latest = calls.find(hash)
                if let other = reported(report, latest, before, joined, nodes, batch) {
                    // Of two the one stays that tells what the call used.
                    let isLess =
                        activity.hasUsage
                        && !batch.activities[Int(nodes[Int(other)].activity)].hasUsage
                    var known = self.report(of: other, hash, joined, nodes, batch)
                    known.join(report)
                    joined[isLess ? place : other] = known
                    if isLess {
                        nodes[Int(other)].flags.insert(.isRepeated)
                    } else {
                        node.flags.insert(.isRepeated)
                    }
                }
                if !node.flags.contains(.isRepeated) {
                    if let latest { before[place] = latest }
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

    /// The call that this report tells once more, among the latest with the same id of an answer.
    private func reported(
        _ report: CallReport, _ latest: Int32?, _ before: [Int32: Int32],
        _ joined: [Int32: CallReport], _ nodes: [TraceNode], _ batch: ActivityBatch
    ) -> Int32? {
        var place = latest
        for _ in 0..<RecentCalls.mostOfOne {
            guard let other = place else { return nil }
            let known = self.report(of: other, report.id, joined, nodes, batch)
            if !nodes[Int(other)].flags.contains(.isRepeated), report.tellsSame(as: known) {
                return other
            }
            place = before[other]
        }
        return nil
    }

    /// What is said of a call so far, as `RecentCalls` would remember it.
    private func report(
        of place: Int32, _ id: UInt64, _ joined: [Int32: CallReport], _ nodes: [TraceNode],
        _ batch: ActivityBatch
    ) -> CallReport {
        joined[place]
            ?? CallReport(of: batch.activities[Int(nodes[Int(place)].activity)], id: id)
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

    /// Of several roots that ended the one that started first, of those that started together the one
    /// with the lower id, as in `AgentTracker`.
    private func top(
        _ activities: [Activity], _ nodes: [TraceNode], _ order: [Int32]
    ) -> TraceNodes.Top {
        var announced: Int32?
        var ended: (node: Int32, start: UInt64, span: UInt64)?
        for place in order {
            let activity = activities[Int(nodes[Int(place)].activity)]
            if let ended, activity.start > ended.start { break }
            guard activity.source == .span,
                activity.parentSpanID == 0 || activity.parentSpanID == activity.spanID
            else { continue }
            if activity.phase == .finished {
                if let ended, ended.span <= activity.spanID { continue }
                ended = (place, activity.start, activity.spanID)
            } else if announced == nil {
                announced = place
            }
        }
        if let root = ended?.node ?? announced { return TraceNodes.Top(node: root, isRoot: true) }
        return TraceNodes.Top(node: order.first ?? -1, isRoot: false)
    }

    /// By the word of the top, else by that nearest to it, else by the name of the top.
    private func workflow(
        _ nodes: [TraceNode], _ batch: ActivityBatch, _ tree: TraceTree, top: TraceNodes.Top,
        _ texts: inout TraceTexts
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
    private func inherit(
        _ nodes: inout [TraceNode], _ batch: ActivityBatch, _ tree: TraceTree, _ parents: [Int32]
    ) {
        for place in tree.topDown {
            let above = Int(tree.parents[Int(place)])
            let activity = batch.activities[Int(nodes[Int(place)].activity)]
            var node = nodes[Int(place)]
            if node.agent == 0, activity.kind == .agent { node.agent = node.service }
            node.remarkable = activity.kind == .other ? -1 : place
            if above >= 0 {
                let parent = nodes[above]
                if node.agent == 0 { node.agent = parent.agent }
                if node.workflow == 0 { node.workflow = parent.workflow }
                if node.remarkable < 0 { node.remarkable = parent.remarkable }
                if parent.remarkable >= 0,
                    isSameTool(node, nodes[Int(parent.remarkable)], batch.activities)
                        || repeats(place, node, nodes, parent.remarkable, batch, tree, parents)
                {
                    node.flags.insert(.isRepeated)
                }
            }
            nodes[Int(place)] = node
        }
    }

    private func isSameTool(_ node: TraceNode, _ above: TraceNode, _ activities: [Activity]) -> Bool
    {
        activities[Int(node.activity)].kind == .tool
            && activities[Int(above.activity)].kind == .tool && above.tool == node.tool
    }

    /// Whether a call tells without usage what one above it tells with it, or tells worse. What
    /// repeats another itself is looked past, unless it tells this one.
    private func repeats(
        _ place: Int32, _ node: TraceNode, _ nodes: [TraceNode], _ nearest: Int32,
        _ batch: ActivityBatch, _ tree: TraceTree, _ parents: [Int32]
    ) -> Bool {
        guard batch.activities[Int(node.activity)].kind.isCall else { return false }
        let own = account(node, batch)
        var above = nearest
        var steps = 0
        while above >= 0, steps < Self.deepest {
            let parent = nodes[Int(above)]
            let activity = batch.activities[Int(parent.activity)]
            guard activity.kind.isCall, activity.phase == .finished else { return false }
            if !parent.flags.contains(.isWrapper) {
                let said = account(parent, batch)
                if own.repeats(said) { return !isAbove(place, above, parents) }
                guard own.isSame(as: said), parent.flags.contains(.isRepeated) else { return false }
            }
            let next = tree.parents[Int(above)]
            above = next < 0 ? -1 : nodes[Int(next)].remarkable
            steps += 1
        }
        return false
    }
}
