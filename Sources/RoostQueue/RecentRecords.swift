/// The newest records, whose payloads are still in memory; ascending and without a gap between
/// the first and the last that was added.
struct RecentRecords: Sendable {
    private var records: [WrittenRecord] = []
    private var first = 0
    private var bytes = 0

    var oldest: UInt64? { first < records.count ? records[first].sequence : nil }

    mutating func add(_ record: WrittenRecord, limitBytes: Int) {
        records.append(record)
        bytes += record.pending.totalBytes
        while bytes > limitBytes { removeFirst() }
    }

    mutating func remove(before sequence: UInt64) {
        while let oldest, oldest < sequence { removeFirst() }
    }

    mutating func remove(segment: UInt64) {
        while first < records.count, records[first].segment <= segment { removeFirst() }
    }

    /// Records from `sequence` on, of about `maxBytes`; none when the next one is not here.
    func records(from sequence: UInt64, maxBytes: Int) -> ArraySlice<WrittenRecord> {
        guard let oldest, oldest <= sequence else { return [] }
        var (low, high) = (first, records.count)
        while low < high {
            let middle = (low + high) / 2
            if records[middle].sequence < sequence { low = middle + 1 } else { high = middle }
        }
        var end = low
        var taken = 0
        while end < records.count, taken < maxBytes || end == low {
            taken += records[end].pending.record.bytes
            end += 1
        }
        return records[low..<end]
    }

    private mutating func removeFirst() {
        guard first < records.count else { return }
        bytes -= records[first].pending.totalBytes
        first += 1
        // What is gone must not hold its blocks.
        if first == records.count {
            records = []
            first = 0
        } else if first >= 64, first * 2 >= records.count {
            records.removeFirst(first)
            first = 0
        }
    }
}
