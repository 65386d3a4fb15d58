import RoostCore
import RoostQueue
import RoostWire

/// The queue of one destination on disk: a folder of its own, one reader.
///
/// Any thread. docs/decisions/0008.
final class DurableQueue: Sendable {
    let log: SegmentLog
    private let cursor: QueueCursor
    private let lock: FolderClaim
    /// Reads what is no longer in memory.
    let reader: WorkThread
    let folder: String
    /// The one spelling of it.
    let canonicalFolder: String
    private let memoryBytes: Int
    /// Of all that was read and not sent.
    let stagingBytes: Int

    /// The reader's name in the folder, the same for every destination: a folder that is renamed
    /// with its destination goes on where it was.
    static let reader = "exporter"

    /// Takes the folder, which is made if it is not there. Throws what to tell the user.
    static func claim(
        _ folder: String, for name: String
    ) throws(ExportStartError) -> FolderClaim {
        do throws(FolderClaim.Failure) {
            return try lock(folder)
        } catch {
            switch error {
            case .inUse(let holder):
                throw .queueInUse(exporter: name, folder: folder, by: holder)
            case .failed(let reason):
                throw .queue(
                    exporter: name,
                    "\(folder) cannot be written: \(reason); mend that or choose another folder")
            }
        }
    }

    /// Opens the queue in the folder, of which `claim` is held until `close`. Throws what to tell the
    /// user.
    ///
    /// `memoryBytes` is what may be held of what has been read or is being written.
    init(
        _ settings: ExportSettings, folder: String, claim: FolderClaim, memoryBytes: Int,
        onCommit: @escaping @Sendable () -> Void,
        onEvict: @escaping @Sendable (QueueCounts, _ before: UInt64) -> Void
    ) throws(ExportStartError) {
        let name = settings.name
        self.folder = folder
        self.memoryBytes = memoryBytes
        lock = claim
        canonicalFolder = canonicalPath(folder)
        var log = SegmentLogSettings(
            path: folder, limitBytes: settings.queue.capacityBytes, cursors: [Self.reader])
        log.sync = settings.queue.sync
        log.gather = settings.queue.gather
        log.waitingBytes = Self.waitingBytes(settings, memoryBytes)
        log.hotBytes = memoryBytes / 4
        log.writeBytes = memoryBytes / 8
        // Before the log: that has a thread at work in the folder, which ends with `close` only.
        guard let reader = WorkThread("queue-read") else { throw .noThread }
        do throws(QueueOpenError) {
            self.log = try SegmentLog.open(log, onCommit: onCommit) { eviction in
                let lost = eviction.lost.first { $0.cursor == Self.reader }?.lost
                onEvict(lost ?? QueueCounts(), eviction.before)
            }
        } catch {
            reader.stop()
            throw .queue(exporter: name, "\(error)")
        }
        guard let cursor = self.log.cursor(Self.reader) else {
            self.log.close()
            reader.stop()
            throw .noThread
        }
        self.cursor = cursor
        self.reader = reader
        stagingBytes = max(
            64 << 10,
            min(memoryBytes / 2, (settings.concurrency + 2) * min(settings.batch.bytes, 1 << 30)))
    }

    /// Takes over what may change while it is open.
    func use(_ settings: ExportSettings) {
        log.use(
            limitBytes: settings.queue.capacityBytes, sync: settings.queue.sync,
            gather: settings.queue.gather,
            waitingBytes: Self.waitingBytes(settings, memoryBytes))
    }

    private static func waitingBytes(_ settings: ExportSettings, _ memoryBytes: Int) -> Int {
        min(64 << 20, memoryBytes, settings.queue.capacityBytes / 2)
    }

    private static func lock(_ folder: String) throws(FolderClaim.Failure) -> FolderClaim {
        do throws(QueueFault) { try SegmentLog.makeFolder(folder) } catch {
            throw .failed(reason: error.description)
        }
        return try FolderClaim(folder)
    }

    /// What opening found waiting, and what of that is damaged.
    var recovered: (waiting: QueueCounts, damaged: QueueCounts) {
        let waiting = log.statistics().cursors.first { $0.name == Self.reader }?.waiting
        return (
            waiting ?? QueueCounts(),
            log.recovery.damagedWaiting[Self.reader] ?? QueueCounts()
        )
    }

    /// See `SegmentLog.nextInMemory`.
    func nextInMemory(maxBytes: Int, waits: Bool) -> (payloads: [Payload], hasMore: Bool)? {
        guard let (records, hasMore) = log.nextInMemory(cursor, maxBytes: maxBytes, waits: waits)
        else { return nil }
        return (payloads(of: records), hasMore)
    }

    /// See `SegmentLog.next`. Waits for the disk. `unsaved` says why not all that is lost is in
    /// quarantine.
    func next(maxBytes: Int, share: MemoryBudget.Share) throws(QueueReadError) -> Found {
        let batch = try log.next(cursor, maxBytes: maxBytes, share: share)
        return Found(
            payloads: payloads(of: batch.records), lost: batch.lost,
            unsaved: batch.quarantineFailure, isEmpty: batch.isEmpty)
    }

    /// What one look at the disk found.
    struct Found {
        let payloads: [Payload]
        let lost: QueueCounts
        let unsaved: String?
        /// Nothing at all: then there is no more for now.
        let isEmpty: Bool
    }

    /// Whether `next` may find something.
    var hasMore: Bool { log.hasMore(cursor) }

    private func payloads(of records: [StoredRecord]) -> [Payload] {
        let payloads = records.compactMap(Payload.init)
        if payloads.count < records.count {
            // Of a signal that nobody knows: nothing of the kind is ever written.
            let known = Set(payloads.compactMap(\.sequence))
            release(records.map(\.sequence).filter { !known.contains($0) })
        }
        return payloads
    }

    func release(_ sequences: [UInt64]) {
        if !sequences.isEmpty { log.release(cursor, sequences) }
    }

    /// Keeps what is there, and lets go of the folder. Blocks.
    func close() {
        reader.stop()
        log.close()
        // Answers that are still to come may hold this for longer.
        lock.release()
    }

    var statistics: QueueStatistics { log.statistics() }
}

extension Payload {
    /// Nil for a signal that this version does not know.
    fileprivate init?(_ record: StoredRecord) {
        guard let signal = Signal(rawValue: Int(record.signal)) else { return nil }
        self.init(signal: signal, items: record.items, slices: record.slices)
        sequence = record.sequence
    }
}

extension QueueRecord {
    init(_ payload: Payload) {
        self.init(
            signal: UInt8(payload.signal.rawValue), items: payload.items, slices: payload.slices)
    }
}
