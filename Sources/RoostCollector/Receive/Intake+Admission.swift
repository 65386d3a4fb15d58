import RoostCore
import RoostIngest
import RoostWire

/// Whether a request that was read is taken: all or nothing, and not before every queue on disk has
/// it.
extension Intake {
    enum Admission {
        case refused(Refusal)
        /// Counted and in every queue.
        case taken
        /// Queues on disk have to answer first.
        case mustBeKept(Room)
    }

    /// What is held for a request in all queues.
    struct Room {
        let reservation: ExportService.Reservation
        let stored: Disposition
    }

    /// Reserves room in every queue, then counts and hands over; or says why not and leaves no
    /// trace but the refused counter.
    func admit(_ request: ReadRequest, _ transport: Transport) -> Admission {
        let signal = request.signal
        guard !shared.lifecycle.isDraining else {
            return turnAway(request, transport, .draining, "the collector is stopping")
        }
        guard request.items > 0 else {
            shared.ledger.accept(signal: signal, transport: transport, items: 0)
            countRest(of: request, transport)
            return .taken
        }
        let bytes = request.body.count
        let stored = shared.store?.reserve(signal, bytes: bytes) ?? .notOffered
        let room: Room
        do throws(ExportRefusal) {
            room = Room(
                reservation: try shared.exports.reserve(signal: signal, bytes: bytes),
                stored: stored)
        } catch {
            shared.store?.giveBack(stored, bytes: bytes)
            switch error {
            case .tooLarge(let limit):
                shared.ledger.refuse(
                    signal: signal, transport: transport,
                    items: request.items + request.rejected, reason: .tooLarge)
                return .refused(.fault(.tooLarge(limit: limit)))
            case .full:
                return turnAway(request, transport, .queueFull, "an export queue is full")
            case .disk:
                return turnAway(
                    request, transport, .disk, "the disk of an export queue takes nothing now")
            }
        }
        if room.reservation.needsDisk { return .mustBeKept(room) }
        count(request, room, kept: nil, transport)
        return .taken
    }

    /// Has the queues on disk write a request, and goes on when they have answered.
    func keep(
        _ request: ReadRequest, _ room: Room, isLarge: Bool, _ transport: Transport,
        done: @escaping (Outcome) -> Void
    ) {
        // The next request is read into the scans of this loop.
        guard let own = isLarge ? request : detached(request) else {
            cancel(request, room, nil)
            return done(
                .refused(
                    refusal(
                        request, transport, .memory, "no memory is free for this request")))
        }
        let waiting = LoopOwned((intake: self, request: own, room: room, done: done), on: loop)
        shared.exports.keep(room.reservation, payload(of: own)) { kept in
            // A loop that has ended answers nobody. What is on disk is sent after the next start.
            waiting.post { waiting in
                waiting.intake.finish(
                    waiting.request, waiting.room, kept, isLarge: isLarge, transport,
                    done: waiting.done)
            }
        }
    }

    private func finish(
        _ request: ReadRequest, _ room: Room, _ kept: ExportService.Kept, isLarge: Bool,
        _ transport: Transport, done: @escaping (Outcome) -> Void
    ) {
        if kept.refusal != nil {
            cancel(request, room, kept)
            done(
                .refused(
                    refusal(
                        request, transport, .disk, "the disk of an export queue did not take it")))
        } else {
            count(request, room, kept: kept, transport)
            if isLarge { return deriveInSteps(request, done: done) }
            done(derive(request))
        }
        if !isLarge, let scan = request.scan { reuse(scan) }
    }

    // MARK: counting

    private func payload(of request: ReadRequest) -> Payload {
        Payload(signal: request.signal, items: request.items, block: request.body)
    }

    private func count(
        _ request: ReadRequest, _ room: Room, kept: ExportService.Kept?, _ transport: Transport
    ) {
        shared.exports.commit(
            room.reservation, payload(of: request), kept: kept, transport: transport,
            other: shared.store.map { ($0.exporter, room.stored) })
        shared.store?.put(
            room.stored, request.signal, items: request.items, body: request.body)
        countRest(of: request, transport)
    }

    private func countRest(of request: ReadRequest, _ transport: Transport) {
        if let redacted = request.redacted {
            shared.redaction.counts.add(redacted.tally, of: redacted.redactor)
        }
        if request.rejected > 0 {
            shared.ledger.refuse(
                signal: request.signal, transport: transport, items: request.rejected,
                reason: .malformed)
        }
    }

    private func cancel(_ request: ReadRequest, _ room: Room, _ kept: ExportService.Kept?) {
        shared.exports.cancel(room.reservation, kept)
        shared.store?.giveBack(room.stored, bytes: request.body.count)
    }

    private func turnAway(
        _ request: ReadRequest, _ transport: Transport, _ reason: RefusalReason, _ message: String
    ) -> Admission {
        .refused(refusal(request, transport, reason, message))
    }

    private func refusal(
        _ request: ReadRequest, _ transport: Transport, _ reason: RefusalReason, _ message: String
    ) -> Refusal {
        shared.ledger.refuse(
            signal: request.signal, transport: transport, items: request.items + request.rejected,
            reason: reason)
        return .later(message + ", try again later")
    }

    // MARK: notes that wait

    private static let mostSpareScans = 8
    /// A scan that noted more gives its room back.
    private static let mostSpareSpans = 2048

    /// The request with its notes in scans of its own; nil when there is no memory for them.
    private func detached(_ request: ReadRequest) -> ReadRequest? {
        var request = request
        if let scan = request.scan {
            guard let notes = shared.memory.reserve(scan.byteCount) else { return nil }
            let own = spareScans.popLast() ?? TraceScan()
            own.swapNotes(with: scan)
            request.scan = own
            request.notes = notes
        }
        if let logs = request.logs {
            guard let notes = shared.memory.reserve(logs.activities.byteCount) else { return nil }
            let own = LogScan()
            own.swapNotes(with: logs)
            request.logs = own
            request.notes = notes
        }
        return request
    }

    private func reuse(_ scan: TraceScan) {
        guard spareScans.count < Self.mostSpareScans else { return }
        scan.trim(toSpans: Self.mostSpareSpans)
        if scan.activities.byteCount > 512 << 10 { scan.activities = ActivityBatch() }
        spareScans.append(scan)
    }
}
