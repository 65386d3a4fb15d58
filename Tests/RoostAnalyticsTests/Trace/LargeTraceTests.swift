import RoostIngest
import Testing

@testable import RoostAnalytics

/// Traces of more steps than are looked at.
@Suite struct LargeTraceTests {
    /// A root of 150 s, a short tool every millisecond and, late, an agent that takes long and fails.
    private let spans: [TestSpan] =
        [.agent(1, 0, 150_000, "a")]
        + (2...400).map { .tool($0, under: 1, $0 * 10, $0 * 10 + 9, "t") }
        + [
            TestSpan(500, under: 1, "outer", 110_000, 146_000),
            .agent(501, under: 500, 110_500, 145_500, "slow", error: "Timeout"),
            .tool(502, under: 501, 111_000, 111_001, "t", error: "Timeout"),
        ]

    @Test func `what failed and what took long is kept, with what stands above it`() {
        let document = TestTrace.document(spans, most: 10)
        #expect(document.steps.count == 10)
        #expect(document.omitted == spans.count - 10)
        #expect(document.root == 0)
        #expect(document.steps.suffix(3).map(\.spanID) == [500, 501, 502])
        #expect(document.steps.suffix(3).map(\.parent) == [0, 7, 8])
        let starts = document.steps.map(\.start)
        #expect(starts == starts.sorted())
    }

    @Test func `the analysis tells their failures, agents and duration`() {
        let few = TraceAnalysis(of: TestTrace.document(spans, most: 10))
        let all = TraceAnalysis(of: TestTrace.document(spans))
        #expect(few.failures.count == all.failures.count)
        #expect(
            few.agents.filter(\.isSlow).map(\.agent) == all.agents.filter(\.isSlow).map(\.agent))
        #expect(few.wallClock == all.wallClock)
        #expect(few.agents.contains { $0.agent == "slow" })
    }

    @Test func `what starts first and what ends last is kept however short it is`() {
        let star = (1...300).map {
            TestSpan($0, under: $0 == 1 ? 0 : 1, $0 * 10, $0 * 10 + ($0 % 200 == 0 ? 9 : 8))
        }
        let few = TraceAnalysis(of: TestTrace.document(star, most: 5))
        #expect(few.wallClock == TraceAnalysis(of: TestTrace.document(star)).wallClock)
    }

    @Test func `nobody is told that nothing else ran when not all was looked at`() {
        func text(_ most: Int) -> String? {
            TraceAnalysis(of: TestTrace.document(spans, most: most)).recommendations
                .first { $0.category == .longPole }?.text
        }
        #expect(text(.max)?.contains("nothing else was at work") == true)
        #expect(text(10)?.contains("nothing else was at work") == false)
    }
}
