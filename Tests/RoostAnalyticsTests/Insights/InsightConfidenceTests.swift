import RoostIngest
import Testing

@testable import RoostAnalytics

@Suite struct InsightConfidenceTests {
    private var feed = FactFeed()
    private var findings = Findings()

    private mutating func calls(
        _ count: Int, failed: Int = 0, seconds: (Int) -> Double = { _ in 1 }
    ) {
        for call in 0..<count {
            let fact = feed.step(
                .tool, "search", trace: feed.newTrace(), seconds: seconds(call),
                failed: call < failed)
            findings.take(fact, feed.symbols, now: feed.now)
        }
    }

    /// The insight of a rule of that scope and condition alone.
    private func insight(
        _ when: String, scope: String = "tool", _ inputs: InsightInputs = InsightInputs()
    ) throws -> Insight? {
        var text = InsightRuleText()
        (text.id, text.scope, text.when) = ("own", scope, when)
        (text.category, text.priority, text.impact, text.effort) = (
            "quality", "low", "low", "low"
        )
        (text.title, text.text, text.action) = ("t", "t", "a")
        var book = InsightBook(rules: [try InsightRule(text)])
        book.update(
            now: feed.now, figures: findings.figures(feed.symbols, now: feed.now, inputs))
        return book.insights.first
    }

    @Test mutating func `a share is as sure as so many of so many make it`() throws {
        calls(40, failed: 20)
        let half = try #require(try insight("tool.error_share >= 50% and tool.calls > 10"))
        #expect(abs((half.confidence ?? 0) - 0.5) < 0.01)
        let sure = try #require(try insight("tool.error_share > 20%"))
        #expect((sure.confidence ?? 0) > 0.999)
        let under = try #require(try insight("not tool.error_share > 60%"))
        let turned = try #require(try insight("60% >= tool.error_share"))
        #expect((under.confidence ?? 0) > 0.85 && (under.confidence ?? 1) < 0.95)
        #expect(under.confidence == turned.confidence)
    }

    @Test mutating func `means and percentiles are judged by their spread`() throws {
        calls(20) { Double($0 % 5) + 1 }
        let near = try #require(try insight("tool.avg_seconds > 2.9"))
        #expect((near.confidence ?? 0) > 0.5 && (near.confidence ?? 1) < 0.75)
        let far = try #require(try insight("tool.avg_seconds > 1.5"))
        #expect((far.confidence ?? 0) > 0.99)
        let tail = try #require(try insight("tool.p95_seconds > 4.5"))
        #expect((tail.confidence ?? 0) > 0.95)
        let both = try #require(try insight("tool.avg_seconds > 2.9 and tool.p95_seconds > 4.5"))
        let sum = (near.confidence ?? 0) + (tail.confidence ?? 0) - 1
        #expect(abs((both.confidence ?? 0) - sum) < 1e-9)
        let either = try #require(try insight("tool.avg_seconds > 2.9 or tool.p95_seconds > 4.5"))
        #expect(either.confidence == tail.confidence)
    }

    @Test mutating func `a duration far below the limit is not told`() throws {
        calls(20) { _ in 0.001 }
        #expect(try insight("tool.p95_seconds > 0.02") == nil)
    }

    @Test(arguments: [
        "tool.calls >= 20", "tool.total_seconds > 5", "tool.error_share * 2 > 20%",
    ])
    mutating func `what is counted, or cannot be judged, has no confidence`(_ when: String) throws {
        calls(20, failed: 10)
        #expect(try #require(try insight(when)).confidence == nil)
    }

    @Test mutating func `the latest calls show what a rule tells, failed ones a failure`() throws {
        calls(20, failed: 3)
        let slow = try #require(try insight("tool.avg_seconds > 0.5")).evidence
        #expect(slow.count == 20)
        #expect(slow.examples.map(\.traceIDLow) == [20, 19, 18, 17, 16])
        let failing = try #require(try insight("tool.error_share > 10%")).evidence
        #expect(failing.count == 3)
        #expect(failing.examples.map(\.traceIDLow) == [3, 2, 1])
    }

    @Test mutating func `runs that failed show what a rule tells of the fleet's failures`() throws {
        var windows = Windows()
        for run in 0..<30 {
            let fact = feed.step(
                .workflow, run % 2 == 0 ? "a" : "b", trace: feed.newTrace(), failed: run < 12)
            findings.take(fact, feed.symbols, now: feed.now)
            windows.take(fact, feed.symbols, now: feed.now)
            feed.now += FactFeed.second
            windows.tick(now: feed.now)
        }
        var inputs = InsightInputs()
        inputs.windows = windows.query(window: 3_600, feed.symbols, now: feed.now)
        inputs.droppedFacts = 3
        let failing = try #require(
            try insight("fleet.workflow_error_share > 25%", scope: "fleet", inputs))
        #expect(failing.evidence.count == 12)
        #expect(failing.evidence.examples.map(\.traceIDLow) == [12, 11, 10, 9, 8])
        #expect((failing.confidence ?? 0) > 0.9)
        let dropped = try #require(try insight("fleet.dropped_facts > 0", scope: "fleet", inputs))
        #expect(dropped.evidence.count == 0)
        #expect(dropped.confidence == nil)
    }

    @Test func `few recoveries are told without naming ways out that nobody took`() throws {
        let rule = try #require(InsightRule.builtIn.first { $0.id == "low_recovery" })
        let text = rule.text.filled("fleet") { $0 == "fleet.recovery_share" ? 0.11 : 16 }
        #expect(
            text
                == "Of the failures whose outcome is known, 11 % were recovered from since the "
                + "start, those included in spite of which the run ended well; 16 were not.")
    }
}
