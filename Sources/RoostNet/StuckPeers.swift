/// Since when a peer has taken nothing of what is written to it, as far as anybody looked.
struct PeerProgress {
    private var untaken: Int
    private var since: UInt64

    /// In milliseconds. No reader that reads at all takes nothing for so long.
    static let patience: UInt64 = 1_000

    init(untaken: Int, now: UInt64) {
        self.untaken = untaken
        since = now
    }

    /// Nil when the peer took something since the last look, or within its patience.
    mutating func stuckSince(untaken: Int, now: UInt64) -> UInt64? {
        if untaken != self.untaken { self = PeerProgress(untaken: untaken, now: now) }
        return now &- since >= Self.patience ? since : nil
    }
}

/// Finds the connections of one server whose peers take nothing, for when memory is short.
///
/// Looks at all of them at most ten times a second, however many ask for room. Loop thread only.
struct StuckPeers<Member: AnyObject> {
    private let stuckSince: (Member, UInt64) -> UInt64?
    /// Those that were found at the last look, the longest stuck last.
    private var found: [Member] = []
    private var nextLook: UInt64 = 0

    private static var pauseMilliseconds: UInt64 { 100 }
    /// Whoever is found is held until the next look, so these are not all.
    private static var most: Int { 64 }

    init(_ stuckSince: @escaping (Member, UInt64) -> UInt64?) { self.stuckSince = stuckSince }

    /// To be called from when memory becomes short: it takes two looks to see that a peer stands
    /// still.
    mutating func look(at members: [Member], now: UInt64) {
        guard now >= nextLook else { return }
        nextLook = now &+ Self.pauseMilliseconds
        let stuck = members.compactMap { member in
            stuckSince(member, now).map { (since: $0, member: member) }
        }
        found = stuck.sorted { $0.since < $1.since }.prefix(Self.most).reversed().map(\.member)
    }

    /// Takes out the one that has been stuck longest and still is.
    mutating func takeLongest(except member: Member, now: UInt64) -> Member? {
        while let next = found.popLast() {
            if next !== member, stuckSince(next, now) != nil { return next }
        }
        return nil
    }

    mutating func forgetAll() { found = [] }
}
