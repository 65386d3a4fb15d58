import RoostCollector
import RoostCore

/// Hands what groups were told to their clients, in turns of about a millisecond.
///
/// A group's clients get all it was told since its last turn, each in one piece, and go to the back
/// of the line. So a thousand clients delay neither probes nor what comes in, and the more there is
/// to tell, the more of it leaves with each write. Confined to the web loop.
final class LiveDelivery {
    /// A group on its turn.
    private struct Turn {
        let group: LiveGroup
        let news: [LiveNews]
        let clients: [any LiveClient]
        var next = 0

        var isOver: Bool { next == clients.count }
    }

    private var line: [LiveGroup] = []
    private var turn: Turn?
    private let counters: LiveCounters
    private let clock: () -> UInt64
    /// How much the groups in line were told.
    private(set) var waiting = 0

    /// Nanoseconds. One client's piece more at most.
    static let longestTurn: UInt64 = 1_000_000

    /// `clock` is in nanoseconds.
    init(counters: LiveCounters, clock: @escaping () -> UInt64 = monotonicNanoseconds) {
        self.counters = counters
        self.clock = clock
    }

    /// Whether somebody has still to get something.
    var isDue: Bool { turn.map { !$0.isOver } ?? false || !line.isEmpty }

    func tell(_ news: LiveNews, _ group: LiveGroup) {
        if group.news.isEmpty { line.append(group) }
        group.news.append(news)
        waiting += 1
    }

    /// Goes on for a turn.
    func advance() {
        let end = clock() &+ Self.longestTurn
        repeat {
            guard let client = nextClient(), let turn else { return }
            for news in turn.news { give(news, to: client) }
            client.flush()
        } while clock() < end
    }

    /// The next who gets something and did not leave meanwhile.
    private func nextClient() -> (any LiveClient)? {
        while true {
            while let turn, !turn.isOver {
                let client = turn.clients[turn.next]
                self.turn?.next += 1
                if turn.group.clients[ObjectIdentifier(client)] != nil { return client }
            }
            turn = nil
            guard !line.isEmpty else { return nil }
            let group = line.removeFirst()
            turn = Turn(group: group, news: take(group), clients: Array(group.clients.values))
        }
    }

    private func take(_ group: LiveGroup) -> [LiveNews] {
        defer { group.news = [] }
        waiting -= group.news.count
        return group.news
    }

    /// Gives a client that is about to leave its group what it has still to get there; `flush` has to
    /// follow.
    func settle(_ client: any LiveClient, in group: LiveGroup) {
        if let turn, turn.group === group,
            turn.clients[turn.next...].contains(where: { $0 === client })
        {
            for news in turn.news { give(news, to: client) }
        }
        for news in group.news { give(news, to: client) }
    }

    private func give(_ news: LiveNews, to client: any LiveClient) {
        switch news {
        case .message(let text):
            if let id = text.id {
                // It was told already, by another group or after it came back.
                guard id > client.latest else { return }
                client.latest = id
            }
            send(text, to: client)
        case .missed(let count): lose(count, client)
        }
    }

    /// Queues a message; what was lost before it is told first. `flush` has to follow.
    func send(_ text: LiveText, to client: any LiveClient) {
        if client.lost > 0 {
            let notice = LiveText.notice("lost") { $0.field("messages", client.lost) }
            guard client.send(notice) else { return lose(1, client) }
            client.lost = 0
        }
        if client.send(text) {
            counters.delivered.wrappingAdd(1, ordering: .relaxed)
        } else {
            lose(1, client)
        }
    }

    private func lose(_ count: Int, _ client: any LiveClient) {
        client.lost += count
        counters.lost.wrappingAdd(UInt64(count), ordering: .relaxed)
    }
}

/// What the clients of a group have to get.
enum LiveNews {
    case message(LiveText)
    /// So many events that nobody keeps any more.
    case missed(Int)
}

/// Somebody at the other end of a live stream. Confined to the web loop.
protocol LiveClient: AnyObject {
    /// Messages that were not sent since the client was last told.
    var lost: Int { get set }

    /// The number of the latest event that was told.
    var latest: UInt64 { get set }

    /// Queues a message, to be followed by `flush`; false when too much is waiting already.
    func send(_ text: LiveText) -> Bool

    /// Hands on what was queued.
    func flush()

    /// Shows that the stream is alive.
    func beat()
}
