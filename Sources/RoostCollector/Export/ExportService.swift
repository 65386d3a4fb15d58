import RoostCompression
public import RoostCore
import RoostHTTPClient
import RoostQueue
import RoostWire
import Synchronization

/// All destinations: takes accepted requests in, and gets them out.
///
/// What loop threads call holds one short lock for each destination and never waits for a disk;
/// everything else happens on the export thread, and on those of the queues on disk. A destination
/// that is slow or down delays nobody else. `ExportService+Admission.swift` has the way in,
/// `ExportService+Pump.swift` the way out.
public final class ExportService: Sendable {
    let table: Mutex<[Destination]>
    let ledger: Ledger
    let log: Log
    /// Pays for what is made here beside the payloads: the pieces of split batches, and what is
    /// read from disk.
    let share: MemoryBudget.Share
    let sending: SendingRoom
    let client = Mutex<HTTPClient?>(nil)
    let compressor = Mutex<WorkThread?>(nil)
    let letters = Mutex<DeadLetterWriter?>(nil)
    let nextLook = Atomic<UInt64>(0)
    /// Batches whose compressed bodies are ready, with what pays for the request if it is certain.
    let compressed = Mutex<[(Destination, ExportBatch, SendingRoom.Hold?)]>([])
    /// Destinations that were taken out of the configuration, until they have ended.
    let leaving = Mutex(LeavingDestinations())
    let leftQueues = Mutex<LeftQueues?>(nil)
    let leftItems = Mutex(LeftItems())
    /// Monotonic nanoseconds; 0 while not draining.
    let drainDeadline = Atomic<UInt64>(0)

    /// Those in force, in the order of the configuration.
    var destinations: [Destination] { table.withLock { $0 } }

    public init(
        destinations: [ExportSettings], ledger: Ledger, budget: MemoryBudget, log: Log
    ) {
        self.ledger = ledger
        self.log = log
        share = budget.share("export")
        sending = SendingRoom(share)
        table = Mutex(
            destinations.map { settings in
                let index = ledger.exporterIndex(named: settings.name)
                return Destination(
                    settings, index: index, log: log,
                    letterCounts: ledger.deadLetterCounts(exporter: index))
            })
    }

    /// Opens the queues on disk and starts the export thread, if there is any destination. What was
    /// committed to queues in memory before it waits.
    public func start() throws(ExportStartError) {
        let opened = try open(destinations)
        for destination in opened { announce(destination) }
        table.withLock { $0 = opened }
        guard !opened.isEmpty else { return }
        suitSending()
        try startLetters(opened)
        try startThreads(opened.map(\.settings))
        wake()
        let look = LeftQueues(opened.map(\.settings), log)
        leftQueues.withLock { $0 = look }
    }

    /// Sets aside what all of them need to send, those that leave among them.
    func suitSending() {
        sending.suit {
            let all = destinations + leaving.withLock { $0.draining.map(\.destination) }
            return all.map { ($0.index, $0.settings) }
        }
    }

    /// The threads that destinations with these settings need and that are not there.
    func startThreads(_ settings: [ExportSettings]) throws(ExportStartError) {
        if settings.contains(where: { $0.compression != .none }) {
            let isThere = compressor.withLock { compressor in
                if compressor == nil { compressor = WorkThread("export-deflate") }
                return compressor != nil
            }
            guard isThere else { throw .noThread }
        }
        do throws(ClientStartError) {
            try client.withLock { client throws(ClientStartError) in
                guard client == nil else { return }
                client = try HTTPClient(
                    name: "export", userAgent: "OTel-OTLP-Exporter-Roost/" + roostVersion,
                    work: { [weak self] client, now in self?.pump(now, client) })
            }
        } catch {
            throw error == .noThread ? .noThread : .noCurl
        }
    }

    /// The destinations with their queues on disk, which they have not yet, or none of them.
    ///
    /// All folders are taken first: looking into a queue sets aside what is damaged, so it is not done
    /// in vain because of another one that is in use.
    func open(_ destinations: [Destination]) throws(ExportStartError) -> [Destination] {
        var claims: [FolderClaim?] = []
        for settings in destinations.map(\.settings) {
            guard let folder = settings.queue.folder else {
                claims.append(nil)
                continue
            }
            waitUntilClosed(folder)
            claims.append(try DurableQueue.claim(folder, for: settings.name))
        }
        var opened: [Destination] = []
        do throws(ExportStartError) {
            for (destination, claim) in zip(destinations, claims) {
                opened.append(try open(destination, claim))
            }
        } catch {
            for destination in opened { closeUncounted(destination) }
            throw error
        }
        return opened
    }

    private func open(
        _ destination: Destination, _ claim: FolderClaim?
    ) throws(ExportStartError) -> Destination {
        let settings = destination.settings
        guard let folder = settings.queue.folder, let claim else { return destination }
        let index = destination.index
        Allocator.keepFreedMemory(upTo: min(32 << 20, share.limitBytes / 16))
        let durable = try DurableQueue(
            settings, folder: folder, claim: claim, memoryBytes: memoryForEach,
            onCommit: {},
            onEvict: { [weak self] counts, before in
                self?.dropped(counts, .evicted, exporter: index)
                self?.evict(before: before, in: folder)
            })
        return Destination(
            settings, index: index, log: log, durable: durable,
            letterCounts: ledger.deadLetterCounts(exporter: index))
    }

    /// Counts and tells what was found in a queue on disk that was opened.
    func announce(_ destination: Destination) {
        guard let durable = destination.durable else { return }
        let (waiting, found) = durable.recovered
        // What was left there when this was closed a while ago is in the ledger as queued.
        let key = LeftItems.Key(exporter: destination.index, folder: durable.canonicalFolder)
        let known = leftItems.withLock { $0.take(key) }
        var damaged = leftItems.withLock { $0.takeDamaged(durable.canonicalFolder) }
        damaged += found
        for signal in Signal.allCases {
            let items = waiting.items(signal.rawValue) + damaged.items(signal.rawValue)
            let isNew = max(0, items - known[signal.rawValue])
            if isNew > 0 {
                ledger.recovered(exporter: destination.index, signal: signal, items: isNew)
            }
            // Nobody comes back for these: somebody deleted the files, or nothing tells what they held.
            let gone = known[signal.rawValue] - items
            if gone > 0 {
                dropped(signal, gone, .damaged, at: destination)
                log.error(
                    "data that was left in the queue is no longer there",
                    [
                        "exporter": destination.settings.name, "folder": durable.folder,
                        signal.itemName: "\(gone)",
                    ])
            }
        }
        dropped(damaged, .damaged, exporter: destination.index)
        log.tell(
            durable.log.recovery, waiting: waiting, exporter: destination.settings.name,
            folder: durable.folder)
    }

    /// Closes the queue on disk of a destination that is not used after all.
    ///
    /// What was found damaged in it is told, since opening it again does not find it again. It is
    /// counted when that is done.
    func closeUncounted(_ destination: Destination) {
        guard let durable = destination.durable else { return }
        let damaged = durable.recovered.damaged
        log.tell(
            durable.log.recovery, waiting: QueueCounts(), exporter: destination.settings.name,
            folder: durable.folder)
        durable.close()
        leftItems.withLock { $0.leave(damaged: damaged, in: durable.canonicalFolder) }
    }

    /// What a queue on disk may hold in memory: of all together no more than a quarter of it.
    private var memoryForEach: Int {
        let count = destinations.count { $0.settings.queue.folder != nil }
        return min(64 << 20, max(256 << 10, share.limitBytes / 4 / max(1, count)))
    }

    // MARK: Ending and looking

    /// Sends what is queued until all of it is out, until `deadline` (monotonic nanoseconds) has
    /// come, or until what is left is on disk and its peer does not take it. The rest of queues in
    /// memory is dropped with the reason `shutdown`, that on disk stays there. Blocks; ends all
    /// threads.
    public func drain(deadline: UInt64) {
        let client = self.client.withLock { $0 }
        drainDeadline.store(max(deadline, 1), ordering: .sequentiallyConsistent)
        let now = monotonicNanoseconds()
        for destination in destinations { destination.withState { $0.beginDraining(now) } }
        client?.wake()
        client?.join()
        close()
        for destination in destinations { destination.durable?.close() }
        endLeaving()
        leftQueues.withLock { look in
            defer { look = nil }
            return look
        }?.stop()
        compressor.withLock { compressor in
            defer { compressor = nil }
            return compressor
        }?.stop()
        stopLetters(deadline: deadline)
        self.client.withLock { $0 = nil }
    }

    /// The state of every destination, in the order of the configuration.
    public func statuses() -> [ExportStatus] {
        let (now, unixNano) = (monotonicNanoseconds(), unixNanoseconds())
        return destinations.map { $0.status(now: now, unixNano: unixNano) }
    }

    /// Why requests would be refused now: queues with the policy `refuse` that are full or cannot
    /// be written.
    public var refusals: [String] { destinations.compactMap(\.refusal) }

    func wake() { client.withLock { $0 }?.wake() }

    /// Drops what is left in memory. Also for a service that was never started.
    func close() {
        for destination in destinations { close(destination) }
    }

    /// Drops what of it is in memory, and only there.
    func close(_ destination: Destination) {
        let lost = destination.withState { $0.close() }
        for (signal, items) in lost { dropped(signal, items, .shutdown, at: destination) }
        for (signal, items) in lost {
            log.warn(
                destination.durable == nil
                    ? "data was still in memory at the end, and is lost"
                    : "data was under way when its files were given up to make room, and is lost",
                ["exporter": destination.settings.name, "\(signal.itemName)": "\(items)"])
        }
    }

    func dropped(
        _ signal: Signal, _ items: Int, _ reason: DropReason, at destination: Destination
    ) {
        ledger.dropped(exporter: destination.index, signal: signal, items: items, reason: reason)
    }

    func dropped(_ counts: QueueCounts, _ reason: DropReason, exporter: Int) {
        for signal in Signal.allCases {
            let items = counts.items(signal.rawValue)
            guard items > 0 else { continue }
            ledger.dropped(exporter: exporter, signal: signal, items: items, reason: reason)
        }
    }
}

/// Why forwarding could not start.
public enum ExportStartError: Error, Equatable {
    case noThread
    /// libcurl has no memory or no sockets for a handle.
    case noCurl
    case queueInUse(exporter: String, folder: String, by: FolderHolder)
    case queue(exporter: String, String)
    case lettersInUse(exporter: String, folder: String, by: FolderHolder)
}
