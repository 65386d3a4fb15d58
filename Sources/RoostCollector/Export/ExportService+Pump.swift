import RoostCompression
import RoostCore
import RoostHTTPClient
import RoostQueue
import RoostWire
import Synchronization

/// The way of batches out, on the export thread.
extension ExportService {
    /// Does everything that can be done now; answers when there is more to do. `client` is the one
    /// whose thread this is.
    func pump(_ now: UInt64, _ client: HTTPClient) -> UInt64? {
        for (destination, batch, hold) in takeCompressed() {
            send(batch, to: destination, client, hold)
        }
        lookAtLetters(now)
        var wakeUp: UInt64?
        let destinations = self.destinations
        for destination in destinations {
            if let time = pump(destination, now, client) { wakeUp = min(time, wakeUp ?? .max) }
        }
        if let time = pumpLeaving(now, client) { wakeUp = min(time, wakeUp ?? .max) }
        let deadline = drainDeadline.load(ordering: .sequentiallyConsistent)
        guard deadline > 0 else { return wakeUp }
        let isLeft = destinations.allSatisfy { $0.withState(\.isIdle) }
        if now >= deadline || isLeft && leaving.withLock(\.draining.isEmpty) {
            close()
            client.stop()
        }
        return min(deadline, wakeUp ?? .max)
    }

    func pump(_ destination: Destination, _ now: UInt64, _ client: HTTPClient) -> UInt64? {
        release(destination)
        let look = destination.lookAtDisk(now)
        var reading = [look, read(destination, now)].compactMap { $0 }.min()
        while true {
            switch destination.withState({ $0.next(now) }) {
            case .send(let batch): prepare(batch, for: destination, client)
            case .cut(let batch, let maxBytes): cut(batch, maxBytes, at: destination)
            case .drop(let batch, let reason):
                dropped(batch.signal, batch.items, reason, at: destination)
                // It may be what held up reading.
                if release(destination) { reading = now }
            case .bury(let batch, let reason): bury(batch, reason, at: destination)
            case .wait(let time):
                guard let reading else { return time }
                return min(reading, time ?? .max)
            }
        }
    }

    // MARK: Queues on disk

    /// Has more of a queue on disk brought into memory; answers when to ask again.
    private func read(_ destination: Destination, _ now: UInt64) -> UInt64? {
        guard let durable = destination.durable else { return nil }
        let (hasMore, isReading) = destination.withState {
            ($0.staging?.hasMore == true, $0.staging?.isReading == true)
        }
        guard hasMore, !isReading else { return nil }
        _ = destination.stage(now, waits: true)
        switch destination.withState({ $0.nextReading(now) }) {
        case .none(let time): return time
        case .read(let maxBytes, let look):
            durable.reader.add { [weak self] in self?.read(destination, durable, maxBytes, look) }
            return nil
        }
    }

    private static let memoryPatience: UInt64 = 100_000_000
    private static let diskPatience: UInt64 = 1_000_000_000

    /// On the reader's own thread.
    private func read(
        _ destination: Destination, _ durable: DurableQueue, _ maxBytes: Int,
        _ look: DestinationState.Look
    ) {
        do throws(QueueReadError) {
            let found = try durable.next(maxBytes: maxBytes, share: share)
            if !found.lost.isEmpty {
                dropped(found.lost, .damaged, exporter: destination.index)
                log.tellDamage(
                    items: found.lost.allItems, unsaved: found.unsaved,
                    exporter: destination.settings.name)
            }
            let (payloads, isEmpty) = (found.payloads, found.isEmpty)
            let now = monotonicNanoseconds()
            _ = destination.withState { $0.staged(payloads, isLast: isEmpty, look, now: now) }
        } catch {
            let now = monotonicNanoseconds()
            let patience = error == .noMemory ? Self.memoryPatience : Self.diskPatience
            destination.withState { $0.couldNotRead(until: now &+ patience) }
        }
        wake()
    }

    /// Tells the queue on disk what it need not keep, and counts what it could not. Whether there may
    /// be more to read now: whoever held too much was told that there was nothing.
    @discardableResult
    func release(_ destination: Destination) -> Bool {
        guard let durable = destination.durable else { return false }
        let (evicted, released) = destination.withState { ($0.takeEvicted(), $0.takeReleased()) }
        for (signal, items) in evicted { dropped(signal, items, .evicted, at: destination) }
        guard !released.isEmpty else { return false }
        durable.release(released)
        guard durable.hasMore else { return false }
        destination.withState { $0.noteMore() }
        return true
    }

    /// The queue in `folder` has given up everything before `sequence` to make room. On its thread,
    /// before it keeps what the room is for.
    func evict(before sequence: UInt64, in folder: String) {
        let destination =
            destinations.first { $0.durable?.folder == folder }
            ?? leaving.withLock { leaving in
                leaving.draining.lazy.map(\.destination).first { $0.durable?.folder == folder }
            }
        guard let destination else { return }
        let now = monotonicNanoseconds()
        let needsWaking = destination.withState { state in
            state.evict(before: sequence)
            return state.press(now)
        }
        let hasMore = release(destination)
        if needsWaking || hasMore { wake() }
    }

    // MARK: Batches

    private func prepare(
        _ batch: ExportBatch, for destination: Destination, _ client: HTTPClient
    ) {
        let coding = ContentCoding(rawValue: destination.settings.compression.rawValue)
        guard let coding, batch.encoded == nil,
            let compressor = compressor.withLock({ $0 })
        else { return send(batch, to: destination, client) }
        compressor.add { [weak self] in
            self?.compress(batch, coding, for: destination)
            self?.wake()
        }
    }

    /// Without room to keep the compressed body it is made again for a repetition; where it is too
    /// long for what is set aside, or that does not pay for it, the batch goes out as it is.
    private func compress(
        _ batch: ExportBatch, _ coding: ContentCoding, for destination: Destination
    ) {
        var batch = batch
        var hold: SendingRoom.Hold?
        batch.coding = destination.settings.compression
        if let encoded = sending.pack(batch.slices, coding) {
            batch.encoded = encoded
            let (id, form) = (batch.id, batch.coding)
            destination.withState { $0.keep(encoded: encoded, form, of: id) }
        } else {
            hold = sending.packingSlot(of: destination.index)
            guard let hold else { return putBack(batch, at: destination) }
            if hold.packs { batch.encoded = sending.packTightly(batch.slices, coding) }
        }
        let ready = batch
        compressed.withLock { [hold] in $0.append((destination, ready, hold)) }
    }

    private static let roomPatience: UInt64 = 50_000_000

    /// The batch waits until a request ends, or for a moment.
    private func putBack(_ batch: ExportBatch, at destination: Destination) {
        let until = monotonicNanoseconds() &+ Self.roomPatience
        destination.withState { $0.putBack(batch.id, until: until) }
    }

    private func takeCompressed() -> [(Destination, ExportBatch, SendingRoom.Hold?)] {
        compressed.withLock { compressed in
            defer { compressed = [] }
            return compressed
        }
    }

    private func send(
        _ batch: ExportBatch, to destination: Destination, _ client: HTTPClient,
        _ held: SendingRoom.Hold? = nil
    ) {
        let id = batch.id
        let signal = batch.signal
        let body = batch.encoded?.count ?? batch.bytes
        guard let hold = held ?? sending.hold(for: destination.index, bodyBytes: body) else {
            return putBack(batch, at: destination)
        }
        var request = destination.request(for: batch)
        request.mostUploadBytes = hold.uploadBytes
        client.send(request) { [weak self] answer in
            // The request has this until its own memory is freed.
            withExtendedLifetime(hold) {}
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

    func count(
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
            return bury(batch, reason, at: destination)
        case .kept: break
        case .unknown: return
        }
        // Counted before it is forgotten: what is killed in between comes again.
        release(destination)
    }
}
