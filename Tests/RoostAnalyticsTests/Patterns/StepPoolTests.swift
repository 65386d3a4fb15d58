import RoostIngest
import Testing

@testable import RoostAnalytics

@Suite struct StepPoolTests {
    private var feed = FactFeed()
    private var pool = StepPool(PatternSettings())
    private var steps: [RunStep] = []

    private mutating func finish(_ trace: UInt64) {
        pool.finish(
            feed.step(.workflow, "w", trace: trace, span: trace), now: feed.now)
    }

    @Test mutating func `a backlog that is never empty keeps only what waits`() {
        finish(feed.newTrace())
        var most = 0
        for expected in UInt64(1)...20_000 {
            finish(feed.newTrace())
            #expect(pool.next(into: &steps)?.rootSpan == expected)
            most = max(most, pool.waiting.count)
        }
        #expect(most < 5_000)
        #expect(pool.next(into: &steps)?.rootSpan == 20_001)
        #expect(pool.next(into: &steps) == nil)
        #expect(pool.openCount == 0)
    }
}
