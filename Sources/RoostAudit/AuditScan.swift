import RoostCore

/// Collects the records of one query, walking from the newest line to the oldest.
struct AuditScan {
    private var filter: AuditFilter
    private let limit: Int
    private let sha: SHA256
    private(set) var page = AuditPage()
    /// Fills up instead of the page where there is one.
    var tallies: AuditTallies?
    private var bytes = 0
    /// Of the last line looked at.
    private(set) var sequence: UInt64?
    /// A line is older than what is wanted; where the clock was never set back, all before are too.
    private(set) var hasMetOlder = false

    /// Of one page, give or take a record.
    private static let mostBytes = 2 << 20

    init(_ query: AuditQuery, _ sha: SHA256) {
        filter = AuditFilter(query)
        limit = max(1, min(query.limit, AuditQuery.mostRecords))
        self.sha = sha
    }

    var isFull: Bool { page.records.count >= limit || bytes >= Self.mostBytes }

    /// Records from this one on have been looked at.
    mutating func passOver(from sequence: UInt64) { filter.cursor = min(filter.cursor, sequence) }

    /// For the next file, whose clock is another matter.
    mutating func forgetOlder() { hasMetOlder = false }

    /// Takes the lines that end before `end`, last first, down to one that begins at 0.
    ///
    /// `lines` begins with a line. Stops when the page is full, or at a line that is too old and
    /// `stopsAtOlder`.
    mutating func take(_ lines: [UInt8], stopsAtOlder: Bool) {
        var end = lines.count
        while end > 0, !isFull {
            if lines[end - 1] == 0x0A { end -= 1 }
            let start = Self.lineStart(lines, endingAt: end)
            look(at: lines.span.extracting(start..<end))
            if hasMetOlder && stopsAtOlder { return }
            end = start
        }
    }

    /// Behind the last newline before `end`. Eight bytes at a time: 0.2 ns of CPU a byte, one by one 0.8.
    static func lineStart(_ lines: [UInt8], endingAt end: Int) -> Int {
        let newlines: UInt64 = 0x0A0A_0A0A_0A0A_0A0A
        let lows: UInt64 = 0x7F7F_7F7F_7F7F_7F7F
        return unsafe lines.withUnsafeBytes { bytes in
            var start = end
            while start >= 8 {
                let word = unsafe UInt64(
                    littleEndian: bytes.loadUnaligned(fromByteOffset: start &- 8, as: UInt64.self))
                let other = word ^ newlines
                // The top bit of every byte that is a newline, and no other bit.
                let found = ~(((other & lows) &+ lows) | other | lows)
                if found != 0 { return start &- found.leadingZeroBitCount / 8 }
                start &-= 8
            }
            while start > 0, unsafe bytes[start &- 1] != 0x0A { start &-= 1 }
            return start
        }
    }

    private mutating func look(at line: Span<UInt8>) {
        guard let header = AuditHeader(line) else { return page.damaged += 1 }
        sequence = header.sequence
        switch filter.look(at: line, header) {
        case .tooOld: hasMetOlder = true
        case .other: return
        case .fits: if tallies == nil { keep(line) } else { tallies?.add(line, header) }
        }
    }

    /// A line that somebody changed is not passed on as a record.
    private mutating func keep(_ line: Span<UInt8>) {
        let record = AuditLine.copy(line, from: 0, line.count)
        guard AuditLine.link(line)?.hash == AuditLine.sum(line, sha),
            JSONValue.isDocument(record)
        else { return page.damaged += 1 }
        page.records.append(record)
        bytes += record.count
    }

    /// There may be more before the last line looked at.
    mutating func leaveCursor() { page.cursor = sequence }
}
