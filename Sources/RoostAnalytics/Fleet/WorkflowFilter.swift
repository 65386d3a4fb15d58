/// Which runs a list shows.
public struct WorkflowFilter: Sendable {
    /// Empty is all.
    public var states: Set<WorkflowState> = []
    /// Only those that are stuck.
    public var isStuck = false
    public var workflow: String?
    /// An agent that took part.
    public var agent: String?
    public var session: String?
    /// Unix nanoseconds: heard of since then.
    public var since: UInt64 = 0
    public var limit = 50
    /// From the list before; nil is from the newest on.
    public var cursor: UInt64?

    public static let mostRows = 1_000

    public init() {}
}

/// A step that a run is at, or was last heard of.
public struct CurrentStep: Sendable {
    public let kind: String
    public let name: String
    public let agent: String
    public let spanID: UInt64
    /// Unix nanoseconds by the sender's clock.
    public let start: UInt64
    /// False: nothing was announced; this is what was heard of last.
    public let isAtWork: Bool
}

/// Why a run is called stuck.
public struct StuckReason: Sendable {
    /// Unix nanoseconds of arrival of the last sign of life.
    public let since: UInt64
    /// Nanoseconds.
    public let silence: UInt64
    public let limit: UInt64
    /// The longest silence of 95 % of earlier runs; nil when too few are known.
    public let usual: UInt64?
}

/// One line about a run.
public struct WorkflowRow: Sendable {
    public let traceIDHigh: UInt64
    public let traceIDLow: UInt64
    public let workflow: String
    public let service: String
    public let state: WorkflowState
    /// Nil when the text is forgotten.
    public let session: String?
    public let user: String?
    /// Unix nanoseconds by the sender's clock; `end` is 0 while it is open.
    public let start: UInt64
    public let end: UInt64
    /// Unix nanoseconds of arrival.
    public let lastHeard: UInt64
    /// Nanoseconds; see `humanWait`, which is within.
    public let duration: UInt64
    public let humanWait: UInt64
    /// In the order in which they came up.
    public let agents: [String]
    public let agentRuns: Int
    public let calls: Int
    public let toolCalls: Int
    public let errors: Int
    public let retries: Int
    public let tokens: UInt64
    /// USD; nil when unknown.
    public let cost: Double?
    public let unpricedCalls: Int
    public let errorType: String
    public let current: CurrentStep?
    public let stuck: StuckReason?
}

public struct WorkflowList: Sendable {
    /// The newest first.
    public let rows: [WorkflowRow]
    /// For the next list; nil when there are no more.
    public let cursor: UInt64?
}

extension Fleet {
    public func list(
        _ filter: WorkflowFilter, _ symbols: Symbols, now: UInt64
    ) -> WorkflowList {
        var name: Int32?
        var agent: Int32?
        var session: Int32?
        if let text = filter.workflow {
            name = symbols.number(of: text)
            if name == nil { return WorkflowList(rows: [], cursor: nil) }
        }
        if let text = filter.agent {
            agent = symbols.number(of: text)
            if agent == nil { return WorkflowList(rows: [], cursor: nil) }
        }
        if let text = filter.session {
            session = sessionPlace(text, symbols)
            if session == nil { return WorkflowList(rows: [], cursor: nil) }
        }
        let limit = min(max(filter.limit, 1), WorkflowFilter.mostRows)
        var rows: [WorkflowRow] = []
        var last: UInt64 = 0
        var slot = workflows.newest
        while slot >= 0 {
            let place = slot
            slot = workflows[place].before
            guard isListed(place, filter, name, session) else { continue }
            if let agent, !hasAgent(agent, place) { continue }
            if rows.count == limit { return WorkflowList(rows: rows, cursor: last) }
            last = workflows[place].sequence
            rows.append(row(place, symbols, now: now))
        }
        return WorkflowList(rows: rows, cursor: nil)
    }

    private func isListed(
        _ slot: Int32, _ filter: WorkflowFilter, _ name: Int32?, _ session: Int32?
    ) -> Bool {
        if let cursor = filter.cursor, workflows[slot].sequence >= cursor { return false }
        if workflows[slot].lastHeard < filter.since { return false }
        if filter.isStuck, !workflows[slot].isStuck { return false }
        if !filter.states.isEmpty, !filter.states.contains(workflows[slot].state) { return false }
        if let name, workflows[slot].name != name { return false }
        if let session, workflows[slot].session != session { return false }
        return true
    }

    private func hasAgent(_ agent: Int32, _ slot: Int32) -> Bool {
        guard workflows[slot].agentBits & Self.bit(of: agent) != 0 else { return false }
        var place = workflows[slot].first
        while place >= 0 {
            if steps[place].agent == agent { return true }
            place = steps[place].newer
        }
        return false
    }

    func row(_ slot: Int32, _ symbols: Symbols, now: UInt64) -> WorkflowRow {
        let record = workflows[slot]
        let isOver = !record.state.isOpen
        let session = record.session >= 0 ? sessions[record.session].hash : 0
        return WorkflowRow(
            traceIDHigh: record.traceHigh, traceIDLow: record.traceLow,
            workflow: symbols.text(record.name), service: symbols.text(record.service),
            state: record.state, session: symbols.identity(session),
            user: symbols.identity(record.user), start: record.start == .max ? 0 : record.start,
            end: isOver ? record.end : 0, lastHeard: record.lastHeard,
            duration: record.duration(now: now),
            humanWait: humanWait(slot, now: now), agents: agentNames(slot, symbols),
            agentRuns: Int(record.agentRuns + record.announcedAgents), calls: Int(record.calls),
            toolCalls: Int(record.toolCalls), errors: Int(record.errors),
            retries: Int(isOver || record.errors == 0 ? record.retries : retries(in: slot)),
            tokens: record.tokensSoFar, cost: record.costSoFar,
            unpricedCalls: Int(record.unpriced), errorType: symbols.text(record.errorType),
            current: isOver ? nil : currentStep(slot, symbols),
            stuck: record.isStuck ? stuckReason(record, now: now) : nil)
    }

    private func agentNames(_ slot: Int32, _ symbols: Symbols) -> [String] {
        var numbers: [Int32] = []
        var place = workflows[slot].first
        while place >= 0, numbers.count < Self.mostAgentNames {
            let agent = steps[place].agent
            if agent != 0, !numbers.contains(agent) { numbers.append(agent) }
            place = steps[place].newer
        }
        return numbers.map { symbols.text($0) }
    }

    private static let mostAgentNames = 32

    private func stuckReason(_ record: WorkflowRecord, now: UInt64) -> StuckReason {
        StuckReason(
            since: record.lastHeard, silence: now.less(record.lastHeard),
            limit: stuckLimit(record.name), usual: silences.usual(record.name))
    }

    /// The deepest announced step, which is the one that began last; else the last that ended.
    private func currentStep(_ slot: Int32, _ symbols: Symbols) -> CurrentStep? {
        var best: Int32 = -1
        var place = workflows[slot].first
        while place >= 0 {
            let step = steps[place]
            let isAtWork = step.phase == .announced
            if isAtWork || step.isDone {
                if best < 0 {
                    best = place
                } else {
                    let other = steps[best]
                    let otherIsAtWork = other.phase == .announced
                    if isAtWork == otherIsAtWork {
                        let isLater = isAtWork ? step.start >= other.start : step.end >= other.end
                        if isLater { best = place }
                    } else if isAtWork {
                        best = place
                    }
                }
            }
            place = step.newer
        }
        guard best >= 0 else { return nil }
        let step = steps[best]
        return CurrentStep(
            kind: "\(step.kind)", name: symbols.text(step.subject),
            agent: symbols.text(step.agent), spanID: step.span, start: step.start,
            isAtWork: step.phase == .announced)
    }
}
