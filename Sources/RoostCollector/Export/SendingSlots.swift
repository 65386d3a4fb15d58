/// Who has the requests that are paid for by what is set aside for sending.
///
/// Where less is held than was wished for, each destination has one request before any has two, and
/// who has waited longest comes first:
///
///     held   ├── in use ──┼── of those that wait longer ──┼── the first of others ──┼── more ──┤
///            └ the packer with these, if they pack
struct SendingSlots {
    /// What one request takes.
    struct Need: Equatable {
        var bytes: Int
        /// Whether its body is compressed, which takes the packer, too.
        var packs: Bool
    }

    /// A destination's own. Two have the same number while one takes the place of the other.
    private struct Destination {
        /// How many have one request for sure.
        var firsts: Int
        /// Of such a request.
        var bytes: Int
    }

    private struct Wait {
        let index: Int
        var bytes: Int
        /// Nobody asks for it any more, then.
        var until: UInt64
    }

    /// Who does not ask again for so long gives up his place.
    static let patience: UInt64 = 500_000_000

    /// Requests of each destination, if all is held that was wished for.
    private var count = 1
    private var packerBytes = 0
    private var destinations: [Int: Destination] = [:]
    private var taken: [Int: [Need]] = [:]
    private var waits: [Wait] = []

    /// The wish: each of these has `count` requests, of so many bytes, and they share a packer.
    mutating func suit(_ wishes: [(index: Int, bytes: Int)], count: Int, packerBytes: Int) {
        self.count = count
        self.packerBytes = packerBytes
        destinations = [:]
        for (index, bytes) in wishes {
            var own = destinations[index] ?? Destination(firsts: 0, bytes: 0)
            own.firsts += 1
            own.bytes = max(own.bytes, bytes)
            destinations[index] = own
        }
        waits.removeAll { destinations[$0.index] == nil }
    }

    /// What is wished for.
    var wantedBytes: Int {
        destinations.values.reduce(packerBytes) { $0 + count * $1.firsts * $1.bytes }
    }

    /// What has to be set aside: requests that were begun have what they have until they end.
    var neededBytes: Int { max(wantedBytes, inUse + (isPacking ? packerBytes : 0)) }

    private var inUse: Int { taken.values.joined().reduce(0) { $0 + $1.bytes } }
    private var isPacking: Bool { taken.values.joined().contains(where: \.packs) }

    private func firstsLeft(of index: Int) -> Int {
        max(0, (destinations[index]?.firsts ?? 0) - (taken[index]?.count ?? 0))
    }

    /// Whether one more request of `index` is paid for by the `held` bytes; `release` ends it. `now` is
    /// monotonic.
    mutating func take(_ index: Int, _ need: Need, held: Int, now: UInt64) -> Bool {
        guard let own = destinations[index] else { return false }
        waits.removeAll { $0.until < now }
        let isFirst = firstsLeft(of: index) > 0
        guard isFirst || taken[index, default: []].count < count * own.firsts else { return false }
        let free = held - inUse - (need.packs || isPacking || !isFirst ? packerBytes : 0)
        let others = isFirst ? bytesOfThoseBefore(index, free) : bytesOfFirsts(besides: index)
        guard need.bytes <= free - others else {
            if isFirst { wait(index, need, until: now &+ Self.patience) }
            return false
        }
        waits.removeAll { $0.index == index }
        taken[index, default: []].append(need)
        return true
    }

    mutating func release(_ index: Int, _ need: Need) {
        guard let place = taken[index]?.firstIndex(of: need) else { return }
        taken[index]?.remove(at: place)
    }

    /// Of `free` bytes, what those have who have waited longer and need no more than there is.
    private func bytesOfThoseBefore(_ index: Int, _ free: Int) -> Int {
        waits.prefix { $0.index != index }.reduce(0) { $0 + $1.bytes <= free ? $0 + $1.bytes : $0 }
    }

    private func bytesOfFirsts(besides index: Int) -> Int {
        destinations.reduce(0) { sum, other in
            other.key == index ? sum : sum + firstsLeft(of: other.key) * other.value.bytes
        }
    }

    private mutating func wait(_ index: Int, _ need: Need, until: UInt64) {
        if let place = waits.firstIndex(where: { $0.index == index }) {
            waits[place].bytes = need.bytes
            waits[place].until = until
        } else {
            waits.append(Wait(index: index, bytes: need.bytes, until: until))
        }
    }
}
