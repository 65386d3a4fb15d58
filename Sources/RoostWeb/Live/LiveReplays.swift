import RoostAnalytics
import RoostCollector
import RoostCore

/// Clients that catch up: each gets what it missed as fast as it reads, and then joins its group.
///
/// ```
/// waiting for a turn ─▶ a piece ─▶ all is read ─▶ waiting for a turn     more is to come
///                           │  └─▶ unread ─▶ its socket is empty ─▶ waiting for a turn
///                           └────▶ in its group                          nothing is to come
/// ```
/// Who is slower than events come and go is told how many it lost, and goes on behind them. Beside
/// a piece nothing is kept for a client but its place. Confined to the web loop.
final class LiveReplays {
    private final class Replay {
        let client: any LiveClient
        var group: LiveGroup
        /// The number of the event after which it goes on.
        let after: UInt64
        var cursor: Int
        /// With the group's `told`: how many messages it has still to get.
        var owed: Int
        /// What it is told before.
        var opening: [LiveText]
        var isInLine = false

        init(
            _ client: any LiveClient, _ group: LiveGroup, after: UInt64, _ cursor: Int,
            owed: Int, _ opening: [LiveText]
        ) {
            self.client = client
            self.group = group
            self.after = after
            self.cursor = cursor
            self.owed = owed
            self.opening = opening
        }
    }

    private var replays: [ObjectIdentifier: Replay] = [:]
    private var line: [Replay] = []
    /// As long as somebody catches up.
    private(set) var history: LiveHistory?
    private let delivery: LiveDelivery
    private let clock: () -> UInt64
    /// Called when somebody has come to wait for a turn, maybe while a socket is written to.
    var onDue: () -> Void = {}

    /// A client's piece: so many bytes, or one message more, found among so many messages.
    private static let pieceBytes = 32 << 10
    private static let mostLooked = 1_024

    init(_ delivery: LiveDelivery, clock: @escaping () -> UInt64 = monotonicNanoseconds) {
        self.delivery = delivery
        self.clock = clock
    }

    /// Whether somebody waits for a turn.
    var isDue: Bool { !line.isEmpty }

    func contains(_ client: any LiveClient) -> Bool { replays[ObjectIdentifier(client)] != nil }

    // MARK: who catches up

    /// What the ring of the latest events had.
    struct Past {
        /// Events after the one that was asked for and before `messages`; nil when unknown.
        var missed: UInt64?
        var messages: [LiveMessage] = []
        /// The number of the latest event.
        var latest: UInt64 = 0
    }

    /// A client gets what came after an event, and then joins a group. `read` is asked for what is
    /// not here; it is rendered once for all who catch up meanwhile.
    func begin(
        _ client: any LiveClient, in group: LiveGroup, after id: UInt64, _ read: (UInt64) -> Past
    ) {
        forget(client)
        var missed: UInt64? = 0
        var after = id
        if history?.covers(after: id) != true {
            let past = read(id)
            remember(past)
            if past.missed == nil { missed = nil } else { missed = history?.missing(after: id) }
            // There may be no such event yet.
            after = min(id, past.latest)
        }
        guard let history else { return }
        let cursor = history.cursor(after: id)
        let count = history.weight(from: cursor, for: group.filter)
        var opening = [LiveText.resumed(count, missed: missed)]
        // Of the time before: not of what is promised now.
        if client.lost > 0 { opening.insert(.lost(client.lost), at: 0) }
        client.lost = 0
        let replay = Replay(
            client, group, after: after, cursor, owed: count - group.told, opening)
        group.replaying += 1
        replays[ObjectIdentifier(client)] = replay
        queue(replay)
    }

    /// A client that catches up gets the rest by the filter of another group; false when it does not
    /// catch up.
    func move(_ client: any LiveClient, to group: LiveGroup) -> Bool {
        guard let history, let replay = replays[ObjectIdentifier(client)] else { return false }
        replay.group.replaying -= 1
        group.replaying += 1
        replay.group = group
        replay.owed = history.weight(from: replay.cursor, for: group.filter) - group.told
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

    /// Behind what is here already comes what the mail brings, and from nowhere else.
    private func remember(_ past: Past) {
        guard history == nil else { return history?.prepend(past.messages) ?? () }
        var new = LiveHistory(after: past.messages.first?.id.map { $0 - 1 } ?? past.latest)
        for message in past.messages { _ = new.append(message) }
        history = new
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
        guard history?.trim() == true, let history else { return }
        for replay in replays.values where replay.cursor < history.start {
            delivery.lose(replay.owed + replay.group.told, replay.client)
            replay.owed = -replay.group.told
            replay.cursor = history.end
        }
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
        replay.group.clients[ObjectIdentifier(client)] = client
        end(client)
    }

    /// Queues a piece; true when nothing is left.
    private func feed(_ replay: Replay) -> Bool {
        let client = replay.client
        while let text = replay.opening.first {
            guard client.send(text) else { return false }
            replay.opening.removeFirst()
        }
        guard let history, delivery.tellLost(client) else { return false }
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
            replay.owed -= weight
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
