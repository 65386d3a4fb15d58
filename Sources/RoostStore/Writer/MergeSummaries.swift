import RoostAnalytics
import RoostCore

/// What a trace comes to of which more was stored, when it is too large to be read again: sums and
/// lists are joined, what names it is that of the part with the earlier start.
func merged(_ old: TraceSummary, _ new: TraceSummary) -> TraceSummary {
    var summary = old.start <= new.start || new.start == 0 ? old : new
    let other = old.start <= new.start || new.start == 0 ? new : old
    summary.start = old.start == 0 ? new.start : min(old.start, new.start == 0 ? .max : new.start)
    summary.end = max(old.end, new.end)
    summary.clockSkew = max(old.clockSkew, new.clockSkew)
    summary.spans = old.spans &+ new.spans
    summary.errors = old.errors &+ new.errors
    summary.calls = old.calls &+ new.calls
    summary.toolCalls = old.toolCalls &+ new.toolCalls
    summary.tokens = old.tokens &+ new.tokens
    if old.cost != nil || new.cost != nil { summary.cost = (old.cost ?? 0) + (new.cost ?? 0) }
    join(&summary.services, other.services, most: 16)
    join(&summary.agents, other.agents, most: 32)
    join(&summary.models, other.models, most: 16)
    if summary.session.isEmpty { summary.session = other.session }
    if summary.user.isEmpty { summary.user = other.user }
    // The part that has the root says how it ended; without a root, all of them.
    if summary.status == .running { summary.status = other.status }
    summary.hasAnnounced = old.hasAnnounced || new.hasAnnounced
    for outcome in [TraceSummary.Status.ok, .error]
    where old.outcome == outcome || new.outcome == outcome {
        summary.outcome = outcome
    }
    if old.status == .error || new.status == .error, summary.status == .ok, summary.errors > 0 {
        summary.status = .error
    }
    return summary
}

private func join(_ list: inout [String], _ more: [String], most: Int) {
    for text in more where list.count < most && !list.holds(text) { list.append(text) }
}
