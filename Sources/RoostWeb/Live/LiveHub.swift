import RoostAnalytics
import RoostCollector
import RoostCore
import RoostNet

/// Hands live messages to those who subscribed. Confined to the web loop.
///
///     analytics ──messages, rendered once──► mailbox ──► groups (one for each filter) ──► clients
///                                               └──► history ──► those that catch up
///
/// A message is matched against filters, not clients, and only against those that may want it.
final class LiveHub {
    private let analytics: AnalyticsService
    private let switches: Switches
    private let loop: EventLoop
    /// All of them, whether they get events, figures or both.
    private var clients: [ObjectIdentifier: any LiveClient] = [:]
    private var groups = LiveGroups()
    private var filters: [ObjectIdentifier: LiveFilter] = [:]
    /// Clients that get figures every so often.
    private var meters: [ObjectIdentifier: LiveMeter] = [:]
    private var heartbeat: LoopTimer?
    private var isWatching = false
    private let counters: LiveCounters
    private let delivery: LiveDelivery
    private let replays: LiveReplays
    private lazy var mailbox = {
        let home = LoopOwned(self, on: loop)
        return LiveMailbox { home.post { if !$0.isTurnDue { $0.turn() } } }
    }()
    /// Taken from the mailbox, and not yet put before the groups.
    private var mail: ArraySlice<LiveMailbox.Entry> = []
    /// A turn is posted already.
    private var isTurnDue = false

    static let heartbeatMilliseconds: UInt64 = 15_000
    /// Nanoseconds; a client's piece more at most, or a few messages.
    private static let longestTurn: UInt64 = 1_000_000
    /// Messages in groups, each counted for each group: what comes beside them waits.
    private static let mostWaiting = 16_384
    private static let mostAtOnce = 128

    init(
        _ analytics: AnalyticsService, counters: LiveCounters, switches: Switches, loop: EventLoop
    ) {
        self.analytics = analytics
        self.switches = switches
        self.loop = loop
        self.counters = counters
        delivery = LiveDelivery(counters: counters)
        replays = LiveReplays(delivery, ring: Self.ring(of: analytics))
        replays.onDue = { [weak self] in self?.postTurn() }
        let home = LoopOwned(self, on: loop)
        switches.watch { part in if part == .live { home.post { $0.obeySwitch() } } }
    }

    // MARK: clients

    /// From now on a client gets what `filter` wants, instead of what it wanted before. After
    /// `resume`, what it missed since that message comes first.
    func subscribe(_ client: any LiveClient, to filter: LiveFilter, resume: UInt64? = nil) {
        guard !client.isOver else { return }
        let key = ObjectIdentifier(client)
        if let group = filters[key].flatMap({ groups[$0] }), !replays.contains(client) {
            delivery.finish(client, of: group)
            // It may have turned out that the client is gone.
            guard filters[key] != nil else { return }
        }
        clients[key] = client
        let before = filters[key].flatMap { groups[$0] }
        before?.clients[key] = nil
        let group = groups.group(filter)
        filters[key] = filter
        watch()
        if let resume {
            replays.begin(client, in: group, after: resume)
        } else if !replays.move(client, to: group) {
            group.join(client)
            if client.latest == 0 {
                client.latest = analytics.read { $0.latestEvent } ?? 0
            }
        }
        if let before, before.isEmpty { groups.remove(before) }
        noteConnections()
    }

    /// The filter of a client that is subscribed.
    func filter(of client: any LiveClient) -> LiveFilter? { filters[ObjectIdentifier(client)] }

    /// From now on a client gets the figures of `meter`.
    func measure(_ client: any LiveClient, _ meter: LiveMeter) {
        guard !client.isOver else { return }
        clients[ObjectIdentifier(client)] = client
        meters.updateValue(meter, forKey: ObjectIdentifier(client))?.stop()
        meter.start(on: loop, delivery)
        watch()
        noteConnections()
    }

    func leave(_ client: any LiveClient) {
        replays.end(client)
        if let filter = filters.removeValue(forKey: ObjectIdentifier(client)),
            let group = groups[filter]
        {
            group.clients[ObjectIdentifier(client)] = nil
            if group.isEmpty { groups.remove(group) }
        }
        meters.removeValue(forKey: ObjectIdentifier(client))?.stop()
        clients[ObjectIdentifier(client)] = nil
        noteConnections()
        watch()
    }

    /// While live streams are switched off there are none, and nobody is asked for events.
    private func obeySwitch() {
        guard !switches.isOn(.live) else { return }
        for client in clients.values {
            leave(client)
            client.end("live is switched off")
        }
        mail = []
        _ = mailbox.takeAll()
    }

    private func noteConnections() { counters.connections.store(clients.count, ordering: .relaxed) }

    // MARK: messages

    /// One turn: some of what came goes to the groups that want it, some of those to their clients.
    private func turn() {
        isTurnDue = false
        let began = monotonicNanoseconds()
        distribute(until: began &+ Self.longestTurn / 2)
        delivery.advance(until: began &+ Self.longestTurn)
        replays.advance(until: began &+ Self.longestTurn)
        if !mail.isEmpty || delivery.isDue || replays.isDue { postTurn() }
    }

    private func postTurn() {
        guard !isTurnDue else { return }
        isTurnDue = true
        let home = LoopOwned(self, on: loop)
        home.post { $0.turn() }
    }

    /// Puts messages before the groups until `end`, unless these have enough; some in any case.
    private func distribute(until end: UInt64) {
        repeat {
            guard delivery.waiting < Self.mostWaiting else { return }
            if mail.isEmpty { fetch() }
            guard !mail.isEmpty else { return }
            for entry in mail.prefix(Self.mostAtOnce) { distribute(entry) }
            mail = mail.dropFirst(Self.mostAtOnce)
            replays.trim()
        } while monotonicNanoseconds() < end
        if mail.isEmpty { fetch() }
    }

    private func distribute(_ entry: LiveMailbox.Entry) {
        switch entry {
        case .message(let message):
            counters.events.wrappingAdd(1, ordering: .relaxed)
            let text = LiveText(message.json, id: message.id)
            let isNews = replays.take(message, text)
            groups.forEach(wanting: message) { group in
                if isNews { group.told += 1 }
                delivery.tell(.message(text), group)
            }
        case .missed(let count, let through):
            counters.events.wrappingAdd(count, ordering: .relaxed)
            let news = replays.take(missed: count, through: through)
            for group in groups.all {
                group.told += news
                delivery.tell(.missed(count, through: through), group)
            }
        }
    }

    private func fetch() {
        let (entries, isCut) = mailbox.takeAll()
        mail = entries[...]
        // What found no room; little of it, as it is rendered on this thread.
        if isCut { analytics.tellListeners(most: Self.mostAtOnce) }
        if mail.isEmpty, isCut { mail = mailbox.takeAll().entries[...] }
    }

    private static func ring(of analytics: AnalyticsService) -> LiveReplays.Ring {
        LiveReplays.Ring(
            state: { id in analytics.read { ($0.hasTold(id), $0.latestEvent) } ?? (false, 0) },
            messages: { ids in analytics.read { $0.messages(in: ids) } ?? [] })
    }

    // MARK: time

    /// Asks for messages as long as somebody listens, and for nothing else.
    private func watch() {
        let hasClients = !clients.isEmpty
        if hasClients, heartbeat == nil {
            heartbeat = loop.schedule(
                afterMilliseconds: Self.heartbeatMilliseconds,
                repeatMilliseconds: Self.heartbeatMilliseconds
            ) { [weak self] in self?.beat() }
        } else if !hasClients {
            heartbeat?.cancel()
            heartbeat = nil
        }
        let wantsMessages = !groups.isEmpty
        guard wantsMessages != isWatching else { return }
        isWatching = wantsMessages
        if wantsMessages {
            analytics.tell(mailbox)
        } else {
            analytics.tell(nil)
        }
    }

    func beat() {
        for client in clients.values {
            // Who wants little would wait long for the next message to be told before.
            _ = delivery.tellLost(client)
            client.beat()
        }
    }
}
