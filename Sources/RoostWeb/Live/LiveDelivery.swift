import RoostCollector
import RoostCore

/// Hands what groups were told to their clients, a part in each turn of the loop.
///
/// A group's clients get all it was told since its last turn, each in one piece, and go to the back
/// of the line. So a thousand clients delay neither probes nor what comes in, and the more there is
/// to tell, the more of it leaves with each write. Confined to the web loop.
final class LiveDelivery {
    /// A group on its turn.
    private struct Turn {
        let group: LiveGroup
        let news: [LiveNews]
        /// Each gets the news from a place on.
        var clients: [(client: any LiveClient, from: Int)]
        var next = 0

        var isOver: Bool { next == clients.count }
    }

    private var line: [LiveGroup] = []
    private var turn: Turn?
    private let counters: LiveCounters
    private let clock: () -> UInt64
    /// How much the groups in line were told.
    private(set) var waiting = 0

    /// `clock` is in nanoseconds.
    init(counters: LiveCounters, clock: @escaping () -> UInt64 = monotonicNanoseconds) {
        self.counters = counters
        self.clock = clock
    }

    /// Whether somebody has still to get something.
    var isDue: Bool { turn != nil || !line.isEmpty }

    func tell(_ news: LiveNews, _ group: LiveGroup) {
        // Those that catch up get it in their own time.
        guard !group.clients.isEmpty else { return }
        if group.news.isEmpty { line.append(group) }
        group.news.append(news)
        waiting += 1
    }

    /// Goes on until `end`, with one client at least.
    func advance(until end: UInt64) {
        repeat {
            guard let (client, from) = nextClient(), let turn else { return }
            if turn.isOver { self.turn = nil }
            for news in turn.news[from...] { give(news, to: client) }
            client.flush()
        } while clock() < end
    }

    /// Gives a client at once what its group has for it, so that it may go to another one without
    /// getting anything twice; on the group's turn it would get what comes from now on.
    func finish(_ client: any LiveClient, of group: LiveGroup) {
        var due: [LiveNews] = []
        if let turn, turn.group === group,
            let place = turn.clients[turn.next...].firstIndex(where: { $0.client === client })
        {
            due += turn.news[turn.clients[place].from...]
            self.turn?.clients.remove(at: place)
        }
        due += group.news[group.firstNews(for: client)...]
        // Before it gets them: it may turn out to be gone.
        group.join(client)
        for news in due { give(news, to: client) }
        client.flush()
    }

    /// The next who gets something and did not leave meanwhile.
    private func nextClient() -> (client: any LiveClient, from: Int)? {
        while true {
            while let turn, !turn.isOver {
                let next = turn.clients[turn.next]
                self.turn?.next += 1
                if turn.group.clients[ObjectIdentifier(next.client)] != nil { return next }
            }
            turn = nil
            guard !line.isEmpty else { return nil }
            let group = line.removeFirst()
            let clients = group.clients.values.map {
                (client: $0, from: group.firstNews(for: $0))
            }
            turn = Turn(group: group, news: take(group), clients: clients)
        }
    }

    private func take(_ group: LiveGroup) -> [LiveNews] {
        waiting -= group.news.count
        return group.takeNews()
    }

    private func give(_ news: LiveNews, to client: any LiveClient) {
        switch news {
        case .message(let text):
            if let id = text.id {
                // Told already, or of a time before it came.
                guard id > client.latest else { return }
                client.latest = id
            }
            send(text, to: client)
        case .missed(let count, let through):
            guard through > client.latest else { return }
            let own = min(count, through - client.latest)
            client.latest = through
            lose(Int(clamping: own), client)
        }
    }

    /// Queues a message; one for which there is no room is lost. `flush` has to follow.
    func send(_ text: LiveText, to client: any LiveClient) {
        if !offer(text, to: client) { lose(1, client) }
    }

    /// Queues a message behind the notice of what was lost before it; false when there is no room.
    /// `flush` has to follow.
    func offer(_ text: LiveText, to client: any LiveClient) -> Bool {
        guard tellLost(client), client.send(text) else { return false }
        counters.delivered.wrappingAdd(1, ordering: .relaxed)
        return true
    }

    /// Queues the notice of what was lost, if anything was; false when there is no room for it.
    func tellLost(_ client: any LiveClient) -> Bool {
        guard client.lost > 0 else { return true }
        guard client.send(.lost(client.lost)) else { return false }
        client.lost = 0
        return true
    }

    func lose(_ count: Int, _ client: any LiveClient) {
        client.lost += count
        counters.lost.wrappingAdd(UInt64(count), ordering: .relaxed)
    }
}

/// What the clients of a group have to get.
enum LiveNews {
    case message(LiveText)
    /// So many events that nobody keeps any more, the last of which had the number `through`.
    case missed(UInt64, through: UInt64)
}
