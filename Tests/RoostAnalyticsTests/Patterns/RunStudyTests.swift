import RoostIngest
import Testing

@testable import RoostAnalytics

@Suite struct RunStudyTests {
    private static let second: UInt64 = 1_000_000_000

    private func step(
        _ kind: ActivityKind, _ number: Int32, _ span: UInt64, under parent: UInt64 = 0,
        at start: Double, seconds: Double, agent: Int32 = 0, read: UInt32 = 0
    ) -> RunStep {
        var step = RunStep()
        (step.kind, step.number, step.span, step.parent) = (kind, number, span, parent)
        step.start = Self.second * 1_000 + UInt64(start * 1e9)
        step.end = step.start + UInt64(seconds * 1e9)
        (step.agent, step.tokensRead) = (agent, read)
        return step
    }

    private func study(_ steps: [RunStep]) -> RunStudy {
        var study = RunStudy(PatternSettings())
        var steps = steps
        study.study(&steps)
        return study
    }

    // MARK: turns

    /// Eight runs of two agents in turn.
    private func turns(under parent: UInt64 = 0, every pause: Double, seconds: Double) -> [RunStep]
    {
        (0..<8).map {
            step(
                .agent, $0 % 2 == 0 ? 4 : 5, 10 + UInt64($0), under: parent,
                at: 1 + Double($0) * pause, seconds: seconds)
        }
    }

    @Test func `agents in turn without one above hand work back and forth`() {
        let found = study(turns(every: 2, seconds: 1)).pingPong
        #expect(found == RunStudy.PingPong(one: 4, other: 5, turns: 8, span: 17))
    }

    @Test func `agents that begin each other in turn do, too`() {
        var steps: [RunStep] = []
        for level in 0..<7 {
            let (agent, parent): (Int32, UInt64) = (4 + Int32(level % 2), steps.last?.span ?? 0)
            steps.append(
                step(
                    .agent, agent, 10 + UInt64(level), under: parent, at: Double(level),
                    seconds: 20 - 2 * Double(level)))
        }
        #expect(study(steps).pingPong?.turns == 7)
    }

    @Test func `an agent that was called first hides no back and forth`() {
        var steps: [RunStep] = []
        for level in 0..<7 {
            let (agent, parent): (Int32, UInt64) = (4 + Int32(level % 2), steps.last?.span ?? 0)
            steps.append(
                step(
                    .agent, agent, 10 + UInt64(level), under: parent, at: Double(level),
                    seconds: 20 - 2 * Double(level)))
        }
        steps.insert(step(.agent, 3, 2, under: 10, at: 0.1, seconds: 0.2), at: 1)
        #expect(study(steps).pingPong == RunStudy.PingPong(one: 4, other: 5, turns: 7, span: 16))
    }

    @Test(arguments: [(0.01, 15.0), (2.0, 1.5)])
    func `what one agent hands out, at once or in turn, is no back and forth`(
        _ pause: Double, _ seconds: Double
    ) {
        let orchestrator = step(.agent, 3, 2, at: 0, seconds: 40)
        #expect(
            study([orchestrator] + turns(under: 2, every: pause, seconds: seconds)).pingPong == nil)
    }

    @Test func `agents at the same time without one above take no turns`() {
        #expect(study(turns(every: 0.01, seconds: 15)).pingPong == nil)
    }

    @Test func `parents that go round in a circle end it`() {
        var steps = turns(under: 0, every: 2, seconds: 1)
        for at in steps.indices { steps[at].parent = steps[(at + 1) % steps.count].span }
        _ = study(steps)
    }

    // MARK: growth

    /// A call a second, each with what it read.
    private func calls(_ inputs: [UInt32], to model: Int32 = 9, under parent: UInt64 = 0)
        -> [RunStep]
    {
        inputs.enumerated().map { at, read in
            step(
                .llm, model, UInt64(model) * 100 + UInt64(at), under: parent, at: Double(at),
                seconds: 1, agent: 4, read: read)
        }
    }

    @Test func `input grows within one run of an agent`() {
        let run = step(.agent, 4, 2, at: 0, seconds: 9)
        let found = study([run] + calls([1_000, 2_000, 3_000, 4_000, 5_000], under: 2))
        #expect(found.growths.map { $0.calls } == [5])
        #expect(found.growths.map { found.isGrowing($0) } == [true])
    }

    @Test func `runs of one call each do not grow`() {
        var steps: [RunStep] = []
        for run in 0..<5 {
            let (span, start) = (UInt64(2 + run), Double(run) * 10)
            steps.append(step(.agent, 4, span, at: start, seconds: 9))
            steps.append(
                step(
                    .llm, 9, 20 + span, under: span, at: start, seconds: 8, agent: 4,
                    read: 1_000 * UInt32(run + 1)))
        }
        #expect(study(steps).growths.isEmpty)
    }

    @Test func `calls to different models are no row, and one row counts for a run`() {
        let found = study(
            calls([1_000, 1_000, 1_000, 1_000], to: 8)
                + calls([2_000, 6_000, 10_000, 14_000], to: 9))
        #expect(found.growths.map { $0.model } == [9])
        #expect(found.growths.map { $0.factor } == [7])
    }

    @Test func `four of five calls must add something`() {
        let found = study(calls([1_000, 2_000, 1_500, 3_000, 2_900, 4_000]))
        #expect(found.growths.map { found.isGrowing($0) } == [false])
    }

    // MARK: waits

    @Test func `waits at the same time are one`() {
        var steps: [RunStep] = []
        for span in [2, 3, 4, 5] as [UInt64] {
            steps.append(step(.tool, 3, span, under: 1, at: 5, seconds: 20))
            steps.append(step(.humanWait, 0, 20 + span, under: span, at: 5, seconds: 20))
        }
        let waits = study(steps).waits
        #expect(waits.all == 20 * Self.second)
        #expect(waits.waited(told: 20 * Self.second) == 20 * Self.second)
    }

    @Test func `a wait while another step works holds nothing up`() {
        let waits = study([
            step(.agent, 4, 2, under: 1, at: 0, seconds: 40),
            step(.humanWait, 0, 3, under: 2, at: 5, seconds: 20),
            step(.llm, 9, 4, under: 2, at: 10, seconds: 5),
            step(.tool, 3, 5, under: 2, at: 12, seconds: 30),
        ]).waits
        #expect(waits.all == 20 * Self.second)
        #expect(waits.idle == 5 * Self.second)
        // Ten seconds more were told by the run than by the waits.
        #expect(waits.waited(told: 30 * Self.second) == 15 * Self.second)
    }

    @Test func `a tool works when its own wait is over`() {
        let waits = study([
            step(.tool, 3, 2, under: 1, at: 5, seconds: 25),
            step(.humanWait, 0, 3, under: 2, at: 5, seconds: 5),
            step(.tool, 3, 4, under: 1, at: 5, seconds: 25),
            step(.humanWait, 0, 5, under: 4, at: 5, seconds: 25),
        ]).waits
        #expect(waits.all == 25 * Self.second)
        #expect(waits.idle == 5 * Self.second)
    }

    // MARK: retries

    @Test(arguments: [(7, 7, true), (7, 8, false), (7, 0, true), (0, 8, true)])
    func `a call with other arguments repeats none`(
        _ failed: UInt32, _ next: UInt32, _ isRetry: Bool
    ) {
        var steps = [
            step(.tool, 3, 2, under: 1, at: 0, seconds: 1),
            step(.tool, 3, 3, under: 1, at: 2, seconds: 1),
        ]
        (steps[0].hasFailed, steps[0].arguments, steps[1].arguments) = (true, failed, next)
        #expect(study(steps).retries == (isRetry ? [1] : []))
    }

    @Test func `a retry is one though other calls came between`() {
        var steps = (0..<3).map { step(.tool, 3, 2 + UInt64($0), at: Double($0) * 2, seconds: 1) }
        for (at, arguments) in [7, 8, 7].enumerated() { steps[at].arguments = UInt32(arguments) }
        steps[0].hasFailed = true
        #expect(study(steps).retries == [2])
    }
}
