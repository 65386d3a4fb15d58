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

    @Test func `whoever fills an empty one wakes its owner, once`() {
        let wakes = Atomic<Int>(0)
        let mailbox = LiveMailbox { wakes.add(1, ordering: .relaxed) }
        mailbox.put(missed: 0, [])
        #expect(wakes.load(ordering: .relaxed) == 0)
        mailbox.put(missed: 0, messages(1...2))
        mailbox.put(missed: 3, messages(6...6))
        #expect(wakes.load(ordering: .relaxed) == 1)

        let mail = mailbox.take(most: 10)
        #expect(mail.messages.map(\.id) == [1, 2, 6])
        #expect(mail.missed == 3)
        #expect(!mail.isCut)
        #expect(mailbox.take(most: 10).messages.isEmpty)
        mailbox.put(missed: 1, [])
        #expect(wakes.load(ordering: .relaxed) == 2)
    }

    @Test func `what is too much for one time is left`() {
        let mailbox = LiveMailbox {}
        mailbox.put(missed: 2, messages(3...7))
        let first = mailbox.take(most: 2)
        #expect(first.messages.map(\.id) == [3, 4])
        #expect(first.missed == 2)
        #expect(first.isCut)
        let second = mailbox.take(most: 3)
        #expect(second.messages.map(\.id) == [5, 6, 7])
        #expect(second.missed == 0)
        #expect(!second.isCut)
    }

    @Test func `a full one says that there is more`() {
        let mailbox = LiveMailbox {}
        mailbox.put(missed: 0, messages(1...UInt64(LiveMailbox.most)))
        #expect(!mailbox.take(most: .max).isCut)
        mailbox.put(missed: 0, messages(1...UInt64(LiveMailbox.most)))
        #expect(mailbox.room() == 0)
        #expect(mailbox.take(most: .max).isCut)
        #expect(mailbox.room() == LiveMailbox.most)
    }
}
