import RoostAnalytics
import RoostCollector
import RoostCore
import RoostNet

/// Hands live messages to those who subscribed. Confined to the web loop.
///
///     analytics ──messages, rendered once──► mailbox ──► groups (one for each filter) ──► clients
///
/// A message is matched against filters, not clients, and only against those that may want it.
final class LiveHub {
    private let collector: CollectorView
    private let loop: EventLoop
    private var groups = LiveGroups()
    private var filters: [ObjectIdentifier: LiveFilter] = [:]
    /// Clients that get figures every so often.
    private var meters: [ObjectIdentifier: LiveMeter] = [:]
    private var heartbeat: LoopTimer?
    private var isWatching = false
    private let counters: LiveCounters
    private let delivery: LiveDelivery
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

    init(collector: CollectorView, loop: EventLoop) {
        self.collector = collector
        self.loop = loop
        counters = collector.liveCounters
        delivery = LiveDelivery(counters: counters)
    }

    // MARK: clients

    /// From now on a client gets what `filter` wants, instead of what it wanted before. After
    /// `resume`, what it missed since that message comes first.
    func subscribe(_ client: any LiveClient, to filter: LiveFilter, resume: UInt64? = nil) {
        if filters[ObjectIdentifier(client)] != nil {
            // What its group has for it, and for all others, so that no group has anything twice.
            while delivery.isDue { delivery.advance(until: .max) }
            // It may have turned out that the client is gone.
            guard filters[ObjectIdentifier(client)] != nil else { return }
            leaveGroup(client)
        }
        groups.group(filter).clients[ObjectIdentifier(client)] = client
        filters[ObjectIdentifier(client)] = filter
        watch()
        if client.latest == 0 {
            client.latest = collector.analytics.read { $0.latestEvent } ?? 0
        }
        if let resume { replay(to: client, filter, after: resume) }
        noteConnections()
    }

    /// The filter of a client that is subscribed.
    func filter(of client: any LiveClient) -> LiveFilter? { filters[ObjectIdentifier(client)] }

    /// From now on a client gets the figures of `meter`.
    func measure(_ client: any LiveClient, _ meter: LiveMeter) {
        meters[ObjectIdentifier(client)] = meter
        meter.start(on: loop)
        watch()
        noteConnections()
    }

    func leave(_ client: any LiveClient) {
        leaveGroup(client)
        filters[ObjectIdentifier(client)] = nil
        meters.removeValue(forKey: ObjectIdentifier(client))?.stop()
        noteConnections()
        watch()
    }

    private func leaveGroup(_ client: any LiveClient) {
        guard let filter = filters[ObjectIdentifier(client)], let group = groups[filter] else {
            return
        }
        group.clients[ObjectIdentifier(client)] = nil
        if group.clients.isEmpty { groups.remove(group) }
    }

    private var connections: Int { filters.count + meters.count }

    private func noteConnections() { counters.connections.store(connections, ordering: .relaxed) }

    // MARK: messages

    /// One turn: some of what came goes to the groups that want it, some of those to their clients.
    private func turn() {
        isTurnDue = false
        let began = monotonicNanoseconds()
        distribute(until: began &+ Self.longestTurn / 2)
        delivery.advance(until: began &+ Self.longestTurn)
        guard !mail.isEmpty || delivery.isDue, !isTurnDue else { return }
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
        } while monotonicNanoseconds() < end
        if mail.isEmpty { fetch() }
    }

    private func distribute(_ entry: LiveMailbox.Entry) {
        switch entry {
        case .message(let message):
            counters.events.wrappingAdd(1, ordering: .relaxed)
            let text = LiveText(message.json, id: message.id)
            groups.forEach(wanting: message) { delivery.tell(.message(text), $0) }
        case .missed(let count, let through):
            counters.events.wrappingAdd(count, ordering: .relaxed)
            for group in groups.all { delivery.tell(.missed(count, through: through), group) }
        }
    }

    private func fetch() {
        let (entries, isCut) = mailbox.takeAll()
        mail = entries[...]
        // What found no room; little of it, as it is rendered on this thread.
        if isCut { collector.analytics.tellListeners(most: Self.mostAtOnce) }
        if mail.isEmpty, isCut { mail = mailbox.takeAll().entries[...] }
    }

    private func replay(to client: any LiveClient, _ filter: LiveFilter, after id: UInt64) {
        let (missed, all) = collector.analytics.read { $0.messages(after: id) } ?? (0, [])
        let messages = all.filter { filter.wants($0) }
        _ = client.send(
            .notice("resumed") { data in
                data.field("replayed", messages.count)
                // Those that are no longer kept, whoever they were for; of a run of the program
                // before this one they are not known.
                data.key("missed")
                if let missed { data.value(missed) } else { data.null() }
            })
        for message in messages {
            delivery.send(LiveText(message.json, id: message.id), to: client)
        }
        // Some of them are on their way to its group.
        client.latest = max(client.latest, all.last?.id ?? 0)
        client.flush()
    }

    // MARK: time

    /// Asks for messages as long as somebody listens, and for nothing else.
    private func watch() {
        let hasClients = connections > 0
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
            collector.analytics.tell(mailbox)
        } else {
            collector.analytics.tell(nil)
        }
    }

    private func beat() {
        for group in groups.all { for client in group.clients.values { client.beat() } }
        for meter in meters.values { meter.client?.beat() }
    }
}
