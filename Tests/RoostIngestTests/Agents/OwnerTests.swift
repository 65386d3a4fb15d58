import Testing

@testable import RoostIngest

/// Whose facts are.
@Suite struct OwnerTests {
    /// `session user` of each call that was counted, in the order of their ids.
    private func owners(_ requests: [[Step]], passing seconds: UInt64 = 31) -> [String] {
        let run = TrackerRun()
        run.tracker.tellFacts()
        for request in requests { run.take(request) }
        run.pass(seconds)
        let told = run.tracker.takeFacts(room: AgentFactBatch())
        var texts: [UInt64: String] = [0: "-"]
        for one in told.identities { texts[one.hash] = String(decoding: one.text, as: UTF8.self) }
        return told.facts.filter { $0.kind == .ended && $0.activity == .llm }
            .sorted { $0.spanID < $1.spanID }
            .map { "\(texts[$0.session] ?? "?") \(texts[$0.user] ?? "?")" }
    }

    private let root = Step.agent("planner", 1).of("s1").by("u1")

    @Test func `what a root says holds for everything below it`() {
        let call = Step.call(3, below: 2)
        let steps = [root, Step(.other, 2, below: 1), call]
        #expect(owners([steps]) == ["s1 u1"])
        #expect(owners([steps.reversed()]) == ["s1 u1"])
        #expect(owners(steps.reversed().map { [$0] }) == ["s1 u1"])
    }

    @Test func `the own word is believed, then the nearest above`() {
        let steps = [
            root, .agent("writer", 2, below: 1).of("s2").by("u2"), .call(3, below: 2),
            .call(4, below: 1), .call(5, below: 2).of("s3"), .call(6, below: 1).by("u3"),
        ]
        let expected = ["s2 u2", "s1 u1", "s3 u2", "s1 u3"]
        #expect(owners([steps]) == expected)
        #expect(owners([steps.reversed()]) == expected)
    }

    @Test func `the only one of a trace holds where nobody above says`() {
        let aside = Step(.other, 2, below: 1).of("s1").by("u1")
        #expect(owners([[Step(.other, 1), aside, .call(3, below: 1)]]) == ["s1 u1"])
        // Below a span that never came, too.
        #expect(owners([[.call(3, below: 9), root]]) == ["s1 u1"])
        // Of two nobody knows whose it is.
        let other = Step(.other, 4, below: 1).of("s2")
        #expect(owners([[Step(.other, 1), aside, other, .call(5, below: 1)]]) == ["- u1"])
    }

    @Test func `one that is known from its announcement or before its children is remembered`() {
        #expect(owners([[root.announced], [.call(2, below: 1)]]) == ["s1 u1"])
        #expect(owners([[root], [.call(2, below: 1)], [.call(3, below: 2)]]) == ["s1 u1"])
        #expect(
            owners([
                [root, Step.agent("writer", 2, below: 1).by("u2")], [.call(3, below: 2)],
            ]) == ["s1 u2"])
    }

    @Test func `traces do not share theirs`() {
        #expect(owners([[root, .call(2, below: 1), .call(3).inTrace(2)]]) == ["s1 u1", "- -"])
    }

    /// Of what was counted since the last time: session, user and workflow.
    private func told(_ run: TrackerRun, _ texts: inout [UInt64: String]) -> [[String]] {
        let told = run.tracker.takeFacts(room: AgentFactBatch())
        for one in told.identities { texts[one.hash] = String(decoding: one.text, as: UTF8.self) }
        return told.facts.filter { $0.kind == .ended && $0.activity == .llm }.map {
            [
                texts[$0.session] ?? "", texts[$0.user] ?? "",
                String(decoding: run.tracker.text($0.workflow), as: UTF8.self),
            ]
        }
    }

    @Test(arguments: [true, false])
    func `what comes when its trace is closed belongs to the run that was counted`(
        _ hadRoot: Bool
    ) {
        let run = TrackerRun()
        run.tracker.tellFacts()
        var texts: [UInt64: String] = [:]
        var flow = Step(.workflow, 1, below: hadRoot ? 0 : 9).of("s1").by("u1")
        flow.workflow = "flow"
        run.take(flow)
        for id in 2...4 {
            run.pass(31)
            _ = told(run, &texts)
            var late = Step.call(UInt64(id), below: 1)
            late.name = "late"
            run.take(late)
            run.pass(31)
            #expect(told(run, &texts) == [["s1", "u1", "flow"]])
        }
        // A root that had not come names what comes with it.
        run.take(Step.agent("planner", 9), .call(8, below: 9))
        run.pass(31)
        #expect(told(run, &texts).map(\.last) == [hadRoot ? "flow" : "agent 9"])
    }

    @Test func `a root that started before the one that the run had names what comes then`() {
        let run = TrackerRun()
        run.tracker.tellFacts()
        var texts: [UInt64: String] = [:]
        run.take(Step.agent("second", 5).at(10, 20))
        run.pass(31)
        _ = told(run, &texts)
        let calls: [[Step]] = [
            [Step.agent("first", 9).at(0, 70), Step.call(8, below: 9).at(1, 2)],
            [Step.call(7, below: 9).at(3, 4)],
        ]
        for request in calls {
            for step in request { run.take(step) }
            run.pass(31)
            #expect(told(run, &texts).map(\.last) == ["agent 9"])
        }
    }

    @Test func `events of a session belong to its user after a rest, and are another run`() {
        let run = TrackerRun()
        run.tracker.tellFacts()
        var texts: [UInt64: String] = [:]
        func event(_ step: Step) -> Step {
            var step = step
            step.isEvent = true
            step.flags.formUnion(.isDerivedTrace)
            return step
        }
        var flow = Step(.workflow, 1).of("s1").by("u1")
        flow.workflow = "flow"
        flow.flags = .tellsEnd
        run.take(event(flow))
        run.pass(31)
        run.take(event(.call(2)))
        run.pass(31)
        #expect(told(run, &texts) == [["s1", "u1", "crew"]])
    }
}
