import Testing

@testable import RoostAnalytics

@Suite struct HandOversTests {
    /// Runs in the order of their start, each by its agent and the place of the run above it. They
    /// take turns in time where none is above.
    private func turns(_ runs: [(agent: Character, caller: Int)], atLeast least: Int = 4) -> [[Int]]
    {
        HandOvers(
            begins: Array(runs.indices), steps: runs.count, caller: { runs[$0].caller },
            isSameAgent: { runs[$0].agent == runs[$1].agent }, isOver: { _, _ in true }
        ).turns(atLeast: least)
    }

    @Test func `another agent that was called first takes nothing from a chain`() {
        let found = turns([("a", -1), ("c", 0), ("b", 0), ("a", 2), ("b", 3)])
        #expect(found == [[0, 2, 3, 4]])
    }

    @Test func `a longer way without turns takes nothing from a shorter one with them`() {
        let found = turns([
            ("a", -1), ("c", 0), ("d", 1), ("e", 2), ("f", 3), ("g", 4), ("b", 0), ("a", 6),
            ("b", 7),
        ])
        #expect(found == [[0, 6, 7, 8]])
    }

    @Test func `two that part are both told, with a round of what they have in common`() {
        // Below the third run the work goes two ways.
        let found = turns([
            ("a", -1), ("b", 0), ("a", 1), ("b", 2), ("a", 3), ("b", 2), ("a", 5),
        ])
        #expect(found == [[0, 1, 2, 3, 4], [1, 2, 5, 6]])
    }

    @Test func `work handed out once more at the end is no back and forth of its own`() {
        let found = turns([("a", -1), ("b", 0), ("a", 1), ("b", 2), ("b", 2), ("b", 2)])
        #expect(found == [[0, 1, 2, 3]])
    }

    @Test func `two pairs share the run at which one gives way to the other`() {
        let found = turns([
            ("a", -1), ("b", 0), ("a", 1), ("b", 2), ("c", 3), ("b", 4), ("c", 5),
        ])
        #expect(found == [[0, 1, 2, 3], [3, 4, 5, 6]])
    }

    @Test func `a run may begin before the one that it was begun in`() {
        let runs: [(agent: Character, caller: Int)] = [("b", 1), ("a", 2), ("b", 3), ("a", -1)]
        #expect(turns(runs) == [[3, 2, 1, 0]])
    }

    @Test(.timeLimit(.minutes(1)))
    func `fifty thousand runs take time as they are many, however deep and wide`() {
        let half = 50_000
        var runs = (0..<half).map { (agent: $0 % 2 == 0 ? "a" : "b" as Character, caller: $0 - 1) }
        // As many more below the last, which each hand back once.
        for _ in 0..<(half / 2) {
            runs.append((agent: "a", caller: half - 1))
            runs.append((agent: "b", caller: runs.count - 1))
        }
        let found = turns(runs)
        #expect(found.count == half / 2)
        #expect(found.first?.count == half + 2)
        #expect(found.dropFirst().allSatisfy { $0.count == 4 })
    }
}
