/// How long the disk has not given a cursor what comes next.
///
/// A bad place stays bad, and everything behind it waits; a disk that is away for a while comes back,
/// and nothing should be given up for that. The two look the same, but for what follows: so each
/// place that is given up without anything having been read since the last one takes twice as long.
struct ReadFailures: Sendable {
    private var count = 0
    /// Of the first one, by `monotonicNanoseconds()`.
    private var since: UInt64 = 0
    /// Places given up in a row.
    private var givenUp = 0

    /// So often at least, however long it takes the disk to say no.
    private static let least = 3
    private static let mostDoublings = 4

    mutating func note(at now: UInt64) {
        if count == 0 { since = now }
        count += 1
    }

    /// Whether another try is no use, where the first place in a row gets `patience` nanoseconds.
    func areEnough(at now: UInt64, patience: UInt64) -> Bool {
        count >= Self.least
            && now &- since >= patience << UInt64(min(givenUp, Self.mostDoublings))
    }

    /// What comes next is somewhere else.
    mutating func moveOn() { count = 0 }

    mutating func giveUp() {
        givenUp += 1
        count = 0
    }

    /// Something was read.
    mutating func end() { self = ReadFailures() }
}
