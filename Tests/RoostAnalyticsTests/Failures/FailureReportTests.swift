import RoostCore
import RoostIngest
import Testing

@testable import RoostAnalytics

@Suite struct FailureReportTests {
    @Test(arguments: [
        ("RateLimitError", "rate_limit"), ("<class 'openai.RateLimitError'>", "rate_limit"),
        ("429", "rate_limit"), ("overloaded_error", "rate_limit"),
        ("APITimeoutError", "timeout"), ("DEADLINE_EXCEEDED", "timeout"),
        ("TimeoutError", "timeout"),
        ("context_length_exceeded", "context_length"), ("AuthenticationError", "authentication"),
        ("403", "authentication"), ("PermissionDenied", "authentication"),
        ("BadRequestError", "validation"), ("JSONDecodeError", "validation"),
        ("pydantic.ValidationError", "validation"), ("APIConnectionError", "connection"),
        ("ServiceUnavailableError", "connection"), ("InternalServerError", "server"),
        ("openai.NotFoundError", "not_found"), ("FileNotFoundError", "not_found"),
        ("content_filter", "content_filter"), ("asyncio.CancelledError", "cancelled"),
        ("ToolError", "tool"), ("MemoryError", "memory"), ("Kaboom", "other"), ("", "other"),
        ("Ünbekannt", "other"),
    ])
    func `the sort of an error is read from its type`(_ type: String, _ category: String) {
        #expect(FailureCategory.of(type).name == category)
    }

    /// Every ten minutes for ten hours one search fails and nine work.
    static func day() -> FailureBench {
        var failures = FailureBench()
        for turn in 0..<60 as Range<UInt64> {
            failures.bench.clock = Double(turn) * 600
            for span in 1...10 as ClosedRange<UInt64> {
                failures.take(
                    failures.fact(
                        .ended, .tool, trace: turn + 1, span: span, parent: 99, agent: "boss",
                        subject: "search", from: failures.bench.clock,
                        to: failures.bench.clock, error: span == 5 ? "timeout" : nil))
            }
        }
        return failures
    }

    @Test func `rates are told by component for an hour and a day`() throws {
        let report = Self.day().report()
        let hour = try #require(report.lastHour.first { $0.component == .tool })
        // This minute and the sixty before hold seven turns.
        #expect((hour.attempts, hour.failures, hour.rate) == (70, 7, 0.1))
        let day = try #require(report.lastDay.first { $0.component == .tool })
        #expect((day.attempts, day.failures) == (600, 60))
        #expect(report.lastDay.first { $0.component == .model }?.rate == nil)
        #expect(report.types.map(\.errorType) == ["timeout"])
        #expect(report.types.first?.lastHour == 7)
        #expect(report.types.first?.category == "timeout")
        #expect(report.clusters.isEmpty)
        #expect(report.total == 60)
    }

    @Test func `rates fade as time passes, and survive a clock that leaps`() {
        var rate = FailureRate()
        var clock = FailureClock()
        func add(_ now: UInt64) {
            clock.turn(to: now)
            rate.add(clock)
        }
        add(0)
        add(59 * FailureRate.minuteLength)
        #expect(rate.lastHour(now: 60 * FailureRate.minuteLength) == 2)
        #expect(rate.lastHour(now: 61 * FailureRate.minuteLength) == 1)
        #expect(rate.lastHour(now: 120 * FailureRate.minuteLength) == 0)
        #expect(rate.lastDay(now: 24 * FailureRate.hourLength) == 2)
        #expect(rate.lastDay(now: 25 * FailureRate.hourLength) == 0)
        add(.max)
        #expect(rate.lastHour(now: .max) == 1)
        add(5)
        #expect(rate.lastHour(now: 5) == 2)
        #expect(rate.total == 4)
    }

    @Test func `a burst is a cluster with what is common to it`() throws {
        var failures = Self.day()
        for turn in 0..<12 as Range<UInt64> {
            failures.bench.clock = 36_000 + Double(turn)
            failures.take(
                failures.fact(
                    .ended, .llm, trace: 100 + turn, span: 1, parent: 99, agent: "writer",
                    subject: "gpt", from: failures.bench.clock, to: failures.bench.clock,
                    error: turn == 3 ? "timeout" : "RateLimitError"))
        }
        failures.bench.clock = 36_600
        let clusters = failures.report().clusters
        let cluster = try #require(clusters.first)
        #expect(clusters.count == 1)
        #expect(cluster.count == 12)
        #expect(cluster.start == FleetBench.time(36_000))
        #expect(cluster.end == FleetBench.time(36_011))
        #expect((cluster.component, cluster.errorType) == (.model, "RateLimitError"))
        #expect(cluster.share == 11.0 / 12.0)
        #expect(cluster.agents == ["writer"])
        // 72 failures in 36,011 s, when the last was heard of, are 0.022 in 11 s.
        #expect(abs(cluster.expected - 72 * 11.0 / 36_011) < 1e-9)
        #expect(cluster.confidence > 0.999_999)
    }

    @Test(arguments: [
        (1, 1.0, 0.632_120_558_8), (3, 1.0, 0.080_301_397), (5, 0.1, 7.667e-8), (0, 5.0, 1.0),
    ])
    func `chances of a crowd are those of Poisson`(_ count: Int, _ expected: Double, _ tail: Double)
    {
        #expect(abs(Failures.poissonTail(count, expected) - tail) < tail * 0.001)
    }

    @Test func `lists are filtered and go on where they stopped`() throws {
        var failures = FailureBench()
        for turn in 1...6 as ClosedRange<UInt64> {
            failures.bench.clock = Double(turn) * 10_000
            failures.take(
                failures.fact(
                    .ended, turn % 2 == 0 ? .tool : .llm, trace: turn, span: 1, parent: 9,
                    agent: turn < 4 ? "early" : "late", subject: "x",
                    error: turn == 6 ? "other" : "timeout"))
        }
        failures.take(failures.fact(.traceClosed, trace: 2))
        func ids(_ change: (inout FailureFilter) -> Void) -> [UInt64] {
            failures.report(change).rows.map(\.id)
        }
        #expect(ids { _ in } == [6, 5, 4, 3, 2, 1])
        #expect(ids { $0.component = .tool } == [6, 4, 2])
        #expect(ids { $0.errorType = "other" } == [6])
        #expect(ids { $0.agent = "early" } == [3, 2, 1])
        #expect(ids { $0.workflow = "nothing" } == [])
        #expect(ids { $0.outcome = .unrecovered } == [2])
        #expect(ids { $0.trace = (0, 5) } == [5])
        #expect(ids { $0.since = FleetBench.time(40_000) } == [6, 5, 4])
        let page = failures.report {
            $0.limit = 2
            $0.component = .tool
        }
        #expect(page.rows.map(\.id) == [6, 4])
        let cursor = try #require(page.cursor)
        #expect(ids { ($0.cursor, $0.component) = (cursor, .tool) } == [2])
        #expect(ids { ($0.cursor, $0.limit) = (1, 5) } == [])
    }

    @Test func `the oldest make room, and what is counted stays`() {
        var settings = FailureSettings()
        settings.records = 100
        settings.types = 4
        var failures = FailureBench(settings)
        for turn in 0..<1_000 as Range<UInt64> {
            failures.bench.clock = Double(turn)
            failures.take(
                failures.fact(
                    .ended, .tool, trace: turn / 7, span: turn, parent: 9, agent: "a", subject: "x",
                    error: "error \(turn % 10)"))
            if turn % 5 == 0 { failures.take(failures.fact(.traceClosed, trace: turn / 7)) }
            failures.tick()
        }
        let report = failures.report { $0.limit = 10_000 }
        #expect(report.rows.count == 100)
        #expect(report.rows.map(\.id) == (901...1_000).reversed().map { UInt64($0) })
        #expect(report.total == 1_000)
        #expect(report.types.count == 4)
        #expect(report.types.reduce(0) { $0 + $1.total } == 1_000)
        #expect(report.types.contains { $0.errorType == "(other)" })
        #expect(failures.failures.byteCount < 100_000)
    }

    @Test func `errors of more types than are told apart stay with what failed`() {
        var settings = FailureSettings()
        settings.types = 4
        var failures = FailureBench(settings)
        for turn in 0..<60 as Range<UInt64> {
            failures.bench.clock = 1_000 + Double(turn) / 100
            failures.take(
                failures.fact(
                    .ended, .llm, trace: turn, span: turn + 1, parent: 9, agent: "a", subject: "m",
                    error: "took \(turn % 30) s"))
        }
        let report = failures.report()
        #expect(report.lastDay.map(\.failures).reduce(0, +) == 60)
        #expect(report.lastDay.first { $0.component == .model }?.failures == 60)
        #expect(report.types.allSatisfy { $0.component == .model })
        #expect(report.types.count == 4)
    }

    @Test func `ten thousand failures take less than three megabytes`() {
        var failures = FailureBench()
        let fact = failures.fact(.ended, .tool, parent: 9, agent: "a", subject: "x", error: "e")
        for turn in 0..<20_000 as Range<UInt64> {
            var next = fact
            next.traceIDLow = turn
            next.spanID = turn
            failures.take(next)
        }
        #expect(failures.failures.byteCount < 3_000_000)
    }

    @Test func `the answer is written with the names of the interface`() {
        var failures = FailureBench()
        failures.take(
            failures.fact(
                .ended, .tool, span: 2, parent: 1, agent: "boss", subject: "search", from: 1, to: 2,
                error: "timeout"),
            failures.fact(
                .ended, .tool, span: 3, parent: 1, agent: "boss", subject: "search", from: 3, to: 7)
        )
        failures.tick()
        var json = JSONWriter()
        failures.failures.postMortem(failures.bench.symbols, now: failures.bench.now)
            .write(into: &json)
        let text = String(decoding: json.bytes, as: UTF8.self)
        let row = """
            {"failures":[{"id":"1","time":"2027-01-15T08:00:02.000000000Z",\
            "arrival_time":"2027-01-15T08:00:00.000000000Z","component":"tool",\
            "operation":"search","error_type":"timeout","agent":"boss","workflow":"research",\
            "session_id":null,"trace_id":"00000000000000000000000000000001",\
            "span_id":"0000000000000002","duration":1.0,"cost_lost_usd":null,"caused_by":null,\
            "outcome":"recovered","recovery":{"strategy":"retry","seconds":5.0,\
            "span_id":"0000000000000003"}}],"cursor":null,"summary":{"total":1,"held":1,\
            "recovered":1,"unrecovered":0,"recovery_rate":1.0,"mean_recovery_seconds":5.0,\
            "most_common_error":"timeout"},
            """
        #expect(text.hasPrefix(row))
    }
}
