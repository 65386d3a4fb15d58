public import RoostCore

/// When an append is answered, and what a loss of power can then take. docs/queue.md.
///
/// In every mode what was answered survives the end of the process, however sudden.
public enum QueueSync: Equatable, Sendable {
    /// Answered when it is on the disk. Nothing that was answered is lost.
    case always
    /// Answered when the kernel has it; synced this often. Loses at most so much time.
    case interval(Duration)
    /// Answered when the kernel has it, which writes when it likes: some 30 seconds on Linux.
    case never
}

/// How a `SegmentLog` behaves.
public struct SegmentLogSettings: Equatable, Sendable {
    public var path: String
    /// The most that the segment files take.
    public var limitBytes: Int
    /// Where a segment ends; space comes back by whole segments. Made smaller when fewer than eight
    /// would fit below the limit.
    public var segmentBytes = 64 << 20
    public var sync = QueueSync.always
    /// With `.always`: how long after one sync the next may begin, so that more go together.
    public var gather = Duration.zero
    /// The most that waits for the disk; what comes then is refused as `busy`.
    public var waitingBytes = 64 << 20
    /// Newest payloads kept in memory until all cursors have read them, so that a reader that keeps
    /// up reads no file. They count against whatever budget their blocks belong to.
    public var hotBytes = 8 << 20
    /// Memory for what is on its way to the disk past the page cache, made once and kept. More than
    /// 2 MiB is of no use, and less costs a quarter more to write.
    public var writeBytes = 2 << 20
    /// The most that is copied into quarantine files, over all.
    public var quarantineBytes = 64 << 20
    /// How often cursors are synced; a loss of power repeats what was released since.
    public var cursorSync = Duration.seconds(1)
    /// With `.always`: writes past the page cache where the file system offers that.
    var passesPageCache = true
    /// How long at least a place that cannot be read is tried again before it is given up; longer
    /// where nothing could be read since the last one was.
    var readPatience = Duration.seconds(60)
    /// How often in all, while the queue is opened, what the disk does not give is asked for again;
    /// and how long after.
    var openTries = 6
    var openPause = Duration.milliseconds(500)
    /// Names of those who read, at most 64 of at most 128 bytes.
    public var cursors: [String]

    public init(path: String, limitBytes: Int, cursors: [String]) {
        self.path = path
        self.limitBytes = limitBytes
        self.cursors = cursors
    }

    var effectiveSegmentBytes: Int { max(4096, min(segmentBytes, limitBytes / 8)) }
}

/// One payload to be kept.
public struct QueueRecord: Sendable {
    /// Below `QueueCounts.signals`.
    public let signal: UInt8
    public let items: Int
    public let slices: [ByteSlice]
    /// Length of all slices.
    public let bytes: Int

    public init(signal: UInt8, items: Int, slices: [ByteSlice]) {
        precondition(Int(signal) < QueueCounts.signals)
        self.signal = signal
        self.items = items
        self.slices = slices
        bytes = slices.reduce(0) { $0 + $1.count }
    }
}

/// One payload that was kept, handed to a cursor.
public struct StoredRecord: Sendable {
    /// Ascending, with gaps.
    public let sequence: UInt64
    public let timeUnixNano: UInt64
    public let signal: UInt8
    public let items: Int
    public let slices: [ByteSlice]
    /// Length of all slices.
    public let bytes: Int
}

/// What a cursor gets to do next.
public struct QueueBatch: Sendable {
    public var records: [StoredRecord] = []
    /// What was found unreadable on the way, and is not waiting for this cursor any more.
    public var lost = QueueCounts()
    /// Why not all of that is in quarantine, or can go there; nil when it is, or will be once the
    /// segment is done with.
    public var quarantineFailure: String?

    public var isEmpty: Bool { records.isEmpty && lost.isEmpty }
}

/// What had to go for records that make room.
public struct QueueEviction: Sendable {
    /// What each cursor lost of what was not handed out to it.
    public let lost: [(cursor: String, lost: QueueCounts)]
    /// What has a lower sequence number is in no file any more: those to whom it was handed out and
    /// who have not released it hold all that there is of it.
    public let before: UInt64
}

/// Why a record was not taken, told as what its sender can do.
public enum AppendRefusal: Error, Equatable, Sendable {
    /// The queue holds as much as it may; later is better.
    case full
    /// Too much waits for the disk; later is better.
    case busy
    /// The disk is full; later is better.
    case noSpace(String)
    /// The disk did not take it. Later may be better.
    case failed(String)
    /// An empty queue would not hold it.
    case tooLarge(limit: Int)
    case closed

    public var isRetryable: Bool {
        switch self {
        case .full, .busy, .noSpace, .failed, .closed: true
        case .tooLarge: false
        }
    }
}

/// Why a cursor could not read.
public enum QueueReadError: Error, Equatable, Sendable {
    /// The budget had no room for the bytes.
    case noMemory
    /// The disk failed. When it does so for a minute the rest of the segment is lost, and its file
    /// goes to quarantine; not while descriptors, memory or a network are missing.
    case failed(String)
}

/// Why a queue cannot be opened. Nothing in the folder has been changed.
public enum QueueOpenError: Error, Equatable, Sendable, CustomStringConvertible {
    case version(file: String, found: Int, known: Int)
    case invalid(String)
    case failed(String)

    public var description: String {
        switch self {
        case .version(let file, let found, let known):
            "\(file) is written in version \(found) of the queue's format, and this program knows "
                + "version \(known): use the program that wrote it until the queue is empty"
        case .invalid(let text), .failed(let text): text
        }
    }
}

/// What opening found.
public struct QueueRecovery: Equatable, Sendable {
    public init() {}

    public var segments = 0
    /// Everything readable, whether or not a cursor still waits for it.
    public var found = QueueCounts()
    /// Cut off the ends of files: writes that never finished, and that nobody was told of.
    public var tornBytes = 0
    /// Places that were set aside for the first time.
    public var damagedPlaces = 0
    public var damagedBytes = 0
    /// Of these, what is known: records with a readable head.
    public var damaged = QueueCounts()
    /// The same, of those that a cursor still waited for, by its name.
    public var damagedWaiting: [String: QueueCounts] = [:]
    /// Records that were kept and are in no file, told once; counted in `damaged`, too.
    public var gaps: [QueueGap] = []
    /// Whole files that could not be read and were moved aside.
    public var filesSetAside = 0
    /// Files that the disk would not give, or not from some place on: they go to quarantine when
    /// nobody waits any more for what was read of them; and files that it would not move.
    public var filesUnreadable = 0
    /// Of the damaged places and torn ends, those that are in quarantine since, and those that are not.
    public var placesSetAside = 0
    public var placesLeft = 0
    /// Of these, and of files that could not be moved.
    public var bytesLeft = 0
    /// Why not all of what is damaged could be copied into quarantine; nil when it was.
    public var quarantineFailure: String?
    /// No cursor position was readable: everything that is there will be sent again.
    public var cursorsLost = false
    public var nanoseconds: UInt64 = 0
}

/// How full a queue is, and how it does.
public struct QueueStatistics: Sendable {
    public struct Cursor: Sendable {
        public let name: String
        /// Waiting or handed out; not released.
        public let waiting: QueueCounts
        /// The first record that was not released.
        public let position: UInt64
        /// No newer than the oldest record that waits; nil when none does.
        public let oldestUnixNano: UInt64?
        /// False when the folder knows it from before and the settings do not name it.
        public let isConfigured: Bool
    }

    public init() {}

    public var limitBytes = 0
    /// Of all segment files, and of those that could not be moved to quarantine.
    public var bytes = 0
    public var segments = 0
    /// Not yet on disk.
    public var waitingBytes = 0
    public var waitingRecords = 0
    /// Promised by `reserve`.
    public var reservedBytes = 0
    /// Handed out and not released, of segments that were given up.
    public var evictedBytes = 0
    public var cursors: [Cursor] = []
    /// Since it was opened.
    public var appended = QueueCounts()
    public var commits = 0
    /// From `append` to its answer, of records that were kept.
    public var commitTimes = QueueTimes()
    public var syncs = 0
    public var syncFailures = 0
    /// Groups that were not written, or not whole.
    public var writeFailures = 0
    /// Why nothing can be appended, until the disk has taken something again.
    public var appendFailure: AppendRefusal?
    /// The disk's last answer when it was none; nil again after the next success.
    public var lastFailure: String?
    /// Found while reading, since it was opened.
    public var damagedPlaces = 0
    public var damagedBytes = 0
    public var readFailures = 0
}
