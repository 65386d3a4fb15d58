import RoostCore
import RoostIngest
import Testing

@testable import RoostAnalytics

/// Clocks of services that call one another in turn.
@Suite struct ClockChainTests {
    @Test func `a call that comes back is on the clock it began on`() {
        // Truly: front 0 to 20 s, back 1 to 19 s, front below it 2 to 18 s; back is ten behind.
        let document = TestTrace.document(of: [
            TestTrace.chunk(
                [TestSpan(1, 100_000, 120_000), TestSpan(3, under: 2, 102_000, 118_000)],
                service: "front"),
            TestTrace.chunk([TestSpan(2, under: 1, 91_000, 109_000)], service: "back"),
        ])
        let analysis = TraceAnalysis(of: document)
        #expect(
            analysis.clockSkews == [
                ClockSkew(service: "back", caller: "front", ahead: -10_000_000_000, calls: 2)
            ])
        #expect(analysis.wallClock == 20_000_000_000)
        #expect(analysis.stepsOutside == 0)
    }

    @Test func `of services whose calls contradict one another none is moved`() {
        // Below front, back would have to be later; above front, earlier.
        let document = TestTrace.document(of: [
            TestTrace.chunk(
                [TestSpan(1, 100_000, 120_000), TestSpan(3, under: 2, 80_000, 81_000)],
                service: "front"),
            TestTrace.chunk([TestSpan(2, under: 1, 91_000, 109_000)], service: "back"),
        ])
        #expect(TraceAnalysis(of: document).clockSkews.isEmpty)
    }

    /// A difference of a year on every third step down adds up to more than any number.
    @Test func `a deep trace of clocks a year apart is shown`() {
        let year: UInt64 = 31_000_000_000
        let services = ["a", "b", "c"]
        var chunks: [ByteBlock] = []
        for id in 1...2_000 as ClosedRange<UInt64> {
            let from = id == 2 ? 0 : year
            chunks.append(
                TestTrace.chunk(
                    [TestSpan(id, under: id - 1, from, from + 1_000)],
                    service: services[Int((id - 1) % 3)]))
        }
        let document = TestTrace.document(of: chunks)
        let analysis = TraceAnalysis(of: document)
        #expect(analysis.clockSkews.map(\.service) == ["b"])
        #expect(analysis.wallClock <= 3 * Int(Activity.longest))
        #expect(document.steps.count == 2_000)
    }

    @Test func `calls alike that ran together for years are shown`() {
        var spans: [TestSpan] = [TestSpan(1, 0, 31_000_000_000)]
        let tool = [
            ("gen_ai.operation.name", "execute_tool"), ("gen_ai.tool.name", "look"),
            ("gen_ai.tool.call.arguments", "{}"),
        ]
        for id in 2...1_200 as ClosedRange<UInt64> {
            spans.append(TestSpan(id, under: 1, "look", 0, 9_000_000_000, tool))
        }
        spans.append(
            TestSpan(
                2_000, under: 1, "wait", 0, 31_000_000_000,
                [("gen_ai.operation.name", "execute_tool"), ("gen_ai.tool.name", "wait")]))
        let analysis = TraceAnalysis(of: TestTrace.document(spans))
        #expect(analysis.wallClock == 31_000_000_000_000_000)
    }
}
