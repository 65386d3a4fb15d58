import RoostCore
import RoostIngest
import Synchronization
import Testing

@testable import RoostAnalytics
@testable import RoostCollector

@Suite struct LiveMailboxTests {
    private func messages(_ ids: ClosedRange<UInt64>) -> [LiveMessage] {
        ids.map { id in
            var event = FleetEvent(.agentInvoked)
            event.id = id
            return LiveMessage(event, Symbols())
        }
    }

    /// The numbers of messages; what is missed is its last number, negative.
    private func numbers(_ entries: [LiveMailbox.Entry]) -> [Int] {
        entries.map { entry in
            switch entry {
            case .message(let message): Int(message.id ?? 0)
            case .missed(_, let through): -Int(through)
            }
        }
    }

    @Test func `whoever fills an empty one wakes its owner, once`() {
        let wakes = Atomic<Int>(0)
        let mailbox = LiveMailbox { wakes.add(1, ordering: .relaxed) }
        mailbox.put(missed: 0, [])
        #expect(wakes.load(ordering: .relaxed) == 0)
        mailbox.put(missed: 0, messages(1...2))
        mailbox.put(missed: 3, messages(6...6))
        #expect(wakes.load(ordering: .relaxed) == 1)
        let (entries, isCut) = mailbox.takeAll()
        #expect(numbers(entries) == [1, 2, -5, 6])
        #expect(!isCut)
        #expect(mailbox.takeAll().entries.isEmpty)
        mailbox.put(missed: 0, messages(7...7))
        #expect(wakes.load(ordering: .relaxed) == 2)
    }

    @Test func `a full one says that there is more, once`() {
        let mailbox = LiveMailbox {}
        while mailbox.hasRoom { mailbox.put(missed: 0, messages(1...1_000)) }
        #expect(mailbox.takeAll().isCut)
        #expect(mailbox.hasRoom)
        #expect(!mailbox.takeAll().isCut)
        mailbox.put(missed: 0, messages(1...1), isCut: true)
        #expect(mailbox.takeAll().isCut)
    }

    private func service() -> AnalyticsService {
        AnalyticsService(
            isOn: true, began: 5_000, rules: AnalyticsRules(), folder: nil, log: Log(level: .error))
    }

    private func tell(_ service: AnalyticsService, _ agents: Int) {
        var batch = AgentFactBatch()
        batch.newTexts = [Array("writer".utf8)]
        for _ in 0..<agents {
            var fact = AgentFact(.began)
            fact.activity = .agent
            fact.agent = 1
            batch.facts.append(fact)
        }
        service.take(batch, now: 1_000_000_000)
    }

    @Test func `what found no room comes when asked`() {
        let service = service()
        let mailbox = LiveMailbox {}
        _ = service.read { $0.latestEvent }
        service.tell(mailbox)
        while mailbox.hasRoom { mailbox.put(missed: 0, messages(1...1_000)) }
        let full = mailbox.takeAll().entries.count
        while mailbox.hasRoom { mailbox.put(missed: 0, messages(1...1_000)) }
        tell(service, 3)
        let (entries, isCut) = mailbox.takeAll()
        #expect((entries.count, isCut) == (full, true))
        // A part of it, and that there is more; then the rest.
        service.tellListeners(most: 1)
        let (some, hasMore) = mailbox.takeAll()
        #expect((some.count, hasMore) == (1, true))
        service.tellListeners()
        let (rest, isMore) = mailbox.takeAll()
        #expect(!rest.isEmpty && !isMore)
        #expect(numbers(some + rest) == numbers(some + rest).sorted())
    }

    @Test func `numbers go on when all is turned off and on`() {
        let service = service()
        let mailbox = LiveMailbox {}
        _ = service.read { $0.latestEvent }
        service.tell(mailbox)
        tell(service, 3)
        let first = numbers(mailbox.takeAll().entries)
        #expect(!first.isEmpty)
        let latest = service.read { $0.latestEvent }
        service.turn(on: false)
        service.turn(on: true)
        service.tell(mailbox)
        #expect(service.read { $0.latestEvent } == latest)
        tell(service, 3)
        let second = numbers(mailbox.takeAll().entries)
        #expect(second.count == first.count)
        #expect(second.allSatisfy { $0 > first.max() ?? .max })
    }
}
