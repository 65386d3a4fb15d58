/// Which traces may be stored already, in memory: a filter for each 8,192 of them.
///
/// Ids are random, and a tree of all of them would be touched in another page for every trace. So
/// the table `trace_ids` begins a new tree branch with each segment of traces, which stays in the
/// cache while it is filled, and these filters say in which segments an id may be: none of those of
/// old traces for most. 16 bits for each trace, of which a look touches one line; one in a thousand
/// is wrong.
///
///     lines   256 of them, one after another; which one an id belongs to its hash says
///     line    512 bits for each segment that there is room for, oldest first
///
/// So a look at all segments reads memory in one run.
struct KnownTraces {
    private var words: [UInt64] = []
    /// The first segment that has a place.
    private var first = 0
    /// Segments that there is room for.
    private var room = 0
    /// Segments from `first` on that have anything.
    private var count = 0

    static let bitsOfSegment = 13
    private static let lines = (1 << bitsOfSegment) * 16 / 512
    private static let wordsOfLine = 8
    /// Segments follow one another; a number far off comes from damage.
    private static let mostAhead = 4096

    static func segment(of trace: Int) -> Int { trace >> bitsOfSegment }

    /// By which `trace_ids` knows a trace. The migration says the same in SQL.
    static func key(_ key: TraceKey) -> UInt64 { key.high ^ key.low }

    /// Segments come in ascending order.
    mutating func insert(_ key: UInt64, segment: Int) {
        if count == 0 { first = segment }
        guard segment >= first, segment - first < count + Self.mostAhead else { return }
        makeRoom(for: segment - first + 1)
        count = max(count, segment - first + 1)
        let (line, bits) = Self.place(key)
        let start = (line * room + segment - first) * Self.wordsOfLine
        for number in 0..<6 {
            let bit = Int(truncatingIfNeeded: bits >> UInt64(number * 9)) & 511
            words[start + bit / 64] |= 1 << UInt64(bit % 64)
        }
    }

    /// Segments that may have the key, the newest first.
    func segments(with key: UInt64) -> [Int] {
        let (line, bits) = Self.place(key)
        var found: [Int] = []
        let one = Int(truncatingIfNeeded: bits) & 511
        let two = Int(truncatingIfNeeded: bits >> 9) & 511
        let three = Int(truncatingIfNeeded: bits >> 18) & 511
        let four = Int(truncatingIfNeeded: bits >> 27) & 511
        let five = Int(truncatingIfNeeded: bits >> 36) & 511
        let six = Int(truncatingIfNeeded: bits >> 45) & 511
        let start = line * room * Self.wordsOfLine
        for place in (0..<count).reversed() {
            let segment = start + place * Self.wordsOfLine
            let all =
                words[segment + one / 64] >> UInt64(one % 64)
                & words[segment + two / 64] >> UInt64(two % 64)
                & words[segment + three / 64] >> UInt64(three % 64)
                & words[segment + four / 64] >> UInt64(four % 64)
                & words[segment + five / 64] >> UInt64(five % 64)
                & words[segment + six / 64] >> UInt64(six % 64)
            if all & 1 != 0 { found.append(first + place) }
        }
        return found
    }

    mutating func forget(before segment: Int) {
        let gone = min(segment - first, count)
        // In steps, since all that stays is moved.
        guard gone >= 8 || gone == count, gone > 0 else { return }
        rebuild(room: room, leaving: gone)
        first += gone
        count -= gone
    }

    private mutating func makeRoom(for segments: Int) {
        guard segments > room else { return }
        rebuild(room: max(segments, room + max(room / 4, 4)), leaving: 0)
    }

    private mutating func rebuild(room newRoom: Int, leaving gone: Int) {
        var moved = [UInt64](repeating: 0, count: Self.lines * newRoom * Self.wordsOfLine)
        let kept = (count - gone) * Self.wordsOfLine
        for line in 0..<Self.lines where kept > 0 {
            let from = (line * room + gone) * Self.wordsOfLine
            let to = line * newRoom * Self.wordsOfLine
            for word in 0..<kept { moved[to + word] = words[from + word] }
        }
        words = moved
        room = newRoom
    }

    private static func place(_ key: UInt64) -> (line: Int, bits: UInt64) {
        let product = (key ^ 0x5851_F42D_4C95_7F2D).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
        let mixed = product.high ^ product.low
        return (Int((mixed &* 0xD6E8_FEB8_6659_FD93) >> 32) % lines, mixed)
    }
}
