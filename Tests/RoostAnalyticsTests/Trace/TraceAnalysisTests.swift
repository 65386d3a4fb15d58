import RoostIngest
import Testing

@testable import RoostAnalytics

@Suite struct TraceAnalysisTests {
    private func analysis(
        _ spans: [TestSpan], _ settings: TraceAnalysisSettings = .init()
    ) -> TraceAnalysis {
        TraceAnalysis(of: TestTrace.document(spans), settings: settings)
    }

    // MARK: critical path and self time

    /// A trace, its critical path as "span from-to" in milliseconds, and what each did itself.
    struct PathCase: Sendable, CustomTestStringConvertible {
        let name: String
        let spans: [[UInt64]]
        let path: [String]
        let own: [Int]

        var testDescription: String { name }
    }

    static let paths = [
        PathCase(name: "one span", spans: [[1, 0, 0, 100]], path: ["1 0-100"], own: [100]),
        PathCase(
            name: "one child", spans: [[1, 0, 0, 100], [2, 1, 20, 60]],
            path: ["1 0-20", "2 20-60", "1 60-100"], own: [60, 40]),
        PathCase(
            name: "one after another",
            spans: [[1, 0, 0, 100], [2, 1, 0, 40], [3, 1, 40, 100]],
            path: ["2 0-40", "3 40-100"], own: [0, 40, 60]),
        PathCase(
            name: "side by side, the last to end decides",
            spans: [[1, 0, 0, 100], [2, 1, 10, 90], [3, 1, 10, 50]],
            path: ["1 0-10", "2 10-90", "1 90-100"], own: [20, 80, 40]),
        PathCase(
            name: "overlapping, what runs when the last begins is not waited for",
            spans: [[1, 0, 0, 100], [2, 1, 0, 60], [3, 1, 40, 100]],
            path: ["1 0-40", "3 40-100"], own: [0, 60, 60]),
        PathCase(
            name: "three levels",
            spans: [[1, 0, 0, 100], [2, 1, 0, 70], [3, 2, 10, 30], [4, 2, 30, 60]],
            path: ["2 0-10", "3 10-30", "4 30-60", "2 60-70", "1 70-100"],
            own: [30, 20, 20, 30]),
        PathCase(
            name: "a child that goes on alone",
            spans: [[1, 0, 0, 10], [2, 1, 5, 30]],
            path: ["1 0-5", "2 5-30"], own: [5, 25]),
        PathCase(
            name: "a child that begins after its parent is over",
            spans: [[1, 0, 0, 10], [2, 1, 20, 30]],
            path: ["1 0-10", "- 10-20", "2 20-30"], own: [10, 10]),
        PathCase(
            name: "a child before its parent",
            spans: [[2, 1, 0, 10], [1, 0, 20, 30]],
            path: ["2 0-10", "- 10-20", "1 20-30"], own: [10, 10]),
        PathCase(
            name: "two roots", spans: [[1, 0, 0, 10], [2, 0, 15, 40], [3, 2, 20, 40]],
            path: ["1 0-10", "- 10-15", "2 15-20", "3 20-40"], own: [10, 5, 20]),
        PathCase(
            name: "a parent that is not here", spans: [[2, 9, 0, 10], [3, 9, 5, 20]],
            path: ["- 0-5", "3 5-20"], own: [10, 15]),
        PathCase(
            name: "a child of no length", spans: [[1, 0, 0, 10], [2, 1, 5, 5]],
            path: ["1 0-10"], own: [10, 0]),
        PathCase(
            name: "between a step and what it began the one above both ran",
            spans: [[1, 0, 0, 100], [2, 1, 10, 20], [3, 2, 30, 40]],
            path: ["1 0-10", "2 10-20", "1 20-30", "3 30-40", "1 40-100"],
            own: [80, 10, 10]),
        PathCase(
            name: "a span without length after those below it",
            spans: [[2, 1, 1, 30], [3, 1, 32, 42], [1, 0, 60, 60]],
            path: ["2 0-29", "- 29-31", "3 31-41", "- 41-59"], own: [29, 10, 0]),
        PathCase(
            name: "a span without length in between",
            spans: [[1, 0, 0, 60], [2, 4, 1, 30], [3, 4, 32, 42], [4, 1, 50, 50]],
            path: ["1 0-1", "2 1-30", "1 30-32", "3 32-42", "1 42-60"], own: [21, 29, 10, 0]),
        PathCase(name: "nothing that lasts", spans: [[1, 0, 7, 7]], path: [], own: [0]),
        PathCase(name: "nothing", spans: [], path: [], own: []),
    ]

    @Test(arguments: paths)
    func `walks back from the end`(_ table: PathCase) {
        let spans = table.spans.map { TestSpan($0[0], under: $0[1], $0[2], $0[3]) }
        let analysis = analysis(spans)
        let steps = analysis.document.steps
        let path = analysis.criticalPath.segments.map { segment in
            let step = segment.step.map { "\(steps[$0].spanID)" } ?? "-"
            return "\(step) \(segment.start / 1_000_000)-\(segment.end / 1_000_000)"
        }
        #expect(path == table.path)
        #expect(analysis.selfTimes.map { $0 / 1_000_000 } == table.own)
    }

    @Test func `the critical path has no holes, whatever the trace`() {
        var random = Generator(state: 7)
        for _ in 0..<200 {
            let count = UInt64.random(in: 1...30, using: &random)
            let spans = (1...count).map { id in
                let start = UInt64.random(in: 0..<100, using: &random)
                return TestSpan(
                    id, under: UInt64.random(in: 0...count, using: &random), start,
                    start + UInt64.random(in: 0..<60, using: &random))
            }
            let analysis = analysis(spans)
            var at = 0
            for segment in analysis.criticalPath.segments {
                #expect(segment.start == at)
                #expect(segment.end > segment.start)
                at = segment.end
            }
            #expect(at == analysis.wallClock)
            let parts = analysis.concurrency
            #expect(parts.work == analysis.selfTimes.reduce(0, +))
            #expect(parts.busy + parts.idle + parts.waiting == analysis.wallClock)
        }
    }

    @Test func `a long pole is on the path with its own work alone`() throws {
        // By hand: from 60 s on the first is at work itself. Before 10 s it is on the path, since it
        // might have begun the third earlier; but the second ran then.
        let analysis = analysis([
            TestSpan(1, 0, 100_000), TestSpan(2, under: 1, 0, 40_000),
            TestSpan(3, under: 1, 10_000, 60_000),
        ])
        #expect(analysis.criticalPath.onPath == [50, 0, 50].map { $0 * 1_000_000_000 })
        #expect(analysis.longPoles.map(\.step) == [2, 0])
        #expect(analysis.longPoles.map(\.onPath) == [50_000_000_000, 40_000_000_000])
        #expect(analysis.longPoles.map(\.alone) == [20_000_000_000, 40_000_000_000])
    }

    @Test func `who only waits on the path is no long pole`() {
        let analysis = analysis([
            TestSpan(1, 0, 100_000), TestSpan(2, under: 1, 0, 99_000),
            TestSpan(3, under: 1, 40_000, 100_000),
        ])
        #expect(analysis.criticalPath.onPath[0] == 40_000_000_000)
        #expect(analysis.longPoles.map(\.step) == [2])
    }

    // MARK: at the same time

    @Test func `one after another is a ratio of 0 and a factor of 1`() {
        let analysis = analysis([
            TestSpan(1, 0, 100), TestSpan(2, under: 1, 0, 50), TestSpan(3, under: 1, 50, 100),
        ])
        #expect(analysis.concurrency.ratio == 0)
        #expect(analysis.concurrency.factor == 1)
        #expect(analysis.concurrency.peak == 1)
        #expect(analysis.score?.parallelization == 20)
        #expect(analysis.score?.total == 80)
    }

    @Test func `all at the same time is a ratio of 1`() {
        let analysis = analysis([
            TestSpan(1, 0, 100), TestSpan(2, under: 1, 0, 100), TestSpan(3, under: 1, 0, 100),
            TestSpan(4, under: 1, 0, 100),
        ])
        #expect(analysis.concurrency.ratio == 1)
        #expect(analysis.concurrency.factor == 3)
        #expect(analysis.concurrency.peak == 3)
        #expect(analysis.score?.total == 100)
    }

    @Test(arguments: [false, true])
    func `waiting for people is no work and no time`(_ isLate: Bool) {
        var wait = TestSpan(3, under: 2, 10, 90)
        wait.texts = [("gen_ai.operation.name", "wait")]
        let spans = [.agent(1, 0, 100, "a"), .tool(2, under: 1, 5, 95, "shell"), wait]
        // In whatever order they came.
        let analysis = analysis(isLate ? spans : spans.reversed())
        #expect(analysis.concurrency.waiting == 80_000_000)
        #expect(analysis.concurrency.working == 20_000_000)
        #expect(analysis.concurrency.work == 20_000_000)
        #expect(analysis.concurrency.factor == 1)
        let shell = analysis.operations.first { $0.name == "shell" }
        #expect(shell?.total == 10_000_000)
    }

    @Test func `waits at the same time are one`() {
        func wait(_ id: UInt64, under parent: UInt64, _ from: UInt64, _ to: UInt64) -> TestSpan {
            TestSpan(id, under: parent, "ask", from, to, [("gen_ai.operation.name", "wait")])
        }
        let analysis = analysis([
            .agent(1, 0, 100, "a"), wait(2, under: 1, 10, 50), wait(3, under: 1, 30, 70),
            wait(4, under: 3, 40, 60),
        ])
        #expect(analysis.concurrency.waiting == 60_000_000)
        #expect(analysis.operations.first { $0.name == "a" }?.total == 40_000_000)
        #expect(analysis.operations.first { $0.name == "ask" }?.total == 100_000_000)
    }

    // MARK: findings

    @Test func `a step that everything waits for longer than 10 s is a long pole`() {
        let analysis = analysis([
            .agent(1, 0, 30_000, "a"), .tool(2, under: 1, 0, 25_000, "crawl"),
            .tool(3, under: 1, 0, 12_000, "fetch"), .llm(4, under: 1, 25_000, 30_000),
        ])
        #expect(analysis.longPoles.map(\.step) == [1])
        #expect(analysis.longPoles[0].onPath == 25_000_000_000)
        #expect(analysis.longPoles[0].alone == 13_000_000_000)
        #expect(analysis.score?.longPoles == 25)
        let advice = analysis.recommendations.first { $0.category == .longPole }
        #expect(advice?.saving == 15)
        #expect(advice?.evidence == [1])
        #expect(advice?.confidence == 25.0 / 35.0)
    }

    @Test func `an agent among others that takes more than 30 percent is slow`() {
        let analysis = analysis([
            .agent(1, 0, 100, "lead"), .agent(2, under: 1, 10, 30, "quick"),
            .agent(3, under: 1, 30, 90, "slow"), .llm(4, under: 3, 30, 80),
        ])
        #expect(analysis.agents.map(\.agent) == ["slow", "lead", "quick"])
        #expect(analysis.agents.map(\.share) == [0.6, 0.2, 0.2])
        #expect(analysis.agents.map(\.isSlow) == [true, false, false])
        #expect(analysis.agents.map(\.runs) == [1, 1, 1])
        #expect(analysis.agents[0].longest == 3)
        #expect(analysis.agentRuns == [0, 1, 2])
    }

    @Test func `tells how long agents worked side by side`() {
        let analysis = analysis([
            .agent(1, 0, 100, "lead"), .agent(2, under: 1, 10, 60, "left"),
            .agent(3, under: 1, 40, 90, "right"),
        ])
        #expect(
            analysis.overlaps == [AgentOverlap(first: "left", second: "right", time: 20_000_000)])
        #expect(analysis.concurrency.overlap == 20_000_000)
    }

    @Test func `nested steps of one agent are one run`() {
        let analysis = analysis([
            .agent(1, 0, 100, "a"), .agent(2, under: 1, 10, 90, "a"),
            .agent(3, under: 2, 20, 80, "b"), .agent(4, under: 3, 30, 70, "a"),
        ])
        #expect(analysis.agentRuns == [0, 2, 3])
        #expect(analysis.agents.first { $0.agent == "a" }?.runs == 2)
    }

    @Test func `tools between two answers could run together`() {
        let analysis = analysis([
            .agent(1, 0, 1000, "a"), .llm(2, under: 1, 0, 100),
            .tool(3, under: 1, 100, 300, "fetch", "a"), .tool(4, under: 1, 300, 500, "fetch", "b"),
            .tool(5, under: 1, 500, 900, "fetch", "c"), .llm(6, under: 1, 900, 1000),
        ])
        #expect(analysis.phases.count == 1)
        #expect(analysis.phases[0].parent == 0)
        #expect(analysis.phases[0].count == 5)
        #expect(analysis.phases[0].ratio == 0)
        #expect(analysis.phases[0].saving == 400_000_000)
        #expect(analysis.phases[0].confidence == 4.0 / 5.0)
        let advice = analysis.recommendations.first { $0.category == .parallelize }
        #expect(advice?.saving == 0.4)
    }

    @Test func `a phase that is parallel enough is none`() {
        let analysis = analysis([
            TestSpan(1, 0, 100), TestSpan(2, under: 1, 0, 70), TestSpan(3, under: 1, 40, 100),
        ])
        #expect(analysis.phases.isEmpty)
    }

    @Test func `counts, errors and durations of each operation`() {
        let spans =
            [TestSpan(100, 0, 10_000)]
            + (1...5).map { TestSpan.tool($0, under: 100, $0 * 1000, $0 * 1000 + $0 * 10, "x") }
        let analysis = analysis(spans)
        let operation = analysis.operations.first { $0.activity == .tool }
        #expect(operation?.name == "x")
        #expect(operation?.count == 5)
        #expect(operation?.minimum == 10_000_000)
        #expect(operation?.maximum == 50_000_000)
        #expect(operation?.mean == 30_000_000)
        #expect(operation?.median == 30_000_000)
        // 0.95 of four steps is 3.8: from 40 eight tenths of the way to 50.
        #expect(((operation?.p95 ?? 0) / 1e6 - 48).magnitude < 1e-6)
        #expect(operation?.total == 150_000_000)
    }

    @Test func `failures close to each other are a cluster, those above them are not failures`() {
        let analysis = analysis([
            .agent(1, 0, 600_000, "a", error: "Gone"),
            .tool(2, under: 1, 1000, 2000, "x", error: "Timeout"),
            .tool(3, under: 1, 3000, 4000, "x", error: "Timeout"),
            .tool(4, under: 1, 5000, 9000, "y", error: "Refused"),
            .tool(5, under: 1, 300_000, 300_500, "x", error: "Timeout"),
        ])
        #expect(analysis.failures == [1, 2, 3, 4])
        #expect(analysis.errorClusters.count == 1)
        #expect(analysis.errorClusters[0].count == 3)
        #expect(analysis.errorClusters[0].steps == [1, 2, 3])
        #expect(analysis.errorClusters[0].types.map(\.type) == ["Timeout", "Refused"])
        // Of four failures two in 7 of 600 s: 1 less the chance of none or one of 0.0467.
        let expected = 4.0 * 7 / 600
        let chance = 1 - (1 - 0.9544) * (1 + expected)
        #expect(analysis.errorClusters[0].confidence > chance - 0.1)
        #expect(analysis.score?.errors == 10)
    }

    @Test func `the same tool with the same arguments is a loop and worth keeping`() {
        let analysis = analysis([
            .agent(1, 0, 100, "a"), .tool(2, under: 1, 10, 20, "read", "f.txt"),
            .tool(3, under: 1, 30, 40, "read", "f.txt"),
            .tool(4, under: 1, 50, 60, "read", "g.txt"),
            .tool(5, under: 1, 70, 90, "read", "f.txt"),
        ])
        #expect(analysis.loops.map(\.kind) == [.sameCall])
        #expect(analysis.loops[0].count == 3)
        #expect(analysis.loops[0].steps == [1, 2, 4])
        #expect(analysis.loops[0].saving == 30_000_000)
        #expect(analysis.loops[0].confidence == 3.0 / 4.0)
        #expect(analysis.repeated.map(\.name) == ["read"])
        #expect(analysis.repeated[0].repeats == 2)
        #expect(analysis.repeated[0].known == 4)
        #expect(analysis.repeated[0].saving == 30_000_000)
    }

    @Test func `many calls of unknown arguments are frequent and no more`() {
        let spans =
            [TestSpan(100, 0, 1000)]
            + (1...12).map { TestSpan.tool($0, under: 100, $0 * 10, $0 * 10 + 5, "poll") }
        let analysis = analysis(spans)
        #expect(analysis.repeated.map(\.count) == [12])
        #expect(analysis.repeated[0].saving == 0)
        #expect(analysis.loops.isEmpty)
        #expect(!analysis.recommendations.contains { $0.category == .cache })
    }

    @Test func `two agents that call each other are a ping-pong`() {
        let nested = analysis([
            .agent(1, 0, 100, "a"), .agent(2, under: 1, 10, 90, "b"),
            .agent(3, under: 2, 20, 80, "a"), .agent(4, under: 3, 30, 70, "b"),
        ])
        #expect(nested.loops.map(\.kind) == [.pingPong])
        #expect(nested.loops[0].count == 4)
        #expect([nested.loops[0].agent, nested.loops[0].subject] == ["a", "b"])
        let handedOver = analysis([
            TestSpan(9, 0, 100), .agent(1, under: 9, 0, 20, "a"), .agent(2, under: 9, 20, 40, "b"),
            .agent(3, under: 9, 40, 60, "a"), .agent(4, under: 9, 60, 80, "b"),
            .agent(5, under: 9, 80, 100, "c"),
        ])
        #expect(handedOver.loops.map(\.count) == [4])
    }

    @Test func `a ping-pong is told though another agent was called first`() {
        let analysis = analysis([
            .agent(1, 0, 100, "a"), .agent(9, under: 1, 1, 5, "helper"),
            .agent(2, under: 1, 10, 90, "b"), .agent(3, under: 2, 20, 80, "a"),
            .agent(4, under: 3, 30, 70, "b"),
        ])
        #expect(analysis.loops.map(\.kind) == [.pingPong])
        #expect(analysis.loops.map(\.count) == [4])
    }

    @Test func `an agent that gives two others work in turn is no ping-pong`() {
        let analysis = analysis([
            .agent(9, 0, 100, "lead"), .agent(1, under: 9, 0, 20, "a"),
            .agent(2, under: 9, 20, 40, "b"), .agent(3, under: 9, 40, 60, "a"),
            .agent(4, under: 9, 60, 80, "b"),
        ])
        #expect(analysis.loops.isEmpty)
    }

    @Test func `input that grows with every turn is told`() {
        let spans =
            [TestSpan.agent(100, 0, 1000, "a")]
            + (1...5).map {
                TestSpan.llm($0, under: 100, $0 * 100, $0 * 100 + 50, input: Int64($0) * 1000)
            }
        let analysis = analysis(spans)
        #expect(analysis.loops.map(\.kind) == [.growingInput])
        #expect(analysis.loops[0].firstInput == 1000)
        #expect(analysis.loops[0].lastInput == 5000)
        #expect(analysis.loops[0].tokens == 10_000)
        #expect(analysis.loops[0].confidence == 5.0 / 6.0)
    }

    // MARK: strange traces

    @Test func `a server whose clock is 3 s behind is brought in line`() {
        var client = TestSpan(2, under: 1, 10_010, 10_110)
        client.kind = 3
        let root = TestSpan(1, 10_000, 10_200)
        var server = TestSpan(3, under: 2, 7_020, 7_100)
        server.kind = 2
        let below = TestSpan(4, under: 3, 7_030, 7_050)
        let document = TestTrace.document(of: [
            TestTrace.chunk([root, client], service: "front"),
            TestTrace.chunk([server, below], service: "back"),
        ])
        let analysis = TraceAnalysis(of: document)
        // It may start 2.99 to 3.01 s later; the middle is taken.
        #expect(
            analysis.clockSkews == [
                ClockSkew(service: "back", caller: "front", ahead: -3_000_000_000, calls: 1)
            ])
        #expect(analysis.wallClock == 200_000_000)
        #expect(analysis.stepsOutside == 0)
        #expect(analysis.start == TestTrace.time(10_000))
        #expect(analysis.recommendations.map(\.category).contains(.clocks))
    }

    @Test func `a step that goes on after its caller is no skew`() {
        let document = TestTrace.document(of: [
            TestTrace.chunk([TestSpan(1, 0, 100)], service: "front"),
            TestTrace.chunk([TestSpan(2, under: 1, 50, 90_000)], service: "back"),
        ])
        let analysis = TraceAnalysis(of: document)
        #expect(analysis.clockSkews.isEmpty)
        #expect(analysis.stepsOutside == 1)
        #expect(analysis.wallClock == 90_000_000_000)
    }

    @Test func `what never ended lasts as long as the trace does`() {
        let announced = TestSpan(
            20, under: 7, "work", 5, 5,
            [
                ("logfire.span_type", "pending_span"), ("gen_ai.operation.name", "invoke_agent"),
                ("gen_ai.agent.name", "a"),
            ])
        let analysis = analysis([announced, .llm(8, under: 7, 10, 50)])
        #expect(analysis.duration(0) == 45_000_000)
        #expect(analysis.selfTimes == [5_000_000, 40_000_000])
    }

    @Test func `times from 1970 to the end of time do no harm`() {
        var steps: [TraceStep] = []
        for (start, end) in [(0, UInt64.max), (UInt64.max, UInt64.max), (5, 3), (.max, 0)]
            as [(UInt64, UInt64)]
        {
            var step = TraceStep()
            step.start = start
            step.end = end
            steps.append(step)
        }
        steps[1].parent = 0
        steps[2].parent = 77
        steps[3].parent = 3
        let analysis = TraceAnalysis(
            of: TraceDocument(traceIDHigh: 1, traceIDLow: 2, steps: steps))
        #expect(analysis.wallClock > 0)
        #expect(analysis.score != nil)
        #expect(
            TraceAnalysis(of: TraceDocument(traceIDHigh: 0, traceIDLow: 0, steps: [])).score == nil)
    }

    @Test func `a document with cycles is walked once`() {
        var steps = [TraceStep](repeating: TraceStep(), count: 4)
        for place in steps.indices {
            steps[place].spanID = UInt64(place + 1)
            steps[place].start = 5
            steps[place].end = 50
            steps[place].parent = (place + 1) % 3
        }
        let analysis = TraceAnalysis(
            of: TraceDocument(traceIDHigh: 1, traceIDLow: 2, steps: steps))
        #expect(analysis.wallClock == 45)
        #expect(analysis.criticalPath.segments.map(\.duration) == [45])
    }

    @Test func `a chain as deep as it is long is walked`() {
        let spans = (1...20_000).map {
            TestSpan(UInt64($0), under: UInt64($0 - 1), UInt64($0), 50_000)
        }
        let analysis = analysis(spans)
        #expect(analysis.criticalPath.segments.count == 20_000)
        #expect(analysis.concurrency.factor == 1)
    }
}

/// The same numbers in every run (SplitMix64).
struct Generator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
