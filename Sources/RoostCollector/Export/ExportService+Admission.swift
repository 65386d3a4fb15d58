import RoostCore
import RoostQueue
public import RoostWire
import Synchronization

/// Why a request is not taken.
public enum ExportRefusal: Error, Equatable {
    /// A queue that may refuse is full; later is better.
    case full
    /// The disk of a queue that may refuse takes nothing; later is better.
    case disk(String)
    /// No such queue, were it empty, would take it.
    case tooLarge(limit: Int)
}

/// The way of a request into the queues, on loop threads:
///
///     reserve ──▶ keep (only for queues on disk) ──▶ commit
///        └───────────────┴──▶ cancel
extension ExportService {
    /// Room taken in the queues for one request. It ends with `commit` or `cancel`, exactly one.
    public struct Reservation: Sendable {
        let signal: Signal
        let bytes: Int
        /// All that were there, whether or not they take the signal.
        let destinations: [Destination]
        /// By position: destinations that had no room and lose the request.
        let missed: [(position: Int, reason: DropReason)]

        /// Whether queues on disk are among them: then `keep` comes before `commit`.
        public var needsDisk: Bool {
            destinations.contains { $0.durable != nil && $0.takes(signal) }
        }

        func reason(missedAt position: Int) -> DropReason? {
            missed.first { $0.position == position }?.reason
        }
    }

    /// What the queues on disk made of a request.
    public struct Kept: Sendable {
        fileprivate var results: [(position: Int, result: Result<UInt64, AppendRefusal>)] = []
        fileprivate var remaining = 0
        /// What a queue that may refuse said; then the request has to be cancelled.
        public fileprivate(set) var refusal: String?
        fileprivate init() {}
    }

    /// Takes room for a request of `bytes` in every queue that may refuse; when one of them has
    /// none, nothing is held.
    public func reserve(signal: Signal, bytes: Int) throws(ExportRefusal) -> Reservation {
        let destinations = self.destinations
        var missed: [(position: Int, reason: DropReason)] = []
        for (position, destination) in destinations.enumerated() where destination.takes(signal) {
            guard destination.reservesEarly, let refusal = destination.reserve(bytes) else {
                continue
            }
            note(refusal, at: destination)
            if destination.settings.queue.whenFull == .dropNew {
                missed.append((position, refusal.dropReason))
                continue
            }
            for (earlier, other) in destinations.prefix(position).enumerated()
            where other.takes(signal) && other.reservesEarly
                && !missed.contains(where: { $0.position == earlier })
            {
                other.giveBack(bytes)
            }
            let limit = longestRequest(destinations, signal)
            if bytes > limit { throw .tooLarge(limit: limit) }
            switch refusal {
            case .full, .tooLarge, .closed: throw .full
            case .busy, .noSpace, .failed: throw .disk(refusal.text)
            }
        }
        return Reservation(
            signal: signal, bytes: bytes, destinations: destinations, missed: missed)
    }

    /// A queue without room is to be emptied at once; a disk that takes nothing is worth a line.
    private func note(_ refusal: AppendRefusal, at destination: Destination) {
        let now = monotonicNanoseconds()
        let needsWaking =
            switch refusal {
            case .full: destination.withState { $0.press(now) }
            case .noSpace(let text), .failed(let text): destination.tellDiskFails(text, now: now)
            case .busy, .tooLarge, .closed: false
            }
        if needsWaking { wake() }
    }

    /// The longest request that every queue could take which may refuse one, were it empty.
    private func longestRequest(_ destinations: [Destination], _ signal: Signal) -> Int {
        destinations.filter { $0.takes(signal) && $0.settings.queue.whenFull == .refuse }
            .map(\.longestRequest).min() ?? .max
    }

    /// Writes the request to the queues on disk. `then` is called once, on any thread, when all of
    /// them have it as their `queue.sync` says, or do not; nobody reads it before `commit`.
    public func keep(
        _ reservation: Reservation, _ payload: Payload,
        then: @escaping @Sendable (Kept) -> Void
    ) {
        let targets = reservation.destinations.enumerated().filter { position, destination in
            destination.durable != nil && destination.takes(payload.signal)
                && reservation.reason(missedAt: position) == nil
        }
        guard !targets.isEmpty else { return then(Kept()) }
        let round = KeepRound(waitingFor: targets.count, then)
        for (position, destination) in targets {
            let mayRefuse = destination.settings.queue.whenFull == .refuse
            let refusal = destination.durable?.log.append(
                QueueRecord(payload),
                reserved: destination.reservesEarly ? reservation.bytes : nil, isHeld: true,
                makesRoom: !destination.reservesEarly
            ) { result in
                if case .failure(let refusal) = result { self.note(refusal, at: destination) }
                round.answered(position, result, mayRefuse: mayRefuse)
            }
            if let refusal {
                note(refusal, at: destination)
                round.answered(position, .failure(refusal), mayRefuse: mayRefuse)
            }
        }
    }

    /// Gives the room back; the request leaves no trace here. `kept` is what `keep` answered.
    public func cancel(_ reservation: Reservation, _ kept: Kept? = nil) {
        let now = monotonicNanoseconds()
        var needsWaking = false
        for (position, destination) in reservation.destinations.enumerated()
        where destination.takes(reservation.signal)
            && reservation.reason(missedAt: position) == nil
        {
            if let durable = destination.durable, let kept {
                durable.log.withdraw(kept.sequences(at: position))
                // Others may have waited behind it.
                if destination.stage(now, waits: false) == .needsWaking { needsWaking = true }
            } else if destination.reservesEarly {
                destination.giveBack(reservation.bytes)
            }
        }
        if needsWaking { wake() }
    }

    /// Counts the request as accepted in the ledger and puts it into the queues, in this order, so
    /// that no snapshot sees it sent before it was accepted. `payload` may be smaller than what
    /// was reserved; one without items is counted and goes nowhere. Without destinations it only
    /// counts. `other` is what an exporter that is not a destination does with it.
    public func commit(
        _ reservation: Reservation, _ payload: Payload, kept: Kept? = nil, transport: Transport,
        other: (exporter: Int, disposition: Disposition)? = nil
    ) {
        guard payload.items > 0 else {
            cancel(reservation, kept)
            return ledger.accept(signal: payload.signal, transport: transport, items: 0)
        }
        var evicted: [(Destination, [Payload])] = []
        var dispositions: [Disposition] = []
        for (position, destination) in reservation.destinations.enumerated() {
            var disposition = Disposition.notOffered
            if destination.takes(payload.signal) {
                disposition =
                    reservation.reason(missedAt: position).map(Disposition.dropped)
                    ?? kept?.failure(at: position).map { .dropped($0.dropReason) } ?? .queued
                if !destination.reservesEarly, destination.durable == nil {
                    let room = destination.withState { $0.reserveEvicting(payload.bytes) }
                    disposition = room == nil ? .dropped(.queueFull) : .queued
                    if let room, !room.isEmpty { evicted.append((destination, room)) }
                }
            }
            dispositions.set(disposition, at: destination.index)
        }
        if let other, other.disposition != .notOffered {
            dispositions.set(other.disposition, at: other.exporter)
        }
        ledger.accept(
            signal: payload.signal, transport: transport, items: payload.items,
            dispositions: dispositions)
        for (destination, payloads) in evicted {
            for old in payloads { dropped(old.signal, old.items, .evicted, at: destination) }
        }
        let now = monotonicNanoseconds()
        var needsWaking = false
        for (position, destination) in reservation.destinations.enumerated()
        where dispositions[destination.index] == .queued {
            if let durable = destination.durable {
                durable.log.confirm(kept?.sequences(at: position) ?? [])
                if destination.stage(now, waits: false) == .needsWaking { needsWaking = true }
                continue
            }
            let reserved = destination.reservesEarly ? reservation.bytes : payload.bytes
            switch destination.withState({ $0.append(payload, reserved: reserved, now: now) }) {
            case .quietly: continue
            case .needsWaking: needsWaking = true
            case .closed: dropped(payload.signal, payload.items, .shutdown, at: destination)
            }
        }
        if needsWaking { wake() }
    }
}

extension ExportService.Kept {
    fileprivate func sequences(at position: Int) -> [UInt64] {
        results.compactMap { $0.position == position ? try? $0.result.get() : nil }
    }

    fileprivate func failure(at position: Int) -> AppendRefusal? {
        for (other, result) in results where other == position {
            if case .failure(let refusal) = result { return refusal }
        }
        return nil
    }
}

/// Waits for the queues on disk that one request goes to. Any thread.
private final class KeepRound: Sendable {
    private let state: Mutex<ExportService.Kept>
    private let then: @Sendable (ExportService.Kept) -> Void

    init(waitingFor count: Int, _ then: @escaping @Sendable (ExportService.Kept) -> Void) {
        var kept = ExportService.Kept()
        kept.remaining = count
        state = Mutex(kept)
        self.then = then
    }

    func answered(
        _ position: Int, _ result: Result<UInt64, AppendRefusal>, mayRefuse: Bool
    ) {
        let kept = state.withLock { kept -> ExportService.Kept? in
            kept.results.append((position, result))
            kept.remaining -= 1
            if mayRefuse, case .failure(let refusal) = result { kept.refusal = refusal.text }
            return kept.remaining == 0 ? kept : nil
        }
        if let kept { then(kept) }
    }
}

extension [Disposition] {
    fileprivate mutating func set(_ disposition: Disposition, at index: Int) {
        while count <= index { append(.notOffered) }
        self[index] = disposition
    }
}

extension Destination {
    /// Whether room is taken when a request is looked at, rather than when it is taken.
    var reservesEarly: Bool { settings.queue.whenFull != .dropOldest }

    /// Takes room; answers why there is none.
    fileprivate func reserve(_ bytes: Int) -> AppendRefusal? {
        if let durable { return durable.log.reserve(bytes) }
        return withState { $0.reserve(bytes) } ? nil : .full
    }

    fileprivate func giveBack(_ bytes: Int) {
        if let durable { return durable.log.giveBack(bytes) }
        withState { $0.release(bytes) }
    }

    fileprivate var longestRequest: Int {
        durable?.log.longestPayload ?? settings.queue.capacityBytes
    }

    /// Has what is in memory of the queue on disk wait for a batch. Never waits for the disk, and
    /// with `waits` for another reader.
    func stage(_ now: UInt64, waits: Bool) -> DestinationState.Appended {
        guard let durable else { return .quietly }
        let (room, look) = withState { ($0.stagingRoom, $0.beginLook()) }
        guard room > 0 else {
            withState { $0.noteMore() }
            return .quietly
        }
        guard let (payloads, hasMore) = durable.nextInMemory(maxBytes: room, waits: waits) else {
            // Somebody reads who may have looked before this came.
            withState { $0.noteMore() }
            return .needsWaking
        }
        let appended = withState { $0.stage(payloads, hasMore: hasMore, look, now: now) }
        return hasMore && appended != .closed ? .needsWaking : appended
    }
}
