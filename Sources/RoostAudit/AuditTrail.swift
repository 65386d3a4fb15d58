import Glibc
import RoostCore
import Synchronization

/// An append-only record of acts, each chained to the one before by SHA-256.
///
/// One thread writes; whatever waits while it waits for the disk becomes durable together. Any
/// thread may append and ask. docs/audit.md.
public final class AuditTrail: Sendable {
    struct Queue {
        var waiting: [PendingRecord] = []
        var bytes = 0
        /// Wait for what was appended before them.
        var settling: [@Sendable () -> Void] = []
        var isClosed = false
    }

    public let settings: AuditSettings
    let shared: AuditShared
    let queue = Mutex(Queue())
    private let wake = WakeUp()
    private let ended = Latch(1)

    /// How long the writer sleeps when nothing happens.
    private static let idleNanoseconds: UInt64 = 60_000_000_000

    private init(_ settings: AuditSettings, onFault: @escaping @Sendable (String?) -> Void) {
        self.settings = settings
        shared = AuditShared(settings, onFault: onFault)
    }

    /// Opens the trail in `settings.path`, or begins one, and starts its thread.
    ///
    /// Nobody else may append to it until `close`. `onFault` is called on its thread with why the disk
    /// does not take records any more, or lets nothing be sealed or removed, and with nil when it
    /// takes records again.
    public static func open(
        _ settings: AuditSettings, onFault: @escaping @Sendable (String?) -> Void = { _ in }
    ) throws(AuditOpenError) -> AuditTrail {
        let trail = AuditTrail(settings, onFault: onFault)
        let ready = Latch(1)
        let failure = Mutex<AuditOpenError?>(nil)
        // What the writer holds never leaves its thread.
        let thread = NamedThread("audit") { [trail] in
            let writer: AuditWriter
            do throws(AuditOpenError) {
                writer = try AuditWriter(trail.settings, trail.shared)
            } catch {
                failure.withLock { $0 = error }
                ready.countDown()
                return
            }
            ready.countDown()
            trail.run(writer)
        }
        guard let thread else {
            throw AuditOpenError("the system has no thread to give for the audit trail")
        }
        // `close` waits for what it has to do, with a deadline.
        thread.detach()
        ready.wait(untilMonotonic: .max)
        if let error = failure.withLock({ $0 }) { throw error }
        return trail
    }

    /// Takes over from other settings when files are sealed and how long they stay; nothing else.
    public func use(_ settings: AuditSettings) {
        shared.retention.withLock { $0 = settings.retention }
        shared.mustTidy.store(true, ordering: .releasing)
        wake.signal()
    }

    // MARK: appending

    /// Appends a record; `then` is called once, on any thread, with its number when it is on the
    /// disk, or with why it is not.
    public func append(
        _ record: AuditRecord, then: @escaping @Sendable (Result<UInt64, AuditRefusal>) -> Void
    ) {
        append([record], then: then)
    }

    /// Appends records one behind the other, all of them or none; `then` is called once, on any
    /// thread, with the number of the last.
    public func append(
        _ records: [AuditRecord],
        then: @escaping @Sendable (Result<UInt64, AuditRefusal>) -> Void
    ) {
        let offered = monotonicNanoseconds()
        var pending: [PendingRecord] = []
        do throws(AuditRefusal) {
            for (place, record) in records.enumerated() {
                pending.append(
                    PendingRecord(
                        body: try record.body(),
                        pair: AuditCounts.Pair(action: record.action, result: record.result),
                        agent: record.agent, user: record.user,
                        offered: offered, then: place == records.count - 1 ? then : Self.nobody))
            }
        } catch {
            return refuse(error, records.count, then)
        }
        if let refusal = wait(pending) { return refuse(refusal, records.count, then) }
        wake.signal()
    }

    private static let nobody: @Sendable (Result<UInt64, AuditRefusal>) -> Void = { _ in }

    /// What is added under one lock goes to the disk in one group.
    private func wait(_ pending: [PendingRecord]) -> AuditRefusal? {
        let more = pending.reduce(0) { $0 + $1.body.count }
        return queue.withLock { queue in
            if queue.isClosed { return .closed }
            guard queue.waiting.count + pending.count <= settings.waitingRecords,
                queue.bytes + more <= settings.waitingBytes
            else { return .busy }
            queue.waiting += pending
            queue.bytes += more
            return nil
        }
    }

    /// Calls `then` once, on any thread, when all that was appended before is on the disk or has been
    /// refused.
    public func whenSettled(_ then: @escaping @Sendable () -> Void) {
        let isClosed = queue.withLock { queue in
            if !queue.isClosed { queue.settling.append(then) }
            return queue.isClosed
        }
        if isClosed { then() } else { wake.signal() }
    }

    /// The same without an answer, for those who can do nothing about a refusal. It is counted.
    public func append(_ record: AuditRecord) { append(record) { _ in } }

    private func refuse(
        _ refusal: AuditRefusal, _ count: Int, _ then: (Result<UInt64, AuditRefusal>) -> Void
    ) {
        noteLost(count, refusal)
        then(.failure(refusal))
    }

    /// Counts records that did not even come here.
    public func noteLost(_ count: Int, _ refusal: AuditRefusal) {
        shared.book.withLock { $0.counts.fail(refusal.kind, count) }
    }

    /// Appends what waits, ends the thread and lets go of the folder; answers whether that was done
    /// at `deadline`, by the monotonic clock. What comes later is refused.
    @discardableResult
    public func close(deadline: UInt64) -> Bool {
        queue.withLock { $0.isClosed = true }
        wake.signal()
        return ended.wait(untilMonotonic: deadline)
    }

    // MARK: the thread

    private func run(_ writer: AuditWriter) {
        blockFileSizeSignal()
        while true {
            gather()
            let (group, settling, isClosed) = take()
            if !group.isEmpty || writer.hasOwnRecords { writer.commit(group) }
            for then in settling { then() }
            let mustGoOn = writer.tidy(unixNanoseconds())
            guard group.isEmpty, settling.isEmpty, !mustGoOn else { continue }
            if isClosed { break }
            wake.wait(untilMonotonic: monotonicNanoseconds() &+ Self.idleNanoseconds)
        }
        writer.close()
        ended.countDown()
    }

    /// Lets those who are appending go on while they do: a record that misses a group waits for the
    /// disk twice, once for the group before. Costs one that comes alone some microseconds.
    private func gather() {
        let began = monotonicNanoseconds()
        var count = queue.withLock { $0.waiting.count }
        guard count > 0 else { return }
        var lastCame = began
        while true {
            sched_yield()
            let now = monotonicNanoseconds()
            let known = count
            count = queue.withLock { $0.waiting.count }
            if count != known { lastCame = now }
            if now &- lastCame > Self.pause || now &- began > Self.longestGathering
                || count >= Self.gathered
            {
                return
            }
        }
    }

    /// Nanoseconds without another record after which no more are waited for, and of waiting at all.
    private static let pause: UInt64 = 20_000
    private static let longestGathering: UInt64 = 300_000
    /// So many are a group in any case.
    private static let gathered = 1_024

    private func take() -> (
        group: [PendingRecord], settling: [@Sendable () -> Void], isClosed: Bool
    ) {
        queue.withLock { queue in
            defer {
                queue.waiting = []
                queue.bytes = 0
                queue.settling = []
            }
            return (queue.waiting, queue.settling, queue.isClosed)
        }
    }
}
