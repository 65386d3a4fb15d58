import RoostWire

/// What a destination knows of its queue on disk beside what of it is in memory.
///
///     on disk ──stage──▶ waiting ──▶ in batches ──done──▶ released
struct Staging {
    /// How much of the queue may be in memory.
    let limitBytes: Int
    /// More may lie on the disk than has been staged.
    fileprivate(set) var hasMore = true
    /// How often something came of which a reader that was at it may not know.
    fileprivate var news: UInt64 = 0
    /// The reader's thread is at it.
    fileprivate(set) var isReading = false
    /// It is not asked again before it; monotonic nanoseconds.
    fileprivate var readAfter: UInt64 = 0
    /// What comes before it is in no file any more.
    fileprivate(set) var goneBefore: UInt64 = 0
    /// By signal: items that were given up with their files, and are not yet counted as dropped.
    private var evicted = [Int](repeating: 0, count: Signal.allCases.count)
    /// Records that were cut, by sequence number.
    private var cuts: [UInt64: Cut] = [:]
    /// By signal: items that are counted as sent or dropped, of records that the disk still keeps
    /// whole.
    private(set) var countedItems = [Int](repeating: 0, count: Signal.allCases.count)
    /// Nobody needs these on the disk any more.
    private var released: [UInt64] = []

    private struct Cut: Equatable {
        var pieces = 1
        /// In those that were delivered or dropped.
        var doneItems = 0
    }

    init(limitBytes: Int) { self.limitBytes = limitBytes }

    mutating func takeReleased() -> [UInt64] {
        defer { released = [] }
        return released
    }

    mutating func takeEvicted() -> [(Signal, items: Int)] {
        defer { for signal in Signal.allCases { evicted[signal.rawValue] = 0 } }
        return Signal.allCases.map { ($0, items: evicted[$0.rawValue]) }.filter { $0.items > 0 }
    }

    /// These are given up with their files.
    mutating func evict(_ payloads: [Payload]) {
        for payload in payloads { evicted[payload.signal.rawValue] += payload.items }
        done(with: payloads)
    }

    /// `batches` take the place of `batch`.
    mutating func cut(_ batch: ExportBatch, into batches: [ExportBatch]) {
        for payload in batch.payloads { add(-1, of: payload) }
        for payload in batches.flatMap(\.payloads) { add(1, of: payload) }
    }

    /// These were delivered or dropped.
    mutating func done(with payloads: [Payload]) {
        for payload in payloads {
            guard let sequence = payload.sequence else { continue }
            var cut = cuts[sequence] ?? Cut()
            cut.pieces -= 1
            cut.doneItems += payload.items
            countedItems[payload.signal.rawValue] += payload.items
            if cut.pieces == 0 {
                countedItems[payload.signal.rawValue] -= cut.doneItems
                released.append(sequence)
            }
            cuts[sequence] = cut.pieces == 0 ? nil : cut
        }
    }

    /// It is in no file, and at the end not delivered: it will be counted as dropped.
    mutating func lose(_ payload: Payload) {
        countedItems[payload.signal.rawValue] += payload.items
    }

    private mutating func add(_ change: Int, of payload: Payload) {
        guard let sequence = payload.sequence else { return }
        var cut = cuts[sequence] ?? Cut()
        cut.pieces += change
        cuts[sequence] = cut == Cut() ? nil : cut
    }
}

extension DestinationState {
    /// What the export thread does for the queue on disk.
    enum Reading: Equatable {
        /// Nothing; or nothing until then.
        case none(until: UInt64?)
        /// To be read by a thread that may wait: so many bytes. `staged` or `couldNotRead` follows.
        case read(maxBytes: Int, Look)
    }

    /// The moment at which somebody began to look for more.
    struct Look: Equatable { fileprivate let news: UInt64 }

    /// Bytes that may be read now; 0 or less when it is enough.
    var stagingRoom: Int {
        guard let staging, !isClosed else { return 0 }
        return staging.limitBytes - queue.heldBytes
    }

    /// Something came that may not be staged: whoever is at it does not have the last word.
    mutating func noteMore() {
        staging?.hasMore = true
        staging?.news += 1
    }

    func beginLook() -> Look { Look(news: staging?.news ?? 0) }

    /// Takes in what was read. `hasMore`: there may be more.
    mutating func stage(
        _ payloads: [Payload], hasMore: Bool, _ look: Look, now: UInt64
    ) -> Appended {
        guard !isClosed else { return .closed }
        let isNews = staging?.news != look.news
        staging?.hasMore = hasMore || isNews
        var answer = Appended.quietly
        for payload in payloads {
            if let staging, payload.isBefore(staging.goneBefore) {
                // Its file went while it was on its way here.
                self.staging?.evict([payload])
                answer = .needsWaking
            } else if append(payload, reserved: 0, now: now) == .needsWaking {
                answer = .needsWaking
            }
        }
        return answer
    }

    /// What to read from the disk now.
    mutating func nextReading(_ now: UInt64) -> Reading {
        guard let staging, staging.hasMore, !staging.isReading, !isClosed else {
            return .none(until: nil)
        }
        // Nothing is read for a peer that takes nothing at the end.
        if isDraining, clock.isFailing { return .none(until: nil) }
        // Not for the last few bytes of room: larger reads are cheaper.
        let room = stagingRoom
        guard room >= staging.limitBytes / 4 else { return .none(until: nil) }
        guard now >= staging.readAfter else { return .none(until: staging.readAfter) }
        self.staging?.isReading = true
        return .read(maxBytes: min(room, DestinationState.mostAtOnce), beginLook())
    }

    /// What comes in one read lies in one block, which stays until all of it is sent.
    static let mostAtOnce = 4 << 20

    /// The reader's thread has read. `isLast`: it found nothing, not even what is lost; only that
    /// says that there is no more.
    mutating func staged(
        _ payloads: [Payload], isLast: Bool, _ look: Look, now: UInt64
    ) -> Appended {
        staging?.isReading = false
        return stage(payloads, hasMore: !isLast, look, now: now)
    }

    /// The disk or the memory gave nothing.
    mutating func couldNotRead(until time: UInt64) {
        staging?.isReading = false
        staging?.readAfter = time
    }

    /// Whether as much is in memory as may be, so that waiting for more is no use.
    func isStaged(_ limit: Int) -> Bool {
        guard let staging, staging.hasMore else { return false }
        return queue.waitingBytes > 0 && stagingRoom < max(staging.limitBytes / 4, 1)
            && inFlight.isEmpty
    }

    /// The files with everything before `sequence` are given up: what of it is in memory goes, too,
    /// except what is under way just now, which goes unless it is delivered.
    mutating func evict(before sequence: UInt64) {
        guard let before = staging?.goneBefore, sequence > before, !isClosed else { return }
        staging?.goneBefore = sequence
        evictWaiting(before: sequence)
    }

    /// Items that were given up with their files, to be counted as dropped.
    mutating func takeEvicted() -> [(Signal, items: Int)] { staging?.takeEvicted() ?? [] }

    /// Records that the disk need not keep.
    mutating func takeReleased() -> [UInt64] { staging?.takeReleased() ?? [] }
}
