import RoostIngest

/// Finds out how a trace stands, as the fleet does of a run: what ended its root says; without a
/// root it is what it looks like when it has been quiet for long.
struct TraceVerdict {
    /// Something about agents was recognised.
    private var isAgentic = false
    /// A run of an agent or a workflow has ended.
    private var hasTopEnded = false
    /// Something without a parent failed.
    private var hasFailedBranch = false
    private var hasAnnounced = false
    /// Events said that a workflow is over, and how.
    private var toldEnd: ActivityStatus?

    @inline(__always)
    mutating func note(
        _ kind: ActivityKind, _ status: ActivityStatus, isPending: Bool, isTop: Bool,
        tellsEnd: Bool
    ) {
        if kind != .other { isAgentic = true }
        if isPending {
            hasAnnounced = true
        } else {
            if kind == .agent || kind == .workflow { hasTopEnded = true }
            if tellsEnd { toldEnd = status }
        }
        if isTop, status == .error { hasFailedBranch = true }
    }

    /// `top` is the root, or without one the earliest.
    func judge(
        hasRoot: Bool, isPending: Bool, source: ActivitySource, isDerived: Bool,
        top: ActivityStatus, _ summary: inout TraceSummary
    ) {
        let told: TraceSummary.Status = top == .error ? .error : .ok
        summary.hasAnnounced = hasAnnounced
        if hasRoot {
            summary.status = isPending ? .running : told
            return
        }
        // Of events alone none is the root, and only a workflow's end says that no more will come.
        if source == .log {
            summary.status = isDerived && toldEnd == nil ? .running : told
            if let toldEnd { summary.status = toldEnd == .error ? .error : .ok }
            // What was announced there has not come.
            summary.outcome = isDerived && hasAnnounced ? .abandoned : told
            return
        }
        summary.status = .running
        if isAgentic {
            summary.outcome = top == .error ? .error : hasTopEnded ? .ok : .abandoned
        } else {
            summary.outcome = hasFailedBranch ? .error : .ok
        }
    }
}
