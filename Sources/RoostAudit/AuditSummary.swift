public import RoostCore

/// What happened in a span of time, added up: for dashboards.
public struct AuditSummary: Sendable, Equatable {
    /// Records and how many of them were not let through or went wrong.
    public struct Tally: Sendable, Equatable {
        public internal(set) var records = 0
        /// With the result `denied`.
        public internal(set) var denied = 0
        /// With the result `failure`.
        public internal(set) var failed = 0
    }

    /// In Unix nanoseconds. What was too much to read lies before `since`.
    public internal(set) var since: UInt64
    public let until: UInt64
    /// Everything that was asked for was read.
    public internal(set) var isComplete = true
    public internal(set) var all = Tally()
    public internal(set) var pairs: [AuditCounts.Pair: Int] = [:]
    public internal(set) var users: [ExactText: Tally] = [:]
    public internal(set) var agents: [ExactText: Tally] = [:]
    /// Of equal length, from `since` as it was asked for to `until`.
    public internal(set) var slots: [Tally]
    /// Names beyond the most that are told apart.
    public internal(set) var otherNames = 0

    public static let mostSlots = 500
    /// Of users, of agents, of pairs.
    public static let mostNames = 10_000
}

/// Adds records up, line by line.
struct AuditTallies {
    private let begin: UInt64
    private let slotLength: UInt64
    private var summary: AuditSummary
    private var users = Named()
    private var agents = Named()
    private var actions = NameNumbers()
    private var results = NameNumbers()
    /// Records by the number of their action, in the upper half, and that of their result.
    private var pairs: [UInt64: Int] = [:]
    private var oldest: UInt64
    private static let denied = Array("denied".utf8)
    private static let failed = Array("failure".utf8)

    /// Tallies by the number of a name.
    private struct Named {
        var numbers = NameNumbers()
        var tallies: [AuditSummary.Tally] = []

        /// False where there are too many names.
        mutating func add(
            _ line: Span<UInt8>, _ name: Range<Int>, _ record: AuditSummary.Tally
        ) -> Bool {
            guard let number = numbers.number(line, name) else { return false }
            if number == tallies.count { tallies.append(AuditSummary.Tally()) }
            tallies[number].add(record)
            return true
        }

        var byName: [ExactText: AuditSummary.Tally] {
            var found: [ExactText: AuditSummary.Tally] = [:]
            for (name, tally) in zip(numbers.names, tallies) {
                found[ExactText(AuditTallies.text(name))] = tally
            }
            return found
        }
    }

    init(since: UInt64, until: UInt64, slots: Int) {
        let count = max(1, min(slots, AuditSummary.mostSlots))
        begin = since
        slotLength = max(1, (until &- min(since, until)) / UInt64(count) &+ 1)
        oldest = until
        summary = AuditSummary(
            since: since, until: until,
            slots: [AuditSummary.Tally](repeating: AuditSummary.Tally(), count: count))
    }

    mutating func add(_ line: Span<UInt8>, _ header: AuditHeader) {
        let time = header.unixNanoseconds(line)
        let record = AuditSummary.Tally(
            records: 1, denied: isResult(line, header, Self.denied) ? 1 : 0,
            failed: isResult(line, header, Self.failed) ? 1 : 0)
        oldest = min(oldest, time)
        summary.all.add(record)
        let slot = Int((time &- min(begin, time)) / slotLength)
        if slot < summary.slots.count { summary.slots[slot].add(record) }
        if let user = header.user, !users.add(line, user, record) { summary.otherNames += 1 }
        if let agent = header.agent, !agents.add(line, agent, record) { summary.otherNames += 1 }
        if !addPair(line, header) { summary.otherNames += 1 }
    }

    private func isResult(
        _ line: Span<UInt8>, _ header: AuditHeader, _ result: [UInt8]
    ) -> Bool {
        header.result.count == result.count
            && AuditLine.has(result, line, at: header.result.lowerBound)
    }

    private mutating func addPair(_ line: Span<UInt8>, _ header: AuditHeader) -> Bool {
        guard let action = actions.number(line, header.action),
            let result = results.number(line, header.result)
        else { return false }
        let pair = UInt64(action) << 32 | UInt64(result)
        guard pairs.count < AuditSummary.mostNames || pairs[pair] != nil else { return false }
        pairs[pair, default: 0] += 1
        return true
    }

    /// Agent, user and time of each line.
    static func names(of lines: [UInt8]) -> [(agent: String?, user: String?, time: UInt64)] {
        var found: [(agent: String?, user: String?, time: UInt64)] = []
        var start = 0
        while let end = lines[start...].firstIndex(of: 0x0A) {
            let line = lines.span.extracting(start..<end)
            if let header = AuditHeader(line) {
                func name(_ range: Range<Int>?) -> String? {
                    range.map {
                        text(Array(lines[(start + $0.lowerBound)..<(start + $0.upperBound)]))
                    }
                }
                found.append((name(header.agent), name(header.user), header.unixNanoseconds(line)))
            }
            start = end + 1
        }
        return found
    }

    /// The summary, its names as they were given.
    func finished(isComplete: Bool) -> AuditSummary {
        var summary = summary
        summary.isComplete = isComplete
        if !isComplete { summary.since = oldest }
        summary.users = users.byName
        summary.agents = agents.byName
        let actions = actions.names.map(Self.text)
        let results = results.names.map(Self.text)
        for (pair, records) in pairs {
            let named = AuditCounts.Pair(
                action: actions[Int(pair >> 32)], result: results[Int(pair & 0xFFFF_FFFF)])
            summary.pairs[named] = records
        }
        return summary
    }

    /// Without the escapes of JSON.
    private static func text(_ escaped: [UInt8]) -> String {
        (try? JSONValue(parsing: [0x22] + escaped + [0x22]))?.string
            ?? String(decoding: escaped, as: UTF8.self)
    }
}

extension AuditSummary.Tally {
    fileprivate mutating func add(_ other: Self) {
        records += other.records
        denied += other.denied
        failed += other.failed
    }
}
