import RoostCore
import RoostWire

/// One destination without its sockets: its queue, its retry clock and its batches under way.
///
/// A pure state machine: time and chance are passed in, what has to be done is handed back. Times
/// are monotonic nanoseconds unless the name says otherwise.
struct DestinationState {
    private var settings: ExportSettings
    private(set) var delay: UInt64
    private var giveUpAfter: UInt64?
    /// What waits; of a queue on disk, what of it is in memory.
    private(set) var queue: MemoryQueue
    /// Nil for a queue in memory.
    var staging: Staging?
    private(set) var clock: RetryClock
    /// Sent before what still waits in the queue: batches that failed, and pieces.
    private(set) var pending: [ExportBatch] = []
    private(set) var inFlight: [UInt64: ExportBatch] = [:]
    /// Given up, and held until they are kept as dead letters. While a disk is slow to take many of
    /// them, nothing is sent.
    private var dying: [UInt64: (batch: ExportBatch, reason: DropReason)] = [:]
    private var nextID: UInt64 = 0
    private var nextSignal = 0
    /// What of `pending` went first since something was taken from the queue.
    private var pendingInARow = 0
    private var peer = KnownPeer()
    /// There is or was no room: nothing that waits now waits for company.
    private var isPressed = false
    /// There is no memory for another request before it.
    private var noRoomUntil: UInt64 = 0
    private(set) var isDraining = false
    private(set) var isClosed = false
    private(set) var queuedItems = 0
    private(set) var health = Health.working
    private(set) var lastError: (text: String, unixNano: UInt64)?

    /// `stagingBytes` is what may be in memory of a queue on disk; nil when there is none.
    init(_ settings: ExportSettings, stagingBytes: Int? = nil) {
        self.settings = settings
        staging = stagingBytes.map(Staging.init)
        delay = settings.batch.delay.nanosecondsClamped
        giveUpAfter = settings.retry.giveUpAfter?.nanosecondsClamped
        queue = MemoryQueue(capacityBytes: stagingBytes ?? settings.queue.capacityBytes)
        clock = RetryClock(settings.retry, concurrency: settings.concurrency)
    }

    /// Other settings for what waits and comes. What the peer said before is forgotten: it may be
    /// another one. A destination that was on its way out stays.
    mutating func use(_ new: ExportSettings) {
        settings = new
        isDraining = false
        delay = new.batch.delay.nanosecondsClamped
        giveUpAfter = new.retry.giveUpAfter?.nanosecondsClamped
        if staging == nil { queue.capacityBytes = new.queue.capacityBytes }
        clock = RetryClock(new.retry, concurrency: new.concurrency)
        peer.forget()
        for index in pending.indices { pending[index].notBefore = 0 }
    }

    // MARK: Taking in

    mutating func reserve(_ bytes: Int) -> Bool { !isClosed && queue.reserve(bytes) }

    mutating func release(_ bytes: Int) { queue.release(bytes) }

    /// Makes room by eviction and reserves it; nil when that is not possible.
    mutating func reserveEvicting(_ bytes: Int) -> [Payload]? {
        guard !isClosed, let evicted = queue.makeRoom(for: bytes) else {
            isPressed = !queue.isEmpty
            return nil
        }
        if !evicted.isEmpty { isPressed = true }
        _ = queue.reserve(bytes)
        for payload in evicted { queuedItems -= payload.items }
        return evicted
    }

    /// Adds a payload for which `reserved` bytes are held.
    mutating func append(_ payload: Payload, reserved: Int, now: UInt64) -> Appended {
        guard !isClosed else {
            queue.release(reserved)
            return .closed
        }
        let before = queue.waitingBytes(payload.signal)
        queue.append(payload, reserved: reserved, now: now)
        queuedItems += payload.items
        if queue.heldBytes >= pressureBytes, press(now) { return .needsWaking }
        return appended(payload.signal, before: before, now)
    }

    /// Somebody found no room, or hardly any: has all that waits sent at once, since a batch that
    /// does not fit into the queue never comes together. Whether the export thread has to know.
    mutating func press(_ now: UInt64) -> Bool {
        guard !isPressed, !queue.isEmpty else { return false }
        isPressed = true
        return inFlight.count < clock.allowed && clock.isOpen(now)
    }

    /// Half of the queue; of one on disk a quarter, as room comes back by whole segments.
    private var pressureBytes: Int { settings.queue.capacityBytes / (staging == nil ? 2 : 4) }

    /// Whether what was appended when `before` bytes waited is worth a look.
    private func appended(_ signal: Signal, before: Int, _ now: UInt64) -> Appended {
        guard inFlight.count < clock.allowed, clock.isOpen(now) else { return .quietly }
        let wanted = bytesForAnother(signal, limit: batchBytes(now))
        let isDue = before == 0 || before < wanted && queue.waitingBytes(signal) >= wanted
        return isDue ? .needsWaking : .quietly
    }

    /// Whether there is no room for another request of a usual size.
    var isFull: Bool { !queue.fits(min(64 << 10, queue.capacityBytes / 4)) }

    // MARK: Sending

    /// The next thing to do; called until it says `wait`.
    mutating func next(_ now: UInt64) -> Step {
        if let expired = removeExpired(now) {
            if keepsLetters(expired, .gaveUp) { return .bury(expired, .gaveUp) }
            forget(expired)
            return .drop(expired, .gaveUp)
        }
        guard clock.isOpen(now) else { return .wait(until: nextExpiry(before: clock.nextAttempt)) }
        guard inFlight.count < clock.allowed, dying.count < 2 * settings.concurrency else {
            return .wait(until: nil)
        }
        guard now >= noRoomUntil else { return .wait(until: nextExpiry(before: noRoomUntil)) }
        return nextInTurn(now) ?? nextPending(now) ?? nextFromQueue(now)
    }

    /// Something from the queue after so many pieces, while the peer answers: there may be thousands of
    /// them, where headers leave little room for items.
    private mutating func nextInTurn(_ now: UInt64) -> Step? {
        guard pendingInARow >= Self.mostInARow, pending.count < Self.mostAside, !clock.isFailing,
            pending.count(where: { $0.failures > 0 }) <= settings.concurrency
        else { return nil }
        var later: UInt64?
        return takeDue(now, orAt: &later).map { launch($0, now) }
    }

    /// `mostAside`: not while what came in turn is in pieces itself.
    private static let (mostInARow, mostAside) = (8, 64)

    /// What failed before, and pieces; nil when something from the queue is to go first.
    ///
    /// A batch that fails by its own fault, so that the peer breaks down over it each time, must not
    /// hold up the rest: once it has failed twice others are tried, and while those pass it waits for
    /// a time of its own. How many such batches are held beside the queue is bounded.
    private mutating func nextPending(_ now: UInt64) -> Step? {
        guard !pending.isEmpty else { return nil }
        let isFailing = clock.isFailing
        let index =
            if isCrowded && (isFailing || isDraining) {
                0
            } else {
                pending.firstIndex { isFailing ? $0.failures < 2 : now >= $0.notBefore }
            }
        if let index {
            pendingInARow += 1
            return launch(pending.remove(at: index), now)
        }
        guard isCrowded else { return nil }
        return .wait(until: nextExpiry(before: nextTurn))
    }

    /// Whether nothing more is to be taken from the queue.
    private var isCrowded: Bool { pending.count > settings.concurrency }

    /// When the first pending batch may go.
    private var nextTurn: UInt64? { pending.lazy.map(\.notBefore).min() }

    private mutating func nextFromQueue(_ now: UInt64) -> Step {
        var earliest: UInt64?
        if let batch = takeDue(now, orAt: &earliest) { return launch(batch, now) }
        isPressed = false
        // There is nothing else to see with whether the peer is back, or to send before the end.
        if clock.isFailing || isDraining, !pending.isEmpty {
            return launch(pending.removeFirst(), now)
        }
        if let nextTurn { earliest = min(nextTurn, earliest ?? .max) }
        return .wait(until: nextExpiry(before: earliest))
    }

    /// What has waited in the queue for long enough, or is enough; else when something will have.
    private mutating func takeDue(_ now: UInt64, orAt earliest: inout UInt64?) -> ExportBatch? {
        let limit = batchBytes(now)
        // Signals take turns, so that none starves another.
        for turn in 0..<Signal.allCases.count {
            let signal = Signal.allCases[(nextSignal + turn) % Signal.allCases.count]
            guard let arrival = queue.oldestArrival(signal) else { continue }
            let due = arrival &+ patience(signal)
            let isEnough = queue.waitingBytes(signal) >= bytesForAnother(signal, limit: limit)
            let isHurried = isDraining || isPressed || staging != nil && isStaged(limit)
            guard isHurried || isEnough || now >= due else {
                earliest = min(due, earliest ?? .max)
                continue
            }
            nextSignal = (nextSignal + turn + 1) % Signal.allCases.count
            pendingInARow = 0
            return makeBatch(signal, queue.take(signal, maxBytes: limit))
        }
        return nil
    }

    private mutating func launch(_ batch: ExportBatch, _ now: UInt64) -> Step {
        let limit = batchBytes(now)
        var batch = batch
        batch.startedAt = now
        if batch.coding != settings.compression { batch.encoded = nil }
        inFlight[batch.id] = batch
        if batch.items > 1, let size = batch.wantedBytes ?? (batch.isCut ? nil : limit),
            batch.bytes > size
        {
            return .cut(batch, maxBytes: size)
        }
        batch.firstAttempt = batch.firstAttempt ?? now
        batch.attempts += 1
        inFlight[batch.id] = batch
        return .send(batch)
    }

    private mutating func makeBatch(_ signal: Signal, _ payloads: [Payload]) -> ExportBatch {
        nextID += 1
        return ExportBatch(id: nextID, signal: signal, payloads: payloads)
    }

    private func batchBytes(_ now: UInt64) -> Int {
        peer.batchBytes(settings.batch.bytes, now)
    }

    // MARK: What comes back

    /// Keeps the compressed body for repetitions.
    mutating func keep(encoded: ByteBlock, _ coding: ExportCompression, of id: UInt64) {
        inFlight[id]?.encoded = encoded
        inFlight[id]?.coding = coding
    }

    /// There was no memory to send the batch: it is first again when a request has ended, or at
    /// `time`.
    mutating func putBack(_ id: UInt64, until time: UInt64) {
        guard var batch = inFlight.removeValue(forKey: id) else { return }
        batch.attempts -= 1
        noRoomUntil = time
        putFirst([batch])
    }

    /// An attempt ended. `random` is in 0..<1, for the jitter.
    mutating func finish(
        _ id: UInt64, _ verdict: ExportVerdict, answer: DeadLetter.Answer? = nil, now: UInt64,
        unixNano: UInt64, random: Double
    ) -> Outcome {
        guard var batch = inFlight.removeValue(forKey: id) else { return .unknown }
        batch.lastAnswer = answer
        noRoomUntil = 0
        switch verdict {
        case .delivered(let rejected, let message):
            peer.took(batch, hasStatus: true)
            return delivered(batch, rejected: rejected, message, now, unixNano)
        case .unconfirmed(let text):
            guard batch.suspicion.statusWasLost() || peer.losesStatuses else {
                return retry(batch, text, now, unixNano, random)
            }
            peer.took(batch, hasStatus: false)
            return delivered(batch, rejected: 0, "taken as a yes: \(text)", now, unixNano)
        case .permanent(_, let text):
            clock.answered(now)
            note(text, .refusing, unixNano)
            return end(batch, .permanent)
        case .retryable(_, let text, let after):
            return retry(batch, text, after: after, now, unixNano, random)
        case .unanswered(let text):
            guard batch.suspicion.wentUnanswered(batch) else {
                return retry(batch, text, now, unixNano, random)
            }
            note(text, .failing, unixNano)
            return shrink(batch, orEnd: .refusedEarly, now: now)
        case .doubtful(_, let text):
            guard batch.suspicion.answerWasDoubtful() else {
                return retry(batch, text, now, unixNano, random)
            }
            clock.answered(now)
            note(text, .refusing, unixNano)
            return end(batch, .permanent)
        case .tooLarge(let text):
            clock.answered(now)
            note(text, .refusing, unixNano)
            return shrink(batch, orEnd: .tooLargeForPeer, now: now)
        case .brokenUpload(let text, let byPeer):
            guard batch.suspicion.uploadBroke(batch, byPeer: byPeer, deliveries: peer.deliveries)
            else { return retry(batch, text, now, unixNano, random) }
            note(text, .failing, unixNano)
            return shrink(batch, orEnd: .refusedEarly, now: now)
        }
    }

    /// A batch that was undeliverable is kept as a dead letter, or counted as lost to that, too.
    mutating func buried(_ id: UInt64) -> Outcome {
        guard let (batch, reason) = dying.removeValue(forKey: id) else { return .unknown }
        forget(batch)
        return .dropped(reason)
    }

    /// The batch that is to be kept as a dead letter.
    func undeliverable(_ id: UInt64) -> ExportBatch? { dying[id]?.batch }

    /// The pieces of a batch that `next` wanted cut. Fewer than two mean that it cannot be: then it
    /// goes out whole, unless the peer has refused it already.
    mutating func cut(_ id: UInt64, into pieces: [[Payload]]) -> Outcome {
        guard var batch = inFlight.removeValue(forKey: id) else { return .unknown }
        guard pieces.count > 1 else {
            guard batch.wantedBytes == nil else { return end(batch, .tooLargeForPeer) }
            batch.isCut = true
            putFirst([batch])
            return .kept
        }
        let header = ExportBatch.headerBytes(of: pieces, from: batch)
        var batches = pieces.map { payloads in
            nextID += 1
            return batch.piece(nextID, payloads, headerBytes: header)
        }
        if batches.contains(where: \.isMostlyHeaders) {
            batches.sort { $0.leastBytes < $1.leastBytes }
        }
        staging?.cut(batch, into: batches)
        queue.replaceTaken(batch.bytes, with: batches.reduce(0) { $0 + $1.bytes })
        queuedItems += batches.reduce(-batch.items) { $0 + $1.items }
        putFirst(batches)
        return .kept
    }

    /// There was no memory to cut the batch. It waits a while; when that does not help it goes out
    /// whole, or is dropped if the peer has refused that.
    mutating func noMemoryToCut(_ id: UInt64, now: UInt64, unixNano: UInt64) -> Outcome {
        guard var batch = inFlight.removeValue(forKey: id) else { return .unknown }
        batch.memoryFailures += 1
        let text = "no memory left to cut a batch of \(batch.bytes) bytes"
        guard batch.memoryFailures > 5 else { return retry(batch, text, now, unixNano, 1) }
        note(text, .failing, unixNano)
        guard batch.wantedBytes == nil else { return end(batch, .memory) }
        batch.isCut = true
        putFirst([batch])
        return .kept
    }

    private mutating func delivered(
        _ batch: ExportBatch, rejected: Int, _ message: String?, _ now: UInt64,
        _ unixNano: UInt64
    ) -> Outcome {
        clock.answered(now)
        let rejected = min(max(rejected, 0), batch.items)
        if rejected > 0 {
            note("\(rejected) items rejected: \(message ?? "no reason given")", .refusing, unixNano)
        } else {
            health = .working
            if let message { lastError = (message, unixNano) }
        }
        forget(batch)
        return .delivered(sent: batch.items - rejected, rejected: rejected)
    }

    /// The batch will not be delivered.
    private mutating func end(_ batch: ExportBatch, _ reason: DropReason) -> Outcome {
        if keepsLetters(batch, reason) { return .undeliverable(reason) }
        forget(batch)
        return .dropped(reason)
    }

    /// Holds the batch until it is kept as a dead letter, where they are kept.
    private mutating func keepsLetters(_ batch: ExportBatch, _ reason: DropReason) -> Bool {
        guard settings.deadLetters != nil else { return false }
        dying[batch.id] = (batch, reason)
        return true
    }

    private mutating func forget(_ batch: ExportBatch) {
        queue.giveBack(batch.bytes)
        queuedItems -= batch.items
        // What is on disk at the end stays there.
        if !isClosed { staging?.done(with: batch.payloads) }
    }

    private mutating func retry(
        _ batch: ExportBatch, _ text: String, after: Duration? = nil, _ now: UInt64,
        _ unixNano: UInt64, _ random: Double
    ) -> Outcome {
        note(text, .failing, unixNano)
        clock.failed(
            startedAt: batch.startedAt, now: now, peerDelay: after, random: random,
            isDraining: isDraining)
        var batch = batch
        batch.failures += 1
        batch.notBefore = now &+ clock.wait(after: batch.failures, random: random)
        if let rest = withoutGone(batch) { pending.append(rest) }
        return .kept
    }

    private mutating func putFirst(_ batches: [ExportBatch]) {
        pending.insert(contentsOf: batches.compactMap { withoutGone($0) }, at: 0)
    }

    /// What of a batch that is not under way is still in files, if it came from there.
    private mutating func withoutGone(_ batch: ExportBatch) -> ExportBatch? {
        guard let before = staging?.goneBefore,
            batch.payloads.contains(where: { $0.isBefore(before) })
        else { return batch }
        giveUp(batch.payloads.filter { $0.isBefore(before) }, taken: true)
        return batch.without(before: before)
    }

    /// What waits and was given up with its files.
    mutating func evictWaiting(before sequence: UInt64) {
        giveUp(queue.remove(before: sequence), taken: false)
        pending = pending.compactMap { withoutGone($0) }
    }

    private mutating func giveUp(_ payloads: [Payload], taken: Bool) {
        if taken { queue.giveBack(payloads.reduce(0) { $0 + $1.bytes }) }
        queuedItems -= payloads.reduce(0) { $0 + $1.items }
        staging?.evict(payloads)
    }

    /// Has `next` cut the batch in halves; a single item is given up, as are those that are no smaller.
    private mutating func shrink(
        _ refused: ExportBatch, orEnd reason: DropReason, now: UInt64
    ) -> Outcome {
        guard refused.items > 1 else {
            peer.refuses(alone: refused, now)
            return end(refused, reason)
        }
        guard !peer.refusesEach(of: refused, now) else { return end(refused, reason) }
        var batch = refused
        // A little more than half, since both halves repeat the headers.
        batch.wantedBytes = batch.bytes / 2 + batch.bytes / 16
        batch.encoded = nil
        if batch.bytes > Suspicion.smallestBytes {
            let half = max(batch.bytes / 2, Suspicion.smallestBytes)
            peer.refuses(moreThan: min(half, batchBytes(now)), now)
        }
        putFirst([batch])
        return .kept
    }

    private mutating func note(_ text: String, _ health: Health, _ unixNano: UInt64) {
        self.health = health
        lastError = (text, unixNano)
    }

    // MARK: Giving up and ending

    private mutating func removeExpired(_ now: UInt64) -> ExportBatch? {
        guard let giveUpAfter else { return nil }
        let index = pending.firstIndex { batch in
            batch.firstAttempt.map { now >= $0 &+ giveUpAfter } ?? false
        }
        guard let index else { return nil }
        return pending.remove(at: index)
    }

    /// The earlier of `time` and the moment at which a pending batch has to be given up.
    private func nextExpiry(before time: UInt64?) -> UInt64? {
        guard let giveUpAfter else { return time }
        return pending.compactMap(\.firstAttempt).map { $0 &+ giveUpAfter }
            .reduce(time) { min($1, $0 ?? .max) }
    }

    /// From now on nothing waits for company, and own retry waits are short.
    mutating func beginDraining(_ now: UInt64) {
        isDraining = true
        clock.hurry(now: now)
    }

    /// Whether nothing is left to send.
    ///
    /// What is on disk is safe there when the peer does not take it now.
    var isIdle: Bool {
        guard let staging else {
            return queue.isEmpty && pending.isEmpty && inFlight.isEmpty && dying.isEmpty
        }
        let isEmpty = queue.isEmpty && pending.isEmpty && !staging.hasMore
        return inFlight.isEmpty && dying.isEmpty && !staging.isReading
            && (isEmpty || clock.isFailing)
    }

    /// The end: everything that is left and will be lost, by signal; of a queue on disk what was
    /// under way when its files were given up. Nothing is taken in any more, and answers that come
    /// later are for unknown batches.
    mutating func close() -> [(Signal, items: Int)] {
        isClosed = true
        var left = [Int](repeating: 0, count: Signal.allCases.count)
        for batch in pending + Array(inFlight.values) + dying.values.map(\.batch) {
            for payload in batch.payloads where isLost(payload) {
                left[batch.signal.rawValue] += payload.items
                staging?.lose(payload)
            }
            forget(batch)
        }
        for payload in queue.removeAll() {
            if isLost(payload) {
                left[payload.signal.rawValue] += payload.items
                staging?.lose(payload)
            }
            queuedItems -= payload.items
        }
        pending = []
        inFlight = [:]
        dying = [:]
        return Signal.allCases.map { ($0, items: left[$0.rawValue]) }.filter { $0.items > 0 }
    }

    /// Whether nobody has what is not delivered now.
    private func isLost(_ payload: Payload) -> Bool {
        staging.map { payload.isBefore($0.goneBefore) } ?? true
    }
}
