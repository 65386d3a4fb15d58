import RoostIngest
import Testing

@testable import RoostAnalytics

@Suite struct FailureRecoveryTests {
    @Test(arguments: [false, true])
    func `a call that works when tried again is recovered by a retry`(_ isBackwards: Bool) {
        var failures = FailureBench()
        let failed = failures.fact(
            .ended, .tool, span: 2, parent: 1, agent: "boss", subject: "search", from: 1, to: 2,
            error: "timeout")
        let again = failures.fact(
            .ended, .tool, span: 3, parent: 1, agent: "boss", subject: "search", from: 3, to: 7)
        if isBackwards {
            failures.take(again, failed)
        } else {
            failures.take(failed, again)
            failures.tick()
        }
        #expect(failures.lines == ["tool search timeout recovered retry 5.0"])
        #expect(failures.report().rows.first?.recoverySpanID == 3)
    }

    @Test func `another model that answers is a fallback`() {
        var failures = FailureBench()
        failures.take(
            failures.fact(
                .ended, .llm, span: 2, parent: 1, agent: "boss", subject: "large", from: 1, to: 2,
                error: "RateLimitError"),
            failures.fact(
                .ended, .llm, span: 3, parent: 1, agent: "boss", subject: "small", from: 2, to: 4))
        failures.tick()
        #expect(failures.lines == ["model large RateLimitError recovered fallback_model 2.0"])
    }

    /// A model that fails, another that answers after it, the same again much later, and the run.
    private static func calls(_ failures: inout FailureBench) -> [AgentFact] {
        [
            failures.fact(
                .ended, .llm, span: 2, parent: 1, agent: "boss", subject: "large", from: 5, to: 10,
                error: "timeout"),
            failures.fact(
                .ended, .llm, span: 3, parent: 1, agent: "boss", subject: "small", from: 12, to: 17),
            failures.fact(
                .ended, .llm, span: 4, parent: 1, agent: "boss", subject: "large", from: 100,
                to: 105),
            failures.fact(.ended, .agent, span: 1, agent: "boss", from: 0, to: 200),
        ]
    }

    private static let fallback = "model large timeout recovered fallback_model 7.0"

    @Test func `what came first got over it, in whatever order it is told`() throws {
        for order in 0..<24 {
            var failures = FailureBench()
            var facts = Self.calls(&failures)
            var number = order
            while !facts.isEmpty {
                let count = facts.count
                failures.take(facts.remove(at: number % count))
                number /= count
            }
            failures.take(failures.fact(.workflowEnded, span: 1, from: 0, to: 200))
            #expect(failures.lines == [Self.fallback], "order \(order)")
            let report = failures.report()
            #expect((report.recovered, report.unrecovered) == (1, 0))
            #expect(report.meanRecoveryTime == 7_000_000_000)
            let type = try #require(report.types.first { $0.component == .model })
            #expect((type.recovered, type.bestStrategy) == (1, .fallbackModel))
        }
    }

    @Test func `while a run goes on, what got over a failure sooner may still come`() {
        var failures = FailureBench()
        let facts = Self.calls(&failures)
        failures.take(facts[0], facts[2])
        failures.tick()
        #expect(failures.lines == ["model large timeout recovered retry 95.0"])
        failures.take(facts[1])
        failures.tick()
        #expect(failures.lines == [Self.fallback])
        #expect(failures.report().meanRecoveryTime == 7_000_000_000)
        failures.take(failures.fact(.workflowEnded, span: 1, from: 0, to: 200))
        #expect(failures.lines == [Self.fallback])
    }

    @Test func `what somebody said stays said`() {
        var failures = FailureBench()
        let facts = Self.calls(&failures)
        failures.take(facts[0])
        let isMarked = failures.failures.markRecovered(1, now: failures.bench.now)
        #expect(isMarked)
        failures.take(facts[1])
        failures.tick()
        failures.take(failures.fact(.workflowEnded, span: 1, from: 0, to: 200))
        #expect(failures.report().rows.first?.strategy == .reported)
        #expect(failures.report().recovered == 1)
    }

    @Test func `what somebody said of a run stays said when it is run again`() {
        var failures = FailureBench()
        let failed = failures.fact(
            .workflowEnded, trace: 1, span: 1, from: 0, to: 10, error: "x", session: "s")
        failures.take(failed)
        let isMarked = failures.failures.markRecovered(1, now: failures.bench.now)
        failures.take(
            failures.fact(.workflowEnded, trace: 2, span: 1, from: 20, to: 30, session: "s"))
        #expect(isMarked && failures.report().rows.first?.strategy == .reported)
        #expect(failures.report().recovered == 1)
    }

    @Test func `another agent that does the job recovers the failed one`() {
        var failures = FailureBench()
        failures.take(
            failures.fact(
                .ended, .agent, span: 2, parent: 1, agent: "left", from: 1, to: 2, error: "boom"),
            failures.fact(.ended, .agent, span: 3, parent: 1, agent: "right", from: 2, to: 9))
        failures.tick()
        #expect(failures.lines == ["agent left boom open"])
        failures.take(failures.fact(.ended, .agent, span: 1, agent: "boss", from: 0, to: 9))
        failures.tick()
        #expect(failures.lines == ["agent left boom recovered other_agent 7.0"])
    }

    @Test func `what happens before the failure, or of another kind, is no recovery`() {
        var failures = FailureBench()
        failures.take(
            failures.fact(
                .ended, .tool, span: 2, parent: 1, agent: "boss", subject: "search", from: 5, to: 6,
                error: "timeout"),
            failures.fact(
                .ended, .tool, span: 3, parent: 1, agent: "boss", subject: "search", from: 1, to: 2),
            failures.fact(
                .ended, .tool, span: 4, parent: 1, agent: "boss", subject: "read", from: 7, to: 8),
            failures.fact(
                .ended, .llm, span: 5, parent: 1, agent: "boss", subject: "search", from: 8, to: 9))
        failures.tick()
        #expect(failures.lines == ["tool search timeout open"])
        failures.take(failures.fact(.traceClosed))
        #expect(failures.lines == ["tool search timeout unrecovered"])
    }

    @Test func `a run that ends well has got over what failed in it`() {
        var failures = FailureBench()
        failures.take(
            failures.fact(
                .ended, .tool, span: 2, parent: 1, agent: "boss", subject: "search", from: 1, to: 2,
                error: "timeout"),
            failures.fact(.ended, .agent, span: 1, agent: "boss", from: 0, to: 10),
            failures.fact(.workflowEnded, span: 1, from: 0, to: 10))
        #expect(failures.lines == ["tool search timeout recovered workflow_completed 8.0"])
    }

    @Test func `a failed run names what it comes from, and what it cost`() throws {
        var failures = FailureBench()
        failures.take(
            failures.fact(
                .ended, .agent, span: 1, agent: "boss", from: 0, to: 10, error: "GaveUp"),
            failures.fact(
                .ended, .llm, span: 3, parent: 1, agent: "boss", subject: "gpt", from: 4, to: 9,
                cost: 0.25, error: "timeout"),
            failures.fact(
                .ended, .llm, span: 2, parent: 1, agent: "boss", subject: "gpt", from: 1, to: 4,
                cost: 0.5),
            failures.fact(.workflowEnded, span: 1, from: 0, to: 10, error: "GaveUp"),
            failures.fact(.traceClosed))
        let rows = failures.report().rows
        #expect(
            failures.lines == [
                "workflow research GaveUp unrecovered", "model gpt timeout unrecovered",
                "agent boss GaveUp unrecovered",
            ])
        #expect(rows.map(\.id) == [3, 2, 1])
        #expect(rows.map(\.cause) == [1, 0, 2])
        #expect(rows.map(\.costLost) == [0.75, 0.25, nil])
    }

    @Test func `the next run of the same session makes a failed one good`() {
        var failures = FailureBench()
        failures.take(
            failures.fact(
                .ended, .agent, span: 1, agent: "boss", from: 0, to: 10, error: "boom", session: "s"
            ),
            failures.fact(
                .workflowEnded, span: 1, from: 0, to: 10, error: "boom", session: "s"),
            failures.fact(.traceClosed),
            failures.fact(
                .workflowEnded, trace: 2, span: 1, from: 20, to: 30, session: "other"),
            failures.fact(.workflowEnded, trace: 3, span: 1, from: 20, to: 30, session: "s"))
        #expect(
            failures.lines == [
                "workflow research boom recovered rerun 20.0", "agent boss boom unrecovered",
            ])
        #expect(failures.report().recovered == 1)
        #expect(failures.report().unrecovered == 1)
    }

    @Test func `what nobody hears of again is not recovered after two hours`() {
        var failures = FailureBench()
        failures.take(
            failures.fact(.ended, .tool, span: 2, parent: 1, subject: "search", error: "timeout"))
        failures.bench.clock = 7_200
        failures.tick()
        #expect(failures.report().rows.first?.outcome == .open)
        failures.bench.clock = 7_201
        failures.tick()
        #expect(failures.report().rows.first?.outcome == .unrecovered)
        let isMarked = failures.failures.markRecovered(1, now: failures.bench.now)
        #expect(isMarked)
        #expect(failures.report().recovered == 1)
        #expect(failures.report().unrecovered == 0)
        let isMarkedAgain = failures.failures.markRecovered(1, now: failures.bench.now)
        #expect(!isMarkedAgain)
        let isUnknownMarked = failures.failures.markRecovered(2, now: failures.bench.now)
        #expect(!isUnknownMarked)
    }
}
