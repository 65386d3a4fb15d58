/// What a run was when its trace was closed: whose, and what it was called.
struct ClosedRun: Sendable, Equatable {
    /// As in `AgentTrace`.
    var session: UInt64 = 0
    var user: UInt64 = 0
    var userLabel: Int32 = 0
    /// 0 where what comes later is another run.
    var workflow: Int32 = 0
    /// Its root had come: when that started (Unix nanoseconds), and which span it was.
    var hadRoot = false
    var start: UInt64 = 0
    var span: UInt64 = 0
}

/// What comes after its trace was closed belongs to the same run.
extension AgentTracker {
    mutating func rememberRun(_ trace: AgentTrace) {
        guard trace.isAgentic else { return }
        var run = ClosedRun(
            session: trace.onlySession, user: trace.onlyUser, userLabel: trace.user)
        if trace.isWorkflowCounted, !trace.isDerived || trace.isOfPrompt {
            run.workflow =
                trace.namedNodes == trace.nodes ? trace.workflow : workflowName(of: trace)
            run.hadRoot = trace.root >= 0 || trace.hadRoot
            if trace.root >= 0, !trace.hadRoot || isBeforeFormer(trace) {
                run.start = open.nodes[Int(trace.root)].start
                run.span = open.nodes[Int(trace.root)].spanID
            } else {
                (run.start, run.span) = (trace.formerStart, trace.formerSpan)
            }
        }
        if run != ClosedRun() { closed.noteRun(trace, run) }
    }

    mutating func recallRun(_ index: Int32) {
        guard let run = closed.run(open.traces[Int(index)]) else { return }
        open.traces[Int(index)].onlySession = run.session
        open.traces[Int(index)].onlyUser = run.user
        if users != nil { open.traces[Int(index)].user = run.userLabel }
        open.traces[Int(index)].formerWorkflow = run.workflow
        open.traces[Int(index)].hadRoot = run.hadRoot
        open.traces[Int(index)].formerStart = run.start
        open.traces[Int(index)].formerSpan = run.span
    }

    /// The name that a run was counted by. Nothing else renames it but the root that it had not had,
    /// or one that started earlier than the one that it had.
    func formerName(of trace: AgentTrace) -> Int32? {
        guard trace.formerWorkflow != TextTable.none else { return nil }
        if trace.root >= 0, !trace.hadRoot || isBeforeFormer(trace) { return nil }
        return trace.formerWorkflow
    }

    private func isBeforeFormer(_ trace: AgentTrace) -> Bool {
        guard !trace.isDerived else { return false }
        let root = open.nodes[Int(trace.root)]
        return (root.start, root.spanID) < (trace.formerStart, trace.formerSpan)
    }
}
