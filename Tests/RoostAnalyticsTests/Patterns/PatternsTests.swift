import RoostCore
import RoostIngest
import Testing

@testable import RoostAnalytics

@Suite struct PatternsTests {
    private var feed = FactFeed()
    private var patterns = Patterns()

    private mutating func take(_ fact: AgentFact) {
        patterns.take(fact, feed.symbols, now: feed.now)
    }

    private mutating func found(_ kind: PatternFinding.Kind) -> PatternFinding? {
        patterns.tick(now: feed.now)
        return patterns.findings(feed.symbols, now: feed.now).first { $0.kind == kind }
    }

    private mutating func calls(_ count: Int, failed: Int, seconds: Double = 1) {
        for call in 0..<count {
            take(
                feed.step(
                    .tool, "search", trace: feed.newTrace(), seconds: seconds,
                    failed: call < failed))
        }
    }

    @Test mutating func `half of the calls failing is a recurring failure`() throws {
        calls(20, failed: 10)
        let finding = try #require(found(.recurringFailure))
        #expect(finding.subject == FindingSubject(.tool, "search"))
        #expect(finding.figure("failure_share") == 0.5)
        #expect(finding.windowSeconds == 3_600)
        #expect(finding.evidence.count == 10)
        #expect(finding.evidence.examples.count == 5)
        #expect(abs(finding.confidence - 0.5) < 0.01)
    }

    @Test mutating func `confidence grows with the number of attempts`() throws {
        calls(12, failed: 9)
        let few = try #require(found(.recurringFailure)).confidence
        calls(188, failed: 141)
        let many = try #require(found(.recurringFailure)).confidence
        #expect(few > 0.9 && few < 0.97)
        #expect(many > 0.999)
    }

    @Test mutating func `a lower share and too few attempts say nothing`() {
        calls(100, failed: 49)
        #expect(found(.recurringFailure) == nil)
        take(feed.step(.llm, "rare", trace: 900, failed: true))
        #expect(found(.recurringFailure) == nil)
    }

    @Test mutating func `what is over a day old is forgotten`() {
        calls(20, failed: 20)
        #expect(found(.recurringFailure)?.windowSeconds == 3_600)
        feed.now += 7_200 * FactFeed.second
        #expect(found(.recurringFailure)?.windowSeconds == 86_400)
        feed.now += 90_000 * FactFeed.second
        #expect(found(.recurringFailure) == nil)
        #expect(patterns.operations.keys.isEmpty)
    }

    @Test mutating func `a query sees time go by without a tick`() {
        calls(20, failed: 20)
        patterns.tick(now: feed.now)
        let later = feed.now + 100_000 * FactFeed.second
        #expect(patterns.findings(feed.symbols, now: later).isEmpty)
    }

    @Test(arguments: [(5.5, true), (4.5, false)])
    mutating func `a mean over five seconds is a bottleneck`(_ seconds: Double, _ isOne: Bool) {
        calls(30, failed: 0, seconds: seconds)
        #expect((found(.bottleneck) != nil) == isOne)
    }

    @Test mutating func `a 95th percentile over ten seconds is a bottleneck`() throws {
        calls(92, failed: 0, seconds: 0.5)
        calls(8, failed: 0, seconds: 12)
        let finding = try #require(found(.bottleneck))
        #expect(finding.figure("over_limit") == 8)
        #expect(finding.evidence.count == 8)
        let p95 = try #require(finding.figure("p95_seconds"))
        #expect(p95 > 10 && p95 < 14)
    }

    @Test(arguments: [10_800.0, 40, 10, 0.001])
    mutating func `equal durations have that mean and those percentiles`(_ seconds: Double) throws {
        calls(20, failed: 0, seconds: seconds)
        let set = try #require(patterns.figures(feed.symbols).first)
        for name in ["avg_seconds", "p50_seconds", "p95_seconds"] {
            #expect(abs((set.values[name] ?? 0) / seconds - 1) < 1e-6, "\(name)")
        }
        guard seconds > 5 else { return }
        let finding = try #require(found(.bottleneck))
        let lasted = Wording.duration(seconds)
        #expect(
            finding.text.contains(
                "took \(lasted) on average and about \(lasted) at the 95th percentile"))
        #expect(finding.evidence.count == 20)
        #expect(finding.evidence.examples.count == 5)
    }

    @Test mutating func `a percentile is within one per cent after the hour, too`() throws {
        for call in 1...200 { calls(1, failed: 0, seconds: Double(call) * 0.1) }
        for _ in 0..<2 {
            let finding = try #require(found(.bottleneck))
            #expect(abs((finding.figure("p50_seconds") ?? 0) / 10 - 1) < 0.01)
            #expect(abs((finding.figure("p95_seconds") ?? 0) / 19 - 1) < 0.01)
            feed.now += 7_200 * FactFeed.second
        }
    }

    @Test mutating func `a percentile that is not known is not told`() throws {
        var settings = PatternSettings()
        settings.durationBytes = 0
        patterns = Patterns(settings)
        calls(20, failed: 0, seconds: 30)
        feed.now += 1_200 * FactFeed.second
        let finding = try #require(found(.bottleneck))
        #expect(finding.figure("p95_seconds") == nil)
        #expect(finding.text.contains("took 30 s on average; 20 took more than 10 s."))
        #expect(try #require(patterns.figures(feed.symbols).first).values["p95_seconds"] == nil)
    }

    @Test mutating func `the book stays within six megabytes with everything in use`() {
        var numbers = SeededNumbers(9)
        for _ in 0..<150 {
            for tool in 0..<768 {
                let seconds = 0.01 / (0.001 + numbers.share())
                take(
                    feed.step(.tool, "tool \(tool)", trace: feed.newTrace(), seconds: seconds))
            }
            feed.now += 600 * FactFeed.second
        }
        patterns.tick(now: feed.now)
        #expect(patterns.operations.keys.count == 768)
        #expect(patterns.operations.byteCount < 6 << 20)
    }

    @Test mutating func `waiting for people is no work`() {
        for _ in 0..<20 {
            var fact = feed.step(.agent, "writer", trace: feed.newTrace(), seconds: 60)
            fact.humanWait = 59 * FactFeed.second
            take(fact)
        }
        #expect(found(.bottleneck) == nil)
    }

    @Test mutating func `retries are attempts after a failed one of the same caller`() throws {
        for _ in 0..<10 {
            let trace = feed.newTrace()
            take(feed.step(.tool, "fetch", trace: trace, parent: 99, at: 0, failed: true))
            take(feed.step(.tool, "fetch", trace: trace, parent: 99, at: 2))
            take(feed.step(.tool, "fetch", trace: trace, parent: 98, at: 2))
            take(feed.step(.workflow, "w", trace: trace, seconds: 4))
        }
        let finding = try #require(found(.highRetries))
        #expect(finding.figure("retries") == 10)
        #expect(finding.figure("attempts") == 30)
    }

    @Test mutating func `the same tool many times in a run is told with its runs`() throws {
        for run in 0..<10 {
            let trace = feed.newTrace()
            for call in 0..<(run < 4 ? 8 : 1) {
                take(feed.step(.tool, "grep", trace: trace, parent: 5, at: Double(call)))
            }
            take(feed.step(.workflow, "w", trace: trace, seconds: 10))
        }
        let finding = try #require(found(.repeatedOperation))
        #expect(finding.figure("repeating_runs") == 4)
        #expect(finding.figure("runs") == 10)
        #expect(finding.figure("calls_per_repeating_run") == 8)
    }

    @Test mutating func `input that grows from call to call is found`() throws {
        for _ in 0..<5 {
            let trace = feed.newTrace()
            for call in 0..<6 {
                take(
                    feed.step(
                        .llm, "m", trace: trace, at: Double(call), agent: "coder",
                        read: 1_000 + 1_000 * UInt64(call)))
            }
            take(feed.step(.workflow, "w", trace: trace, seconds: 10))
        }
        let finding = try #require(found(.tokenGrowth))
        #expect(finding.subject == FindingSubject(.agent, "coder"))
        #expect(finding.figure("growth_factor") == 6)
    }

    @Test mutating func `the step at which a workflow fails is named`() throws {
        for run in 0..<20 {
            let trace = feed.newTrace()
            let root = feed.newSpan()
            let agent = feed.newSpan()
            let fails = run % 2 == 0
            take(
                feed.step(
                    .tool, "charge", trace: trace, parent: agent, at: 1, failed: fails,
                    agent: "billing"))
            take(
                feed.step(
                    .agent, "billing", trace: trace, span: agent, parent: root, seconds: 3,
                    failed: fails))
            take(feed.step(.workflow, "order", trace: trace, span: root, seconds: 4, failed: fails))
        }
        let finding = try #require(found(.failingStep))
        #expect(finding.related == [FindingSubject(.tool, "charge")])
        #expect(finding.figure("failures") == 10)
        #expect(finding.figure("failures_at_step") == 10)
    }

    @Test mutating func `agents one after another are told with what could be saved`() throws {
        for _ in 0..<5 {
            let trace = feed.newTrace()
            let root = feed.newSpan()
            for (at, name) in ["a", "b", "c"].enumerated() {
                take(
                    feed.step(
                        .agent, name, trace: trace, parent: root, at: Double(at) * 4, seconds: 4))
            }
            take(feed.step(.workflow, "w", trace: trace, span: root, seconds: 12))
        }
        let finding = try #require(found(.sequentialAgents))
        #expect(finding.figure("saving_seconds") == 8)
        #expect(finding.figure("agents") == 3)
    }

    @Test mutating func `agents at the same time are not sequential but a fan-out`() throws {
        for _ in 0..<5 {
            let trace = feed.newTrace()
            let root = feed.newSpan()
            for at in 0..<12 {
                take(
                    feed.step(
                        .agent, "worker\(at)", trace: trace, parent: root, at: 0, seconds: 4))
            }
            take(feed.step(.workflow, "w", trace: trace, span: root, seconds: 5))
        }
        #expect(found(.sequentialAgents) == nil)
        #expect(try #require(found(.fanOut)).figure("width") == 12)
    }

    @Test mutating func `two agents that take turns are found`() throws {
        for _ in 0..<4 {
            let trace = feed.newTrace()
            for turn in 0..<8 {
                take(
                    feed.step(
                        .agent, turn % 2 == 0 ? "planner" : "critic", trace: trace, parent: 3,
                        at: Double(turn)))
            }
            take(feed.step(.workflow, "w", trace: trace, seconds: 9))
        }
        let finding = try #require(found(.pingPong))
        #expect(Set(finding.related.map(\.name)) == ["planner", "critic"])
        #expect(finding.figure("turns") == 8)
    }

    @Test mutating func `a workflow that waits for people is told so`() throws {
        for _ in 0..<12 {
            var fact = feed.step(.workflow, "approve", trace: feed.newTrace(), seconds: 100)
            fact.humanWait = 80 * FactFeed.second
            take(fact)
        }
        let finding = try #require(found(.humanWait))
        #expect(finding.figure("waiting_share") == 0.8)
    }

    @Test mutating func `a run that ends later than a query waits for its tick`() {
        take(feed.step(.tool, "t", trace: 1))
        take(feed.step(.workflow, "w", trace: 1))
        #expect(patterns.studiedRuns == 0)
        patterns.tick(now: feed.now)
        #expect(patterns.studiedRuns == 1)
        patterns.tick(now: feed.now)
        #expect(patterns.studiedRuns == 1)
    }

    @Test mutating func `tables stay within their bounds and count what fell out`() {
        var settings = PatternSettings()
        settings.operations = 16
        settings.openRuns = 8
        settings.steps = 32
        settings.stepsPerRun = 8
        patterns = Patterns(settings)
        for trace in 0..<200 {
            take(feed.step(.tool, "tool \(trace)", trace: UInt64(trace)))
        }
        for _ in 0..<100 { take(feed.step(.tool, "tool 1", trace: 1)) }
        #expect(patterns.operations.keys.count == 16)
        #expect(patterns.missed > 300)
        feed.now += 11 * FactFeed.second
        patterns.tick(now: feed.now)
        #expect(patterns.operations.keys.count <= 16)
    }

    @Test mutating func `a clock that leaps back or to the end of time harms nothing`() {
        calls(20, failed: 20)
        for now in [0, FactFeed.start - 1, .max, 1, FactFeed.start] as [UInt64] {
            feed.now = now
            var fact = feed.step(.tool, "search", trace: 1, failed: true)
            (fact.start, fact.end) = (UInt64.max, 3)
            take(fact)
            fact.kind = .workflowEnded
            fact.activity = .workflow
            take(fact)
            patterns.tick(now: now)
            _ = patterns.findings(feed.symbols, now: now)
        }
    }

    @Test mutating func `after a clock leapt ahead and came back windows go on`() throws {
        calls(20, failed: 20)
        feed.now += 1_000 * 86_400 * FactFeed.second
        calls(3, failed: 0)
        feed.now -= 1_000 * 86_400 * FactFeed.second
        calls(20, failed: 20)
        #expect(try #require(found(.recurringFailure)).figure("attempts") == 20)
        feed.now += 7_200 * FactFeed.second
        #expect(try #require(found(.recurringFailure)).windowSeconds == 86_400)
    }

    @Test mutating func `the day holds what the hour holds, once`() throws {
        calls(20, failed: 20)
        feed.now += 1_200 * FactFeed.second
        calls(20, failed: 20)
        #expect(try #require(found(.recurringFailure)).figure("attempts") == 40)
        feed.now += 3_000 * FactFeed.second
        calls(4, failed: 4)
        #expect(try #require(found(.recurringFailure)).figure("attempts") == 24)
        feed.now += 4_000 * FactFeed.second
        #expect(try #require(found(.recurringFailure)).figure("attempts") == 44)
    }

    @Test mutating func `the report is told in JSON with stable ids`() throws {
        calls(20, failed: 15)
        patterns.tick(now: feed.now)
        let report = patterns.report(feed.symbols, now: feed.now)
        var json = JSONWriter()
        report.write(into: &json)
        let text = String(decoding: json.bytes, as: UTF8.self)
        #expect(text.contains(#""kind":"recurring_failure","group":"failure""#))
        #expect(text.contains(#""figures":{"attempts":20,"failures":15,"failure_share":0.75}"#))
        #expect(text.contains(#""trace_id":"0000000000000007"#))
        #expect(report.findings[0].id == patterns.findings(feed.symbols, now: feed.now)[0].id)
        #expect(
            report.findings[0].text
                == "In the last hour, 15 of 20 calls of tool `search` failed (75 %).")
    }
}
