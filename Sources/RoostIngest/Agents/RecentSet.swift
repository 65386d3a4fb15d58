/// The latest of many hashes, about as many as a limit says; what came first is forgotten first.
///
/// Kept in sets of eight: a lookup looks at one of them. Some are forgotten a little earlier than the
/// limit says, and most later.
struct RecentSet {
    /// A hash of 0 is a free place.
    private var sets: [UInt64]
    private let limit: Int

    /// `limit` is at least 8.
    init(limit: Int) {
        self.limit = limit
        sets = [UInt64](repeating: 0, count: min(128, Self.places(limit)))
    }

    func contains(_ hash: UInt64) -> Bool {
        let hash = max(hash, 1)
        return unsafe sets.withUnsafeBufferPointer { sets in
            unsafe Self.holds(sets.baseAddress.unsafelyUnwrapped + place(of: hash), hash)
        }
    }

    /// Whether it was new.
    mutating func insert(_ hash: UInt64) -> Bool {
        let hash = max(hash, 1)
        let place = place(of: hash)
        let oldest = unsafe sets.withUnsafeMutableBufferPointer { sets -> UInt64? in
            let row = unsafe sets.baseAddress.unsafelyUnwrapped + place
            if unsafe Self.holds(row, hash) { return nil }
            // The newest stands first.
            let oldest = unsafe row[7]
            for slot in stride(from: 7, to: 0, by: -1) { unsafe row[slot] = row[slot &- 1] }
            unsafe row[0] = hash
            return oldest
        }
        guard let oldest else { return false }
        // What a full set would forget too early gets more room.
        if oldest != 0, sets.count < Self.places(limit) {
            grow()
            _ = insert(oldest)
        }
        return true
    }

    @inline(__always)
    private static func holds(_ row: UnsafePointer<UInt64>, _ hash: UInt64) -> Bool {
        var isThere = false
        for slot in 0..<8 { unsafe isThere = isThere || row[slot] == hash }
        return isThere
    }

    private static func places(_ limit: Int) -> Int {
        var places = 8
        while places < 2 * limit { places *= 2 }
        return places
    }

    /// Of the first of its set.
    @inline(__always)
    private func place(of hash: UInt64) -> Int {
        Int(truncatingIfNeeded: (hash &* 0x9E37_79B9_7F4A_7C15) &>> 24) & (sets.count &- 8)
    }

    private mutating func grow() {
        let old = sets
        sets = [UInt64](repeating: 0, count: min(old.count * 4, Self.places(limit)))
        // The oldest of each set first.
        for place in old.indices.reversed() where old[place] != 0 { _ = insert(old[place]) }
    }
}
