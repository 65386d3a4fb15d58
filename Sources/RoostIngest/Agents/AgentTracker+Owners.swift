/// Whose an activity is, for facts: by its own word, else by that of the nearest above, else whose
/// alone its trace tells of. The labels of users follow the same rule.
extension AgentTracker {
    /// Notes whose an activity is by its own word.
    mutating func identify(_ activity: Activity, _ batch: ActivityBatch, _ node: inout AgentNode) {
        if !activity.session.isEmpty {
            // A batch holds each text once.
            if activity.session != toldSession.text {
                toldSession = (
                    activity.session, facts?.identity(batch.bytes(activity.session)) ?? 0
                )
            }
            node.session = toldSession.hash
            open.traces[Int(node.trace)].noteSession(node.session)
        }
        if !activity.user.isEmpty {
            node.user = facts?.identity(batch.bytes(activity.user)) ?? 0
            open.traces[Int(node.trace)].noteUser(node.user)
        }
    }

    /// The session and the user that a node belongs to, as facts call them; 0 is none.
    @inline(__always)
    func owner(of node: AgentNode, in trace: AgentTrace) -> (session: UInt64, user: UInt64) {
        var owner = (session: node.session, user: node.user)
        // Nearly all traces tell of one or of none: then nothing has to be looked for.
        if owner.session == 0 { owner.session = trace.onlySession }
        if owner.user == 0 { owner.user = trace.onlyUser }
        guard
            owner.session == AgentTrace.severalOwners || owner.user == AgentTrace.severalOwners
        else { return owner }
        return findOwner(of: node, owner)
    }

    /// Those of several that stand nearest above.
    @inline(never)
    private func findOwner(
        of node: AgentNode, _ known: (session: UInt64, user: UInt64)
    ) -> (session: UInt64, user: UInt64) {
        var session = known.session == AgentTrace.severalOwners ? 0 : known.session
        var user = known.user == AgentTrace.severalOwners ? 0 : known.user
        var above = node.parent
        var steps = 0
        while above >= 0, session == 0 || user == 0, steps < Self.deepest {
            let parent = open.nodes[Int(above)]
            if session == 0 { session = parent.session }
            if user == 0 { user = parent.user }
            above = parent.parent
            steps += 1
        }
        return (session, user)
    }
}

extension AgentTrace {
    /// In place of the hash of a session or a user; no text has it.
    static let severalOwners = UInt64.max

    fileprivate mutating func noteSession(_ session: UInt64) {
        onlySession = Self.joined(onlySession, session)
    }

    fileprivate mutating func noteUser(_ user: UInt64) {
        onlyUser = Self.joined(onlyUser, user)
    }

    private static func joined(_ known: UInt64, _ new: UInt64) -> UInt64 {
        known == 0 || known == new ? new : severalOwners
    }
}
