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
        // By hand: the first answer is there after 5 s, the last repeat is waited for up to 9 s.
        let analysis = analysis([
            .agent(1, 0, 10_000, "a"), .tool(2, under: 1, 1_000, 6_000, "get", "x"),
            .tool(3, under: 1, 2_000, 5_000, "get", "x"),
            .tool(4, under: 1, 4_000, 9_000, "get", "x"),
        ])
        #expect(analysis.loops.map(\.saving) == [4_000_000_000])
        #expect(analysis.repeated.map(\.saving) == [4_000_000_000])
    }

    // MARK: calls that failed

    /// Four seconds a call, one after another.
    private func calls(_ errors: [String]) -> TraceAnalysis {
        let tools = errors.enumerated().map { at, error in
            TestSpan.tool(
                UInt64(2 + at), under: 1, UInt64(at) * 5_000, UInt64(at) * 5_000 + 4_000, "get",
                "x",
                error: error)
        }
        return analysis([.agent(1, 0, 30_000, "a")] + tools)
    }

    @Test func `where no call gave an answer none can be kept`() {
        let analysis = calls(["Timeout", "Timeout", "Timeout"])
        #expect(analysis.repeated.map(\.count) == [3])
        #expect(analysis.repeated.map(\.repeats) == [0])
        #expect(analysis.repeated.map(\.saving) == [0])
        #expect(!analysis.recommendations.contains { $0.category == .cache })
        // What never worked need not have been tried again.
        #expect(analysis.loops.map(\.saving) == [8_000_000_000])
        #expect(analysis.loops.map(\.errors) == [3])
    }

    @Test func `attempts before the first answer are no repeats of it`() {
        let analysis = calls(["Timeout", "Timeout", ""])
        #expect(analysis.repeated.map(\.repeats) == [0])
        #expect(analysis.repeated.map(\.saving) == [0])
        #expect(!analysis.recommendations.contains { $0.category == .cache })
        #expect(analysis.loops.map(\.saving) == [0])
    }

    @Test func `what was asked once more after the first answer is`() {
        let analysis = calls(["Timeout", "", "Timeout", ""])
        #expect(analysis.repeated.map(\.repeats) == [2])
        #expect(analysis.repeated.map(\.saving) == [8_000_000_000])
        #expect(analysis.loops.map(\.saving) == [8_000_000_000])
        #expect(
            analysis.recommendations.first { $0.category == .cache }?.text
                == "2 of 4 calls asked for what another of them answered.")
    }

    @Test func `the first answer may come from a call that began later`() {
        // The second call has the answer after 8 s; the first is waited for up to 10 s, the third
        // from then to 99 s.
        let analysis = analysis([
            .agent(1, 0, 100_000, "a"), .tool(2, under: 1, 5_000, 95_000, "get", "x"),
            .tool(3, under: 1, 6_000, 8_000, "get", "x"),
            .tool(4, under: 1, 10_000, 99_000, "get", "x"),
        ])
        #expect(analysis.repeated.map(\.saving).allSatisfy { $0 >= 89_000_000_000 })
        #expect(analysis.repeated.map(\.repeats) == [2])
    }

    @Test(arguments: [["Timeout", "Timeout", ""], ["", "", ""]])
    func `calls with the same arguments are not told to run together`(_ errors: [String]) {
        let analysis = calls(errors)
        #expect(analysis.phases.map(\.saving) == [0])
        #expect(!analysis.recommendations.contains { $0.category == .parallelize })
    }

    @Test func `a call and its retries are one step of those that could run together`() {
        let analysis = analysis([
            .agent(1, 0, 10_000, "a"), .tool(2, under: 1, 0, 2_000, "get", "x", error: "Timeout"),
            .tool(3, under: 1, 2_000, 5_000, "get", "x"),
            .tool(4, under: 1, 5_000, 9_000, "get", "y"),
        ])
        // Nine seconds, of which the two attempts take five.
        #expect(analysis.phases.map(\.saving) == [4_000_000_000])
    }
}
