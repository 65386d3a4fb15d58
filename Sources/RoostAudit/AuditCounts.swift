public import RoostCore

/// What was done with records since the trail was opened.
public struct AuditCounts: Sendable, Equatable {
    /// What records are counted by.
    public struct Pair: Hashable, Sendable {
        public let action: String
        public let result: String

        public init(action: String, result: String) {
            self.action = action
            self.result = result
        }

        public static func == (one: Pair, other: Pair) -> Bool {
            one.action.isExactly(other.action) && one.result.isExactly(other.result)
        }

        public func hash(into hasher: inout Hasher) {
            hasher.combine(ExactText(action))
            hasher.combine(ExactText(result))
        }
    }

    /// Records on the disk.
    public private(set) var pairs: [Pair: UInt64] = [:]
    /// Of pairs beyond the most that are kept apart.
    public private(set) var otherPairs: UInt64 = 0
    /// By agent, those without one under the empty name.
    public private(set) var agents: [ExactText: UInt64] = [:]
    public private(set) var otherAgents: UInt64 = 0
    public internal(set) var appended: UInt64 = 0
    public private(set) var failures: [AuditRefusal.Kind: UInt64] = [:]
    /// Ends of files that were torn when the trail was opened, and set aside.
    public internal(set) var tornTails: UInt64 = 0
    /// Files sealed, files removed.
    public internal(set) var sealedFiles: UInt64 = 0
    public internal(set) var removedFiles: UInt64 = 0
    /// Times that the disk was waited for; each made one group of records durable.
    public internal(set) var groups: UInt64 = 0
    /// From the call to the disk having it, in groups by `latencyBounds` and above.
    public private(set) var latencies = [UInt64](repeating: 0, count: latencyBounds.count + 1)
    public private(set) var latencySeconds = 0.0

    /// In seconds.
    public static let latencyBounds = [
        0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1,
    ]

    private let mostPairs: Int

    init(mostPairs: Int) { self.mostPairs = mostPairs }

    public var failed: UInt64 { failures.values.reduce(0, +) }

    /// The share of the records that Roost was to append and that are on the disk. What is wrong in
    /// itself was never to be appended.
    public var completeness: Double {
        let lost = failed - (failures[.invalid] ?? 0)
        guard appended + lost > 0 else { return 1 }
        return Double(appended) / Double(appended + lost)
    }

    mutating func add(_ pair: Pair, agent: String?, tookNanoseconds: UInt64) {
        appended += 1
        let agent = ExactText(agent ?? "")
        if agents[agent] != nil || agents.count < mostPairs {
            agents[agent, default: 0] += 1
        } else {
            otherAgents += 1
        }
        if pairs[pair] != nil || pairs.count < mostPairs {
            pairs[pair, default: 0] += 1
        } else {
            otherPairs += 1
        }
        let seconds = Double(tookNanoseconds) / 1e9
        latencySeconds += seconds
        latencies[Self.latencyBounds.firstIndex { seconds <= $0 } ?? Self.latencyBounds.count] += 1
    }

    mutating func fail(_ kind: AuditRefusal.Kind, _ count: Int = 1) {
        failures[kind, default: 0] += UInt64(count)
    }
}

/// How a trail stands.
public struct AuditStatus: Sendable {
    public let counts: AuditCounts
    public let records: Int
    public let files: Int
    public let bytes: Int
    /// When the oldest record that is there was recorded, in Unix nanoseconds.
    public let oldest: UInt64?
    public let lastSequence: UInt64
    /// Different ones within the last hour.
    public let activeUsers: Int
    public let activeAgents: Int
    /// Records that wait for the disk.
    public let waiting: Int
    public let lastVerification: AuditVerification?
    /// Of writing, sealing or removing; nil when the last time went well.
    public let lastFailure: String?
}

extension AuditStatus {
    /// One record and one verification, for the reference of metrics.
    public static var example: AuditStatus {
        var counts = AuditCounts(mostPairs: 1)
        counts.add(AuditCounts.Pair(action: "", result: ""), agent: "", tookNanoseconds: 0)
        return AuditStatus(
            counts: counts, records: 0, files: 0, bytes: 0, oldest: nil, lastSequence: 0,
            activeUsers: 0, activeAgents: 0, waiting: 0, lastVerification: AuditVerification(),
            lastFailure: nil)
    }
}
