/// A set of whole numbers below a limit that tells which of them stands before or after another.
///
/// One bit for each number, above every 64 of those one bit that says whether any is set, and so on
/// up to a single word: what is asked or changed costs a step for each level.
struct PlaceSet {
    /// The numbers themselves first, a single word last.
    private var levels: [[UInt64]] = []

    /// Holds nothing; takes numbers from 0 on below `limit`.
    init(limit: Int) {
        var count = max(limit, 1)
        repeat {
            count = (count + 63) / 64
            levels.append([UInt64](repeating: 0, count: count))
        } while count > 1
    }

    mutating func insert(_ number: Int) {
        var place = number
        for level in levels.indices {
            levels[level][place >> 6] |= 1 << UInt64(place & 63)
            place >>= 6
        }
    }

    mutating func remove(_ number: Int) {
        var place = number
        for level in levels.indices {
            levels[level][place >> 6] &= ~(1 << UInt64(place & 63))
            if levels[level][place >> 6] != 0 { return }
            place >>= 6
        }
    }

    /// The smallest that is larger than `number`; -1 when there is none.
    func next(after number: Int) -> Int {
        var place = number
        for level in levels.indices {
            let bits = levels[level][place >> 6] & ~(.max >> UInt64(63 - place & 63))
            if bits != 0 {
                return descend(from: level, place & ~63 | bits.trailingZeroBitCount) {
                    $0.trailingZeroBitCount
                }
            }
            place >>= 6
        }
        return -1
    }

    /// The largest that is smaller than `number`; -1 when there is none.
    func last(before number: Int) -> Int {
        var place = number
        for level in levels.indices {
            let bits = levels[level][place >> 6] & (1 << UInt64(place & 63) - 1)
            if bits != 0 {
                return descend(from: level, place & ~63 | 63 - bits.leadingZeroBitCount) {
                    63 - $0.leadingZeroBitCount
                }
            }
            place >>= 6
        }
        return -1
    }

    /// From a set bit down to the number below it that `side` picks out of each word.
    @inline(__always)
    private func descend(from level: Int, _ place: Int, _ side: (UInt64) -> Int) -> Int {
        var place = place
        for below in levels[..<level].reversed() { place = place << 6 | side(below[place]) }
        return place
    }
}
