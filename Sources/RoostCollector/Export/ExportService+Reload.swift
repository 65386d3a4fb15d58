import RoostCore
import RoostHTTPClient
import RoostQueue
import RoostWire
import Synchronization

/// Destinations on their way out, and queues on disk that are being closed.
struct LeavingDestinations: Sendable {
    struct Draining: Sendable {
        let destination: Destination
        /// Monotonic nanoseconds at which it ends whatever it has.
        let deadline: UInt64
        /// A change that is being prepared puts it back; until that is in force it does not end.
        var isWanted = false
    }

    /// Each with what opens when it is closed.
    struct Closing: Sendable {
        /// Canonical.
        let folder: String
        let isClosed: Latch
    }

    var draining: [Draining] = []
    var closing: [Closing] = []

    /// The one that has the queue on disk which `settings` ask for. It does not end before `forget`
    /// or `release`.
    mutating func want(_ settings: ExportSettings) -> Destination? {
        let index = draining.firstIndex {
            $0.destination.durable != nil && $0.destination.settings.name == settings.name
                && $0.destination.hasQueue(of: settings)
        }
        guard let index else { return nil }
        draining[index].isWanted = true
        return draining[index].destination
    }

    /// None of them is put back.
    mutating func release() {
        for index in draining.indices { draining[index].isWanted = false }
    }

    /// Those that are wanted have been put back.
    mutating func forget() { draining.removeAll(where: \.isWanted) }

    /// The destination ends now, and its queue on disk, if it has one, is being closed until the
    /// latch opens. Nil when it may not end or has ended.
    mutating func end(_ destination: Destination) -> Latch? {
        let index = draining.firstIndex { $0.destination === destination && !$0.isWanted }
        guard let index else { return nil }
        draining.remove(at: index)
        let isClosed = Latch(1)
        if let folder = destination.durable?.canonicalFolder {
            closing.append(Closing(folder: folder, isClosed: isClosed))
        }
        return isClosed
    }

    mutating func closed(_ latch: Latch) {
        closing.removeAll { $0.isClosed === latch }
        latch.countDown()
    }
}

/// What the ledger knows of queues on disk that were closed, and what it does not know yet.
struct LeftItems: Sendable {
    struct Key: Hashable {
        let exporter: Int
        /// Canonical.
        let folder: String
    }

    private var left: [Key: [Int]] = [:]
    private var damaged: [String: QueueCounts] = [:]

    /// By signal: items in the files that the ledger still has as queued.
    mutating func leave(_ items: [Int], in key: Key) { left[key] = items }

    /// Nothing for a folder that was not closed before. Once.
    mutating func take(_ key: Key) -> [Int] {
        left.removeValue(forKey: key) ?? [Int](repeating: 0, count: Signal.allCases.count)
    }

    /// What was found damaged in a folder by somebody who has not counted it.
    mutating func leave(damaged counts: QueueCounts, in folder: String) {
        damaged[folder, default: QueueCounts()] += counts
    }

    /// Once.
    mutating func takeDamaged(_ folder: String) -> QueueCounts {
        damaged.removeValue(forKey: folder) ?? QueueCounts()
    }
}

/// Changes of destinations while the collector runs: no connection is closed and nothing is lost
/// that is not counted.
///
/// One that is altered keeps its queue, and what is under way. One that is taken out gets nothing
/// new and sends what it has for a bounded time; the rest is dropped and counted, or stays on disk.
/// One that is put back within that time goes on with its queue on disk as if nothing had been.
extension ExportService {
    /// What a reload is going to change; everything that can fail has been done.
    struct Change: Sendable {
        fileprivate var destinations: [Destination] = []
        fileprivate var added: [Destination] = []
        fileprivate var altered: [Destination] = []
        /// They were on their way out.
        fileprivate var returned: [Destination] = []
        fileprivate var leaving: [Destination] = []
    }

    /// Opens what `settings` need. When it throws, nothing has changed. Main thread.
    func prepare(_ settings: [ExportSettings]) throws(ExportStartError) -> Change {
        var change = Change()
        let old = destinations
        let known = ledger.exporterCount
        var unopened: [Destination] = []
        do throws(ExportStartError) {
            for new in settings {
                let before = old.first { $0.settings.name == new.name }
                if let before, before.settings == new {
                    change.destinations.append(before)
                } else if let before, before.hasQueue(of: new) {
                    let destination = Destination(new, altering: before)
                    change.altered.append(destination)
                    change.destinations.append(destination)
                } else if let before = leaving.withLock({ $0.want(new) }) {
                    let destination = Destination(new, altering: before)
                    change.returned.append(destination)
                    change.destinations.append(destination)
                } else {
                    let index = ledger.exporterIndex(named: new.name)
                    let destination = Destination(
                        new, index: index, log: log,
                        letterCounts: ledger.deadLetterCounts(exporter: index))
                    unopened.append(destination)
                    change.destinations.append(destination)
                }
            }
            change.added = try open(unopened)
            let opened = change.added
            change.destinations = change.destinations.map { destination in
                opened.first { $0.index == destination.index } ?? destination
            }
            try startLetters(change.added + change.altered + change.returned)
            if !settings.isEmpty { try startThreads(settings) }
        } catch {
            for destination in change.added { closeUncounted(destination) }
            leaving.withLock { $0.release() }
            // Their time may have come meanwhile.
            wake()
            ledger.forgetExporters(from: known)
            throw error
        }
        change.leaving = old.filter { old in
            !change.destinations.contains { $0 === old }
                && !change.altered.contains { $0.settings.name == old.settings.name }
        }
        return change
    }

    /// Puts a change into force. Those that leave have until `deadline` (monotonic nanoseconds).
    func apply(_ change: Change, deadline: UInt64) {
        let now = monotonicNanoseconds()
        for destination in change.added { announce(destination) }
        for destination in change.altered + change.returned { destination.useSettings() }
        table.withLock { $0 = change.destinations }
        leaving.withLock { $0.forget() }
        // Bounds of dead letters may be lower now.
        nextLook.store(0, ordering: .relaxed)
        for destination in change.leaving {
            destination.withState { $0.beginDraining(now) }
            let entry = LeavingDestinations.Draining(destination: destination, deadline: deadline)
            leaving.withLock { $0.draining.append(entry) }
        }
        suitSending()
        wake()
        for (what, destinations) in [
            ("added", change.added), ("altered", change.altered), ("put back", change.returned),
            ("taken out", change.leaving),
        ] {
            for destination in destinations {
                log.info("destination \(what)", ["exporter": destination.settings.name])
            }
        }
    }

    // MARK: Those that leave

    private static let look: UInt64 = 50_000_000

    /// On the export thread.
    func pumpLeaving(_ now: UInt64, _ client: HTTPClient) -> UInt64? {
        var wakeUp: UInt64?
        for entry in leaving.withLock({ $0.draining }) {
            let (destination, deadline) = (entry.destination, entry.deadline)
            let time = pump(destination, now, client)
            if now >= deadline || destination.withState(\.isIdle) && !destination.isAwaited {
                end(destination)
            } else {
                // Requests that were let in before end soon, and wake nobody.
                let soon = now &+ Self.look
                wakeUp = min(deadline, time ?? .max, wakeUp ?? .max, soon)
            }
        }
        return wakeUp
    }

    /// Counts what is lost, and has the queue on disk closed by a thread of its own.
    private func end(_ destination: Destination) {
        guard let isClosed = leaving.withLock({ $0.end(destination) }) else { return }
        close(destination)
        suitSending()
        guard let durable = destination.durable else { return }
        let (log, name, index) = (log, destination.settings.name, destination.index)
        let items = durable.statistics.cursors.first?.waiting.allItems ?? 0
        let close: @Sendable () -> Void = { [self] in
            release(destination)
            durable.close()
            let key = LeftItems.Key(exporter: index, folder: durable.canonicalFolder)
            let left = destination.itemsLeft
            leftItems.withLock { $0.leave(left, in: key) }
            if items > 0 {
                log.warn(
                    "a queue on disk belongs to no destination: its data stays, and nobody sends it",
                    ["name": name, "folder": durable.folder, "items": "\(items)"])
            }
            leaving.withLock { $0.closed(isClosed) }
        }
        guard let thread = NamedThread("queue-close", close) else { return close() }
        thread.detach()
    }

    /// Waits for whoever closes the queue in `folder`, which is wanted again.
    func waitUntilClosed(_ folder: String) {
        let folder = canonicalPath(folder)
        let closing = leaving.withLock { $0.closing.filter { $0.folder == folder } }
        for queue in closing { queue.isClosed.wait(untilMonotonic: .max) }
    }

    /// Ends all of them. Blocks.
    func endLeaving() {
        for entry in leaving.withLock({ $0.draining }) { end(entry.destination) }
        for queue in leaving.withLock(\.closing) { queue.isClosed.wait(untilMonotonic: .max) }
    }
}

extension Destination {
    /// By signal: what of it lies in its queue on disk and is neither sent nor dropped. Less than the
    /// records hold when some pieces of one were delivered before the end.
    fileprivate var itemsLeft: [Int] {
        let waiting = durable?.statistics.cursors.first?.waiting ?? QueueCounts()
        let counted = withState { $0.staging?.countedItems }
        return Signal.allCases.map { signal in
            waiting.items(signal.rawValue) - (counted?[signal.rawValue] ?? 0)
        }
    }

    /// Whether requests that have room here are still on their way.
    fileprivate var isAwaited: Bool {
        if let durable {
            let disk = durable.statistics
            return disk.reservedBytes > 0 || disk.waitingRecords > 0
        }
        return withState { $0.queue.reservedBytes > 0 }
    }
}
