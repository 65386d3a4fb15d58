/// Which of the entries that were added have which terms, put in order.
///
/// Most terms are those of many entries, so each is given a number first and only the different ones
/// are sorted: 7,000 terms of 512 entries, 700 of them different, take a fifth of the time that it
/// takes to sort them all.
struct TermLists {
    /// By place, number of a term plus one; 0 is nobody's. A power of two of them, half of them free.
    private var places = [Int32](repeating: 0, count: 2048)
    /// By number.
    private var terms: [Listed] = []
    /// The number of a term in the upper bits, the entry in the lower 16, as they were added.
    private var postings: [UInt64] = []

    private struct Listed {
        let hash: UInt64
        /// Entries that have it.
        var count = 1
        var last: UInt16
    }

    /// Made at start, so that outsiders cannot choose names that share places.
    private static let secret = UInt64.random(in: .min ... .max) | 1

    /// `terms` is how many will be added in all, about.
    init(expecting terms: Int) { postings.reserveCapacity(terms) }

    /// Entries come in ascending order; a term that comes twice with one is listed once.
    mutating func add(_ hash: UInt64, to entry: UInt16) {
        var place = place(of: hash)
        while places[place] > 0 {
            let number = Int(places[place]) &- 1
            if terms[number].hash == hash {
                guard terms[number].last != entry else { return }
                terms[number].count &+= 1
                terms[number].last = entry
                postings.append(UInt64(number) << 16 | UInt64(entry))
                return
            }
            place = (place &+ 1) & (places.count &- 1)
        }
        postings.append(UInt64(terms.count) << 16 | UInt64(entry))
        terms.append(Listed(hash: hash, last: entry))
        places[place] = Int32(truncatingIfNeeded: terms.count)
        if terms.count > places.count / 2 { grow() }
    }

    private func place(of hash: UInt64) -> Int {
        let bits = UInt64(places.count.trailingZeroBitCount)
        return Int(truncatingIfNeeded: (hash &* Self.secret) >> (64 &- bits))
    }

    private mutating func grow() {
        places = [Int32](repeating: 0, count: places.count * 4)
        for number in terms.indices {
            var place = place(of: terms[number].hash)
            while places[place] > 0 { place = (place &+ 1) & (places.count &- 1) }
            places[place] = Int32(truncatingIfNeeded: number &+ 1)
        }
    }

    /// Terms, ascending, each with where its list ends; and the lists, entries ascending.
    func ordered() -> (terms: [(hash: UInt64, end: Int)], entries: [UInt16]) {
        var order = terms.enumerated().map { (hash: $1.hash, number: $0) }
        order.sort { $0.hash < $1.hash }
        var next = [Int](repeating: 0, count: terms.count)
        var ends: [(hash: UInt64, end: Int)] = []
        ends.reserveCapacity(order.count)
        var end = 0
        for (hash, number) in order {
            next[number] = end
            end += terms[number].count
            ends.append((hash, end))
        }
        var entries = [UInt16](repeating: 0, count: postings.count)
        for posting in postings {
            let number = Int(truncatingIfNeeded: posting >> 16)
            entries[next[number]] = UInt16(truncatingIfNeeded: posting)
            next[number] &+= 1
        }
        return (ends, entries)
    }
}
