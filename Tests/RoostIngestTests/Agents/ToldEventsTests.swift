import Testing

@testable import RoostIngest

/// Which events are known again when spans tell them.
@Suite struct ToldEventsTests {
    private static let second: UInt64 = 1_000_000_000

    /// Of service 1 where nothing else is said.
    private final class Told {
        private var told = ToldEvents()

        func note(
            _ fact: AgentSignals.Fact, session: UInt64 = 1, name: Int32 = 7, end: UInt64,
            _ account: ToldAccount = ToldAccount()
        ) {
            let source = AgentSignals.Source(service: 1, session: session)
            told.note(fact, source, name: name, end: end, account)
        }

        func take(
            _ fact: AgentSignals.Fact, service: Int32 = 1, session: UInt64 = 1, name: Int32 = 7,
            end: UInt64, _ account: ToldAccount = ToldAccount()
        ) -> Bool {
            let source = AgentSignals.Source(service: service, session: session)
            return told.take(fact, source, name: name, end: end, account)
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

    @Test func `the same answer is meant before the nearest, and never another one`() {
        let told = Told()
        for call: UInt64 in [1, 2, 3] {
            told.note(.calls, end: (100 + call) * Self.second, ToldAccount(call: call))
        }
        let end = 103 * Self.second
        #expect(!told.take(.calls, end: end, ToldAccount(call: 4)))
        for call: UInt64 in [2, 1, 3] {
            #expect(told.take(.calls, end: end, ToldAccount(call: call)))
        }
        #expect(!told.take(.calls, end: end))
    }

    @Test func `tokens may be divided up in other ways, but not be others`() {
        func tokens(_ input: UInt64, _ cached: UInt64, _ output: UInt64, _ reasoning: UInt64)
            -> ToldAccount
        {
            var tokens = ActivityTokens()
            (tokens.input, tokens.cacheRead) = (input, cached)
            (tokens.output, tokens.reasoning) = (output, reasoning)
            return ToldAccount(tokens: tokens)
        }
        let one = tokens(700, 300, 100, 60)
        for same in [
            one, tokens(1_000, 0, 160, 0), tokens(700, 0, 100, 0), ToldAccount(),
            ToldAccount(call: 7, outcome: .failed),
        ] {
            #expect(!one.contradicts(same) && !same.contradicts(one))
        }
        for other in [tokens(999, 0, 160, 0), tokens(1_000, 0, 161, 0), tokens(7, 300, 100, 60)] {
            #expect(one.contradicts(other) && other.contradicts(one))
        }
        #expect(ToldAccount(outcome: .failed).contradicts(ToldAccount(outcome: .done)))
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
