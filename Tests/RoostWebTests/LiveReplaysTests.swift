import RoostCore
import RoostIngest
import Testing

@testable import RoostAnalytics
@testable import RoostCollector
@testable import RoostWeb

@Suite struct LiveReplaysTests {
    /// Takes so many bytes before it reads, and notes what it got.
    private final class Client: LiveClient {
        var lost = 0
        var latest: UInt64 = 0
        var isOver = false
        var got: [String] = []
        /// Reads by itself whatever comes.
        var reads = true
        var room = 4_000
        private var queued: [String] = []
        private var onSent: (() -> Void)?

        func send(_ text: LiveText) -> Bool {
            let said = unsafe text.json.withBytes { unsafe String(decoding: $0, as: UTF8.self) }
            guard queued.reduce(0, { $0 + $1.utf8.count }) + said.utf8.count <= room else {
                return false
            }
            queued.append(said)
            return true
        }

        func flush() { if reads { read() } }

        func read() {
            got += queued
            queued = []
            onSent.take()?()
        }

        var hasUnsent: Bool { !queued.isEmpty }
        func whenSent(_ call: @escaping () -> Void) { onSent = call }
        func beat() {}
        func end(_ reason: String) {}

        /// The numbers of events, in their order.
        var ids: [UInt64] { got.compactMap { id(in: $0) } }
        /// All messages that it was told to be lost.
        var told: Int { got.reduce(0) { $0 + (number("lost", "messages", in: $1) ?? 0) } }
        var promised: Int? { got.compactMap { number("resumed", "replayed", in: $0) }.first }

        private func id(in text: String) -> UInt64? {
            (try? JSONValue(parsing: Array(text.utf8)))?["id"]?.string.flatMap { UInt64($0) }
        }

        private func number(_ type: String, _ name: String, in text: String) -> Int? {
            guard text.hasPrefix(#"{"type":"\#(type)""#) else { return nil }
            let parts = text.split(separator: #""\#(name)":"#)
            return Int(parts.last?.prefix { $0.isNumber } ?? "")
        }
    }

    /// A hub without threads: what it is told is taken in and counted as the hub does.
    private final class Stage {
        let counters = LiveCounters()
        let delivery: LiveDelivery
        private(set) lazy var replays = LiveReplays(
            delivery,
            ring: LiveReplays.Ring(
                state: { [unowned self] _ in (true, ring.last?.id ?? 0) },
                messages: { [unowned self] ids in
                    let kept = ring.filter { ids.contains($0.id ?? 0) }
                    rendered += kept.count
                    return kept
                }))
        var groups = LiveGroups()
        var ring: [LiveMessage] = []
        /// Of the ring.
        var rendered = 0
        private var symbols = Symbols()

        init() {
            var batch = AgentFactBatch()
            batch.newTexts = [Array("odd".utf8), Array("even".utf8)]
            symbols.take(batch)
            delivery = LiveDelivery(counters: counters)
        }

        /// `odd` are those of the agent `odd`; the others are of `even`.
        func message(_ id: UInt64) -> LiveMessage {
            var event = FleetEvent(.agentInvoked)
            event.id = id
            event.agent = id % 2 == 1 ? 1 : 2
            return LiveMessage(event, symbols)
        }

        func come(_ ids: ClosedRange<UInt64>, told: Bool = true) {
            for id in ids {
                ring.append(message(id))
                if told { tell(ring[ring.count - 1]) }
            }
            ring = ring.suffix(8_192)
        }

        func tell(_ message: LiveMessage) {
            let text = LiveText(message.json, id: message.id)
            let isNews = replays.take(message, text)
            groups.forEach(wanting: message) { group in
                if isNews { group.told += 1 }
                delivery.tell(.message(text), group)
            }
            replays.trim()
        }

        func resume(_ client: Client, after id: UInt64, _ filter: LiveFilter = LiveFilter()) {
            replays.begin(client, in: groups.group(filter), after: id)
        }

        func turn() {
            delivery.advance(until: .max)
            replays.advance(until: .max)
        }

        func turns() {
            for _ in 0..<2_000 where replays.isDue || delivery.isDue { turn() }
        }
    }

    private let odd = LiveFilter(agents: [ExactText("odd")])

    @Test func `a client that reads gets all that it was promised, once and in order`() {
        let stage = Stage()
        stage.come(1...8_000)
        let client = Client()
        stage.resume(client, after: 10)
        stage.turns()
        #expect(client.promised == 7_990)
        #expect(client.ids == Array(11...8_000))
        #expect(client.lost == 0 && client.told == 0)
    }

    @Test func `what comes meanwhile follows, and afterwards comes with its group`() {
        let stage = Stage()
        stage.come(1...2_000)
        let client = Client()
        stage.resume(client, after: 0)
        stage.turn()
        // The ring is ahead of the mail, in which a budget comes, too.
        stage.come(2_001...3_000, told: false)
        let late = Client()
        stage.resume(late, after: 2_500)
        for message in stage.ring.filter({ $0.id! > 2_000 }) { stage.tell(message) }
        let rule = BudgetRule(name: "day", scope: .all, limit: .usd(1), per: .day)
        let budget = BudgetEvent(
            rule: rule, subject: "", from: .ok, to: .exceeded, spent: 2, time: 0)
        stage.tell(LiveMessage(budget, after: 3_000))
        stage.turns()
        #expect(!stage.replays.contains(client))
        stage.come(3_001...3_010)
        stage.turns()
        let numbered = client.got.filter { !$0.contains("budget.") }.count - 1
        #expect(numbered == 3_010)
        #expect(Set(client.ids).count == 3_010 && client.ids == client.ids.sorted())
        #expect(client.got.count { $0.contains("budget.exceeded") } == 1)
        #expect(late.promised == 501)
        #expect(late.ids.filter { $0 <= 3_000 }.count == 501)
        #expect(stage.replays.history == nil)
    }

    @Test func `a slow one gets its pieces as its socket drains`() {
        let stage = Stage()
        stage.come(1...1_000)
        let client = Client()
        client.reads = false
        stage.resume(client, after: 0)
        stage.turns()
        #expect(!stage.replays.isDue && client.got.isEmpty)
        for _ in 0..<1_000 where stage.replays.contains(client) {
            client.read()
            stage.turns()
        }
        client.read()
        #expect(client.ids == Array(1...1_000))
        #expect(client.lost == 0 && client.told == 0)
    }

    @Test(arguments: [false, true])
    func `one that is slower than the ring turns over is told how many it lost`(isNarrow: Bool) {
        let stage = Stage()
        stage.come(1...5_000)
        let client = Client()
        client.reads = false
        stage.resume(client, after: 0, isNarrow ? odd : LiveFilter())
        stage.turns()
        stage.come(5_001...20_000)
        #expect(client.lost > 0)
        #expect(client.got.isEmpty)
        client.read()
        stage.turns()
        client.reads = true
        client.read()
        // At once: nothing else has come for it.
        stage.turns()
        client.read()
        let all = isNarrow ? 10_000 : 20_000
        #expect(client.told > 0)
        #expect(client.ids.count + client.told == all)
        #expect(client.ids == client.ids.sorted() && Set(client.ids).count == client.ids.count)
        #expect(client.ids.last == (isNarrow ? 19_999 : 20_000))
        #expect(stage.counters.lost.load(ordering: .relaxed) == UInt64(client.told))
    }

    @Test func `one that knows more than the mail has brought is told nothing twice`() {
        let stage = Stage()
        stage.come(1...1_000)
        let slow = Client()
        slow.reads = false
        stage.resume(slow, after: 0)
        stage.turns()
        stage.come(1_001...1_100, told: false)
        let client = Client()
        client.room = 100_000
        stage.resume(client, after: 1_050)
        stage.turns()
        for message in stage.ring.filter({ $0.id! > 1_000 }) { stage.tell(message) }
        stage.turns()
        #expect(client.ids == Array(1_051...1_100))
    }

    @Test func `all who catch up share one rendering`() {
        let stage = Stage()
        stage.come(1...4_000)
        let clients = (0..<20).map { _ in Client() }
        for (number, client) in clients.enumerated() {
            client.reads = false
            stage.resume(client, after: UInt64(100 + number))
        }
        stage.turns()
        #expect(stage.rendered == 3_900)
        // One that goes back further has the older ones rendered.
        let early = Client()
        stage.resume(early, after: 50)
        stage.turns()
        #expect(stage.rendered == 3_950)
        for client in clients { client.reads = true }
        for client in clients { client.read() }
        stage.turns()
        #expect(early.ids == Array(51...4_000))
        for (number, client) in clients.enumerated() {
            #expect(client.ids == Array(UInt64(101 + number)...4_000))
        }
    }

    @Test func `of what is held, and of what nobody has any more, nothing is rendered again`() {
        let stage = Stage()
        stage.come(1...10_000)
        let slow = Client()
        slow.reads = false
        stage.resume(slow, after: 0)
        stage.turns()
        #expect(stage.rendered == 8_192)
        let others = (0..<100).map { _ in Client() }
        for other in others { stage.resume(other, after: 1) }
        stage.turns()
        #expect(stage.rendered == 8_192)
        for other in others {
            #expect(other.got.first?.contains(#""missed":1807"#) == true)
            #expect(other.promised == 8_192 && other.ids.count == 8_192)
        }
    }

    @Test func `who asks anew again and again has one turn, and gets what it asked for last`() {
        let stage = Stage()
        stage.come(1...8_000)
        let client = Client()
        for number in 0..<10_000 { stage.resume(client, after: UInt64(number % 8_000)) }
        for _ in 0..<10_000 { _ = stage.replays.move(client, to: stage.groups.group(odd)) }
        #expect(stage.rendered == 0)
        stage.turn()
        #expect(stage.rendered <= 256)
        stage.turns()
        #expect(stage.rendered == 6_001)
        #expect(client.got.count { $0.contains("resumed") } == 1)
        #expect(client.promised == 3_000 && client.ids.count == 3_000)
        #expect(stage.groups.all.allSatisfy { $0.replaying == 0 })
    }

    @Test func `who is not promised anything yet when the oldest go is told that they are missing`()
    {
        let stage = Stage()
        stage.come(1...100)
        let client = Client()
        client.room = 0
        stage.resume(client, after: 0)
        // Counted, and there is no room to tell it.
        stage.turn()
        stage.come(101...13_000)
        client.room = 4_000
        stage.turns()
        let missed = 13_000 - (client.promised ?? 0)
        #expect(missed > 0 && client.got.first?.contains(#""missed":\#(missed)"#) == true)
        #expect(client.ids == Array(UInt64(missed) + 1...13_000))
        #expect(client.told == 0)
    }

    /// A message without a number.
    private func budget(after id: UInt64) -> LiveMessage {
        let rule = BudgetRule(name: "day", scope: .all, limit: .usd(1), per: .day)
        return LiveMessage(
            BudgetEvent(rule: rule, subject: "", from: .ok, to: .exceeded, spent: 2, time: 0),
            after: id)
    }

    /// After the latest event, and after one that there is not.
    @Test(arguments: [4, 900] as [UInt64])
    func `what has no number and comes before its first turn is not lost`(_ id: UInt64) {
        let stage = Stage()
        stage.come(1...4)
        let client = Client()
        stage.resume(client, after: id)
        stage.tell(budget(after: 4))
        stage.turns()
        #expect(client.promised == 1 && client.got.count == 2)
        stage.come(5...5)
        stage.turns()
        // In words it has the number of the event before it.
        #expect(client.ids == [4, 5] && client.got.count == 3)
    }

    @Test func `of what has no number and came before it asked it is told nothing`() {
        let stage = Stage()
        let slow = Client()
        slow.reads = false
        stage.resume(slow, after: 0)
        stage.come(1...4)
        stage.tell(budget(after: 4))
        let client = Client()
        stage.resume(client, after: 4)
        stage.tell(budget(after: 4))
        stage.turns()
        #expect(client.promised == 1 && client.got.count == 2)
    }

    @Test func `the place behind an event is found among others that have none`() {
        let stage = Stage()
        var history = LiveHistory(after: 4)
        for id in [5, 6, 7] as [UInt64] {
            _ = history.append(stage.message(id))
            for _ in 0..<2 { _ = history.append(budget(after: id)) }
        }
        let missed = history.append(missed: 3, through: 10)
        history.prepend([3, 4].map { stage.message($0) })
        #expect(missed == 3 && history.oldest == 3)
        #expect((2...11).map { history.cursor(after: $0) } == [-2, -1, 0, 3, 6, 9, 9, 9, 10, 10])
    }

    @Test func `what is kept is bounded in bytes, too`() {
        let stage = Stage()
        var history = LiveHistory(after: 0)
        for id in 1...UInt64(100) {
            let text = LiveText(ByteBlock([UInt8](repeating: 0x20, count: 100_000)), id: id)
            let isNew = history.append(stage.message(id), text)
            let start = history.nextStart
            #expect(isNew && start == (id == 84 ? 22 : nil))
            if let start { history.trim(before: start) }
        }
        // At the 84th 8 MiB were passed, and all but 62 went.
        #expect(history.end == 100 && history.start == 22)
        #expect(history.missing(after: 0) == 22 && !history.covers(after: 21))
        #expect(history.cursor(after: 22) == 22)
    }

    @Test func `what is no longer kept is told as missed, and what never came is none`() {
        let stage = Stage()
        stage.come(1...10_000)
        let client = Client()
        stage.resume(client, after: 8)
        stage.turns()
        #expect(client.got.first?.contains(#""missed":1800"#) == true)
        #expect(client.ids == Array(1_809...10_000))
        let ahead = Client()
        stage.resume(ahead, after: .max - 1)
        stage.turns()
        #expect(ahead.got.first?.contains(#""replayed":0,"missed":0"#) == true)
        #expect(!stage.replays.contains(ahead))
    }

    @Test func `who changes the filter meanwhile gets the rest by the new one`() {
        let stage = Stage()
        stage.come(1...1_000)
        let client = Client()
        stage.resume(client, after: 0)
        while client.ids.isEmpty { stage.turn() }
        let had = client.ids.count
        #expect(had > 0 && had < 1_000)
        #expect(stage.replays.move(client, to: stage.groups.group(odd)))
        stage.turns()
        let rest = client.ids.dropFirst(had)
        #expect(rest.allSatisfy { $0 % 2 == 1 })
        #expect(client.ids.last == 999 && rest.count == (1_000 - had + 1) / 2)
        #expect(client.lost == 0)
    }

    @Test func `a message for which there is never room is lost, and no more than that`() {
        let stage = Stage()
        stage.come(1...3)
        let client = Client()
        stage.resume(client, after: 0)
        client.room = 100
        stage.turns()
        #expect(client.promised == 3 && client.ids.isEmpty)
        #expect(client.told == 3)
        #expect(!stage.replays.contains(client))
    }

    @Test func `of who leaves nothing is kept`() {
        weak var held: Client?
        let stage = Stage()
        stage.come(1...100)
        do {
            let client = Client()
            client.reads = false
            held = client
            stage.resume(client, after: 0)
            stage.turns()
            client.isOver = true
            stage.replays.end(client)
            client.read()
        }
        stage.turns()
        #expect(held == nil)
        #expect(!stage.replays.isDue && stage.replays.history == nil)
        #expect(!stage.groups.all.contains { !$0.isEmpty })
    }
}
