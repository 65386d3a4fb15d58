/// Which traces may be stored already, in memory: a filter for each 8,192 of them.
///
/// Ids are random, and a tree of all of them would be touched in another page for every trace. So
/// the table `trace_ids` begins a new tree branch with each segment of traces, which stays in the
/// cache while it is filled, and these filters say in which segments an id may be: none of those of
/// old traces for most. 16 bits for each trace, of which a look touches one line; one in two hundred
/// is wrong.
struct KnownTraces {
    private var filters: [Int: [UInt64]] = [:]

    static let bitsOfSegment = 13
    private static let words = (1 << bitsOfSegment) * 16 / 64
    private static let wordsOfLine = 8

    static func segment(of trace: Int) -> Int { trace >> bitsOfSegment }

    /// By which `trace_ids` knows a trace. The migration says the same in SQL.
    static func key(_ key: TraceKey) -> UInt64 { key.high ^ key.low }

    mutating func insert(_ key: UInt64, segment: Int) {
        let (line, bits) = Self.place(key)
        var filter =
            filters.removeValue(forKey: segment) ?? [UInt64](repeating: 0, count: Self.words)
        for number in 0..<4 {
            let bit = Int(truncatingIfNeeded: bits >> UInt64(number * 9)) & 511
            filter[line + bit / 64] |= 1 << UInt64(bit % 64)
        }
        filters[segment] = filter
    }

    /// Segments that may have the key, the newest first.
    func segments(with key: UInt64) -> [Int] {
        let (line, bits) = Self.place(key)
        var found: [Int] = []
        for (segment, filter) in filters {
            var isIn = true
            for number in 0..<4 where isIn {
                let bit = Int(truncatingIfNeeded: bits >> UInt64(number * 9)) & 511
                isIn = filter[line + bit / 64] & 1 << UInt64(bit % 64) != 0
            }
            if isIn { found.append(segment) }
        }
        return found.count > 1 ? found.sorted(by: >) : found
    }

    mutating func forget(before segment: Int) {
        for old in filters.keys where old < segment { filters[old] = nil }
    }

    private static func place(_ key: UInt64) -> (line: Int, bits: UInt64) {
        let product = (key ^ 0x5851_F42D_4C95_7F2D).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
        let mixed = product.high ^ product.low
        let lines = UInt64(words / wordsOfLine)
        return (Int((mixed >> 48) % lines) * wordsOfLine, mixed)
    }
}
