/// What a destination asks for and answers.
extension DestinationState {
    /// What a log line is written about when it changes.
    enum Health: Equatable {
        case working
        /// Cannot be reached, or asks to come back later.
        case failing
        /// Refuses batches, or items of them, for good.
        case refusing
    }

    /// What became of a payload that came in.
    enum Appended: Equatable {
        /// It goes out when its turn comes.
        case quietly
        /// The export thread sleeps for longer than this payload should wait.
        case needsWaking
        /// The drain deadline has passed: it was not taken.
        case closed
    }

    /// What the export thread does next for this destination.
    enum Step {
        case send(ExportBatch)
        /// To be cut into pieces of at most so many bytes, then given to `cut`.
        case cut(ExportBatch, maxBytes: Int)
        case drop(ExportBatch, DropReason)
        /// To be kept as a dead letter, then told to `buried`.
        case bury(ExportBatch, DropReason)
        /// Nothing until then, or until something happens.
        case wait(until: UInt64?)
    }

    /// What became of a batch that was answered.
    enum Outcome: Equatable {
        case delivered(sent: Int, rejected: Int)
        case dropped(DropReason)
        /// To be kept as a dead letter, then told to `buried`; until then it counts as queued.
        case undeliverable(DropReason)
        /// It stays in the queue.
        case kept
        /// The batch was no longer known: it had been dropped at the drain deadline.
        case unknown
    }
}
