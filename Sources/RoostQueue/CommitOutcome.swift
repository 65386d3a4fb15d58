/// What became of one group.
struct CommitOutcome {
    var written: [WrittenRecord] = []
    var refused: [(PendingRecord, AppendRefusal)] = []
    var syncs = 0
    var writeFailure: AppendRefusal?
    var syncFailure: AppendRefusal?

    var failure: AppendRefusal? { writeFailure ?? syncFailure }

    /// Where the records of `segment` end that belong to earlier groups.
    func acknowledgedEnd(of segment: ActiveSegment) -> Int {
        written.first { $0.segment == segment.id }?.offset ?? segment.end
    }

    func counts(of segment: UInt64) -> QueueCounts {
        written.reduce(into: QueueCounts()) { if $1.segment == segment { $0 += $1.counts } }
    }

    mutating func refuse(_ segment: UInt64, _ refusal: AppendRefusal) {
        for record in written where record.segment == segment {
            refused.append((record.pending, refusal))
        }
        written.removeAll { $0.segment == segment }
    }
}

extension LogState {
    /// Counts what the disk said.
    mutating func note(_ outcome: CommitOutcome) {
        syncs += outcome.syncs
        writeFailures += outcome.writeFailure == nil ? 0 : 1
        syncFailures += outcome.syncFailure == nil ? 0 : 1
        appendFailure = outcome.failure ?? appendFailure
    }
}

extension QueueFault {
    /// What it means for those who append.
    var refusal: AppendRefusal {
        isNoSpace ? .noSpace(description) : .failed(description)
    }
}
