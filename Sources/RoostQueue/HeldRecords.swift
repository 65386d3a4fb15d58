/// Records that are kept and about which it has not been decided whether anybody is to get them;
/// and those that nobody is.
struct HeldRecords: Sendable {
    struct Record: Sendable {
        let sequence: UInt64
        let segment: UInt64
        let counts: QueueCounts
    }

    /// Ascending, with ended ones in between.
    private var records: [Record] = []
    private var ended: Set<UInt64> = []
    /// Not yet passed by every cursor.
    private(set) var withdrawn: Set<UInt64> = []

    /// Readers stop before this sequence number.
    var limit: UInt64 { records.first?.sequence ?? .max }

    mutating func add(_ record: WrittenRecord) {
        records.append(
            Record(sequence: record.sequence, segment: record.segment, counts: record.counts))
    }

    /// Decided: it is a record like any other.
    mutating func end(_ sequence: UInt64) {
        guard records.first?.sequence == sequence else {
            if index(of: sequence) != nil { ended.insert(sequence) }
            return
        }
        // Only from here on: most end in the order in which they came.
        var done = 1
        while done < records.count, ended.remove(records[done].sequence) != nil { done += 1 }
        records.removeFirst(done)
    }

    /// Decided: nobody gets it. Answers what it is; nil when it was decided before.
    mutating func withdraw(_ sequence: UInt64) -> Record? {
        guard let index = index(of: sequence), !ended.contains(sequence) else { return nil }
        let record = records[index]
        withdrawn.insert(sequence)
        end(sequence)
        return record
    }

    mutating func forgetWithdrawn(before sequence: UInt64) {
        guard !withdrawn.isEmpty else { return }
        withdrawn = withdrawn.filter { $0 >= sequence }
    }

    private func index(of sequence: UInt64) -> Int? {
        var (low, high) = (0, records.count)
        while low < high {
            let middle = (low + high) / 2
            if records[middle].sequence < sequence { low = middle + 1 } else { high = middle }
        }
        return low < records.count && records[low].sequence == sequence ? low : nil
    }
}
