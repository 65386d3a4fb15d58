import RoostIngest
import Testing

@testable import RoostAnalytics

/// What does not show that a failure was got over, and what does.
@Suite struct FailureEvidenceTests {
    /// A tool that failed and one that worked afterwards, both of `boss`: what was made of it.
    private func outcome(
        given failed: UInt32, then later: UInt32, error: String = "NotFound",
        below parent: UInt64 = 1,
        agent: String = "boss", tells: [(inout FailureBench) -> AgentFact] = []
    ) -> String {
        var failures = FailureBench()
        var first = failures.fact(
            .ended, .tool, span: 2, parent: 1, agent: "boss", subject: "read", from: 1, to: 2,
            error: error)
        var second = failures.fact(
            .ended, .tool, span: 3, parent: parent, agent: agent, subject: "read", from: 3, to: 4)
        (first.arguments, second.arguments) = (failed, later)
        failures.take(first, second)
        for tell in tells { failures.take(tell(&failures)) }
        failures.take(
            failures.fact(.workflowEnded, span: 9, from: 0, to: 10, error: "gave up"),
            failures.fact(.traceClosed))
        let row = failures.report { $0.component = .tool }.rows.first
        return "\(row?.outcome.text ?? "") \(row?.strategy.text ?? "")"
    }

    @Test func `a tool that works with other arguments has not been tried again`() {
        #expect(outcome(given: 5, then: 5) == "recovered retry")
        #expect(outcome(given: 5, then: 7) == "unrecovered none")
        #expect(outcome(given: 5, then: 5, below: 8, agent: "other") == "recovered other_agent")
        #expect(outcome(given: 5, then: 7, below: 8, agent: "other") == "unrecovered none")
    }

    @Test func `other arguments are what was asked for where they had been refused`() {
        #expect(outcome(given: 5, then: 7, error: "ValidationError") == "recovered retry")
        #expect(
            outcome(given: 5, then: 7, error: "ValidationError", below: 8, agent: "other")
                == "unrecovered none")
    }

    @Test func `where arguments are unknown the place in the run decides`() {
        #expect(outcome(given: 0, then: 0) == "recovered retry")
        #expect(outcome(given: 5, then: 0) == "recovered retry")
        #expect(outcome(given: 0, then: 0, below: 1, agent: "other") == "unrecovered none")
        #expect(outcome(given: 0, then: 0, below: 8, agent: "other") == "unrecovered none")
        // Between them stand spans that are no activities.
        #expect(outcome(given: 0, then: 0, below: 8) == "recovered retry")
    }

    @Test func `two runs of one agent do not try again what the other does`() {
        func run(_ span: UInt64, to end: Double) -> (inout FailureBench) -> AgentFact {
            { $0.fact(.ended, .agent, span: span, parent: 9, agent: "boss", from: 0, to: end) }
        }
        #expect(
            outcome(given: 0, then: 0, below: 8, tells: [run(1, to: 5), run(8, to: 6)])
                == "unrecovered none")
        #expect(
            outcome(given: 5, then: 5, below: 8, tells: [run(1, to: 5), run(8, to: 6)])
                == "recovered retry")
    }

    @Test func `an embedding is no answer of a language model`() {
        var failures = FailureBench()
        failures.take(
            failures.fact(
                .ended, .llm, span: 2, parent: 1, agent: "boss", subject: "gpt", from: 1, to: 2,
                error: "timeout"),
            failures.fact(
                .ended, .embedding, span: 3, parent: 1, agent: "boss", subject: "ada", from: 3,
                to: 4))
        failures.tick()
        #expect(failures.lines == ["model gpt timeout open"])
    }

    /// `left` failed, `right` ran after it; then their run ended.
    private func siblings(
        _ inputs: (UInt32, UInt32), runFails: Bool, agent: String = "right"
    ) -> [String] {
        var failures = FailureBench()
        var first = failures.fact(
            .ended, .agent, span: 2, parent: 1, agent: "left", from: 1, to: 2, error: "boom")
        var second = failures.fact(.ended, .agent, span: 3, parent: 1, agent: agent, from: 2, to: 9)
        (first.arguments, second.arguments) = inputs
        let error = runFails ? "gave up" : nil
        failures.take(
            first, second,
            failures.fact(.workflowEnded, span: 1, from: 0, to: 10, error: error),
            failures.fact(.traceClosed))
        return failures.lines.filter { $0.hasPrefix("agent") }
    }

    @Test func `an agent that runs after one that failed may have had a job of its own`() {
        #expect(siblings((0, 0), runFails: true) == ["agent left boom unrecovered"])
        #expect(siblings((5, 7), runFails: true) == ["agent left boom unrecovered"])
        #expect(siblings((5, 5), runFails: true) == ["agent left boom recovered other_agent 7.0"])
        #expect(siblings((0, 0), runFails: false) == ["agent left boom recovered other_agent 7.0"])
    }

    @Test func `an agent that is run again has got over it, unless it was given something else`() {
        let lines = { siblings($0, runFails: true, agent: "left") }
        #expect(lines((0, 0)) == ["agent left boom recovered retry 7.0"])
        #expect(lines((5, 5)) == ["agent left boom recovered retry 7.0"])
        #expect(lines((5, 7)) == ["agent left boom unrecovered"])
    }

    @Test
    func `what an agent took over is lost with the run when its root turns out to have failed`() {
        var failures = FailureBench()
        let early = failures.fact(.workflowEnded, span: 3, from: 1, to: 9)
        failures.take(
            failures.fact(
                .ended, .agent, span: 2, parent: 1, agent: "left", from: 1, to: 2, error: "boom"),
            failures.fact(.ended, .agent, span: 3, parent: 1, agent: "right", from: 2, to: 9), early
        )
        #expect(failures.lines == ["agent left boom recovered other_agent 7.0"])
        var runs = CountedRuns()
        runs.note(early, now: failures.bench.now)
        var late = failures.fact(.workflowCorrected, span: 1, from: 0, to: 10, error: "gave up")
        failures.bench.take(late)
        late.kind = .workflowEnded
        if let run = runs.take(late) {
            failures.failures.correct(
                run, to: late, failures.bench.symbols, now: failures.bench.now,
                fleet: failures.bench.fleet)
        }
        #expect(failures.lines.last == "agent left boom open")
    }

    @Test(arguments: [("a.txt", "recovered"), ("b.txt", "unrecovered")])
    func `what spans say that tools were called with is compared`(
        _ later: String, _ outcome: String
    ) {
        let reader = TraceActivities()
        reader.read(
            TestTrace.chunk([
                .agent(1, 0, 9_000, "boss", error: "gave up"),
                .tool(2, under: 1, 1_000, 2_000, "read", #"{"path":"a.txt"}"#, error: "NotFound"),
                .tool(3, under: 1, 3_000, 4_000, "read", #"{"path":"\#(later)"}"#),
            ]), names: TestTrace.names)
        var batch = reader.batch
        let world = FleetTrackerTests.World()
        world.take(&batch, until: 60)
        let row = world.failures.report(FailureFilter(), world.symbols, now: world.now).rows
            .first { $0.component == .tool }
        #expect(row?.outcome.text == outcome)
        #expect(row?.errorType == "NotFound")
    }
}
