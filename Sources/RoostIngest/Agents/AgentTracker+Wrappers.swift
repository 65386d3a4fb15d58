/// One call that two spans tell, one below the other with nothing of note between: counted once.
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

    /// Notes that a call below tells what this one tells, if it does.
    mutating func noteWrapper(_ index: Int32, around below: Int32) {
        let node = open.nodes[Int(index)]
        guard node.flags.isDisjoint(with: [.isWrapper, .isPending, .standsForBelow]) else { return }
        let inner = open.nodes[Int(below)]
        let isCounted = !inner.flags.isDisjoint(with: [.isCounted, .isToldBefore])
        guard account(node).wraps(account(inner), isBelowCounted: isCounted) else { return }
        open.nodes[Int(index)].flags.insert(.isWrapper)
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
                let said = account(parent)
                let own = account(node)
                if parent.flags.contains(.isPending) || !own.isSame(as: said) { return nil }
                // The event that told what a span above tells stands below that span.
                let isTold =
                    parent.flags.contains(.isToldBefore) && !node.flags.contains(.isFromLog)
                if isTold || parent.flags.contains(.isCounted) {
                    return own.isAttempt(of: said) && !own.hasUsage ? nil : above
                }
                // What repeats another itself is looked past.
                if parent.flags.isDisjoint(with: [.isWrapper, .isSettled]) {
                    return own.repeats(said) ? above : nil
                }
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
