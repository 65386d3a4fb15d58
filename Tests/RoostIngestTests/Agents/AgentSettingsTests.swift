import RoostCore
import Testing

@testable import RoostIngest

/// Settings that change while activities come in.
@Suite struct AgentSettingsTests {
    private func changed(
        _ run: TrackerRun, _ change: (inout AgentTrackerSettings) -> Void
    ) {
        var settings = run.tracker.settings
        change(&settings)
        run.tracker.use(settings)
    }

    @Test func `durations begin anew with other bounds, and counters go on`() throws {
        let budget = MemoryBudget(limitBytes: 10 << 20)
        let run = TrackerRun { $0.memory = budget.share("derived_series") }
        for id: UInt64 in 1...20 {
            run.take(Step.call(id).inTrace(id).with { $0.model = "model-\(id)" })
        }
        #expect(run.tracker.metrics.llmCallDuration.index.count == 21)
        let used = budget.usedBytes
        let bounds = try #require(DurationBounds(seconds: [1, 2]))
        changed(run) { $0.bounds = bounds }
        #expect(run.tracker.metrics.llmCallDuration.index.count == 1)
        #expect(budget.usedBytes < used)
        run.take(Step.call(90).inTrace(90))
        #expect(run.calls == 21)
        let durations = run.tracker.metrics.llmCallDuration
        #expect(durations.counts == [0, 1] && durations.buckets.count == 2 * bounds.bucketCount)
        #expect(durations.index.created[1] == TrackerRun.zero)
    }

    @Test func `the same settings change nothing`() {
        let run = TrackerRun()
        run.take(.call(1))
        changed(run) { _ in }
        #expect(run.tracker.metrics.llmCallDuration.index.count == 2)
        #expect(run.calls == 1)
    }

    @Test func `client metrics are switched off and on, and who sends its own is remembered`() {
        let run = TrackerRun()
        func series() -> Int? { run.tracker.metrics.client.map { $0.durations[0].index.count } }
        run.take(.call(1))
        #expect(series() == 2)
        changed(run) { $0.semconv = .off }
        #expect(series() == nil)
        run.take(Step.call(2).inTrace(2))
        run.tracker.noteClientMetrics(of: Array("sender".utf8))
        changed(run) { $0.semconv = .genai }
        #expect(series() == 1)
        #expect(run.tracker.metrics.client?.others.count == 1)
        run.take(Step.call(3).inTrace(3))
        #expect(series() == 2)
        #expect(run.calls == 3)
    }

    @Test func `a shorter wait and less room hold for what is waiting`() {
        let run = TrackerRun()
        run.take(.call(1, below: 9))
        run.pass(2)
        #expect(run.calls == 0)
        changed(run) { $0.hold = TrackerRun.second }
        run.pass(1)
        #expect(run.calls == 1)
        changed(run) { $0.openActivities = 3 }
        for id: UInt64 in 10..<20 { run.take(Step.call(id, below: 9).inTrace(id)) }
        #expect(run.tracker.heldActivities <= 5)
    }
}
