import Glibc
import RoostCore
import RoostIngest
import Testing

@testable import RoostAnalytics

@Suite struct WindowsTests {
    private let symbols = windowSymbols(20)

    private func query(_ windows: Windows, _ window: Int, at now: UInt64) throws
        -> WindowStatistics
    {
        try #require(windows.query(window: window, symbols, now: now))
    }

    @Test func `a minute of known facts gives the figures worked out by hand`() throws {
        var windows = Windows()
        let ms = oneSecond / 1000
        // Within ten seconds: two runs of agent t1, one of which failed; three calls of model t3.
        windows.take(
            endedFact(.agent, agent: 1, workflow: 2, lasting: 100 * ms), symbols, now: windowNoon)
        windows.take(
            endedFact(.agent, agent: 1, workflow: 2, lasting: 300 * ms, failed: true), symbols,
            now: windowNoon + oneSecond)
        for (cost, lasting) in [(0.5, 10 * ms), (0.25, 20 * ms), (Double.nan, 60 * ms)] {
            windows.take(
                endedFact(
                    .llm, agent: 1, workflow: 2, model: 3, provider: 4, lasting: lasting, input: 10,
                    output: 5, cost: cost), symbols, now: windowNoon + 2 * oneSecond)
        }
        windows.take(
            endedFact(.tool, agent: 1, workflow: 2, tool: 5, lasting: 5 * ms, failed: true),
            symbols,
            now: windowNoon + 6 * oneSecond)
        var run = AgentFact(.workflowEnded)
        run.workflow = 2
        (run.start, run.end) = (windowNoon, windowNoon + 2 * oneSecond)
        windows.take(run, symbols, now: windowNoon + 7 * oneSecond)
        windows.tick(now: windowNoon + 10 * oneSecond)

        let result = try query(windows, 60, at: windowNoon + 10 * oneSecond)
        #expect(result.covered == 10)
        #expect(result.overall.events == 7)
        #expect(result.overall.ended == 6)
        #expect(result.overall.errors == 2)
        #expect(result.overall.calls == 4)
        #expect(result.overall.agentRuns == WindowCount(2, 1))
        #expect(result.overall.toolCalls == WindowCount(1, 1))
        #expect(result.overall.workflowRuns == WindowCount(1, 0))
        #expect(result.overall.tokens.total == 45)
        #expect(result.overall.cost == 0.75)
        #expect(result.overall.unpricedCalls == 1)
        let agents = try #require(result.overall.agentDuration)
        #expect(agents.average == 200e6)
        #expect(agents.shortest == 100e6)
        #expect(agents.longest == 300e6)
        let calls = try #require(result.overall.llmDuration)
        #expect(calls.average == 30e6)
        #expect(abs(calls.p50 - 20e6) <= 0.2e6)
        #expect(calls.p99 == 60e6 || abs(calls.p99 - 60e6) <= 0.6e6)
        #expect(try #require(result.overall.workflowDuration).p50 == 2e9)

        for dimension in WindowDimension.allCases {
            #expect(result.groups[dimension]?.count == 1, "\(dimension)")
        }
        let model = try #require(result.groups[.model]?.first)
        #expect(model.name == "t3")
        #expect(model.figures.llmCalls == WindowCount(3, 0))
        #expect(model.figures.llmDuration == calls)
        let tool = try #require(result.groups[.tool]?.first)
        #expect(tool.figures.errorShare == 1)
        #expect(tool.figures.cost == nil)
        #expect(result.groups[.agent]?.first?.figures.events == 6)
        #expect(result.groups[.workflow]?.first?.figures.events == 7)
        #expect(result.cumulative.events == 7)
        #expect(result.cumulative.cost == 0.75)
    }

    @Test(arguments: [8_999_999_999_999, 9_000_000_000_001, 16_777_217, 1] as [UInt64])
    func `no mean lies beyond the extremes, though they have seven digits`(_ lasting: UInt64) throws
    {
        var windows = Windows()
        for _ in 0..<3 {
            windows.take(
                endedFact(.agent, agent: 1, lasting: lasting), windowSymbols(1), now: windowNoon)
        }
        let now = windowNoon + oneSecond
        windows.tick(now: now)
        let told = try #require(try query(windows, 60, at: now).overall.agentDuration)
        #expect(told.shortest <= told.average && told.average <= told.longest)
        for share in [told.p50, told.p95, told.p99] {
            #expect(told.shortest <= share && share <= told.longest)
        }
    }

    @Test func `a window forgets what is older, the longer ones do not`() throws {
        var windows = Windows()
        // One a second for 5,000 seconds.
        for index in 0..<5000 as Range<UInt64> {
            windows.take(
                endedFact(.agent, agent: 1, lasting: oneSecond), symbols,
                now: windowNoon + index * oneSecond)
        }
        let now = windowNoon + 5000 * oneSecond
        windows.tick(now: now)
        for (size, slot) in zip(Windows.sizes, [5, 30, 60, 300]) {
            let result = try query(windows, size, at: now)
            #expect(abs(result.covered - Double(size)) <= Double(slot), "\(size)")
            #expect(Double(result.overall.events) == result.covered, "\(size)")
            #expect(result.overall.agentDuration?.p95 == 1e9)
        }
        windows.tick(now: now + 66 * oneSecond)
        #expect(try query(windows, 60, at: now + 66 * oneSecond).overall.events == 0)
        #expect(try query(windows, 300, at: now + 66 * oneSecond).overall.events >= 200)
        #expect(try query(windows, 60, at: now).cumulative.agentRuns == 5000)
    }

    @Test func `jumps of the clock neither trap nor lose what came since`() throws {
        var windows = Windows()
        var now = windowNoon
        func take() {
            windows.take(endedFact(.tool, tool: 1, lasting: oneSecond), symbols, now: now)
        }
        take()
        now -= 5 * oneHour
        for _ in 0..<10 {
            now += oneSecond
            take()
        }
        // The clock was set back: time goes on from where it stood.
        #expect(try query(windows, 60, at: now).overall.events == 11)
        now += 70 * oneSecond
        windows.tick(now: now)
        #expect(try query(windows, 60, at: now).overall.events == 0)
        #expect(try query(windows, 300, at: now).overall.events == 11)
        now += 7 * oneHour
        take()
        #expect(try query(windows, 3600, at: now).overall.events == 1)
        windows.tick(now: .max)
        windows.tick(now: 0)
        take()
        #expect(try query(windows, 60, at: now).overall.events == 2)
    }

    @Test(arguments: ["uniform", "exponential", "bimodal", "lognormal", "constant"])
    func `quantiles are within one percent however slots were merged`(_ shape: String) throws {
        var windows = Windows()
        var random = WindowRandom()
        var values: [UInt64] = []
        for index in 0..<10_000 as Range<UInt64> {
            let value: Double
            switch shape {
            case "uniform": value = 1e6 + random.unit() * 1e9
            case "exponential": value = 1e5 - 2e9 * log(random.unit())
            case "bimodal": value = random.unit() < 0.9 ? 2e6 * (1 + random.unit()) : 3e10
            case "lognormal":
                value =
                    exp(
                        18 + 2 * (-2 * log(random.unit())).squareRoot()
                            * cos(2 * .pi * random.unit()))
            default: value = 7_654_321
            }
            values.append(UInt64(value))
            windows.take(
                endedFact(.llm, model: 2, lasting: UInt64(value)), symbols,
                now: windowNoon + index * oneSecond / 3)
        }
        values.sort()
        let now = windowNoon + 10_000 * oneSecond / 3
        windows.tick(now: now)
        let result = try query(windows, 3600, at: now)
        for figures in [result.overall, try #require(result.groups[.model]?.first).figures] {
            let duration = try #require(figures.llmDuration)
            #expect(duration.count == 10_000)
            for (share, told) in [(0.5, duration.p50), (0.95, duration.p95), (0.99, duration.p99)] {
                let exact = Double(values[Int((share * 10_000).rounded(.up)) - 1])
                #expect(abs(told - exact) <= exact * 0.01, "\(share) of \(shape)")
            }
            #expect(abs(duration.longest - Double(values[9_999])) <= duration.longest * 1e-6)
        }
    }

    @Test func `a hundred thousand names take bounded room, and those in use come back`() throws {
        var windows = Windows()
        let names = windowSymbols(100_001)
        var now = windowNoon
        var random = WindowRandom()
        for number in 1...100_000 as ClosedRange<Int32> {
            now += oneSecond / 200
            windows.take(
                endedFact(
                    .llm, agent: number, workflow: number, model: number, provider: number,
                    lasting: random.next() >> (16 + random.next() % 40), input: 1, cost: 1),
                names, now: now)
            if number % 500 == 0 { #expect(windows.byteCount < 16 << 20) }
        }
        let result = try #require(windows.query(window: 3600, names, now: now))
        #expect(result.groups[.agent]?.count == 201)
        #expect(result.groups[.agent]?.first?.name == "(other)")
        #expect(windows.overflowed > 300_000)
        now += 2 * oneHour
        windows.tick(now: now)
        now += 2 * 60 * oneSecond
        windows.tick(now: now)
        windows.take(endedFact(.agent, agent: 77_777), names, now: now)
        let later = try #require(windows.query(window: 60, names, now: now))
        #expect(later.groups[.agent]?.map(\.name) == ["t77777"])
        #expect(windows.byteCount < 4 << 20)
    }

    @Test func `what has no duration is in no mean`() throws {
        var windows = Windows()
        for lasting in [2, 4] {
            windows.take(
                endedFact(.llm, agent: 1, model: 2, lasting: UInt64(lasting) * oneSecond), symbols,
                now: windowNoon)
        }
        var told = AgentFact(.usage)
        (told.activity, told.model, told.calls) = (.llm, 2, 98)
        windows.take(told, symbols, now: windowNoon)
        let all = try query(windows, 60, at: windowNoon).overall
        #expect(all.llmCalls.count == 100)
        let duration = try #require(all.llmDuration)
        #expect(duration.count == 2)
        #expect(duration.average == 3e9)
        #expect(duration.shortest == 2e9)
    }

    @Test func `little memory costs sharpness of time, then the oldest, never what is new`() throws
    {
        var windows = Windows(mostBytes: 200 << 10)
        var random = WindowRandom()
        for index in 0..<7_200 as Range<UInt64> {
            let key = Int32(index % 19) + 1
            windows.take(
                endedFact(
                    .llm, agent: key, model: key, provider: key,
                    lasting: UInt64(exp(10 + 15 * random.unit()))), symbols,
                now: windowNoon + index * oneSecond / 2)
        }
        let now = windowNoon + 3600 * oneSecond
        windows.tick(now: now)
        let result = try query(windows, 60, at: now)
        #expect(result.overall.events >= 40)
        #expect(abs(Double(result.overall.events) / result.covered - 2) < 0.1)
        let long = try query(windows, 3600, at: now)
        #expect(abs(Double(long.overall.events) / long.covered - 2) < 0.1)
        #expect(windows.levels.reduce(0) { $0 + $1.byteCount } <= 200 << 10)
    }

    @Test func `usage without calls and unknown sizes`() throws {
        var windows = Windows()
        var usage = AgentFact(.usage)
        usage.model = 1
        usage.calls = 0
        usage.cost = 2
        usage.tokens.output = 9
        windows.take(usage, symbols, now: windowNoon)
        #expect(windows.query(window: 61, symbols, now: windowNoon) == nil)
        let result = try query(windows, 300, at: windowNoon)
        #expect(result.overall.cost == 2)
        #expect(result.overall.tokens.output == 9)
        #expect(result.overall.events == 0)
        #expect(result.overall.errorShare == nil)
    }

    @Test func `the answer is JSON with the names that were promised`() throws {
        var windows = Windows()
        windows.take(endedFact(.agent, agent: 1, lasting: oneSecond), symbols, now: windowNoon)
        let result = try #require(
            windows.query(window: 300, symbols, now: windowNoon, activeWorkflows: 3))
        var json = JSONWriter()
        result.write(into: &json)
        let text = String(decoding: json.bytes, as: UTF8.self)
        for part in [
            #""window_seconds":300"#, #""events_per_second":1.0"#,
            #""p95_agent_duration_ms":1000.0"#,
            #""active_workflows":3,"active_agents":null"#, #""cost_usd":null"#,
            #""by_agent":[{"agent":"t1","#, #""by_tool":[]"#,
        ] {
            #expect(text.contains(part), "\(part)")
        }
    }
}

extension WindowCount {
    fileprivate init(_ count: UInt64, _ errors: UInt64) {
        self.init()
        self.count = count
        self.errors = errors
    }
}
