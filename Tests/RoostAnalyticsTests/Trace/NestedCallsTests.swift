import RoostIngest
import Testing

@testable import RoostAnalytics

/// One call that several instrumentations tell, one within the other: what counts live and what a
/// stored trace counts are the same, once, whatever the shape and the order of arrival.
@Suite struct NestedCallsTests {
    /// What one of them tells of 1,000 tokens of input and 100 of output.
    enum Teller: CaseIterable {
        case plain, cached, reasoning, priced, silent, nameless, otherName

        func tell(_ activity: inout Activity, in batch: inout ActivityBatch) {
            var model = "gpt-4o"
            (activity.tokens.input, activity.tokens.output) = (1_000, 100)
            switch self {
            case .plain: break
            case .cached: (activity.tokens.input, activity.tokens.cacheRead) = (600, 400)
            case .reasoning: (activity.tokens.output, activity.tokens.reasoning) = (40, 60)
            case .priced: activity.reportedCost = 0.01
            case .silent: (activity.tokens.input, activity.tokens.output) = (0, 0)
            case .nameless: model = ""
            case .otherName: model = "openai/gpt-4o-2024-08-06"
            }
            activity.modelAnswered = batch.add(Array(model.utf8))
        }
    }

    /// The calls one below the other, the outermost first, with the ids 1, 2 and so on, below a
    /// root with the id 99, each as a request would bring it.
    private func activity(
        _ id: UInt64, _ teller: Teller?, in batch: inout ActivityBatch
    ) -> Activity {
        var activity = Activity()
        activity.kind = teller == nil ? .agent : .llm
        activity.phase = .finished
        activity.traceIDLow = 1
        activity.spanID = id
        activity.parentSpanID = teller == nil ? 0 : id == 1 ? 99 : id - 1
        activity.start = FleetBench.time(teller == nil ? 0 : Double(id))
        activity.end = FleetBench.time(teller == nil ? 100 : 100 - Double(id))
        activity.service = batch.add(Array("crew".utf8))
        if let teller { teller.tell(&activity, in: &batch) }
        return activity
    }

    private func batch(_ tellers: [Teller], _ order: [Int]) -> ActivityBatch {
        var batch = ActivityBatch()
        for place in order {
            let made =
                place < 0
                ? activity(99, nil, in: &batch)
                : activity(UInt64(place + 1), tellers[place], in: &batch)
            batch.activities.append(made)
        }
        return batch
    }

    /// The ids of the spans whose calls count, of the requests in this order.
    private func live(_ tellers: [Teller], _ requests: [[Int]]) -> [UInt64] {
        var tracker = AgentTracker(AgentTrackerSettings())
        tracker.tellFacts()
        for request in requests {
            var batch = batch(tellers, request)
            tracker.take(&batch, now: 1, unixNow: FleetBench.time(200))
        }
        tracker.tick(now: 31_000_000_000, unixNow: FleetBench.time(231))
        return tracker.takeFacts(room: AgentFactBatch()).facts
            .filter { $0.kind == .ended && $0.activity == .llm }.map(\.spanID).sorted()
    }

    private func stored(_ tellers: [Teller], _ order: [Int]) -> [UInt64] {
        var finder = TraceNodeFinder()
        var texts = TraceTexts()
        _ = texts.begin()
        let batch = batch(tellers, order)
        return finder.find(batch, 0, 1, &texts).nodes.compactMap { node in
            let activity = batch.activities[Int(node.activity)]
            return activity.kind == .llm && node.isCounted(activity) ? activity.spanID : nil
        }.sorted()
    }

    /// The root comes last, as SDKs send it.
    private func expectOne(_ tellers: [Teller]) {
        let places = Array(tellers.indices)
        let middleLast = places.filter { $0 != 1 } + [1]
        let counted = stored(tellers, [-1] + places)
        #expect(counted.count == 1, "\(tellers)")
        guard let only = counted.first else { return }
        let teller = tellers[Int(only) - 1]
        #expect(teller != .silent || Set(tellers) == [.silent], "\(tellers)")
        // What one of them alone tells beside what all tell is not lost.
        let rich = Set(tellers).intersection([.cached, .reasoning, .priced])
        if rich.count == 1 { #expect(rich.contains(teller), "\(tellers)") }
        #expect(stored(tellers, places.reversed() + [-1]) == counted, "\(tellers)")
        for order in [places, places.reversed(), middleLast] {
            #expect(live(tellers, [order + [-1]]) == counted, "\(tellers) \(order)")
            #expect(live(tellers, [order, [-1]]) == counted, "\(tellers) \(order)")
            #expect(live(tellers, order.map { [$0] } + [[-1]]) == counted, "\(tellers) \(order)")
        }
    }

    @Test func `a call told twice counts once`() {
        for outer in Teller.allCases {
            for inner in Teller.allCases { expectOne([outer, inner]) }
        }
    }

    @Test(arguments: Teller.allCases)
    func `a call told three times counts once`(_ outer: Teller) {
        for middle in Teller.allCases {
            for inner in Teller.allCases { expectOne([outer, middle, inner]) }
        }
    }

    @Test(arguments: Teller.allCases)
    func `a call told four times counts once`(_ outer: Teller) {
        var number = 0
        for second in Teller.allCases {
            for third in Teller.allCases {
                for inner in Teller.allCases {
                    number += 1
                    if number % 5 == 0 { expectOne([outer, second, third, inner]) }
                }
            }
        }
    }

    @Test func `an attempt that failed within a call told twice is a call of its own`() {
        func tell(_ failed: UInt64) -> [UInt64] {
            var batch = batch([.plain, .plain, .silent], [-1, 0, 1, 2])
            for place in batch.activities.indices where batch.activities[place].spanID == failed {
                batch.activities[place].status = .error
            }
            var finder = TraceNodeFinder()
            var texts = TraceTexts()
            _ = texts.begin()
            return finder.find(batch, 0, 1, &texts).nodes.compactMap { node in
                let activity = batch.activities[Int(node.activity)]
                return activity.kind == .llm && node.isCounted(activity) ? activity.spanID : nil
            }.sorted()
        }
        #expect(tell(3) == [2, 3])
        #expect(tell(0) == [2])
    }
}
