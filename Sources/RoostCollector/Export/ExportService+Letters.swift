import RoostCore

/// Batches that are given up.
extension ExportService {
    /// How often folders with dead letters in them are looked at; the export thread runs once a
    /// minute at least.
    private static let lookInterval: UInt64 = 15 * 1_000_000_000
    /// What letters may still take once the drain deadline has come.
    private static let lastLetters: UInt64 = 1_000_000_000

    /// Takes the folders of `destinations` for this process, and has the thread that writes into
    /// them, which starts if it is needed and not there, look what is in them.
    func startLetters(_ destinations: [Destination]) throws(ExportStartError) {
        let boxes = destinations.compactMap(\.letters)
        guard !boxes.isEmpty else { return }
        for destination in destinations {
            guard let holder = destination.letters?.otherOwner() else { continue }
            throw .lettersInUse(
                exporter: destination.settings.name,
                folder: destination.settings.deadLetters?.path ?? "", by: holder)
        }
        let writer = letters.withLock { letters in
            if letters == nil { letters = DeadLetterWriter() }
            return letters
        }
        guard let writer else { throw .noThread }
        for box in boxes { writer.look(box) }
    }

    /// Writes what is left, a second longer than until `deadline` (monotonic nanoseconds).
    func stopLetters(deadline: UInt64) {
        letters.withLock { letters in
            defer { letters = nil }
            return letters
        }?.stop(deadline: max(deadline, monotonicNanoseconds()) &+ Self.lastLetters)
    }

    /// Others may have taken letters out; `/metrics` is to say so. After a change of settings there
    /// may be too many.
    func lookAtLetters(_ now: UInt64) {
        guard now >= nextLook.load(ordering: .relaxed), let writer = letters.withLock({ $0 }) else {
            return
        }
        nextLook.store(now &+ Self.lookInterval, ordering: .relaxed)
        for box in destinations.compactMap(\.letters) {
            let status = box.status
            if status.letters > 0 || !status.wasRead { writer.look(box, isBounded: true) }
        }
    }

    /// Keeps a batch as a dead letter; it is counted as dropped when that is done.
    func bury(_ batch: ExportBatch, _ reason: DropReason, at destination: Destination) {
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
}
