import RoostCore
import Synchronization
import Testing

@testable import RoostCollector
@testable import RoostWeb

@Suite struct LiveDeliveryTests {
    /// Remembers what it got, piece by piece.
    private final class Client: LiveClient {
        var lost = 0
        var latest: UInt64 = 0
        var pieces: [[String]] = []
        private var queued: [String] = []
        var takes = true
        var onFlush: () -> Void = {}

        func send(_ text: LiveText) -> Bool {
            guard takes else { return false }
            unsafe text.json.withBytes { unsafe queued.append(String(decoding: $0, as: UTF8.self)) }
            return true
        }

        func flush() {
            pieces.append(queued)
            queued = []
            onFlush()
        }

        var isOver: Bool { false }
        var hasUnsent: Bool { !queued.isEmpty }
        func whenSent(_ call: @escaping () -> Void) {}
        func beat() {}
        func end(_ reason: String) {}
    }

    /// A clock that advances by one with each look at it.
    private final class Clock {
        var now: UInt64 = 0

        func read() -> UInt64 {
            now += 1
            return now
        }
    }

    /// Serves so many clients in each turn.
    private struct Turns {
        let delivery: LiveDelivery
        let clock = Clock()
        let clients: UInt64

        init(_ clients: UInt64, _ counters: LiveCounters) {
            self.clients = clients
            delivery = LiveDelivery(counters: counters, clock: clock.read)
        }

        var isDue: Bool { delivery.isDue }
        func tell(_ news: LiveNews, _ group: LiveGroup) { delivery.tell(news, group) }
        func advance() { delivery.advance(until: clock.now + clients) }
    }

    private let counters = LiveCounters()

    private func delivery(clientsInTurn: UInt64) -> Turns { Turns(clientsInTurn, counters) }

    private func group(_ clients: [Client]) -> LiveGroup {
        let group = LiveGroup(LiveFilter())
        for client in clients { group.clients[ObjectIdentifier(client)] = client }
        return group
    }

    private func text(_ id: UInt64) -> LiveNews {
        .message(LiveText(ByteBlock(Array("\(id)".utf8)), id: id))
    }

    @Test func `a turn ends in time, and the next goes on where it ended`() {
        let clients = (0..<10).map { _ in Client() }
        let delivery = delivery(clientsInTurn: 4)
        delivery.tell(text(1), group(clients))
        for reached in [4, 8, 10] {
            #expect(delivery.isDue)
            delivery.advance()
            #expect(clients.count { !$0.pieces.isEmpty } == reached)
        }
        #expect(!delivery.isDue)
        #expect(clients.allSatisfy { $0.pieces == [["1"]] })
        #expect(counters.delivered.load(ordering: .relaxed) == 10)
    }

    @Test func `what comes meanwhile leaves with what came before it, in one piece`() {
        let (slow, quick) = (Client(), Client())
        let (first, second) = (group([slow]), group([quick]))
        let delivery = delivery(clientsInTurn: 1)
        delivery.tell(text(1), first)
        delivery.tell(text(2), second)
        delivery.advance()
        delivery.tell(text(3), second)
        delivery.tell(text(4), first)
        #expect(delivery.delivery.waiting == 3)
        delivery.advance()
        #expect(quick.pieces == [["2", "3"]])
        delivery.advance()
        #expect(slow.pieces == [["1"], ["4"]])
        #expect(!delivery.isDue)
        #expect(delivery.delivery.waiting == 0)
    }

    @Test func `who comes while others are served gets what comes from then on`() {
        let (old, new) = (Client(), Client())
        let group = group([old])
        let delivery = delivery(clientsInTurn: 1)
        delivery.tell(text(1), group)
        delivery.advance()
        group.clients[ObjectIdentifier(new)] = new
        delivery.tell(text(2), group)
        while delivery.isDue { delivery.advance() }
        #expect(old.pieces == [["1"], ["2"]])
        #expect(new.pieces == [["2"]])
    }

    private let budget = LiveNews.message(LiveText(ByteBlock(Array("budget".utf8))))

    @Test func `who changes its group gets at once what that has for it, and nothing twice`() {
        let (client, other, stranger) = (Client(), Client(), Client())
        let (first, second) = (group([client, other]), group([stranger]))
        let delivery = delivery(clientsInTurn: 10)
        for news in [text(1), budget] {
            for group in [first, second] { delivery.tell(news, group) }
        }
        delivery.delivery.finish(client, of: first)
        #expect(client.pieces == [["1", "budget"]])
        #expect(other.pieces.isEmpty && stranger.pieces.isEmpty)
        first.clients[ObjectIdentifier(client)] = nil
        second.join(client)
        delivery.tell(text(2), second)
        while delivery.isDue { delivery.advance() }
        #expect(client.pieces == [["1", "budget"], ["2"]])
        #expect(other.pieces == [["1", "budget"]])
        #expect(stranger.pieces == [["1", "budget", "2"]])
        #expect(delivery.delivery.waiting == 0)
    }

    @Test func `so does who comes back to it in the middle of its turn`() throws {
        let clients = (0..<4).map { _ in Client() }
        let group = group(clients)
        let delivery = delivery(clientsInTurn: 1)
        for news in [text(1), budget] { delivery.tell(news, group) }
        delivery.advance()
        delivery.tell(text(2), group)
        let client = try #require(clients.first { $0.pieces.isEmpty })
        delivery.delivery.finish(client, of: group)
        #expect(client.pieces == [["1", "budget", "2"]])
        group.join(client)
        while delivery.isDue { delivery.advance() }
        for client in clients {
            #expect(client.pieces.flatMap { $0 } == ["1", "budget", "2"])
        }
    }

    @Test func `who leaves before its turn gets nothing`() {
        let clients = (0..<3).map { _ in Client() }
        let group = group(clients)
        for client in clients {
            client.onFlush = {
                for other in clients where other !== client {
                    group.clients[ObjectIdentifier(other)] = nil
                }
            }
        }
        let delivery = delivery(clientsInTurn: 10)
        delivery.tell(text(1), group)
        delivery.advance()
        #expect(clients.count { !$0.pieces.isEmpty } == 1)
        #expect(counters.lost.load(ordering: .relaxed) == 0)
    }

    @Test func `who knows of an event already is not told it again`() {
        let (first, other) = (Client(), Client())
        let delivery = delivery(clientsInTurn: 10)
        other.latest = 2
        let group = group([first, other])
        for id in 1...3 as ClosedRange<UInt64> { delivery.tell(text(id), group) }
        delivery.tell(.message(LiveText(ByteBlock(Array("budget".utf8)))), group)
        delivery.tell(.missed(4, through: 7), group)
        delivery.tell(.missed(4, through: 7), group)
        delivery.tell(text(7), group)
        delivery.advance()
        #expect(first.pieces == [["1", "2", "3", "budget"]])
        #expect(other.pieces == [["3", "budget"]])
        #expect((first.lost, other.lost) == (4, 4))
        other.latest = 9
        other.lost = 0
        delivery.tell(.missed(4, through: 11), group)
        delivery.advance()
        #expect((first.lost, other.lost) == (8, 2))
    }

    @Test func `nothing is held for a group that nobody has joined`() {
        let delivery = delivery(clientsInTurn: 1)
        delivery.tell(text(1), group([]))
        #expect(!delivery.isDue)
        #expect(delivery.delivery.waiting == 0)
    }

    @Test func `when all have left, nothing is held for them`() {
        weak var held: Client?
        let delivery = delivery(clientsInTurn: 1)
        do {
            let client = Client()
            held = client
            let group = group([client])
            delivery.tell(text(1), group)
            delivery.advance()
            group.clients = [:]
        }
        #expect(!delivery.isDue)
        #expect(held == nil)
    }

    @Test func `what is not kept is told to all, and once the notice fits`() {
        let client = Client()
        let group = group([client])
        let delivery = delivery(clientsInTurn: 10)
        client.takes = false
        delivery.tell(text(1), group)
        delivery.tell(.missed(5, through: 6), group)
        delivery.tell(text(7), group)
        delivery.advance()
        #expect(client.lost == 7)
        client.takes = true
        delivery.tell(text(8), group)
        delivery.advance()
        #expect(client.pieces.last == [#"{"type":"lost","data":{"messages":7}}"#, "8"])
        #expect(client.lost == 0)
        #expect(counters.lost.load(ordering: .relaxed) == 7)
        #expect(counters.delivered.load(ordering: .relaxed) == 1)
    }
}
