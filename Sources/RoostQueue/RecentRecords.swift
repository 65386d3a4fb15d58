/// A record whose payload is still in memory.
struct RecentRecord: Sendable {
    let record: StoredRecord
    let segment: UInt64
    let offset: Int
    let counts: QueueCounts

    var sequence: UInt64 { record.sequence }
    var end: Int { offset + counts.bytes }

    /// Without what waits for the answer, which holds more than the payload.
    init(_ written: WrittenRecord) {
        record = StoredRecord(written)
        segment = written.segment
        offset = written.offset
        counts = written.counts
    }
}

/// The newest records, whose payloads are still in memory; ascending and without a gap between
/// the first and the last that was added.
struct RecentRecords: Sendable {
    /// Nil before `first`: what is gone must not hold its blocks.
    private var slots: [RecentRecord?] = []
    private var first = 0
    private var bytes = 0

    var oldest: UInt64? { first < slots.count ? slots[first]?.sequence : nil }

    mutating func add(_ written: WrittenRecord, limitBytes: Int) {
        slots.append(RecentRecord(written))
        bytes += written.pending.totalBytes
        while bytes > limitBytes { removeFirst() }
    }

    mutating func remove(before sequence: UInt64) {
        while let oldest, oldest < sequence { removeFirst() }
    }

    mutating func remove(segment: UInt64) {
        while first < slots.count, let record = slots[first], record.segment <= segment {
            removeFirst()
        }
    }

    /// Records from `sequence` on and before `limit`, of about `maxBytes`; none when the next one is
    /// not here.
    func records(from sequence: UInt64, before limit: UInt64, maxBytes: Int) -> [RecentRecord] {
        guard let oldest, oldest <= sequence else { return [] }
        var (low, high) = (first, slots.count)
        while low < high {
            let middle = (low + high) / 2
            if slots[middle]?.sequence ?? 0 < sequence { low = middle + 1 } else { high = middle }
        }
        var found: [RecentRecord] = []
        var taken = 0
        while low < slots.count, taken < maxBytes || found.isEmpty, let record = slots[low],
            record.sequence < limit
        {
            taken += record.record.bytes
            found.append(record)
            low += 1
        }
        return found
    }

    /// Of those of a segment, without some.
    func counts(of segment: UInt64, without others: Set<UInt64>) -> QueueCounts {
        var counts = QueueCounts()
        for case let record? in slots[first...]
        where record.segment == segment && !others.contains(record.sequence) {
            counts += record.counts
        }
        return counts
    }

    private mutating func removeFirst() {
        guard first < slots.count else { return }
        bytes -= slots[first]?.counts.bytes ?? 0
        slots[first] = nil
        first += 1
        if first == slots.count {
            slots.removeAll(keepingCapacity: slots.capacity <= 4096)
            first = 0
        } else if first >= 64, first * 2 >= slots.count {
            slots.removeFirst(first)
            first = 0
        }
    }
}
