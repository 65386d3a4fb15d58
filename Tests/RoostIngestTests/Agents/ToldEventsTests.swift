import Testing

@testable import RoostIngest

/// Which events are known again when spans tell them.
@Suite struct ToldEventsTests {
    private static let second: UInt64 = 1_000_000_000

    /// Of service 1 where nothing else is said.
    private final class Told {
        private var told = ToldEvents()

        func note(_ fact: AgentSignals.Fact, session: UInt64 = 1, name: Int32 = 7, end: UInt64) {
            let source = AgentSignals.Source(service: 1, session: session)
            told.note(fact, source, name: name, end: end)
        }

        func take(
            _ fact: AgentSignals.Fact, service: Int32 = 1, session: UInt64 = 1, name: Int32 = 7,
            end: UInt64
        ) -> Bool {
            let source = AgentSignals.Source(service: service, session: session)
            return told.take(fact, source, name: name, end: end)
        }
    }

    @Test(arguments: [0, 1, 2]) func `each of many is found once, in whatever order`(_ way: Int) {
        let told = Told()
        // 100 in a second, all with one name.
        let ends = (0..<2_000).map { 1_000 * Self.second + UInt64($0) * Self.second / 100 }
        for end in ends { told.note(.calls, end: end) }
        let asked =
            switch way {
            case 0: ends
            case 1: Array(ends.reversed())
            default: ends.indices.map { ends[$0 * 1_201 % ends.count] }
            }
        var found = 0
        for end in asked where told.take(.calls, end: end + 1_000_000) {
            found += 1
        }
        #expect(found == 2_000)
        #expect(!told.take(.calls, end: ends[500]))
    }

    @Test func `as many as at one moment are found`() {
        let told = Told()
        for _ in 0..<3_000 { told.note(.tools, end: 5 * Self.second) }
        for _ in 0..<3_000 {
            #expect(told.take(.tools, end: 5 * Self.second))
        }
        #expect(!told.take(.tools, end: 5 * Self.second))
    }

    @Test func `name, kind, service and session have to fit, where a session is told`() {
        let told = Told()
        told.note(.calls, end: 100 * Self.second)
        let end = 101 * Self.second
        #expect(!told.take(.calls, name: 8, end: end))
        #expect(!told.take(.tools, end: end))
        #expect(!told.take(.calls, session: 2, end: end))
        #expect(!told.take(.calls, service: 2, end: end))
        #expect(told.take(.calls, session: 0, end: end))
        told.note(.calls, session: 0, end: 100 * Self.second)
        #expect(told.take(.calls, session: 2, end: end))
    }

    @Test func `three seconds are near, on both sides and across slices`() {
        for end: UInt64 in [100, 103, 104, 105, 111, 112, 0, 2] {
            for (distance, isNear) in [(3, true), (4, false)] as [(UInt64, Bool)] {
                var told = Told()
                told.note(.runs, end: end * Self.second)
                #expect(
                    told.take(.runs, end: (end + distance) * Self.second)
                        == isNear)
                told = Told()
                told.note(.runs, end: (end + distance) * Self.second)
                #expect(told.take(.runs, end: end * Self.second) == isNear)
            }
        }
        let told = Told()
        told.note(.runs, end: .max)
        #expect(told.take(.runs, end: .max - 1))
    }

    @Test func `the nearest is meant`() {
        let told = Told()
        for end: UInt64 in [100, 102, 104] {
            told.note(.calls, end: end * Self.second)
        }
        for end: UInt64 in [104, 102, 100] {
            #expect(told.take(.calls, end: end * Self.second + 400_000_000))
        }
    }

    @Test func `the last ones are kept, whatever was found among them`() {
        let told = Told()
        let most = UInt64(ToldEvents.most)
        func end(_ number: UInt64) -> UInt64 { number * Self.second / 4 }
        for number in 0..<3 * most {
            told.note(.calls, name: Int32(number % 5), end: end(number))
            if number % 3 == 0 {
                #expect(
                    told.take(.calls, name: Int32(number % 5), end: end(number)))
            }
        }
        var found: UInt64 = 0
        for number in 0..<3 * most
        where told.take(.calls, name: Int32(number % 5), end: end(number)) {
            found += 1
        }
        // A third of them was found before.
        #expect(found >= most * 2 / 3 - 1 && found <= most * 2 / 3 + 1)
    }
}
