import RoostCore
import RoostQueue
import Synchronization

/// Destinations on their way out, and queues on disk that are being closed.
struct LeavingDestinations: Sendable {
    /// Each with the monotonic nanoseconds at which it ends whatever it has.
    var draining: [(destination: Destination, deadline: UInt64)] = []
    var closing: [(folder: String, thread: NamedThread?)] = []
}

/// Changes of destinations while the collector runs: no connection is closed and nothing is lost
/// that is not counted.
///
/// One that is altered keeps its queue, and what is under way. One that is taken out gets nothing
/// new and sends what it has for a bounded time; the rest is dropped and counted, or stays on disk.
extension ExportService {
    /// What a reload is going to change; everything that can fail has been done.
    struct Change: Sendable {
        fileprivate var destinations: [Destination] = []
        fileprivate var added: [Destination] = []
        fileprivate var altered: [Destination] = []
        fileprivate var leaving: [Destination] = []
    }

    /// Opens what `settings` need. When it throws, nothing has changed. Main thread.
    func prepare(_ settings: [ExportSettings]) throws(ExportStartError) -> Change {
        var change = Change()
        let old = destinations
        let known = ledger.exporterCount
        do throws(ExportStartError) {
            for new in settings {
                let before = old.first { $0.settings.name == new.name }
                if let before, before.settings == new {
                    change.destinations.append(before)
                } else if let before, before.settings.queue.folder == new.queue.folder {
                    let destination = Destination(new, altering: before)
                    change.altered.append(destination)
                    change.destinations.append(destination)
                } else {
                    if let folder = new.queue.folder { end(folder) }
                    let destination = try open(
                        Destination(new, index: ledger.exporterIndex(named: new.name), log: log))
                    change.added.append(destination)
                    change.destinations.append(destination)
                }
            }
            try startLetters(change.added + change.altered)
            if !settings.isEmpty { try startThreads(settings) }
        } catch {
            for destination in change.added { destination.durable?.close() }
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
        for destination in change.altered { destination.useSettings() }
        table.withLock { $0 = change.destinations }
        for destination in change.leaving {
            destination.withState { $0.beginDraining(now) }
            leaving.withLock { $0.draining.append((destination, deadline)) }
        }
        wake()
        for (what, destinations) in [
            ("added", change.added), ("altered", change.altered), ("taken out", change.leaving),
        ] {
            for destination in destinations {
                log.info("destination \(what)", ["exporter": destination.settings.name])
            }
        }
    }

    // MARK: Those that leave

    private static let look: UInt64 = 50_000_000

    /// On the export thread.
    func pumpLeaving(_ now: UInt64) -> UInt64? {
        var wakeUp: UInt64?
        for (destination, deadline) in leaving.withLock({ $0.draining }) {
            let time = pump(destination, now)
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
        let isFirst = leaving.withLock { leaving -> Bool in
            let count = leaving.draining.count
            leaving.draining.removeAll { $0.destination === destination }
            return leaving.draining.count < count
        }
        guard isFirst else { return }
        close(destination)
        guard let durable = destination.durable else { return }
        let (log, name) = (log, destination.settings.name)
        let items = durable.statistics.cursors.first?.waiting.allItems ?? 0
        let close: @Sendable () -> Void = {
            durable.close()
            guard items > 0 else { return }
            log.warn(
                "a queue on disk belongs to no destination: its data stays, and nobody sends it",
                ["name": name, "folder": durable.folder, "items": "\(items)"])
        }
        guard let thread = NamedThread("queue-close", close) else { return close() }
        leaving.withLock { $0.closing.append((durable.folder, thread)) }
    }

    /// Ends whoever still has `folder`, which is wanted again. Blocks.
    private func end(_ folder: String) {
        let held = leaving.withLock { leaving in
            leaving.draining.map(\.destination).filter { $0.durable?.folder == folder }
        }
        for destination in held { end(destination) }
        let threads = leaving.withLock { leaving in
            defer { leaving.closing.removeAll { $0.folder == folder } }
            return leaving.closing.filter { $0.folder == folder }.map(\.thread)
        }
        for thread in threads { thread?.join() }
    }

    /// Ends all of them. Blocks.
    func endLeaving() {
        for (destination, _) in leaving.withLock({ $0.draining }) { end(destination) }
        let threads = leaving.withLock { leaving in
            defer { leaving.closing = [] }
            return leaving.closing.map(\.thread)
        }
        for thread in threads { thread?.join() }
    }
}

extension Destination {
    /// Whether requests that have room here are still on their way.
    fileprivate var isAwaited: Bool {
        if let durable {
            let disk = durable.statistics
            return disk.reservedBytes > 0 || disk.waitingRecords > 0
        }
        return withState { $0.queue.reservedBytes > 0 }
    }
}
