import RoostCore

/// What the writer tells those who ask: where records lie, the newest ones, and counts.
///
/// Behind one lock, held for moments only.
struct AuditBook {
    /// Files that are there and sealed, oldest first.
    var sealed: [FileSummary] = []
    /// The file that is written to, as far as it is on the disk.
    var active: FileSummary?
    var lastSequence: UInt64 = 0
    var recent = RecentLines()
    var counts: AuditCounts
    var recentUsers = RecentNames()
    var recentAgents = RecentNames()
    var lastVerification: AuditVerification?
    /// To write, to seal or to remove.
    var lastFailure: String?

    init(_ settings: AuditSettings) {
        counts = AuditCounts(mostPairs: settings.countedPairs)
        recent.limit = settings.recentBytes
    }

    /// With the newest records of the time before.
    mutating func begin(with group: RecentLines.Group) {
        recent.add(group)
        var scan = AuditTallies.names(of: group.bytes)
        while let (agent, user, time) = scan.popLast() {
            recentAgents.see(agent, at: time)
            recentUsers.see(user, at: time)
        }
    }

    var files: [FileSummary] { sealed + [active].compactMap { $0 } }
}

/// The newest lines of the trail, whole groups of them, without a gap.
struct RecentLines {
    struct Group {
        let first: UInt64
        let bytes: [UInt8]
    }

    /// In bytes. The newest group stays, however large.
    var limit = 0
    private(set) var groups: [Group] = []
    private var bytes = 0
    private var gone = 0

    /// Every record from this one on is here.
    var first: UInt64? { gone < groups.count ? groups[gone].first : nil }

    /// Newest first.
    var newestFirst: some Collection<Group> { groups[gone...].reversed() }

    mutating func add(_ group: Group) {
        groups.append(group)
        bytes += group.bytes.count
        while bytes > limit, gone < groups.count - 1 {
            bytes -= groups[gone].bytes.count
            groups[gone] = Group(first: 0, bytes: [])
            gone += 1
        }
        if gone > 64, gone * 2 > groups.count {
            groups.removeFirst(gone)
            gone = 0
        }
    }

    /// What was kept is not what comes before the next group.
    mutating func removeAll() {
        groups = []
        bytes = 0
        gone = 0
    }
}
