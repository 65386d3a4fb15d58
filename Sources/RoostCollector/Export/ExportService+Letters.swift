import RoostCore

/// Batches that are given up.
extension ExportService {
    func startLetters() throws(ExportStartError) {
        let boxes = destinations.compactMap(\.letters)
        guard !boxes.isEmpty else { return }
        guard let writer = DeadLetterWriter() else { throw .noThread }
        for box in boxes { writer.look(box) }
        letters.withLock { $0 = writer }
    }

    func stopLetters() {
        letters.withLock { letters in
            defer { letters = nil }
            return letters
        }?.stop()
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
