/// One call that several spans tell, one below the other with nothing of note between: counted
/// once, at whatever depth.
extension AgentTracker {
    /// Which of two calls below a span is kept in mind: a language model's before an embedding, the
    /// larger one, else the later one. `known` may be -1.
    @inline(__always)
    func better(_ known: Int32, _ new: Int32) -> Int32 {
        guard known >= 0, known != new else { return new }
        let (one, other) = (open.nodes[Int(known)].kind, open.nodes[Int(new)].kind)
        if one != other { return one == .llm ? known : new }
        return open.tokens(known) > open.tokens(new) ? known : new
    }

    /// Notes whether calls below tell what this one tells. `below` is the nearest of them; without
    /// it those are looked at again that were known before.
    mutating func noteWrapper(_ index: Int32, around below: Int32? = nil) {
        let node = open.nodes[Int(index)]
        let nearest = below ?? node.directCall
        guard nearest >= 0, nearest != index,
            node.flags.isDisjoint(with: [.isSettled, .standsForBelow])
        else { return }
        if node.flags.contains(.isPending) {
            // What it tells is known when it ends.
            open.nodes[Int(index)].directCall = better(node.directCall, nearest)
        } else if wraps(node, nearest) {
            open.nodes[Int(index)].directCall = nearest
            open.nodes[Int(index)].flags.insert(.isWrapper)
        } else if isNearer(nearest, than: node.directCall) {
            open.nodes[Int(index)].directCall = nearest
            open.nodes[Int(index)].flags.remove(.isWrapper)
        } else if !node.flags.contains(.isWrapper) {
            open.nodes[Int(index)].directCall = better(node.directCall, nearest)
        }
    }

    /// Whether it is the call that was known, or stands between.
    private func isNearer(_ nearest: Int32, than known: Int32) -> Bool {
        known == nearest || known >= 0 && isAbove(nearest, open.nodes[Int(known)])
    }

    /// Whether a call only tells once more what those below it tell together.
    private func wraps(_ node: AgentNode, _ nearest: Int32) -> Bool {
        let teller = open.nodes[Int(teller(of: nearest))]
        let isCounted = !teller.flags.isDisjoint(with: [.isCounted, .isToldBefore])
        return account(node).wraps(
            account(teller), through: account(open.nodes[Int(nearest)]), isTellerCounted: isCounted)
    }

    /// Of calls that stand one below the other and tell one, the one that counts.
    private func teller(of index: Int32) -> Int32 {
        var teller = index
        var steps = 0
        while steps < Self.deepest {
            let node = open.nodes[Int(teller)]
            guard node.flags.contains(.isWrapper), node.directCall >= 0 else { break }
            teller = node.directCall
            steps += 1
        }
        return teller
    }

    /// Whether what a span says of itself is told by the embeddings below it: nothing was written,
    /// and nothing of note stands between.
    func wrapsEmbeddings(_ node: AgentNode) -> Bool {
        guard node.kind == .other, node.directCall >= 0,
            open.nodes[Int(node.directCall)].kind == .embedding
        else { return false }
        let tokens = open.detail(node).tokens
        return tokens.output | tokens.reasoning == 0
    }

    /// Whether another span tells this call, and that one is counted. Those whose parents stand in
    /// a circle tell nothing for each other.
    mutating func isToldElsewhere(_ index: Int32, _ node: AgentNode) -> Bool {
        if node.flags.contains(.isWrapper) { return !isAbove(index, node) }
        guard let teller = tellerAbove(node), !isAbove(index, node) else { return false }
        open.nodes[Int(teller)].flags.insert(.standsForBelow)
        return true
    }

    /// The call above that has been counted for this one, or will be because only it tells what was
    /// used, or it tells more of that.
    private func tellerAbove(_ node: AgentNode) -> Int32? {
        var above = node.parent
        var steps = 0
        while above >= 0, steps < Self.deepest {
            let parent = open.nodes[Int(above)]
            if parent.kind.isCall {
                // Of one that was counted before only the model may be known.
                if parent.flags.contains(.isPending) { return nil }
                let isLookedPast =
                    parent.flags.contains(.isWrapper)
                    && parent.flags.isDisjoint(with: [.isCounted, .isToldBefore])
                if isLookedPast {
                    above = parent.parent
                    steps += 1
                    continue
                }
                let said = account(parent)
                let own = account(node)
                if !own.isSame(as: said) { return nil }
                // The event that told what a span above tells stands below that span.
                let isTold =
                    parent.flags.contains(.isToldBefore) && !node.flags.contains(.isFromLog)
                if isTold || parent.flags.contains(.isCounted) {
                    return own.isAttempt(of: said) && !own.hasUsage ? nil : above
                }
                // What repeats another itself is looked past, unless it tells this one.
                if own.repeats(said) { return above }
                if !parent.flags.contains(.isSettled) { return nil }
            } else if parent.kind != .other {
                return nil
            }
            above = parent.parent
            steps += 1
        }
        return nil
    }

    private func account(_ node: AgentNode) -> CallAccount {
        let detail = open.detail(node)
        return CallAccount(
            kind: node.kind, tokens: detail.tokens, hasCost: !detail.cost.isNaN,
            isFailed: node.status == .error, requested: text(detail.modelRequested),
            answered: text(node.model))
    }
}
