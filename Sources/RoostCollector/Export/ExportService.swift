import RoostCompression
public import RoostCore
import RoostHTTPClient
public import RoostWire
import Synchronization

/// All destinations: takes accepted requests in, and gets them out.
///
/// `reserve`, `commit` and `cancel` are called on loop threads and hold one short lock for each
/// destination; everything else happens on the export thread. A destination that is slow or down
/// delays nobody else.
public final class ExportService: Sendable {
    /// Room taken in the queues for one request. It ends with `commit` or `cancel`, exactly one.
    public struct Reservation: Sendable {
        let signal: Signal
        let bytes: Int
        /// Destinations with the policy `drop_new` that had no room.
        let missed: [Int]
    }

    private let destinations: [Destination]
    private let ledger: Ledger
    private let share: MemoryBudget.Share
    private let client = Mutex<HTTPClient?>(nil)
    private let compressor = Mutex<CompressionThread?>(nil)
    private let letters = Mutex<DeadLetterWriter?>(nil)
    /// Batches whose compressed bodies are ready.
    private let compressed = Mutex<[(Destination, ExportBatch)]>([])
    /// Monotonic nanoseconds; 0 while not draining.
    private let drainDeadline = Atomic<UInt64>(0)

    /// `budget` pays for what is made here beside the payloads: the pieces of split batches.
    public init(
        destinations: [ExportSettings], ledger: Ledger, budget: MemoryBudget, log: Log
    ) {
        self.ledger = ledger
        share = budget.share("export")
        self.destinations = destinations.map { settings in
            Destination(settings, index: ledger.exporterIndex(named: settings.name), log: log)
        }
    }

    /// Starts the export thread, if there is any destination. What was committed before it waits.
    public func start() throws(ExportStartError) {
        guard !destinations.isEmpty else { return }
        if destinations.contains(where: { $0.settings.compression != .none }) {
            guard let thread = CompressionThread() else { throw .noThread }
            compressor.withLock { $0 = thread }
        }
        try startLetters()
        do throws(ClientStartError) {
            let started = try HTTPClient(
                name: "export", userAgent: "OTel-OTLP-Exporter-Roost/" + roostVersion,
                work: { [weak self] now in self?.pump(now) })
            client.withLock { $0 = started }
            started.wake()
        } catch {
            throw error == .noThread ? .noThread : .noCurl
        }
    }

    // MARK: On loop threads

    /// Takes room for a request of `bytes` in every queue that may refuse; nil when one of them is
    /// full, and then nothing is held.
    public func reserve(signal: Signal, bytes: Int) -> Reservation? {
        var missed: [Int] = []
        for (position, destination) in destinations.enumerated() where destination.takes(signal) {
            guard destination.reservesEarly else { continue }
            if destination.withState({ $0.reserve(bytes) }) { continue }
            if destination.settings.queue.whenFull == .dropNew {
                missed.append(position)
                continue
            }
            release(signal, bytes, before: position, missed)
            return nil
        }
        return Reservation(signal: signal, bytes: bytes, missed: missed)
    }

    /// The longest request that every queue could take which may refuse one, were it empty; nil when
    /// none may.
    func longestRequest(signal: Signal) -> Int? {
        destinations.filter {
            $0.takes(signal) && $0.reservesEarly && $0.settings.queue.whenFull != .dropNew
        }
        .map(\.settings.queue.capacityBytes).min()
    }

    /// Gives the room back; the request leaves no trace here.
    public func cancel(_ reservation: Reservation) {
        release(
            reservation.signal, reservation.bytes, before: destinations.count, reservation.missed)
    }

    /// Counts the request as accepted in the ledger and puts it into the queues, in this order, so
    /// that no snapshot sees it sent before it was accepted. `payload` may be smaller than what
    /// was reserved; one without items is counted and goes nowhere. Without destinations it only
    /// counts. `other` is what an exporter that is not a destination does with it.
    public func commit(
        _ reservation: Reservation, _ payload: Payload, transport: Transport,
        other: (exporter: Int, disposition: Disposition)? = nil
    ) {
        guard payload.items > 0 else {
            cancel(reservation)
            return ledger.accept(signal: payload.signal, transport: transport, items: 0)
        }
        var evicted: [(Destination, [Payload])] = []
        var dispositions: [Disposition] = []
        for (position, destination) in destinations.enumerated() {
            var disposition = Disposition.notOffered
            if destination.takes(payload.signal) {
                disposition =
                    reservation.missed.contains(position) ? .dropped(.queueFull) : .queued
                if !destination.reservesEarly {
                    let room = destination.withState { $0.reserveEvicting(payload.bytes) }
                    disposition = room == nil ? .dropped(.queueFull) : .queued
                    if let room, !room.isEmpty { evicted.append((destination, room)) }
                }
            }
            while dispositions.count <= destination.index { dispositions.append(.notOffered) }
            dispositions[destination.index] = disposition
        }
        if let other, other.disposition != .notOffered {
            while dispositions.count <= other.exporter { dispositions.append(.notOffered) }
            dispositions[other.exporter] = other.disposition
        }
        ledger.accept(
            signal: payload.signal, transport: transport, items: payload.items,
            dispositions: dispositions)
        for (destination, payloads) in evicted {
            for old in payloads { dropped(old.signal, old.items, .evicted, at: destination) }
        }
        let now = monotonicNanoseconds()
        var needsWaking = false
        for destination in destinations where dispositions[destination.index] == .queued {
            let reserved = destination.reservesEarly ? reservation.bytes : payload.bytes
            switch destination.withState({ $0.append(payload, reserved: reserved, now: now) }) {
            case .quietly: continue
            case .needsWaking: needsWaking = true
            case .closed: dropped(payload.signal, payload.items, .shutdown, at: destination)
            }
        }
        if needsWaking { wake() }
    }

    private func release(_ signal: Signal, _ bytes: Int, before end: Int, _ missed: [Int]) {
        for (position, destination) in destinations.prefix(end).enumerated()
        where destination.takes(signal) && destination.reservesEarly && !missed.contains(position) {
            destination.withState { $0.release(bytes) }
        }
    }

    // MARK: Ending and looking

    /// Sends what is queued until all of it is out or `deadline` (monotonic nanoseconds) has come;
    /// the rest is dropped with the reason `shutdown`. Blocks; ends the export thread.
    public func drain(deadline: UInt64) {
        let client = self.client.withLock { $0 }
        drainDeadline.store(max(deadline, 1), ordering: .sequentiallyConsistent)
        let now = monotonicNanoseconds()
        for destination in destinations { destination.withState { $0.beginDraining(now) } }
        client?.wake()
        client?.join()
        close()
        compressor.withLock { compressor in
            defer { compressor = nil }
            return compressor
        }?.stop()
        stopLetters()
        self.client.withLock { $0 = nil }
    }

    /// The state of every destination, in the order of the configuration.
    public func statuses() -> [ExportStatus] {
        let (now, unixNano) = (monotonicNanoseconds(), unixNanoseconds())
        return destinations.map { $0.status(now: now, unixNano: unixNano) }
    }

    /// Whether a request would be refused now because a queue with the policy `refuse` is full.
    public var isRefusing: Bool {
        destinations.contains { destination in
            destination.settings.queue.whenFull == .refuse
                && destination.withState { $0.isFull }
        }
    }

    private func wake() { client.withLock { $0 }?.wake() }

    // MARK: On the export thread

    /// Does everything that can be done now; answers when there is more to do.
    private func pump(_ now: UInt64) -> UInt64? {
        for (destination, batch) in takeCompressed() { send(batch, to: destination) }
        var wakeUp: UInt64?
        for destination in destinations {
            if let time = pump(destination, now) { wakeUp = min(time, wakeUp ?? .max) }
        }
        let deadline = drainDeadline.load(ordering: .sequentiallyConsistent)
        guard deadline > 0 else { return wakeUp }
        if now >= deadline || destinations.allSatisfy({ $0.withState(\.isIdle) }) {
            close()
            client.withLock { $0 }?.stop()
        }
        return min(deadline, wakeUp ?? .max)
    }

    private func pump(_ destination: Destination, _ now: UInt64) -> UInt64? {
        while true {
            switch destination.withState({ $0.next(now) }) {
            case .send(let batch): prepare(batch, for: destination)
            case .cut(let batch, let maxBytes): cut(batch, maxBytes, at: destination)
            case .drop(let batch, let reason):
                dropped(batch.signal, batch.items, reason, at: destination)
            case .bury(let batch, let reason): bury(batch, reason, at: destination)
            case .wait(let time): return time
            }
        }
    }

    private func prepare(_ batch: ExportBatch, for destination: Destination) {
        let coding = ContentCoding(rawValue: destination.settings.compression.rawValue)
        guard let coding, batch.encoded == nil,
            let compressor = compressor.withLock({ $0 })
        else { return send(batch, to: destination) }
        compressor.add { [weak self] in
            var batch = batch
            let encoded = compress(batch.slices, coding)
            batch.encoded = encoded
            let id = batch.id
            destination.withState { $0.keep(encoded: encoded, of: id) }
            self?.compressed.withLock { $0.append((destination, batch)) }
            self?.wake()
        }
    }

    private func takeCompressed() -> [(Destination, ExportBatch)] {
        compressed.withLock { compressed in
            defer { compressed = [] }
            return compressed
        }
    }

    private func send(_ batch: ExportBatch, to destination: Destination) {
        let id = batch.id
        let signal = batch.signal
        client.withLock { $0 }?.send(destination.request(for: batch)) { [weak self] answer in
            guard let self else { return }
            let verdict = classify(
                answer, destination.settings.protocol,
                unixSeconds: Int(unixNanoseconds() / 1_000_000_000))
            finish(
                id, signal, items: batch.items, destination.withoutSecrets(verdict), answer,
                destination)
        }
    }

    private func cut(_ batch: ExportBatch, _ maxBytes: Int, at destination: Destination) {
        let outcome: DestinationState.Outcome
        do throws(BatchCutter.NoMemory) {
            let pieces = try BatchCutter.cut(batch, maxBytes: maxBytes, share: share)
            outcome = destination.withState { $0.cut(batch.id, into: pieces) }
        } catch {
            let (now, unixNano) = (monotonicNanoseconds(), unixNanoseconds())
            outcome = destination.withState {
                $0.noMemoryToCut(batch.id, now: now, unixNano: unixNano)
            }
        }
        count(outcome, batch.id, batch.signal, items: batch.items, destination)
    }

    private func finish(
        _ id: UInt64, _ signal: Signal, items: Int, _ verdict: ExportVerdict,
        _ answer: ClientAnswer, _ destination: Destination
    ) {
        let (now, unixNano) = (monotonicNanoseconds(), unixNanoseconds())
        let random = Double.random(in: 0..<1)
        let told = DeadLetter.Answer(answer, message: verdict.text)
        let outcome = destination.withState {
            $0.finish(
                id, verdict, answer: told, now: now, unixNano: unixNano, random: random)
        }
        guard outcome != .unknown else { return }
        if let reason = verdict.failure {
            ledger.failedRequest(exporter: destination.index, reason: reason)
        }
        count(outcome, id, signal, items: items, destination)
        destination.tellHealth(now: now)
    }

    private func count(
        _ outcome: DestinationState.Outcome, _ id: UInt64, _ signal: Signal, items: Int,
        _ destination: Destination
    ) {
        switch outcome {
        case .delivered(let sent, let rejected):
            ledger.answered(
                exporter: destination.index, signal: signal, sent: sent, rejected: rejected)
        case .dropped(let reason): dropped(signal, items, reason, at: destination)
        case .undeliverable(let reason):
            guard let batch = destination.withState({ $0.undeliverable(id) }) else { return }
            bury(batch, reason, at: destination)
        case .kept, .unknown: return
        }
    }

    private func dropped(
        _ signal: Signal, _ items: Int, _ reason: DropReason, at destination: Destination
    ) {
        ledger.dropped(exporter: destination.index, signal: signal, items: items, reason: reason)
    }

    // MARK: Dead letters

    private func startLetters() throws(ExportStartError) {
        let boxes = destinations.compactMap(\.letters)
        guard !boxes.isEmpty else { return }
        guard let writer = DeadLetterWriter() else { throw .noThread }
        for box in boxes { writer.look(box) }
        letters.withLock { $0 = writer }
    }

    private func stopLetters() {
        letters.withLock { letters in
            defer { letters = nil }
            return letters
        }?.stop()
    }

    /// Keeps a batch as a dead letter; it is counted as dropped when that is done.
    private func bury(_ batch: ExportBatch, _ reason: DropReason, at destination: Destination) {
        let then: @Sendable () -> Void = { [weak self] in
            guard let self else { return }
            let outcome = destination.withState { $0.buried(batch.id) }
            count(outcome, batch.id, batch.signal, items: batch.items, destination)
            destination.tellLetters()
            wake()
        }
        guard let writer = letters.withLock({ $0 }), let box = destination.letters else {
            return then()
        }
        writer.write(
            destination.letter(for: batch, reason, unixNano: unixNanoseconds()),
            body: batch.slices, to: box, then: then)
    }

    /// Drops what is left. Also for a service that was never started.
    private func close() {
        for destination in destinations {
            for (signal, items) in destination.withState({ $0.close() }) {
                dropped(signal, items, .shutdown, at: destination)
            }
        }
    }
}

extension Destination {
    /// Whether room is taken when a request is looked at, rather than when it is taken.
    fileprivate var reservesEarly: Bool { settings.queue.whenFull != .dropOldest }
}

/// Why forwarding could not start.
public enum ExportStartError: Error, Equatable {
    case noThread
    /// libcurl has no memory or no sockets for a handle.
    case noCurl
}
