import RoostCore
import Testing

@testable import RoostIngest

/// Calls of tools that several spans tell: how they ended.
@Suite struct ToolOutcomeTests {
    @Test func `a call of a tool failed if the side that did the work says so`() {
        func errors(_ steps: [Step]) -> [Double] {
            [steps, steps.reversed()].map { steps in
                let run = TrackerRun()
                for step in steps { run.take(step) }
                run.take(.agent("planner", 1))
                run.pass(31)
                #expect(run.sum("roost_tool_calls_total") == 1)
                return run.sum("roost_tool_calls_total", ["tool": "look", "status": "error"])
            }
        }
        let client = Step.tool("look", 2, below: 1)
        let between = Step(.other, 3, below: 2)
        let server = Step.tool("look", 4, below: 3).with { $0.status = .error }
        #expect(errors([client, between, server]) == [1, 1])
        #expect(
            errors([client, between, .tool("look", 5, below: 3), server.with { $0.parent = 5 }])
                == [1, 1])
        // Another attempt of the same did better.
        #expect(errors([client, between, server, .tool("look", 5, below: 2).at(0, 20)]) == [0, 0])
    }

    @Test(arguments: [false, true])
    func `each of many calls of tools has the outcome of what is inside it`(_ isReversed: Bool) {
        var steps: [Step] = []
        for number: UInt64 in 1...300 {
            let (outer, inner) = (number * 10, number * 10 + 1)
            steps.append(.tool("look", outer, below: 1))
            steps.append(
                Step.tool("look", inner, below: outer).with { $0.status = .error }.at(0, 5))
            // Every third was tried again, of which half did better.
            guard number % 3 == 0 else { continue }
            let again = Step.tool("look", inner + 1, below: outer).at(5, 9)
            steps.append(number % 2 == 0 ? again : again.with { $0.status = .error })
        }
        let run = TrackerRun()
        for step in isReversed ? steps.reversed() : steps { run.take(step) }
        run.take(.agent("planner", 1))
        #expect(run.sum("roost_tool_calls_total") == 300)
        #expect(run.sum("roost_tool_calls_total", ["status": "error"]) == 250)
    }

    /// As Claude Code tells its tools: the call's own span says nothing of how it ended.
    private func part(_ id: UInt64, below parent: UInt64, failed: Bool) -> Step {
        Step(.other, id, below: parent).with {
            $0.flags.insert(.tellsOutcome)
            $0.status = failed ? .error : .unset
        }
    }

    private func failed(_ steps: [Step]) -> [[String: Double]] {
        [steps, steps.reversed()].map { steps in
            let run = TrackerRun()
            for step in steps { run.take(step) }
            run.take(.agent("planner", 1))
            run.pass(31)
            var failed: [String: Double] = [:]
            for (labels, value) in run.tracker.snapshot.values(of: "roost_tool_calls_total")
            where labels["status"] == "error" { failed[labels["tool"] ?? ""] = value }
            return failed
        }
    }

    @Test func `a call of a tool failed if a part of it that tells its outcome did`() {
        let call = Step.tool("Bash", 2, below: 1)
        #expect(failed([call, part(3, below: 2, failed: true)]) == [["Bash": 1], ["Bash": 1]])
        #expect(failed([call, part(3, below: 2, failed: false)]) == [[:], [:]])
        // What merely stands below it says nothing.
        let other = Step(.other, 3, below: 2).with { $0.status = .error }
        #expect(failed([call, other]) == [[:], [:]])
        // The last part counts.
        let again = part(4, below: 2, failed: false).at(10, 20)
        #expect(failed([call, part(3, below: 2, failed: true), again]) == [[:], [:]])
    }

    @Test func `a part that failed is one of the nearest call alone`() {
        let steps = [
            Step.tool("Task", 2, below: 1), part(3, below: 2, failed: false),
            Step.tool("Bash", 4, below: 3), part(5, below: 4, failed: true),
        ]
        #expect(failed(steps) == [["Bash": 1], ["Bash": 1]])
    }
}
