import RoostAnalytics

/// The latest messages in their order, each rendered once, for all clients that catch up.
///
///      forgotten │ 100 │ 101 │ budget │ 102 │  … comes with the mail
///                  ▲ start  ▲ a client's cursor   ▲ end
///
/// A cursor is a place, counted from when the history was begun: what is put in front of it later
/// has negative places. Confined to the web loop.
struct LiveHistory {
    struct Entry {
        /// Nil where nobody knows who would have wanted it.
        let message: LiveMessage?
        let news: LiveNews
        /// The number of the latest event that it or one before it tells of.
        fileprivate let number: UInt64

        /// How many messages a client with this filter gets or loses by it.
        func weight(for filter: LiveFilter) -> Int {
            if case .missed(let count, _) = news { return Int(clamping: count) }
            return message.map(filter.wants) == true ? 1 : 0
        }

        /// Whether it is no news for whoever knows of an event.
        func isTold(before id: UInt64) -> Bool { self.id.map { $0 <= id } == true }

        var isMessage: Bool { if case .message = news { true } else { false } }

        fileprivate var bytes: Int {
            if case .message(let text) = news { text.json.count } else { 0 }
        }

        /// The number of the latest event that it tells of.
        fileprivate var id: UInt64? {
            switch news {
            case .message(let text): text.id
            case .missed(_, let through): through
            }
        }
    }

    private var entries: [Entry] = []
    private var bytes = 0
    private(set) var start = 0
    /// The number of the event from which on every event is here.
    private(set) var oldest: UInt64
    /// The number of the latest event that it knows of.
    private(set) var latest: UInt64

    /// So many are kept, as in the ring of `Analytics`; so many more may have come before some go.
    static let kept = 8_192
    static let most = kept + 4_096
    /// Of their JSON; beyond it a quarter goes.
    static let mostBytes = 8 << 20

    /// With what comes after an event.
    init(after id: UInt64) {
        oldest = id &+ 1
        latest = id
    }

    var end: Int { start + entries.count }

    subscript(cursor: Int) -> Entry { entries[cursor - start] }

    /// Whether all is here that came after an event, up to the latest that it knows of.
    func covers(after id: UInt64) -> Bool { id >= oldest - 1 && id <= latest }

    /// How many events after this one came before all that are here.
    func missing(after id: UInt64) -> UInt64 { id < oldest ? oldest - 1 - id : 0 }

    /// Before the first event after this one.
    func cursor(after id: UInt64) -> Int {
        var (low, high) = (0, entries.count)
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].number > id { high = middle } else { low = middle + 1 }
        }
        return start + low
    }

    /// The same, but before what has no number of its own and came behind the events up to this one
    /// from a place on.
    func cursor(after id: UInt64, from place: Int) -> Int {
        var cursor = cursor(after: id)
        while cursor > max(place, start), self[cursor - 1].id == nil { cursor -= 1 }
        return cursor
    }

    /// What a client with this filter gets or loses by what stands in `cursors`.
    func weight(in cursors: Range<Int>, for filter: LiveFilter) -> Int {
        entries[cursors.lowerBound - start..<cursors.upperBound - start].reduce(0) {
            $0 + $1.weight(for: filter)
        }
    }

    /// Whether there is room for what is older than all that is here.
    var hasRoom: Bool { entries.count < Self.kept && bytes < Self.mostBytes / 4 * 3 }

    /// Puts that in front; `messages` are events without a gap up to the oldest that is here.
    mutating func prepend(_ messages: [LiveMessage]) {
        guard let first = messages.first?.id, first < oldest else { return }
        entries.insert(contentsOf: messages.map { Self.entry($0, number: $0.id ?? 0) }, at: 0)
        bytes += messages.reduce(0) { $0 + $1.json.count }
        start -= messages.count
        oldest = first
    }

    /// False where it was here already, as events are that were taken out of the ring.
    mutating func append(_ message: LiveMessage, _ text: LiveText? = nil) -> Bool {
        if let id = message.id {
            guard id > latest else { return false }
            latest = id
        }
        let entry = Self.entry(message, text, number: latest)
        entries.append(entry)
        bytes += entry.bytes
        return true
    }

    /// The same for events that nobody keeps any more: how many of them were not here.
    mutating func append(missed count: UInt64, through id: UInt64) -> Int {
        guard id > latest else { return 0 }
        let own = min(count, id - latest)
        latest = id
        entries.append(Entry(message: nil, news: .missed(own, through: id), number: id))
        return Int(clamping: own)
    }

    /// Where it is to begin, because there are too many; nil when there are not.
    var nextStart: Int? {
        guard entries.count > Self.most || bytes > Self.mostBytes else { return nil }
        var count = 0
        var left = bytes
        while entries.count - count > Self.kept || left > Self.mostBytes / 4 * 3 {
            left -= entries[count].bytes
            count += 1
        }
        return start + count
    }

    /// Lets go of what stands before a place.
    mutating func trim(before cursor: Int) {
        let gone = entries[..<(cursor - start)]
        guard let last = gone.last else { return }
        oldest = max(oldest, last.number + 1)
        bytes -= gone.reduce(0) { $0 + $1.bytes }
        entries.removeFirst(gone.count)
        start = cursor
    }

    private static func entry(
        _ message: LiveMessage, _ text: LiveText? = nil, number: UInt64
    ) -> Entry {
        let text = text ?? LiveText(message.json, id: message.id)
        return Entry(message: message, news: .message(text), number: number)
    }
}
