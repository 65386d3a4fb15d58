import RoostAnalytics
import RoostCollector
import RoostCore
import RoostNet

/// Hands live messages to those who subscribed. Confined to the web loop.
///
///     analytics ──messages, rendered once──► hub ──► groups (one for each filter) ──► clients
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

    static let heartbeatMilliseconds: UInt64 = 15_000

    init(collector: CollectorView, loop: EventLoop) {
        self.collector = collector
        self.loop = loop
        counters = collector.liveCounters
    }

    // MARK: clients

    /// From now on a client gets what `filter` wants, instead of what it wanted before. After
    /// `resume`, what it missed since that message comes first.
    func subscribe(_ client: any LiveClient, to filter: LiveFilter, resume: UInt64? = nil) {
        leaveGroup(client)
        groups.group(filter).clients[ObjectIdentifier(client)] = client
        filters[ObjectIdentifier(client)] = filter
        watch()
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

    /// Sends each message to those who want it. `missed` events before them were too many to be
    /// rendered.
    func deliver(_ messages: [LiveMessage], missed: UInt64) {
        counters.events.wrappingAdd(UInt64(messages.count) &+ missed, ordering: .relaxed)
        // Whoever cannot be sent to leaves in the middle of this.
        let groups = groups
        var reached: [LiveGroup] = []
        if missed > 0 {
            for group in groups.all {
                for client in group.clients.values { lose(Int(clamping: missed), client) }
            }
        }
        for index in messages.indices {
            let text = LiveText(messages[index].json, id: messages[index].id)
            groups.forEach(wanting: messages[index]) { group in
                for client in group.clients.values { send(text, to: client) }
                guard !group.isReached else { return }
                group.isReached = true
                reached.append(group)
            }
        }
        // What came together leaves in one piece.
        for group in reached {
            group.isReached = false
            for client in group.clients.values { client.flush() }
        }
    }

    private func send(_ text: LiveText, to client: any LiveClient) {
        if client.lost > 0 {
            guard client.send(Self.lostNotice(client.lost)) else {
                return lose(1, client)
            }
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
        for message in messages { send(LiveText(message.json, id: message.id), to: client) }
        client.flush()
    }

    static func lostNotice(_ count: Int) -> LiveText {
        .notice("lost") { $0.field("messages", count) }
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
            let home = LoopOwned(self, on: loop)
            collector.analytics.watch { missed, messages in
                home.post { $0.deliver(messages, missed: missed) }
            }
        } else {
            collector.analytics.watch(nil)
        }
    }

    private func beat() {
        for group in groups.all { for client in group.clients.values { client.beat() } }
        for meter in meters.values { meter.client?.beat() }
    }
}

/// Somebody at the other end of a live stream. Confined to the web loop.
protocol LiveClient: AnyObject {
    /// Messages that were not sent since the client was last told.
    var lost: Int { get set }

    /// Queues a message, to be followed by `flush`; false when too much is waiting already.
    func send(_ text: LiveText) -> Bool

    /// Hands on what was queued.
    func flush()

    /// Shows that the stream is alive.
    func beat()
}
