import RoostCore
public import RoostQueue

/// A queue on disk as `/status` and `/metrics` show it.
public struct DurableQueueStatus: Sendable, Equatable {
    public var folder: String
    /// Not released.
    public var items: Int
    /// Of the segment files, of what waits to be written or was promised, and of what is under way
    /// and was given up on the disk.
    public var bytes: Int
    public var segments: Int
    public var isFull: Bool
    /// The disk takes nothing.
    public var isFailing: Bool
    public var commits: Int
    public var commitTimes: QueueTimes
    public var syncs: Int
    public var syncFailures: Int
    public var writeFailures: Int
    public var readFailures: Int
    /// Places found damaged, at the start and since.
    public var damagedPlaces: Int
    public var damagedBytes: Int
    /// Cut off at the start: writes that nobody was told of.
    public var tornBytes: Int
    /// Of the oldest record, or an older one of the same file; 0 when there is none.
    public var oldestAgeSeconds: Double
    /// What the disk said when it last failed; nil when all is well again.
    public var lastFailure: String?

    /// An empty one, for the reference.
    init() {
        self.init(
            QueueStatistics(), QueueRecovery(),
            ExportSettings(name: "", protocol: .grpc, urls: ExportURLs()), unixNano: 0)
    }

    init(
        _ statistics: QueueStatistics, _ recovery: QueueRecovery, _ settings: ExportSettings,
        unixNano: UInt64
    ) {
        let cursor = statistics.cursors.first { $0.name == DurableQueue.reader }
        folder = settings.queue.folder ?? ""
        items = cursor?.waiting.allItems ?? 0
        bytes = statistics.usedBytes
        segments = statistics.segments
        isFailing = statistics.appendFailure != nil
        isFull = statistics.isFull || isFailing
        commits = statistics.commits
        commitTimes = statistics.commitTimes
        syncs = statistics.syncs
        syncFailures = statistics.syncFailures
        writeFailures = statistics.writeFailures
        readFailures = statistics.readFailures
        damagedPlaces =
            statistics.damagedPlaces + recovery.damagedPlaces + recovery.filesSetAside
            + recovery.filesUnreadable
        damagedBytes = statistics.damagedBytes + recovery.damagedBytes
        tornBytes = recovery.tornBytes
        let oldest = cursor?.oldestUnixNano ?? unixNano
        oldestAgeSeconds = oldest < unixNano ? Double(unixNano - oldest) * 1e-9 : 0
        lastFailure = statistics.lastFailure
    }
}

extension QueueStatistics {
    var usedBytes: Int { bytes + waitingBytes + reservedBytes + evictedBytes }

    /// Whether there is no room for another request of a usual size.
    var isFull: Bool { usedBytes > limitBytes - min(64 << 10, limitBytes / 4) }
}

extension AppendRefusal {
    /// To follow after what could not be written.
    var text: String {
        switch self {
        case .full: "it is full"
        case .busy: "the disk is slower than what comes"
        case .noSpace(let text), .failed(let text): text
        case .tooLarge(let limit): "no more than \(limit) bytes fit"
        case .closed: "it is closed"
        }
    }

    /// Why an exporter that may lose data has lost this.
    var dropReason: DropReason {
        switch self {
        case .full, .busy, .tooLarge: .queueFull
        case .noSpace, .failed: .disk
        case .closed: .shutdown
        }
    }
}
