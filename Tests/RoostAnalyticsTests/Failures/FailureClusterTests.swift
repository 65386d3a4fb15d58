import RoostIngest
import Testing

@testable import RoostAnalytics

@Suite struct FailureClusterTests {
    /// A tool that fails at a time of its own, or works.
    private func tool(
        _ number: Int, at time: Double, in failures: inout FailureBench, error: String? = "Busy"
    ) -> AgentFact {
        failures.fact(
            .ended, .tool, trace: UInt64(number) + 1, span: 1, parent: 9, agent: "boss",
            subject: "search", from: max(time - 0.01, 0), to: time, error: error)
    }

    /// `rate` failures a second for a minute, sent every five seconds by a clock that is wrong by
    /// `skew` seconds.
    private func steady(
        _ rate: Int, skew: Double = 0, from origin: Double = 100_000,
        _ settings: FailureSettings = FailureSettings()
    ) -> FailureBench {
        var failures = FailureBench(settings)
        for export in 0..<12 {
            failures.bench.clock = origin + Double(export + 1) * 5
            for number in 0..<(5 * rate) {
                let time = origin + Double(export) * 5 + Double(number) / Double(rate)
                let fact = tool(export * 10_000 + number, at: time + skew, in: &failures)
                failures.take(fact)
            }
        }
        return failures
    }

    @Test(arguments: [0, 0.4, 3, 4_000, -40, -4_000, -90_000] as [Double])
    func `what fails steadily and is sent in batches is no cluster`(_ skew: Double) {
        for rate in [1, 10] {
            var failures = steady(rate, skew: skew)
            #expect(failures.report().clusters.isEmpty)
            // Nor when nothing comes any more.
            failures.bench.clock += 600
            #expect(failures.report().clusters.isEmpty)
        }
    }

    @Test func `what fails steadily is no cluster when only the latest are held`() {
        var settings = FailureSettings()
        settings.records = 100
        let failures = steady(10, settings)
        #expect(failures.report().held == 100)
        #expect(failures.report().clusters.isEmpty)
    }

    @Test func `what failed over hours is no cluster because it comes at once`() {
        var failures = FailureBench()
        failures.bench.clock = 30_000
        failures.take(tool(0, at: 30_000, in: &failures, error: nil))
        failures.bench.clock = 50_000
        for number in 1...20 {
            failures.take(tool(number, at: 30_000 + Double(number) * 800, in: &failures))
        }
        #expect(failures.report().clusters.isEmpty)
        // Nor when it failed before anything was heard of.
        for number in 21...40 {
            failures.take(tool(number, at: 10_000 + Double(number) * 0.1, in: &failures))
        }
        #expect(failures.report().clusters.isEmpty)
    }

    @Test(arguments: [0, 5_000, -90_000] as [Double])
    func `a burst has the time of its failures, not of their arrival`(_ skew: Double) throws {
        var failures = FailureBench()
        failures.bench.clock = 100_000
        failures.take(tool(0, at: 100_000, in: &failures, error: nil))
        failures.bench.clock = 110_000
        for number in 1...12 {
            failures.take(tool(number, at: 109_988 + Double(number) + skew, in: &failures))
        }
        let cluster = try #require(failures.report().clusters.first)
        #expect(cluster.start == FleetBench.time(109_989))
        #expect(cluster.end == FleetBench.time(110_000))
        #expect(abs(cluster.expected - 12 * 11.0 / 10_000) < 1e-9)
    }

    @Test func `services whose clocks disagree are told apart, though they come together`() {
        var failures = FailureBench()
        failures.bench.clock = 100_000
        failures.take(tool(0, at: 100_000, in: &failures, error: nil))
        failures.bench.clock = 110_000
        for number in 1...12 {
            var fact = tool(
                number, at: 110_000 + Double(number % 2 + 1) * 3_600 + Double(number), in: &failures
            )
            fact.service = failures.bench.number("service \(number % 2)")
            failures.take(fact)
        }
        let clusters = failures.report().clusters
        #expect(clusters.map(\.count) == [12])
        #expect(clusters.map(\.end) == [FleetBench.time(110_000)])
    }

    @Test func `a sender far behind has its bursts, unless it was in time before`() {
        var failures = FailureBench()
        failures.bench.clock = 100_000
        failures.take(tool(0, at: 100_000, in: &failures, error: nil))
        failures.bench.clock = 100_012
        for number in 1...12 {
            failures.take(
                tool(number, at: 100_012 - 7_200 + Double(number) * 0.05, in: &failures))
        }
        #expect(failures.report().clusters.map(\.count) == [12])
        #expect(failures.report().clusters.map(\.end) == [FleetBench.time(100_012)])
        failures.take(tool(13, at: 100_011, in: &failures))
        #expect(failures.report().clusters.isEmpty)
    }

    @Test func `failures of one moment are compared with a second, which is told`() throws {
        var failures = FailureBench()
        failures.take(tool(0, at: 0, in: &failures, error: nil))
        failures.bench.clock = 1_000
        failures.take(tool(7, at: 1_000, in: &failures, error: nil))
        for number in 1...6 { failures.take(tool(number, at: 900, in: &failures)) }
        let cluster = try #require(failures.report().clusters.first)
        #expect(cluster.end == FleetBench.time(900))
        #expect(cluster.length == 1_000_000_000)
        #expect(abs(cluster.expected - 6.0 / 1_000) < 1e-9)
    }
}
