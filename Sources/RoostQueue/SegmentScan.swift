import Glibc

/// Goes through a segment file record by record, whatever has become of it.
///
/// What it cannot read it steps over: to the next head of the same segment with a later sequence
/// number, wherever that is, or to the end. Confined to one thread.
struct SegmentScan {
    enum Step: Equatable {
        case record(RecordHead, offset: Int)
        /// `head` is there when only the payload is damaged.
        case damage(Range<Int>, head: RecordHead?)
        /// A write that did not finish: the file is good up to `offset`.
        case torn(offset: Int)
        /// The disk gives nothing more from `offset` on, or not what comes there.
        case unread(offset: Int)
        case end
    }

    private let window: ReadWindow
    private let salt: UInt64
    private let end: Int
    private let checksPayloads: Bool
    private(set) var offset: Int
    /// Of the last record met; the next one has a later number.
    private var last: UInt64
    private var lastTotal = 0

    /// What a disk writes whole or not at all.
    private static let sector = 512
    private static let leastZeros = 16
    /// Above it, a payload is stepped over without reading it.
    private static let largePayload = 64 << 10

    /// Over `file`, whose length is `end`, from `offset`, where a record begins.
    init(
        _ file: QueueFile, salt: UInt64, from offset: Int, end: Int, after last: UInt64,
        checksPayloads: Bool
    ) {
        window = ReadWindow(file, end: end)
        self.salt = salt
        self.offset = offset
        self.end = end
        self.last = last
        self.checksPayloads = checksPayloads
    }

    /// The next thing in the file.
    mutating func next() throws(QueueFault) -> Step {
        guard offset < end else { return .end }
        guard end - offset >= RecordHead.bytes else { return finish(.torn(offset: offset)) }
        if let head = try head(at: offset) {
            guard head.totalBytes <= end - offset else { return finish(.torn(offset: offset)) }
            let place = offset..<offset + head.totalBytes
            let isWhole = checksPayloads ? try isWhole(head, at: offset) : true
            if !isWhole, try isCut(place) { return finish(.torn(offset: offset)) }
            offset = place.upperBound
            last = head.sequence
            lastTotal = head.totalBytes
            return isWhole
                ? .record(head, offset: place.lowerBound) : .damage(place, head: head)
        }
        if try window.isZero(from: offset) { return finish(.torn(offset: offset)) }
        let sector = (offset / Self.sector + 1) * Self.sector
        if sector < offset + RecordHead.bytes, try window.isZero(from: sector) {
            return finish(.torn(offset: offset))
        }
        let start = offset
        offset = try resynchronise(from: offset + 1)
        return .damage(start..<offset, head: nil)
    }

    /// The same, for those who go on without what the disk does not give.
    mutating func nextReadable() throws(QueueFault) -> Step {
        do throws(QueueFault) {
            return try next()
        } catch {
            guard error.isUnreadable else { throw error }
            return finish(.unread(offset: offset))
        }
    }

    /// Whether the last record's payload ends in a place that was zeros before it, and still is:
    /// the disk took some sectors of it. A few zeros are no proof, as payloads have some.
    private func isCut(_ place: Range<Int>) throws(QueueFault) -> Bool {
        let sector = (place.upperBound - Self.leastZeros) / Self.sector * Self.sector
        guard sector >= place.lowerBound + RecordHead.bytes else { return false }
        return try window.isZero(from: sector)
    }

    private mutating func finish(_ step: Step) -> Step {
        offset = end
        return step
    }

    private func head(at offset: Int) throws(QueueFault) -> RecordHead? {
        let ahead = lastTotal > Self.largePayload && !checksPayloads ? 4096 : ReadWindow.capacity
        let bytes = unsafe try window.bytes(at: offset, atLeast: RecordHead.bytes, ahead: ahead)
        guard let head = unsafe RecordHead.read(bytes, salt: salt), head.sequence > last else {
            return nil
        }
        return head
    }

    private func isWhole(_ head: RecordHead, at offset: Int) throws(QueueFault) -> Bool {
        try window.checksum(at: offset + RecordHead.bytes, count: Int(head.length))
            == head.payloadChecksum
    }

    /// Where the next record begins, or the end.
    private func resynchronise(from first: Int) throws(QueueFault) -> Int {
        var place = first
        while end - place >= RecordHead.bytes {
            let bytes = unsafe try window.bytes(at: place, atLeast: RecordHead.bytes)
            guard bytes.count >= RecordHead.bytes else { break }
            let found = unsafe Self.magic(in: bytes)
            guard let found else {
                // A magic may lie across the border of what was read.
                place += bytes.count - 3
                continue
            }
            place += found
            if end - place >= RecordHead.bytes, let head = try head(at: place),
                head.totalBytes <= end - place
            {
                return place
            }
            place += 1
        }
        return end
    }

    private static func magic(in bytes: UnsafeRawBufferPointer) -> Int? {
        guard let base = bytes.baseAddress else { return nil }
        let first = CInt(RecordHead.magic & 0xFF)
        var offset = 0
        while bytes.count - offset >= 4,
            let found = unsafe memchr(base + offset, first, bytes.count - offset - 3)
        {
            offset = unsafe UnsafeRawPointer(found) - base
            if unsafe bytes.get(UInt32.self, at: offset) == RecordHead.magic { return offset }
            offset += 1
        }
        return nil
    }
}
