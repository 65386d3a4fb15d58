/// Runs of agents in the order in which one handed its work on to the next.
///
/// That is from a run to the one that it began, or from one to the next where no agent is above
/// to give them their work. What one agent hands out, at the same time or in turn, is nobody's
/// back and forth.
struct HandOvers {
    private let steps: [RunStep]
    private let tree: RunTree

    init(_ steps: [RunStep], _ tree: RunTree) {
        self.steps = steps
        self.tree = tree
    }

    /// The longest stretch in which two agents took turns: the places of their runs.
    func longestTurns() -> ArraySlice<Int> {
        var longest: ArraySlice<Int> = []
        for chain in chains() {
            var first = 0
            for next in chain.indices {
                if next - first >= 2, agent(chain[next]) != agent(chain[next - 2]) {
                    first = next - 1
                }
                if next - first + 1 > longest.count { longest = chain[first...next] }
            }
        }
        return longest
    }

    private func agent(_ place: Int) -> Int32 { steps[place].number }

    /// Neighbours are of different agents.
    private func chains() -> [[Int]] {
        var hasBelow: Set<Int32> = []
        for run in tree.begins where tree.callers[Int(run)] >= 0 {
            hasBelow.insert(tree.callers[Int(run)])
        }
        var chains: [[Int]] = []
        var seen: Set<Int32> = []
        // From the lowest upwards; what another chain has been through is not gone through again.
        for run in tree.begins where !hasBelow.contains(run) {
            var chain: [Int] = []
            var at = run
            while at >= 0, seen.insert(at).inserted {
                chain.append(Int(at))
                at = tree.callers[Int(at)]
            }
            chains.append(chain.reversed())
        }
        var row: [Int] = []
        for run in tree.begins.lazy.map(Int.init) where tree.callers[run] < 0 {
            if let last = row.last {
                if agent(last) == agent(run) { continue }
                if steps[run].start < steps[last].end {
                    chains.append(row)
                    row = []
                }
            }
            row.append(run)
        }
        chains.append(row)
        return chains
    }
}
