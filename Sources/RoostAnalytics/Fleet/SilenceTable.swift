/// How long runs of each workflow usually say nothing: the longest silence of each run, in classes
/// that grow by the square root of two from one second on.
struct SilenceTable: Sendable {
    private struct Silences: Sendable {
        var counts = [UInt16](repeating: 0, count: SilenceTable.classes)
        var total = 0
        /// When it was told last, by how often anything was.
        var latest: UInt64 = 0

        mutating func add(_ place: Int) {
            if total >= SilenceTable.most {
                for each in counts.indices { counts[each] /= 2 }
                total = counts.reduce(0) { $0 + Int($1) }
            }
            counts[place] += 1
            total += 1
        }
    }

    private var byName: [Int32: Silences] = [:]
    private let limit: Int
    private var told: UInt64 = 0

    private static let classes = 40
    /// Fewer runs say nothing about the next.
    private static let fewest = 5
    /// Of the runs that are remembered, older ones fade.
    private static let most = 1_000

    init(limit: Int) { self.limit = limit }

    var byteCount: Int { byName.count * (64 + Self.classes * 2) }

    mutating func add(_ silence: UInt64, of name: Int32) {
        if byName[name] == nil, byName.count >= limit { forgetOldest() }
        told &+= 1
        byName[name, default: Silences()].add(Self.place(of: silence))
        byName[name]?.latest = told
    }

    /// Lets go of the name that was told longest ago.
    private mutating func forgetOldest() {
        guard let oldest = byName.min(by: { $0.value.latest < $1.value.latest }) else { return }
        byName[oldest.key] = nil
    }

    /// Nanoseconds that 95 % of the earlier runs did not exceed; nil when too few are known.
    func usual(_ name: Int32) -> UInt64? {
        guard let silences = byName[name], silences.total >= Self.fewest else { return nil }
        let rank = (silences.total * 95 + 99) / 100
        var seen = 0
        for place in 0..<Self.classes {
            seen += Int(silences.counts[place])
            if seen >= rank { return Self.upperBound(place) }
        }
        return nil
    }

    private static func place(of silence: UInt64) -> Int {
        let limit = classes - 1
        for place in 0..<limit where silence <= upperBound(place) { return place }
        return limit
    }

    /// Nanoseconds.
    private static func upperBound(_ place: Int) -> UInt64 {
        let whole: UInt64 = 1_000_000_000 << UInt64(place / 2)
        return place % 2 == 0 ? whole : whole / 1_000 * 1_414
    }
}
