import Testing

@testable import RoostAnalytics

/// What could be saved is never more than the trace would be over sooner.
@Suite struct TraceSavingTests {
    private func analysis(_ spans: [TestSpan]) -> TraceAnalysis {
        TraceAnalysis(of: TestTrace.document(spans))
    }

    @Test func `the same calls at the same time save no time`() {
        let calls = (2...4).map { TestSpan.tool($0, under: 1, 1_000, 6_000, "get", "x") }
        let analysis = analysis([.agent(1, 0, 7_000, "a")] + calls)
        #expect(analysis.loops.map(\.kind) == [.sameCall])
        #expect(analysis.loops.map(\.saving) == [0])
        #expect(analysis.repeated.map(\.repeats) == [2])
        #expect(analysis.repeated.map(\.saving) == [0])
        let told = analysis.recommendations.filter { [.cache, .loop].contains($0.category) }
        #expect(told.map(\.saving) == [0, 0])
    }

    @Test func `of a repeat counts what comes after the first answer`() {
        // By hand: the first answer is there after 6 s, the last repeat is waited for up to 9 s.
        let analysis = analysis([
            .agent(1, 0, 10_000, "a"), .tool(2, under: 1, 1_000, 6_000, "get", "x"),
            .tool(3, under: 1, 2_000, 5_000, "get", "x"),
            .tool(4, under: 1, 4_000, 9_000, "get", "x"),
        ])
        #expect(analysis.loops.map(\.saving) == [3_000_000_000])
        #expect(analysis.repeated.map(\.saving) == [3_000_000_000])
    }
}
