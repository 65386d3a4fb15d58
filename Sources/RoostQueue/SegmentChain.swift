/// Follows the segments of a folder in their order, and says what was in them or between them and is
/// not there any more.
struct SegmentChain {
    /// A segment file, as far as it could be read.
    struct Link {
        let id: UInt64
        /// One above the last number met.
        var next: UInt64
        /// The first number that was passed over, and how many were.
        var firstSkipped: UInt64?
        var skipped: UInt64 = 0
        /// Everything with a readable head.
        var found = QueueCounts()
        /// It was done with, and stands for all that followed it.
        var isStub = false
        /// Its file was another segment before, whose bytes may be its tail.
        var isReused = false
        /// Bytes behind the last record that are none.
        var tail: Range<Int>?
        /// The disk does not give what lies behind the last record found.
        var isUnread = false
        /// Its place and its end, when it is there.
        var file: (path: String, end: Int)?
        /// Places in it without a readable head were set aside for the first time.
        var hasNewDamage = false

        init(_ id: UInt64) {
            self.id = id
            next = id
        }

        mutating func note(_ head: RecordHead) {
            if head.sequence > next {
                firstSkipped = firstSkipped ?? next
                skipped += head.sequence - next
            }
            next = head.sequence + 1
            found += head.counts
        }
    }

    /// The newest one; nil before the first.
    var last: Link?
    /// No file has been met.
    private(set) var isAtBegin = true
    /// A whole file has been set aside since `last`, or could not be read.
    var hasSetAside = false

    /// What is missing before the segment with this header, which becomes the last one.
    mutating func follow(_ header: SegmentHeader) -> QueueGap? {
        defer {
            last = Link(header.id)
            isAtBegin = false
            hasSetAside = false
        }
        guard let last, !last.isStub else { return nil }
        let between = header.id > last.next ? header.id - last.next : 0
        let records = Int(clamping: between &+ last.skipped)
        var gap = QueueGap(
            first: last.firstSkipped ?? last.next, end: header.id, records: records)
        let before = header.before
        if before.isOf(last.id) {
            // Numbers may be missing that were never acknowledged; items may not.
            (gap.items, gap.isExact) = before.items(beside: last.found)
            let mayMiss = !gap.isExact && (records > 0 || last.tail != nil)
            return gap.items.allItems > 0 || mayMiss ? gap : nil
        }
        guard records > 0 || last.tail != nil && !last.isReused else { return nil }
        if before.isKnown, between > 0 {
            // Of the last one that is gone.
            (gap.items, gap.isExact) = before.items(beside: QueueCounts())
            gap.isExact = gap.isExact && last.skipped == 0 && before.isOf(last.next)
        }
        return gap
    }

    /// What a cursor that waits from `position` on misses before the first segment.
    static func gap(before header: SegmentHeader, from position: UInt64) -> QueueGap? {
        guard position > 0, position < header.id else { return nil }
        var gap = QueueGap(
            first: position, end: header.id, records: Int(clamping: header.id - position))
        if header.before.isOf(position) {
            (gap.items, gap.isExact) = header.before.items(beside: QueueCounts())
        }
        return gap
    }
}

/// Records that were kept, and that no file has any more.
public struct QueueGap: Equatable, Sendable {
    /// The lowest number that is missing.
    public let first: UInt64
    /// Of the next segment that is there.
    public let end: UInt64
    public var records: Int
    /// What is known of their items.
    public var items = QueueCounts()
    /// Whether these are all of their items.
    public var isExact = false

    init(first: UInt64, end: UInt64, records: Int) {
        self.first = first
        self.end = end
        self.records = records
    }

    /// The part of it that a cursor waits for from `position` on. What of a part is known is its
    /// share.
    func waiting(from position: UInt64) -> QueueGap? {
        guard position < end else { return nil }
        guard position > first else { return self }
        var part = self
        let share = Double(end - position) / Double(end - first)
        part.records = min(records, Int(clamping: end - position))
        part.items = items.scaled(by: share)
        part.isExact = false
        return part
    }

    var counts: QueueCounts {
        var counts = items
        counts.records = records
        return counts
    }
}
