public import RoostCore
import RoostIngest

/// One session: what its runs were together.
public struct SessionRow: Sendable {
    public let session: String
    public let user: String?
    public let service: String
    /// Runs in it, prompts where the sender tells of them.
    public let workflows: Int
    public let active: Int
    public let failed: Int
    /// `running` and `waiting` while one of its runs is, else `idle`.
    public let state: String
    /// Unix nanoseconds of arrival.
    public let firstHeard: UInt64
    public let lastHeard: UInt64
    /// Nanoseconds from the first start to the latest end of its runs, as their senders tell them.
    public let duration: UInt64
    public let tokens: UInt64
    /// USD; nil when unknown.
    public let cost: Double?
}

public struct SessionList: Sendable {
    /// The newest first.
    public let rows: [SessionRow]
    /// For the next list; nil when there are no more.
    public let cursor: UInt64?

    /// `{"sessions":[…],"cursor":…}`
    public func write(into json: inout JSONWriter) {
        json.beginObject()
        json.array("sessions") { json in
            for row in rows { row.write(into: &json) }
        }
        json.field("cursor", next: cursor)
        json.endObject()
    }
}

extension SessionRow {
    func write(into json: inout JSONWriter) {
        json.beginObject()
        json.field("session_id", session)
        json.field("user", told: user)
        json.field("service", service)
        json.field("state", state)
        json.field("workflows", workflows)
        json.field("active_workflows", active)
        json.field("failed_workflows", failed)
        json.field("first_time", at: firstHeard)
        json.field("last_time", at: lastHeard)
        json.field("duration", Double(duration) / 1e9)
        json.field("tokens", tokens)
        json.field("cost_usd", known: cost)
        json.endObject()
    }
}

extension Fleet {
    /// Sessions that are remembered.
    public var sessionCount: Int { sessions.count }

    /// Sessions heard of since a time, Unix nanoseconds of arrival.
    public func sessions(
        _ symbols: Symbols, since: UInt64 = 0, limit: Int = 50, cursor: UInt64? = nil
    ) -> SessionList {
        var places: [Int32] = []
        for place in sessions.records.indices where sessions.records[place].hash != 0 {
            let record = sessions.records[place]
            if let cursor, record.sequence >= cursor { continue }
            if record.lastHeard >= since { places.append(Int32(place)) }
        }
        let limit = min(max(limit, 1), WorkflowFilter.mostRows)
        places.sort { sessions[$0].sequence > sessions[$1].sequence }
        let hasMore = places.count > limit
        places = Array(places.prefix(limit))
        let sums = sums(of: places)
        let rows = places.indices.map { row(sessions[places[$0]], sums[$0], symbols) }
        return SessionList(
            rows: rows, cursor: hasMore ? places.last.map { sessions[$0].sequence } : nil)
    }

    /// The session with this text.
    func sessionPlace(_ text: String, _ symbols: Symbols) -> Int32? {
        // Texts are compared for the one that has their hash, not for each.
        let hash = AgentIdentity.hash(Array(text.utf8)[...])
        guard hash != 0, symbols.identity(hash)?.isExactly(text) == true else { return nil }
        return sessions.records.firstIndex { $0.hash == hash }.map { Int32($0) }
    }

    /// What the runs that are held add to sessions.
    private struct Sum {
        var active = 0
        var waiting = 0
        var failed = 0
        var start = UInt64.max
        var end: UInt64 = 0
        var tokens: UInt64 = 0
        var cost: Double?
    }

    private func sums(of places: [Int32]) -> [Sum] {
        var sums = [Sum](repeating: Sum(), count: places.count)
        var rows = [Int32](repeating: -1, count: sessions.records.count)
        for (row, place) in places.enumerated() { rows[Int(place)] = Int32(row) }
        var slot = workflows.newest
        while slot >= 0 {
            let session = workflows[slot].session
            if session >= 0, rows[Int(session)] >= 0 {
                let row = Int(rows[Int(session)])
                let state = workflows[slot].state
                if state.isOpen { sums[row].active += 1 }
                if state == .waiting { sums[row].waiting += 1 }
                if state == .failed { sums[row].failed += 1 }
                sums[row].start = min(sums[row].start, workflows[slot].start)
                sums[row].end = max(sums[row].end, workflows[slot].end)
                sums[row].tokens = sums[row].tokens.addingUpTo(workflows[slot].tokensSoFar)
                if let cost = workflows[slot].costSoFar {
                    sums[row].cost = (sums[row].cost ?? 0) + cost
                }
            }
            slot = workflows[slot].before
        }
        return sums
    }

    private func row(_ record: SessionRecord, _ sum: Sum, _ symbols: Symbols) -> SessionRow {
        var cost = sum.cost
        if record.hasCost { cost = (cost ?? 0) + record.cost }
        return SessionRow(
            session: symbols.identity(record.hash) ?? "", user: symbols.identity(record.user),
            service: symbols.text(record.service),
            workflows: Int(record.held) + Int(record.workflows), active: sum.active,
            failed: Int(record.failed) + sum.failed,
            state: sum.waiting > 0 ? "waiting" : sum.active > 0 ? "running" : "idle",
            firstHeard: record.firstHeard, lastHeard: record.lastHeard,
            duration: duration(record, sum), tokens: record.tokens.addingUpTo(sum.tokens),
            cost: cost)
    }

    /// Of what is open, or tells no times, at least what has come of it so far.
    private func duration(_ record: SessionRecord, _ sum: Sum) -> UInt64 {
        let (start, end) = (min(record.start, sum.start), max(record.end, sum.end))
        let heard = record.lastHeard.less(record.firstHeard)
        guard start <= end, end > 0 else { return heard }
        return sum.active > 0 ? max(end &- start, heard) : end &- start
    }
}
