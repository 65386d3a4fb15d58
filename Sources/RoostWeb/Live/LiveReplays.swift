import RoostAnalytics
import RoostCollector
import RoostCore

/// Clients that catch up: each gets what it missed as fast as it reads, and then joins its group.
///
/// ```
/// waiting for a turn ─▶ a step ─▶ waiting for a turn        more is to be read or counted
///                         ▼
///                      a piece ─▶ all is read ─▶ waiting for a turn     more is to come
///                         │  └──▶ unread ─▶ its socket is empty ─▶ waiting for a turn
///                         └─────▶ in its group                          nothing is to come
/// ```
/// Who is slower than events come and go is told how many it lost, and goes on behind them. Beside
/// a piece nothing is kept for a client but its place. All that a client makes for work is done in
/// turns, so one that asks anew again and again delays nobody. Confined to the web loop.
final class LiveReplays {
    private final class Replay {
        let client: any LiveClient
        var group: LiveGroup
        /// The number of the event after which it goes on.
        var after: UInt64 = 0
        /// That of the latest event when it asked.
        var asked: UInt64 = 0
        /// The end of the history then: what comes behind it is news.
        var askedAt = 0
        /// Whether anybody knows what came after the event that it named.
        var isKnown = true
        var step = Step.looking
        /// Set when what it wants has been read.
        var cursor = 0
        /// What it is told before all others, from when it is counted until it has left.
        var promise: LiveText?
        var isPromised = false
        var isInLine = false

        init(_ client: any LiveClient, _ group: LiveGroup) {
            self.client = client
            self.group = group
        }

        /// What is for it is not what it was.
        func countAnew() {
            promise = nil
            switch step {
            case .looking, .reading: break
            case .counting, .feeding: step = .counting(0, through: cursor)
            }
        }
    }

    private enum Step {
        case looking
        /// What the ring has of what it wants comes into the history.
        case reading
        /// So many messages are for it up to a place.
        case counting(Int, through: Int)
        /// With the group's `told`: how many messages it has still to get.
        case feeding(owed: Int)
    }

    private var replays: [ObjectIdentifier: Replay] = [:]
    private var line: [Replay] = []
    /// As long as somebody catches up.
    private(set) var history: LiveHistory?
    private let delivery: LiveDelivery
    private let ring: Ring
    private let clock: () -> UInt64
    /// Called when somebody has come to wait for a turn, maybe while a socket is written to.
    var onDue: () -> Void = {}

    /// A client's piece: so many bytes, or one message more, found among so many messages.
    private static let pieceBytes = 32 << 10
    private static let mostLooked = 1_024
    /// Messages of the ring that are rendered for one client in a turn.
    private static let mostRead: UInt64 = 256

    /// The ring of the latest events.
    struct Ring {
        /// Whether it is known what came after an event, and the number of the latest one.
        let state: (UInt64) -> (isKnown: Bool, latest: UInt64)
        /// The events with these numbers that it has, rendered, the oldest first.
        let messages: (Range<UInt64>) -> [LiveMessage]
    }

    init(
        _ delivery: LiveDelivery, ring: Ring, clock: @escaping () -> UInt64 = monotonicNanoseconds
    ) {
        self.delivery = delivery
        self.ring = ring
        self.clock = clock
    }

    /// Whether somebody waits for a turn.
    var isDue: Bool { !line.isEmpty }

    func contains(_ client: any LiveClient) -> Bool { replays[ObjectIdentifier(client)] != nil }

    // MARK: who catches up

    /// A client gets what came after an event, and then joins a group; one that catches up already
    /// goes on from there instead.
    func begin(_ client: any LiveClient, in group: LiveGroup, after id: UInt64) {
        // Behind what the ring has comes what the mail brings, and from nowhere else.
        let asked = history?.latest ?? ring.state(id).latest
        if history == nil { history = LiveHistory(after: asked) }
        let key = ObjectIdentifier(client)
        let replay = replays[key] ?? Replay(client, group)
        if replays.updateValue(replay, forKey: key) != nil { replay.group.replaying -= 1 }
        replay.group = group
        group.replaying += 1
        (replay.after, replay.asked, replay.askedAt) = (id, asked, history?.end ?? 0)
        replay.step = .looking
        (replay.promise, replay.isPromised) = (nil, false)
        queue(replay)
    }

    /// A client that catches up gets the rest by the filter of another group; false when it does not
    /// catch up.
    func move(_ client: any LiveClient, to group: LiveGroup) -> Bool {
        guard let replay = replays[ObjectIdentifier(client)] else { return false }
        replay.group.replaying -= 1
        group.replaying += 1
        replay.group = group
        replay.countAnew()
        return true
    }

    /// It has gone, or caught up.
    func end(_ client: any LiveClient) {
        forget(client)
        if replays.isEmpty { history = nil }
    }

    private func forget(_ client: any LiveClient) {
        replays.removeValue(forKey: ObjectIdentifier(client))?.group.replaying -= 1
    }

    // MARK: what comes

    /// Whether it is news for those who catch up, which is to be counted for their groups.
    func take(_ message: LiveMessage, _ text: LiveText) -> Bool {
        history?.append(message, text) ?? false
    }

    /// The same for events that nobody keeps any more: how many of them are news.
    func take(missed count: UInt64, through id: UInt64) -> Int {
        history?.append(missed: count, through: id) ?? 0
    }

    /// Lets go of what is too old, to be called when what came is counted.
    func trim() {
        guard let start = history?.nextStart else { return }
        for replay in replays.values where replay.cursor < start { skip(replay, to: start) }
        history?.trim(before: start)
    }

    /// What a client has not got goes: it is told so, unless it was not promised yet.
    private func skip(_ replay: Replay, to start: Int) {
        guard replay.isPromised, let history else {
            replay.cursor = start
            return replay.countAnew()
        }
        let told = replay.group.told
        switch replay.step {
        case .looking, .reading: return
        case .counting(let count, let place):
            let rest = history.weight(in: place..<history.end, for: replay.group.filter)
            delivery.lose(count + rest, replay.client)
        case .feeding(let owed): delivery.lose(owed + told, replay.client)
        }
        replay.step = .feeding(owed: -told)
        replay.cursor = history.end
    }

    // MARK: turns

    /// Goes on until `end`, with one client at least, and with each once at most.
    func advance(until end: UInt64) {
        var left = line.count
        while left > 0 {
            serve(line.removeFirst())
            left -= 1
            guard clock() < end else { return }
        }
    }

    private func serve(_ replay: Replay) {
        replay.isInLine = false
        guard isUnderWay(replay) else { return }
        guard prepare(replay) else { return queue(replay) }
        let isAtEnd = feed(replay)
        replay.client.flush()
        guard isUnderWay(replay) else { return }
        // What its group has to get it has had.
        if isAtEnd, replay.group.news.isEmpty { return join(replay) }
        if isAtEnd || !replay.client.hasUnsent { return queue(replay) }
        replay.client.whenSent { [weak self, weak replay] in
            if let self, let replay { queue(replay) }
        }
    }

    /// A step towards knowing what a client gets; false when more are to follow.
    private func prepare(_ replay: Replay) -> Bool {
        if case .looking = replay.step { look(replay) }
        if case .reading = replay.step {
            guard read(replay) else { return false }
            replay.cursor = history?.cursor(after: replay.after, from: replay.askedAt) ?? 0
            replay.step = .counting(0, through: replay.cursor)
        }
        guard case .counting(let count, let place) = replay.step else { return true }
        return self.count(replay, count, through: place)
    }

    private func look(_ replay: Replay) {
        replay.step = .reading
        replay.isKnown = true
        guard history?.covers(after: replay.after) != true else { return }
        let (isKnown, latest) = ring.state(replay.after)
        replay.isKnown = isKnown
        // There may be no such event yet.
        if replay.after > latest { replay.after = replay.asked }
    }

    /// Renders some of what is older than the history; true when nothing more is wanted or to be had.
    /// It is rendered once for all who catch up meanwhile.
    private func read(_ replay: Replay) -> Bool {
        guard let oldest = history?.oldest, replay.after &+ 1 < oldest, history?.hasRoom == true
        else { return true }
        let first = max(replay.after + 1, oldest - min(oldest, Self.mostRead))
        let messages = ring.messages(first..<oldest)
        history?.prepend(messages)
        return messages.first?.id != first || first == replay.after + 1
    }

    private func count(_ replay: Replay, _ before: Int, through place: Int) -> Bool {
        guard let history else { return true }
        let limit = min(history.end, place + Self.mostLooked)
        let count = before + history.weight(in: place..<limit, for: replay.group.filter)
        guard limit == history.end else {
            replay.step = .counting(count, through: limit)
            return false
        }
        replay.step = .feeding(owed: count - replay.group.told)
        if !replay.isPromised {
            replay.promise = .resumed(
                count, missed: replay.isKnown ? history.missing(after: replay.after) : nil)
        }
        return true
    }

    private func isUnderWay(_ replay: Replay) -> Bool {
        replays[ObjectIdentifier(replay.client)] === replay && !replay.client.isOver
    }

    private func queue(_ replay: Replay) {
        guard !replay.isInLine, isUnderWay(replay) else { return }
        replay.isInLine = true
        line.append(replay)
        onDue()
    }

    private func join(_ replay: Replay) {
        let client = replay.client
        client.latest = max(history?.latest ?? 0, replay.after)
        replay.group.join(client)
        end(client)
    }

    /// Queues a piece; true when nothing is left.
    private func feed(_ replay: Replay) -> Bool {
        let client = replay.client
        // What was lost before is told before what is promised now.
        guard delivery.tellLost(client) else { return false }
        if let promise = replay.promise {
            guard client.send(promise) else { return false }
            (replay.promise, replay.isPromised) = (nil, true)
        }
        guard let history, case .feeding(var owed) = replay.step else { return false }
        defer { replay.step = .feeding(owed: owed) }
        var bytes = 0
        let limit = min(history.end, replay.cursor + Self.mostLooked)
        while replay.cursor < limit, bytes < Self.pieceBytes {
            let entry = history[replay.cursor]
            let weight = entry.weight(for: replay.group.filter)
            if weight > 0, !entry.isTold(before: replay.after) {
                if case .message(let text) = entry.news, delivery.offer(text, to: client) {
                    bytes += text.json.count
                } else if entry.isMessage, client.hasUnsent {
                    return false
                } else {
                    // Nobody keeps it any more, or there would never be room for it.
                    delivery.lose(weight, client)
                }
            }
            owed -= weight
            replay.cursor += 1
        }
        return replay.cursor == history.end && delivery.tellLost(client)
    }
}

extension LiveText {
    /// So many messages follow; events that nobody keeps any more are missing before them. Of a run
    /// of the program before this one it is not known how many.
    fileprivate static func resumed(_ messages: Int, missed: UInt64?) -> LiveText {
        notice("resumed") { data in
            data.field("replayed", messages)
            data.key("missed")
            if let missed { data.value(missed) } else { data.null() }
        }
    }
}
