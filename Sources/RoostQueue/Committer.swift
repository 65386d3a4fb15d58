import Glibc
import RoostCore

/// The commit thread's own: writes what waits, makes it durable, answers, and tidies up.
///
/// Confined to its thread after `init`.
final class Committer {
    private let shared: LogShared
    /// As they were at the start of this turn.
    private var settings: SegmentLogSettings
    private var cursors: CursorKeeper
    private var disposal: SegmentDisposal
    private var nextSequence: UInt64
    private var active: ActiveSegment?
    /// Of the one before, for the header of the next.
    private var before: SegmentBefore
    /// What `active` is written through, when it goes past the page cache.
    private var buffer: WriteBuffer?

    private var lastSync: UInt64 = 0

    /// When a disk that took nothing is tried again, and how much it has to take.
    private var nextProbe: UInt64 = 0
    private var probeBytes = 0

    private static let idleNanoseconds: UInt64 = 1_000_000_000
    private static let probeNanoseconds: UInt64 = 500_000_000
    private static let mostProbeBytes = 1 << 20

    init(
        _ shared: LogShared, cursorFile: CursorFile, nextSequence: UInt64, after: SegmentBefore
    ) {
        before = after
        self.shared = shared
        settings = shared.settings
        cursors = CursorKeeper(cursorFile, shared)
        disposal = SegmentDisposal(shared)
        self.nextSequence = nextSequence
    }

    /// Runs until the queue is closed and nothing waits any more.
    func run() {
        blockFileSizeSignal()
        giveWay()
        while true {
            settings = shared.settings
            let isClosing = shared.state.withLock { $0.isClosing }
            // First: what is deleted makes room.
            tidy()
            let mayCommit = isClosing || monotonicNanoseconds() >= nextCommit
            let group = mayCommit ? shared.state.withLock { $0.takePending() } : []
            commit(group)
            probe()
            syncInterval(isClosing)
            cursors.saveDue(settings, isLast: isClosing)
            if isClosing, shared.state.withLock({ $0.pending.isEmpty }) { break }
            if group.isEmpty, !shared.state.withLock({ $0.wantsRoll }) { wait() }
        }
        active?.trim()
        active = nil
        disposal.stop()
    }

    /// Has this thread wait for whoever has the processor when the disk has answered: loops are not
    /// interrupted in the middle of a request, and more of them share the next write. sched(7).
    private func giveWay() {
        // Of linux/sched.h; glibc's header tells it to C with extensions only.
        let batch: CInt = 3
        var parameters = sched_param(sched_priority: 0)
        // Where that is not allowed, nothing is lost but this.
        _ = unsafe sched_setscheduler(0, batch, &parameters)
    }

    /// When the next group may begin, by `monotonicNanoseconds()`.
    private var nextCommit: UInt64 {
        guard settings.sync == .always else { return 0 }
        return lastSync &+ settings.gather.nanoseconds
    }

    private func wait() {
        let now = monotonicNanoseconds()
        var deadline = now &+ Self.idleNanoseconds
        let cursorsDue = cursors.writeDue(settings)
        let isPending = shared.state.withLock { state in
            state.isResting = !state.cursorsChanged && now >= cursorsDue
            if !state.isResting { deadline = max(now &+ 1, cursorsDue) }
            return !state.pending.isEmpty
        }
        defer { shared.state.withLock { $0.isResting = false } }
        if isPending { deadline = min(deadline, nextCommit) }
        if let due = cursors.syncDue(settings) { deadline = min(deadline, due) }
        if case .interval(let interval) = settings.sync, active?.needsSync == true {
            deadline = min(deadline, lastSync &+ interval.nanoseconds)
        }
        if probeBytes > 0 { deadline = min(deadline, nextProbe) }
        if deadline > now { shared.wake.wait(untilMonotonic: deadline) }
    }

    // MARK: committing

    private func commit(_ group: [PendingRecord]) {
        guard !group.isEmpty else { return }
        var outcome = CommitOutcome()
        var rest = makeRoom(for: group, &outcome)[...]
        while let first = rest.first {
            do throws(AppendRefusal) {
                let segment = try segment(for: first, &outcome)
                let fitting = segment.fitting(rest, limit: settings.effectiveSegmentBytes)
                let (written, fault) = segment.write(fitting, firstSequence: nextSequence)
                outcome.written += written
                nextSequence += UInt64(written.count)
                rest = rest.dropFirst(written.count)
                guard let fault else { continue }
                shared.note(fault)
                let isWorthANewFile = fault.code == EFBIG && segment.hasRecords
                // On a full disk as well: an ended segment goes when it is drained.
                if !segment.isWhole || fault.isNoSpace { seal(&outcome) }
                let hasMoreRoom = fault.isNoSpace && disposal.finish()
                if isWorthANewFile || hasMoreRoom { continue }
                throw fault.refusal
            } catch {
                outcome.writeFailure = error
                for pending in rest { outcome.refused.append((pending, error)) }
                rest = []
            }
        }
        if settings.sync == .always { syncActive(&outcome) }
        publish(outcome)
    }

    /// The segment that `pending` goes to, a new one if need be.
    private func segment(
        for pending: PendingRecord, _ outcome: inout CommitOutcome
    ) throws(AppendRefusal) -> ActiveSegment {
        if let active {
            if active.hasRoom(for: pending, limit: settings.effectiveSegmentBytes) {
                return active
            }
            seal(&outcome)
        }
        do throws(QueueFault) {
            buffer = isDirect ? buffer ?? WriteBuffer(bytes: settings.writeBytes) : nil
            let segment = try newSegment()
            active = segment
            return segment
        } catch {
            shared.note(error)
            // A file of that name is in the way, which the next number avoids.
            if error.isExisting { nextSequence += 1 }
            throw error.refusal
        }
    }

    /// Whether segments are written past the page cache: only where every group waits for the disk
    /// anyhow.
    private var isDirect: Bool { settings.sync == .always && settings.passesPageCache }

    private func newSegment() throws(QueueFault) -> ActiveSegment {
        if isDirect {
            let segment = disposal.takeSpare { spare throws(QueueFault) in
                try ActiveSegment(
                    folder: settings.path, id: nextSequence, after: before, isDurable: true,
                    buffer: buffer, spare: spare)
            }
            if let segment { return segment }
        }
        return try ActiveSegment(
            folder: settings.path, id: nextSequence, after: before,
            isDurable: settings.sync != .never, buffer: buffer)
    }

    /// Ends the segment in use.
    private func seal(_ outcome: inout CommitOutcome) {
        active?.trim()
        if settings.sync != .never { syncActive(&outcome) }
        guard let segment = active else { return }
        active = nil
        ended(segment)
    }

    private func ended(_ segment: ActiveSegment) {
        if segment.hasRecords { before = SegmentBefore(segment.id, segment.counts) }
        removeEmpty(segment)
    }

    /// Makes the segment in use durable. What it holds that was not acknowledged is refused when
    /// that fails: nobody knows what the disk has of it.
    private func syncActive(_ outcome: inout CommitOutcome) {
        guard let segment = active, segment.needsSync else { return }
        do throws(QueueFault) {
            try segment.sync()
            lastSync = monotonicNanoseconds()
            outcome.syncs += 1
        } catch {
            shared.note(error)
            outcome.syncFailure = error.refusal
            let isAnswered = settings.sync != .always
            segment.giveUp(
                to: isAnswered ? nil : outcome.acknowledgedEnd(of: segment),
                losing: outcome.counts(of: segment.id))
            if !isAnswered { outcome.refuse(segment.id, error.refusal) }
            active = nil
            ended(segment)
        }
    }

    /// Nothing was published from it: nobody else would delete it, and the next segment would have
    /// its number.
    private func removeEmpty(_ segment: ActiveSegment) {
        guard !segment.hasRecords else { return }
        if !disposal.remove(segment.id, settings) {
            nextSequence = max(nextSequence, segment.id + 1)
        }
    }

    private func publish(_ outcome: CommitOutcome) {
        let now = monotonicNanoseconds()
        shared.state.withLock { state in
            state.publish(outcome.written)
            for record in outcome.written {
                state.commitTimes.add(nanoseconds: now &- record.pending.startedAt)
            }
            // Not before: a segment that is in use is not deleted, and what was written to the one
            // before is known only now.
            state.activeID = active?.id ?? 0
            state.forget(outcome.refused.map(\.0))
            state.commits += outcome.written.isEmpty ? 0 : 1
            state.note(outcome)
            if outcome.failure == nil {
                state.lastFailure = nil
                state.appendFailure = nil
            }
        }
        if outcome.failure == nil {
            probeBytes = 0
        } else {
            let refused = outcome.refused.first?.0.totalBytes ?? 0
            probeBytes = max(4096, min(refused, Self.mostProbeBytes))
            nextProbe = now &+ Self.probeNanoseconds
        }
        for record in outcome.written { record.pending.done(.success(record.sequence)) }
        for (pending, refusal) in outcome.refused { pending.done(.failure(refusal)) }
        if !outcome.written.isEmpty { shared.onCommit() }
    }

    /// With `.interval`: makes durable what was answered a while ago.
    private func syncInterval(_ isClosing: Bool) {
        guard let active, active.needsSync else { return }
        switch settings.sync {
        case .always: return
        case .never: guard isClosing else { return }
        case .interval(let interval):
            let due = lastSync &+ interval.nanoseconds
            guard isClosing || monotonicNanoseconds() >= due else { return }
        }
        var outcome = CommitOutcome()
        syncActive(&outcome)
        shared.state.withLock { $0.note(outcome) }
    }

    // MARK: room

    /// Gives up the oldest segments when records of `group` ask for it and do not fit; answers what
    /// is to be written. Here, where the segment in use can be ended.
    private func makeRoom(
        for group: [PendingRecord], _ outcome: inout CommitOutcome
    ) -> [PendingRecord] {
        guard group.contains(where: \.makesRoom) else { return group }
        let bytes = group.reduce(SegmentFormat.start) { $0 + $1.totalBytes }
        let target = max(0, settings.limitBytes - bytes)
        var isEnough = evict(untilBytes: target)
        if !isEnough, active?.hasRecords == true {
            seal(&outcome)
            shared.state.withLock { $0.activeID = 0 }
            isEnough = evict(untilBytes: target)
        }
        guard !isEnough else { return group }
        // What is left has been handed out to nobody's end, or is as good as new.
        for pending in group where pending.makesRoom { outcome.refused.append((pending, .full)) }
        return group.filter { !$0.makesRoom }
    }

    private func evict(untilBytes target: Int) -> Bool {
        let (eviction, readers, isEnough) = shared.state.withLock {
            state -> (QueueEviction?, [QueueCursor], Bool) in
            let names = state.cursors.map(\.handle.name)
            let oldest = state.segments.first?.id
            let lost = state.evict(untilBytes: target)
            // Whoever calls this ends the segment in use, if need be.
            state.wantsRoll = false
            let isEnough = state.takenBytes <= target
            guard oldest != state.segments.first?.id else { return (nil, [], isEnough) }
            let eviction = QueueEviction(
                lost: zip(names, lost).map { (cursor: $0, lost: $1) },
                before: state.segments.first?.id ?? state.lastSequence + 1)
            return (eviction, state.cursors.map(\.handle), isEnough)
        }
        if let eviction {
            // A file that is open takes its room although it is deleted. Who reads just now will
            // see that it is gone.
            for reader in readers {
                reader.reader.withLockIfAvailable { place in
                    if place.segment < eviction.before { place.file = nil }
                }
            }
            shared.onEvict(eviction)
        }
        // The room is needed now.
        tidy()
        _ = disposal.finish()
        return isEnough
    }

    /// Tries whether a disk that took nothing takes something again: nobody appends while it does
    /// not.
    private func probe() {
        guard probeBytes > 0, monotonicNanoseconds() >= nextProbe else { return }
        nextProbe = monotonicNanoseconds() &+ Self.probeNanoseconds
        let path = settings.path + "/probe"
        defer { unsafe _ = unlink(path) }
        do throws(QueueFault) {
            let file = try QueueFile(path, .write)
            try file.write([UInt8](repeating: 0, count: probeBytes), at: 0)
            if settings.sync != .never { try file.sync() }
        } catch {
            return shared.note(error)
        }
        probeBytes = 0
        shared.state.withLock {
            $0.lastFailure = nil
            $0.appendFailure = nil
        }
    }

    // MARK: tidying

    /// Deletes what nobody needs; ends a segment that only takes room.
    private func tidy() {
        let half = settings.effectiveSegmentBytes / 2
        let (drained, wantsRoll) = shared.state.withLock { state -> (DrainedSegments, Bool) in
            var wantsRoll = state.wantsRoll
            if let last = state.segments.last, last.id == state.activeID, last.isDrained,
                last.end > half
            {
                wantsRoll = true
            }
            state.wantsRoll = false
            if wantsRoll { state.activeID = 0 }
            state.collectDrained()
            return (state.takeDrained(), wantsRoll)
        }
        if wantsRoll, active != nil {
            var outcome = CommitOutcome()
            seal(&outcome)
            shared.state.withLock { $0.note(outcome) }
        }
        if let positions = drained.positions { cursors.saveNow(positions, settings) }
        disposal.dispose(of: drained, settings, isDirect: isDirect)
    }
}
