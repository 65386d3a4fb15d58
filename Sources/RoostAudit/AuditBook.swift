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

    /// With the newest records of the time before, the first of them and their lines.
    mutating func begin(with first: UInt64, _ lines: [UInt8]) {
        var scan = AuditTallies.names(of: lines)
        recent.add(lines, from: first, at: scan.map(\.time).max() ?? .max)
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
        /// No record up to the end of this group has a later time, in Unix nanoseconds: the clock may
        /// have been set back.
        let latest: UInt64
    }

    /// In bytes. The newest group stays, however large.
    var limit = 0
    private(set) var groups: [Group] = []
    private var bytes = 0
    private var gone = 0
    private var latest: UInt64 = 0

    /// Every record from this one on is here.
    var first: UInt64? { gone < groups.count ? groups[gone].first : nil }

    /// Newest first.
    var newestFirst: some Collection<Group> { groups[gone...].reversed() }

    /// Lines of which the first has a number and none a later time.
    mutating func add(_ lines: [UInt8], from first: UInt64, at time: UInt64) {
        latest = max(latest, time)
        groups.append(Group(first: first, bytes: lines, latest: latest))
        bytes += lines.count
        while bytes > limit, gone < groups.count - 1 {
            bytes -= groups[gone].bytes.count
            groups[gone] = Group(first: 0, bytes: [], latest: 0)
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
