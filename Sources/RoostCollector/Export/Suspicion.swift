/// Whether a batch itself is at fault when its uploads break off or its answers say nothing or not all.
///
/// What is at fault is cut, or given up when it is a single item; else it is sent again for as long
/// as it takes. Each call tells of one more attempt, and answers whether that was enough.
struct Suspicion: Sendable {
    /// Broken uploads of a batch before it counts as too large.
    private static let brokenUploadsBeforeCut = 2
    /// And of a single item before it is given up.
    private static let brokenUploadsBeforeEnd = 3
    /// Answers to a batch that say nothing before it is given up.
    private static let doubtfulAnswersBeforeEnd = 3
    /// Answers to a batch that lack their status before it counts as taken.
    private static let lostStatusesBeforeYes = 2
    /// A broken upload below it is the network's fault: it fits every first window.
    static let smallestBytes = 64 << 10

    /// Uploads that the peer broke off without saying why.
    private(set) var brokenUploads = 0
    /// Answers that said nothing.
    private var doubtfulAnswers = 0
    /// Answers whose status was lost.
    private var lostStatuses = 0
    /// How many batches the destination had taken when the first upload broke.
    private var deliveriesBefore: Int?

    /// An upload was broken off, by the peer in good order or by a connection that ended.
    ///
    /// A peer that ends the stream in good order says by repetition that it is the batch. A
    /// connection may break for any reason; there it counts whether others came through in between,
    /// or for a batch that can be cut whether it is large. `deliveries` is how many batches the
    /// destination has taken.
    mutating func uploadBroke(_ batch: ExportBatch, byPeer: Bool, deliveries: Int) -> Bool {
        brokenUploads += 1
        let before = deliveriesBefore ?? deliveries
        deliveriesBefore = before
        let canBeCut = batch.items > 1
        let enough = canBeCut ? Self.brokenUploadsBeforeCut : Self.brokenUploadsBeforeEnd
        guard brokenUploads >= enough else { return false }
        return byPeer || deliveries > before || canBeCut && batch.bytes > Self.smallestBytes
    }

    /// The connection broke when the whole batch had been handed over: what the peer never read of a
    /// large one may still have been on the way. A single item is never blamed for that.
    mutating func wentUnanswered(_ batch: ExportBatch) -> Bool {
        guard batch.items > 1, batch.bytes > Self.smallestBytes else { return false }
        brokenUploads += 1
        return brokenUploads >= Self.brokenUploadsBeforeCut
    }

    /// The answer was whole but for its status. A server that restarts loses one; twice in a row, it
    /// is how the peer ends its connections.
    mutating func statusWasLost() -> Bool {
        lostStatuses += 1
        return lostStatuses >= Self.lostStatusesBeforeYes
    }

    /// The answer says nothing about whether the batch was taken.
    mutating func answerWasDoubtful() -> Bool {
        doubtfulAnswers += 1
        return doubtfulAnswers >= Self.doubtfulAnswersBeforeEnd
    }
}
