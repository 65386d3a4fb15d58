import RoostCore

/// A record read from a segment file.
struct ReadRecord {
    let head: RecordHead
    let offset: Int
    let payload: ByteSlice
}

/// What one look at a segment file shows: records that follow each other, or a damaged place.
enum SegmentReading {
    case records([ReadRecord])
    case damage(Range<Int>, head: RecordHead?)
    case noMemory

    /// What is read ahead at least, since heads come with their payloads.
    private static let least = 64 << 10

    /// Reads about `maxBytes` at `offset`, which lies before the segment's end; less where there is
    /// no memory for that. All records share one block.
    static func read(
        _ file: QueueFile, _ segment: SegmentInfo, from offset: Int, after last: UInt64,
        maxBytes: Int, share: MemoryBudget.Share?
    ) throws(QueueFault) -> SegmentReading {
        let left = segment.end - offset
        var wanted = min(left, max(least, min(maxBytes, left) + RecordHead.bytes))
        let head = min(left, RecordHead.bytes)
        var found = try block(file, offset, wanted, least: head, share)
        while found == nil, wanted > least {
            wanted = max(least, wanted / 2)
            found = try block(file, offset, wanted, least: head, share)
        }
        guard let block = found else { return .noMemory }
        let (records, first) = records(
            in: block, segment, at: offset, after: last, maxBytes: maxBytes)
        if !records.isEmpty { return .records(records) }
        guard let first else {
            return try damage(file, segment, from: offset, after: last)
        }
        guard first.totalBytes <= left else { return .damage(offset..<segment.end, head: nil) }
        let place = offset..<offset + first.totalBytes
        guard block.count < first.totalBytes else { return .damage(place, head: first) }
        // The next record is larger than what was asked for, or than what the disk gave.
        let size = first.totalBytes
        guard let whole = try self.block(file, offset, size, least: size, share) else {
            return .noMemory
        }
        let (one, _) = self.records(
            in: whole, segment, at: offset, after: last, maxBytes: 0)
        return one.isEmpty ? .damage(place, head: first) : .records(one)
    }

    /// Nil when the budget has no room. Fewer than `count` bytes, but `least`, before a place that
    /// the disk does not give.
    private static func block(
        _ file: QueueFile, _ offset: Int, _ count: Int, least: Int, _ share: MemoryBudget.Share?
    ) throws(QueueFault) -> ByteBlock? {
        var reservation: MemoryReservation?
        if let share {
            guard let reserved = share.reserve(count) else { return nil }
            reservation = reserved
        }
        return unsafe try ByteBlock(capacity: count, reservation: reservation) {
            buffer throws(QueueFault) in
            unsafe try file.read(into: buffer, at: offset, least: least)
        }
    }

    /// The whole records at the start of `block`, which was read at `start`; and the head of the
    /// first, when it has one.
    private static func records(
        in block: ByteBlock, _ segment: SegmentInfo, at start: Int,
        after last: UInt64, maxBytes: Int
    ) -> (records: [ReadRecord], first: RecordHead?) {
        var records: [ReadRecord] = []
        var first: RecordHead?
        var offset = 0
        var taken = 0
        while offset < block.count, taken < maxBytes || records.isEmpty {
            let head = unsafe block.withBytes { bytes in
                unsafe RecordHead.read(
                    UnsafeRawBufferPointer(rebasing: bytes[offset...]), salt: segment.salt)
            }
            guard let head, head.sequence > records.last?.head.sequence ?? last else { break }
            if offset == 0 { first = head }
            guard head.totalBytes <= block.count - offset else { break }
            let payload = ByteSlice(
                block: block, offset: offset + RecordHead.bytes, count: Int(head.length))
            guard unsafe payload.withBytes({ unsafe XXHash64.of($0) }) == head.payloadChecksum
            else { break }
            records.append(ReadRecord(head: head, offset: start + offset, payload: payload))
            offset += head.totalBytes
            taken += payload.count
        }
        return (records, first)
    }

    /// From a place where no record begins to the next one where one does.
    private static func damage(
        _ file: QueueFile, _ segment: SegmentInfo, from offset: Int, after last: UInt64
    ) throws(QueueFault) -> SegmentReading {
        var scan = SegmentScan(
            file, salt: segment.salt, from: offset, end: segment.end, after: last,
            checksPayloads: false)
        if case .damage(let place, let head) = try scan.next() { return .damage(place, head: head) }
        return .damage(offset..<segment.end, head: nil)
    }
}
