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
    private var names: [Kind: [[UInt8]: AuditSummary.Tally]] = [:]
    private var oldest: UInt64
    private static let denied = Array("denied".utf8)
    private static let failed = Array("failure".utf8)

    private enum Kind { case user, agent, pair }

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
        let result = bytes(line, header.result)
        oldest = min(oldest, time)
        summary.all.add(result, Self.denied, Self.failed)
        let slot = Int((time &- min(begin, time)) / slotLength)
        if slot < summary.slots.count { summary.slots[slot].add(result, Self.denied, Self.failed) }
        if let user = header.user { count(.user, bytes(line, user), result) }
        if let agent = header.agent { count(.agent, bytes(line, agent), result) }
        // No name holds a bare newline.
        count(.pair, bytes(line, header.action) + [0x0A] + result, result)
    }

    private mutating func count(_ kind: Kind, _ name: [UInt8], _ result: [UInt8]) {
        let isKnown = names[kind]?[name] != nil
        guard isKnown || (names[kind]?.count ?? 0) < AuditSummary.mostNames else {
            return summary.otherNames += 1
        }
        names[kind, default: [:]][name, default: AuditSummary.Tally()]
            .add(result, Self.denied, Self.failed)
    }

    private func bytes(_ line: Span<UInt8>, _ range: Range<Int>) -> [UInt8] {
        AuditLine.copy(line, from: range.lowerBound, range.count)
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
        for (name, tally) in names[.user] ?? [:] {
            summary.users[ExactText(Self.text(name))] = tally
        }
        for (name, tally) in names[.agent] ?? [:] {
            summary.agents[ExactText(Self.text(name))] = tally
        }
        for (name, tally) in names[.pair] ?? [:] {
            let parts = name.split(separator: 0x0A, maxSplits: 1)
            guard parts.count == 2 else { continue }
            let pair = AuditCounts.Pair(
                action: Self.text(Array(parts[0])), result: Self.text(Array(parts[1])))
            summary.pairs[pair] = tally.records
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
    fileprivate mutating func add(_ result: [UInt8], _ denied: [UInt8], _ failed: [UInt8]) {
        records += 1
        if result == denied { self.denied += 1 }
        if result == failed { self.failed += 1 }
    }
}
