import Testing

@testable import RoostCollector

@Suite struct InsightClockTests {
    private let second: UInt64 = 1_000_000_000

    @Test func `insights follow what is told, for a hundredth of a processor`() {
        var clock = InsightClock()
        clock.hasNews = true
        let begins = clock.begin(second)
        #expect(begins)
        // It took 20 ms, and is to rest for two seconds.
        clock.end(began: second, now: second + second / 50)
        clock.hasNews = true
        let early = clock.begin(2 * second)
        let later = clock.begin(4 * second)
        #expect(!early && later)
        clock.end(began: 4 * second, now: 4 * second)
        // Nothing was told.
        let idle = clock.begin(18 * second)
        let old = clock.begin(19 * second)
        #expect(!idle && old)
        clock.end(began: 19 * second, now: 29 * second)
        clock.hasNews = true
        let afterLong = clock.begin(44 * second)
        #expect(afterLong)
    }
}
