/// What events have told lately, should spans tell it again: the last `most` of all services.
///
/// Found by service, fact, name and time, whatever the session, which spans may leave out, the one
/// that names the same answer before the nearest, and none that tells another step. Entries
/// with the same key are a list, the oldest first, as spans mostly come in the order of the events.
/// What is found leaves its list; what is overwritten is the oldest of all and so the first of its
/// list, unless it has left.
struct ToldEvents: Sendable {
    private struct Entry: Sendable {
        var key: UInt64
        /// Unix nanoseconds.
        var end: UInt64
        var session: UInt64
        var account: ToldAccount
        /// Place of the next one with the same key; -1 is none.
        var next: Int32 = -1
        var isTaken = false
    }

    private var entries: [Entry] = []
    private var lists: [UInt64: (first: Int32, last: Int32)] = [:]
    /// Where the next one goes, the oldest being overwritten.
    private var place: Int32 = 0

    static let most: Int32 = 16_384
    /// More entries of one key are not looked at.
    private static let mostSteps = 1_024
    /// The clocks and moments of a span and of an event of one thing differ by less; nanoseconds.
    static let tolerance: UInt64 = 3_000_000_000
    /// Nearer than this is near enough not to look for a nearer one.
    private static let nearness: UInt64 = 10_000_000
    /// Entries of so many nanoseconds have one key.
    private static let slice: UInt64 = 8_000_000_000

    mutating func note(
        _ fact: AgentSignals.Fact, _ source: AgentSignals.Source, name: Int32, end: UInt64,
        _ account: ToldAccount = ToldAccount()
    ) {
        let key = Self.key(fact, source.service, name, slice: end / Self.slice)
        let entry = Entry(key: key, end: end, session: source.session, account: account)
        if Int(place) == entries.count {
            entries.append(entry)
        } else {
            forget(place)
            entries[Int(place)] = entry
        }
        if let list = lists[key] {
            entries[Int(list.last)].next = place
            lists[key]?.last = place
        } else {
            lists[key] = (place, place)
        }
        place = (place + 1) % Self.most
    }

    /// Whether an event told this; it is not found a second time.
    mutating func take(
        _ fact: AgentSignals.Fact, _ source: AgentSignals.Source, name: Int32, end: UInt64,
        _ account: ToldAccount = ToldAccount()
    ) -> Bool {
        let first = (end > Self.tolerance ? end - Self.tolerance : 0) / Self.slice
        let last = (end > .max - Self.tolerance ? .max : end + Self.tolerance) / Self.slice
        var nearest: Place?
        for slice in first == last ? [first] : [first, last] {
            let key = Self.key(fact, source.service, name, slice: slice)
            guard let found = find(key, source.session, end, account) else { continue }
            if found.distance < nearest?.distance ?? .max { nearest = found }
        }
        guard let nearest else { return false }
        unlink(nearest)
        entries[Int(nearest.place)].isTaken = true
        return true
    }

    // MARK: lists

    private struct Place {
        var place: Int32
        /// -1 is none.
        var before: Int32
        /// Nanoseconds.
        var distance: UInt64
    }

    private func find(
        _ key: UInt64, _ session: UInt64, _ end: UInt64, _ account: ToldAccount
    ) -> Place? {
        guard var place = lists[key]?.first else { return nil }
        var nearest: Place?
        var before: Int32 = -1
        var steps = 0
        while place >= 0, steps < Self.mostSteps {
            let entry = entries[Int(place)]
            let distance = max(entry.end, end) - min(entry.end, end)
            let isSame = entry.session == session || entry.session == 0 || session == 0
            if isSame, distance <= Self.tolerance, entry.account.names(account) {
                return Place(place: place, before: before, distance: 0)
            }
            if isSame, !entry.account.contradicts(account), distance <= Self.tolerance,
                distance < nearest?.distance ?? .max
            {
                nearest = Place(place: place, before: before, distance: distance)
                if distance <= Self.nearness { break }
            }
            before = place
            place = entry.next
            steps += 1
        }
        return nearest
    }

    private mutating func forget(_ place: Int32) {
        guard !entries[Int(place)].isTaken else { return }
        unlink(Place(place: place, before: -1, distance: 0))
    }

    private mutating func unlink(_ found: Place) {
        let (key, next) = (entries[Int(found.place)].key, entries[Int(found.place)].next)
        if found.before >= 0 {
            entries[Int(found.before)].next = next
            if next < 0 { lists[key]?.last = found.before }
        } else if next >= 0 {
            lists[key]?.first = next
        } else {
            lists[key] = nil
        }
    }

    private static func key(
        _ fact: AgentSignals.Fact, _ service: Int32, _ name: Int32, slice: UInt64
    ) -> UInt64 {
        let words = UInt64(UInt32(bitPattern: service)) << 32 | UInt64(UInt32(bitPattern: name))
        return IdIndex.mix(words, slice << 2 | UInt64(fact.rawValue))
    }
}
