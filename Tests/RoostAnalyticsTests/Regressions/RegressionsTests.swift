import Glibc
import RoostCore
import RoostIngest
import Testing

@testable import RoostAnalytics

@Suite struct RegressionsTests {
    private var feed = FactFeed()
    private var findings = Findings()
    private var random = SeededNumbers(7)

    /// Around `seconds`, as durations are: normal in their logarithms.
    private mutating func noisy(_ seconds: Double, spread: Double = 0.4) -> Double {
        let normal = (-2 * log(1 - random.share())).squareRoot() * cos(2 * .pi * random.share())
        return seconds * exp(spread * normal)
    }

    private mutating func calls(
        _ count: Int, seconds: Double = 1, tokens: UInt64 = 0, cost: Double = .nan,
        failing: Double = 0, spread: Double = 0.4
    ) {
        for _ in 0..<count {
            feed.now += 20 * FactFeed.second
            let length = noisy(seconds, spread: spread)
            let read = tokens == 0 ? 0 : UInt64(noisy(Double(tokens), spread: 0.2))
            let fact = feed.step(
                .llm, "m", trace: feed.newTrace(), seconds: length,
                failed: random.share() < failing, agent: "a", read: read, cost: cost)
            findings.take(fact, feed.symbols, now: feed.now)
        }
        for _ in 0..<4 { findings.tick(now: feed.now) }
    }

    private var found: [RegressionFinding] { findings.regressions.findings(feed.symbols) }

    private func change(_ measure: RegressionMeasure) -> RegressionFinding? {
        found.first { $0.measure == measure }
    }

    @Test mutating func `thirty percent slower is found within a hundred calls`() throws {
        calls(200)
        #expect(found.isEmpty)
        calls(100, seconds: 1.3)
        // The window still holds some of the calls before.
        calls(28, seconds: 1.3)
        let finding = try #require(change(.averageDuration))
        #expect(!finding.isImprovement)
        #expect(finding.severity == .minor)
        #expect(finding.change > 0.2 && finding.change < 0.5)
        #expect(finding.confidence > 0.98 && finding.confidence < 1)
        #expect(finding.subject == FindingSubject(.model, "m"))
        #expect(!finding.evidence.examples.isEmpty)
    }

    @Test(arguments: [(1.7, RegressionFinding.Severity.moderate), (3, .severe)])
    mutating func `how much slower makes the severity`(
        _ factor: Double, _ severity: RegressionFinding.Severity
    ) throws {
        calls(200, spread: 0.1)
        calls(128, seconds: factor, spread: 0.1)
        #expect(try #require(change(.averageDuration)).severity == severity)
        #expect(try #require(change(.medianDuration)).severity == severity)
    }

    @Test mutating func `becoming faster is an improvement`() throws {
        calls(200)
        calls(128, seconds: 0.5)
        let finding = try #require(change(.averageDuration))
        #expect(finding.isImprovement)
        #expect(finding.title == "Model `m` has become faster")
        let report = findings.regressions.report(feed.symbols, now: feed.now)
        #expect(report.regressions.isEmpty && !report.improvements.isEmpty)
    }

    @Test mutating func `more failures are found and told in percentage points`() throws {
        calls(200, failing: 0.02)
        calls(128, failing: 0.25)
        let finding = try #require(change(.errorShare))
        #expect(finding.recent > 0.15 && finding.baseline < 0.08)
        #expect(finding.text.contains("percentage points more"))
    }

    @Test mutating func `tokens and cost of a call are compared`() throws {
        calls(200, tokens: 1_000, cost: 0.01)
        calls(128, tokens: 1_600, cost: 0.016)
        #expect(try #require(change(.tokens)).severity == .moderate)
        #expect(try #require(change(.cost)).change > 0.5)
    }

    @Test mutating func `tokens of an agent's runs come from the runs`() throws {
        for run in 0..<220 {
            feed.now += 20 * FactFeed.second
            let trace = feed.newTrace()
            let root = feed.newSpan()
            for call in 0..<3 {
                let read: UInt64 = run < 90 ? 1_000 : 2_500
                let fact = feed.step(
                    .llm, "m", trace: trace, at: Double(call), agent: "a",
                    read: read + UInt64(run % 7))
                findings.take(fact, feed.symbols, now: feed.now)
            }
            let agent = feed.step(.agent, "a", trace: trace, parent: root, seconds: 4)
            findings.take(agent, feed.symbols, now: feed.now)
            let flow = feed.step(.workflow, "w", trace: trace, span: root, seconds: 5)
            findings.take(flow, feed.symbols, now: feed.now)
            findings.tick(now: feed.now)
        }
        let agent = found.first { $0.subject.kind == .agent && $0.measure == .tokens }
        #expect(try #require(agent).recent > 6_500)
        #expect(found.contains { $0.subject.kind == .workflow && $0.measure == .tokens })
    }

    @Test mutating func `one outlier does not make a regression`() {
        calls(200, spread: 0.1)
        calls(127, spread: 0.1)
        calls(1, seconds: 500, spread: 0)
        #expect(change(.averageDuration) == nil)
    }

    @Test mutating func `a few calls say nothing`() {
        calls(50, spread: 0.1)
        calls(29, seconds: 5, spread: 0.1)
        #expect(found.isEmpty)
    }

    /// The stated rate is one in a hundred looks; a change must be large besides.
    @Test mutating func `a thousand noisy series raise at most the stated number of alarms`() {
        var alarms = 0
        for seed in 0..<1_000 {
            random = SeededNumbers(UInt64(seed) &* 7_919)
            var table = SampleTable()
            table.addOperation()
            let settings = RegressionSettings()
            var now = FactFeed.start
            for _ in 0..<300 {
                now += FactFeed.second
                let hasFailed = random.share() < 0.05
                func add(_ value: Double, _ measure: SampledMeasure) {
                    table.add(
                        value, table.at(0, measure), now: now, isHeld: false, settings)
                }
                add(hasFailed ? 1 : 0, .failure)
                add(noisy(2, spread: 0.8), .duration)
                add(noisy(3_000, spread: 0.6), .tokens)
                add(noisy(0.02, spread: 0.6), .cost)
            }
            var assessment = Assessor(settings: settings).assess(table, 0)
            var chances = assessment.changes.map(\.p)
            Comparison.adjust(&chances)
            for at in chances.indices { assessment.changes[at].adjusted = chances[at] }
            if assessment.changes.contains(where: { $0.isLarge && $0.adjusted < 0.01 }) {
                alarms += 1
            }
        }
        #expect(alarms <= 10)
    }

    @Test mutating func `a baseline moves slowly, slower still while a regression shows`() throws {
        calls(500, spread: 0.1)
        calls(300, seconds: 2, spread: 0.1)
        let held = try #require(change(.medianDuration))
        #expect(held.baseline < 1.1)
        let isKnown = findings.regressions.acceptBaseline(of: held.subject, feed.symbols)
        #expect(isKnown)
        calls(60, seconds: 2, spread: 0.1)
        #expect(change(.medianDuration) == nil)
    }

    @Test mutating func `a baseline that is reset is learned anew`() {
        calls(200, spread: 0.1)
        let model = FindingSubject(.model, "m")
        let isKnown = findings.regressions.resetBaseline(of: model, feed.symbols)
        let other = FindingSubject(.tool, "?")
        let isOtherKnown = findings.regressions.resetBaseline(of: other, feed.symbols)
        #expect(isKnown && !isOtherKnown)
        calls(150, seconds: 3, spread: 0.1)
        #expect(found.isEmpty)
    }

    @Test mutating func `baselines outlive the process`() throws {
        calls(200, tokens: 500, spread: 0.1)
        let kept = findings.regressions.encoded(feed.symbols)
        let decoded = try #require(Regressions(decoding: kept))
        #expect(decoded.adopted.baselines.count == 1)
        #expect(decoded.encoded(Symbols()) == kept)
        feed = FactFeed()
        _ = feed.number("something else, so that numbers differ")
        findings = Findings(regressions: decoded)
        calls(60, seconds: 1.6, spread: 0.1)
        let finding = try #require(change(.averageDuration))
        #expect(finding.severity == .moderate)
    }

    @Test mutating func `baselines of before are there before anything comes`() throws {
        calls(200, tokens: 500, spread: 0.1)
        let before = findings.regressions.report(feed.symbols, now: feed.now)
        let known = try #require(
            Regressions(decoding: findings.regressions.encoded(feed.symbols)))
        findings = Findings(regressions: known)
        let after = findings.regressions.report(Symbols(), now: feed.now)
        #expect(after.baselines.map(\.subject) == before.baselines.map(\.subject))
        let (old, new) = (try #require(before.baselines.first), after.baselines[0])
        #expect(new.isLearned && old.isLearned)
        #expect(new.baseline.duration == old.baseline.duration)
        #expect(new.baseline.tokens == old.baseline.tokens)
        #expect((new.recent.calls, after.waiting) == (0, 1))
        #expect(findings.coverage(InsightInputs()).learned == 1)

        let model = FindingSubject(.model, "m")
        let kept = findings.regressions.encoded(Symbols())
        let isAccepted = findings.regressions.acceptBaseline(of: model, Symbols())
        #expect(isAccepted && findings.regressions.encoded(Symbols()) == kept)
        let isOther = findings.regressions.acceptBaseline(of: FindingSubject(.tool, "?"), Symbols())
        #expect(!isOther)
        feed = FactFeed()
        calls(1)
        let again = findings.regressions.report(feed.symbols, now: feed.now)
        #expect((again.baselines.count, again.waiting) == (1, 0))
        let isReset = findings.regressions.resetBaseline(of: model, feed.symbols)
        #expect(isReset)
    }

    @Test mutating func `damaged bytes are no baselines`() {
        calls(120)
        let kept = findings.regressions.encoded(feed.symbols)
        for at in stride(from: 0, to: kept.count, by: 7) {
            var damaged = kept
            damaged[at] ^= 0x40
            #expect(Regressions(decoding: damaged) == nil)
            #expect(Regressions(decoding: Array(kept.prefix(at))) == nil)
        }
        #expect(Regressions(decoding: []) == nil)
    }

    @Test mutating func `operations beyond the bound are counted`() {
        var settings = RegressionSettings()
        settings.operations = 8
        findings = Findings(regressions: Regressions(settings))
        for name in 0..<300 {
            let fact = feed.step(.tool, "t\(name)", trace: 1)
            findings.take(fact, feed.symbols, now: feed.now)
        }
        #expect(findings.regressions.keys.count == 8)
        #expect(findings.regressions.unwatched > 250)
    }

    @Test mutating func `where calls come fast only some are sampled`() {
        for _ in 0..<200 {
            feed.now += FactFeed.second
            for _ in 0..<100 {
                let fact = feed.step(.tool, "t", trace: 1)
                findings.take(fact, feed.symbols, now: feed.now)
            }
            findings.tick(now: feed.now)
        }
        let summary = findings.regressions.assessments[0]
        #expect(summary.recentTo - summary.recentFrom > 20)
    }

    /// Every third call is slow: sampling every third would see only those, or none of them.
    @Test mutating func `work that comes in rounds is sampled evenly`() {
        for round in 0..<1_500 {
            feed.now += FactFeed.second
            for call in 0..<(round < 60 ? 1 : 3) {
                let isSlow = round < 60 ? round % 3 == 0 : call == 0
                let fact = feed.step(.tool, "t", trace: 1, seconds: isSlow ? 3 : 1)
                findings.take(fact, feed.symbols, now: feed.now)
            }
            findings.tick(now: feed.now)
            if round % 50 == 0 { #expect(found.isEmpty) }
        }
        let recent = findings.regressions.assessments[0].recent.duration.average
        #expect(recent > 1.3 && recent < 2.1)
    }

    @Test mutating func `the report is told in JSON`() {
        calls(200, spread: 0.1)
        calls(128, seconds: 2, spread: 0.1)
        var json = JSONWriter()
        findings.regressions.report(feed.symbols, now: feed.now).write(into: &json)
        let text = String(decoding: json.bytes, as: UTF8.self)
        #expect(text.contains(#""measure":"avg_duration_seconds","direction":"regression""#))
        #expect(text.contains(#""status":"learned","baseline":{"samples":"#))
        #expect(text.contains(#""cost_usd_per_call":null"#))
    }
}
