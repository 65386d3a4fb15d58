import RoostIngest
import Testing

@testable import RoostAnalytics

@Suite struct RunWaitTests {
    @Test func `waits at the same time count once`() throws {
        var bench = FleetBench()
        for number in 0..<4 as Range<UInt64> {
            bench.take(
                bench.fact(
                    .ended, .humanWait, span: 20 + number, parent: 10 + number, agent: "boss",
                    from: 5 + Double(number), to: 25),
                bench.fact(
                    .ended, .tool, span: 10 + number, parent: 1, agent: "boss", subject: "Bash",
                    from: 5 + Double(number), to: 25))
        }
        bench.take(
            bench.fact(.ended, .agent, span: 1, agent: "boss", from: 0, to: 30),
            bench.fact(.workflowEnded, span: 1, from: 0, to: 30))
        let detail = try #require(bench.detail())
        #expect(detail.row.humanWait == 20_000_000_000)
        #expect(bench.list().rows.first?.humanWait == 20_000_000_000)
        #expect(detail.executions.map(\.humanWait) == [20_000_000_000])
        let waited = try #require(detail.bottlenecks.first { $0.kind == .humanWait })
        #expect(waited.time == 20_000_000_000)
    }

    /// A tool from 0 to 30 s that waits from 5 to 15 s, and another step beside it.
    private func seconds(beside: AgentFact.Kind, _ kind: ActivityKind, from: Double, to: Double)
        -> UInt64?
    {
        var bench = FleetBench()
        bench.clock = 30
        bench.take(
            bench.fact(
                .ended, .tool, span: 2, parent: 1, agent: "boss", subject: "Bash", from: 0, to: 30),
            bench.fact(.ended, .humanWait, span: 3, parent: 2, agent: "boss", from: 5, to: 15),
            bench.fact(
                beside, kind, span: 4, parent: 1, agent: "helper", subject: "x", from: from, to: to)
        )
        return bench.list().rows.first.map { $0.humanWait / 1_000_000_000 }
    }

    @Test func `while somebody is at work the run does not wait`() {
        #expect(seconds(beside: .ended, .llm, from: 0, to: 4) == 10)
        #expect(seconds(beside: .ended, .llm, from: 0, to: 30) == 0)
        #expect(seconds(beside: .ended, .llm, from: 7, to: 9) == 8)
        #expect(seconds(beside: .ended, .tool, from: 10, to: 20) == 5)
        #expect(seconds(beside: .began, .llm, from: 10, to: 10) == 5)
        // From 15 s on the tool is at work itself.
        #expect(seconds(beside: .ended, .humanWait, from: 10, to: 20) == 10)
    }

    @Test func `a tool works while another waits, but for its own wait`() {
        var bench = FleetBench()
        bench.take(
            bench.fact(
                .ended, .tool, span: 2, parent: 1, agent: "boss", subject: "a", from: 0, to: 20),
            bench.fact(.ended, .humanWait, span: 3, parent: 2, agent: "boss", from: 0, to: 10),
            bench.fact(
                .ended, .tool, span: 4, parent: 1, agent: "boss", subject: "b", from: 0, to: 20),
            bench.fact(.ended, .humanWait, span: 5, parent: 4, agent: "boss", from: 0, to: 2))
        #expect(bench.list().rows.first?.humanWait == 2_000_000_000)
    }

    @Test func `a wait that goes on counts so far, in the run and in its agent`() throws {
        var bench = FleetBench()
        bench.clock = 1
        bench.take(
            bench.fact(.began, .agent, span: 1, agent: "boss", from: 0),
            bench.fact(
                .began, .tool, span: 3, parent: 1, agent: "boss", subject: "Bash", from: 0.5),
            bench.fact(.began, .humanWait, span: 2, parent: 1, agent: "boss", from: 1))
        bench.clock = 5
        let detail = try #require(bench.detail())
        #expect(detail.row.state == .waiting)
        #expect(detail.row.humanWait == 4_000_000_000)
        #expect(detail.executions.map(\.humanWait) == [4_000_000_000])
        bench.take(
            bench.fact(.seen, .humanWait, span: 2, parent: 1, agent: "boss", from: 1, to: 6))
        bench.clock = 60
        #expect(bench.detail()?.executions.first?.humanWait == 5_000_000_000)
    }

    @Test func `a wait that is told with what was before it goes on from when it was asked`() throws
    {
        var bench = FleetBench()
        bench.clock = 1_000
        bench.take(
            bench.fact(.began, .workflow, span: 1, from: 940),
            bench.fact(.began, .agent, span: 2, parent: 1, agent: "boss", from: 945),
            bench.fact(.began, .humanWait, span: 3, parent: 2, agent: "boss", from: 960))
        bench.clock = 1_005
        // That the sender's clock is at 1,005, too, is not known.
        let detail = try #require(bench.detail())
        #expect(detail.row.duration == 25_000_000_000)
        #expect(detail.row.humanWait == 5_000_000_000)
        #expect(detail.executions.map(\.duration) == [20_000_000_000])
        // Now it is.
        bench.take(
            bench.fact(
                .seen, .llm, span: 4, parent: 2, agent: "boss", subject: "gpt", from: 946, to: 947),
            bench.fact(
                .began, .tool, span: 5, parent: 2, agent: "boss", subject: "Bash", from: 1_004))
        bench.clock = 1_010
        #expect(bench.detail()?.row.duration == 69_000_000_000)
    }

    @Test(arguments: [-7_200, 7_200] as [Double])
    func `a run lasts by its sender's clock, however wrong that is`(_ skew: Double) throws {
        var bench = FleetBench()
        bench.clock = 10_000
        bench.take(
            bench.fact(.began, .agent, span: 1, agent: "boss", from: 9_990 + skew),
            bench.fact(
                .began, .humanWait, span: 2, parent: 1, agent: "boss", from: 10_000 + skew))
        bench.clock = 10_004
        let row = try #require(bench.list().rows.first)
        #expect(row.duration == 14_000_000_000)
        #expect(row.humanWait == 4_000_000_000)
    }

    @Test func `waits that are folded away stay counted, once`() throws {
        var settings = FleetSettings()
        settings.stepsPerWorkflow = 16
        settings.firstSteps = 2
        var bench = FleetBench(settings)
        for number in 0..<100 as Range<UInt64> {
            // Two at a time for ten seconds, then ten without.
            let start = Double(number / 2) * 20
            bench.take(
                bench.fact(
                    .ended, .humanWait, span: number + 2, parent: 1, agent: "boss", from: start,
                    to: start + 10))
        }
        let row = try #require(bench.list().rows.first)
        #expect(row.humanWait == 500_000_000_000)
    }

    @Test func `stretches are put together and taken away`() {
        let waits = TimeStretches([(10, 20), (0, 5), (15, 30), (5, 6), (40, 40)])
        #expect(waits.length == 26)
        #expect(waits.without(TimeStretches([])).length == 26)
        #expect(waits.without(TimeStretches([(0, 100)])).length == 0)
        #expect(waits.without(TimeStretches([(2, 3), (4, 12), (29, 50)])).length == 20)
    }
}
