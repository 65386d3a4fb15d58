import RoostIngest
import Testing

@testable import RoostAnalytics

@Suite struct SelfTimesTests {
    private func analysis(_ spans: [TestSpan]) -> TraceAnalysis {
        TraceAnalysis(of: TestTrace.document(spans))
    }

    @Test func `what goes on below a step that is over is at work alone`() {
        // By hand: from 10.5 to 80 only the second agent works, whoever began it.
        let spans: [TestSpan] = [
            .agent(1, 0, 100_000, "lead"), .tool(2, under: 1, 10_000, 11_000, "spawn"),
            .agent(3, under: 2, 10_500, 80_000, "sub"),
        ]
        let analysis = analysis(spans)
        #expect(analysis.concurrency.ratio == 0)
        #expect(analysis.concurrency.factor == 1)
        #expect(analysis.selfTimes == [30, 0.5, 69.5].map { Int($0 * 1e9) })
        #expect(analysis.overlaps.isEmpty)
    }

    @Test func `a wait below a step that is over is waited for`() {
        let wait = TestSpan(
            3, under: 2, "wait", 10_500, 60_000, [("gen_ai.operation.name", "wait")])
        let analysis = analysis([
            TestSpan(1, 0, 100_000), .tool(2, under: 1, 10_000, 11_000, "edit"), wait,
        ])
        #expect(analysis.concurrency.waiting == 49_500_000_000)
        #expect(analysis.concurrency.working == 50_500_000_000)
    }

    @Test func `is the time in which no step below ran, on whatever level`() {
        var random = Generator(state: 3)
        for _ in 0..<300 {
            let count = UInt64.random(in: 1...24, using: &random)
            let spans = (1...count).map { id in
                let start = UInt64.random(in: 0..<60, using: &random)
                let end = start + UInt64.random(in: 0..<40, using: &random)
                let parent = UInt64.random(in: 0..<id, using: &random)
                return Int.random(in: 0..<6, using: &random) == 0
                    ? TestSpan(
                        id, under: parent, "wait", start, end, [("gen_ai.operation.name", "wait")])
                    : TestSpan(id, under: parent, start, end)
            }
            let analysis = analysis(spans)
            let expected = reference(analysis)
            #expect(analysis.selfTimes == expected.own)
            #expect(analysis.concurrency.work == expected.own.reduce(0, +))
            #expect(analysis.concurrency.overlap == expected.overlap)
            #expect(analysis.concurrency.waiting == expected.waiting)
        }
    }

    /// Millisecond by millisecond, each step asked for itself.
    private func reference(
        _ analysis: TraceAnalysis
    ) -> (own: [Int], overlap: Int, waiting: Int) {
        let steps = analysis.document.steps
        let millisecond = 1_000_000
        var own = steps.map { _ in 0 }
        var (overlap, waiting) = (0, 0)
        for at in stride(from: 0, to: analysis.wallClock, by: millisecond) {
            let running = steps.indices.filter {
                analysis.starts[$0] <= at && at < analysis.ends[$0]
            }
            var isAbove = steps.map { _ in false }
            for place in running {
                var above = steps[place].parent
                while let next = above {
                    isAbove[next] = true
                    above = steps[next].parent
                }
            }
            let lowest = running.filter { !isAbove[$0] }
            let atWork = lowest.filter { steps[$0].activity != .humanWait }
            for place in atWork { own[place] += millisecond }
            if atWork.count > 1 { overlap += millisecond }
            if atWork.isEmpty, !lowest.isEmpty { waiting += millisecond }
        }
        return (own, overlap, waiting)
    }

    @Test func `twenty thousand steps, each begun by one that is over, are quick`() {
        let count = 20_000
        var steps = [TraceStep](repeating: TraceStep(), count: count)
        for place in 0..<count {
            steps[place].spanID = UInt64(place + 1)
            steps[place].start = UInt64(place) * 2
            steps[place].end = UInt64(place) * 2 + 1
            steps[place].parent = place - 1
        }
        steps[0].parent = nil
        steps[0].end = UInt64(count) * 2
        let analysis = TraceAnalysis(of: TraceDocument(traceIDHigh: 1, traceIDLow: 2, steps: steps))
        #expect(analysis.concurrency.factor == 1)
        #expect(analysis.selfTimes[0] == count + 1)
        // Beyond the levels that are asked it is not known.
        #expect(analysis.criticalPath.segments.reduce(0) { $0 + $1.duration } == count * 2)
    }
}
