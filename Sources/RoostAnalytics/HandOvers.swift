/// Runs of agents in the order in which one handed its work on to the next, of a run that was
/// watched or a trace that was stored.
///
/// That is from a run to the one that it began, or from one to the next where no agent is above
/// to give them their work. What one agent hands out, at the same time or in turn, is nobody's
/// back and forth. A run is told by the place of the step that it begins with.
struct HandOvers {
    /// Places of runs by start, and how many steps there are.
    let begins: [Int]
    let steps: Int
    /// The run that one was begun in; -1 is none. Without circles, and neighbours are of different
    /// agents.
    let caller: (Int) -> Int
    let isSameAgent: (Int, Int) -> Bool
    /// Whether the first was over when the second began.
    let isOver: (Int, Int) -> Bool

    /// Every stretch of so many runs in which two agents took turns, the longest first.
    ///
    /// Two that part below the same runs are told both, the second from at most two of the common
    /// runs on: the first round, in which nothing was yet handed back. So none but those two runs
    /// is told twice, and it takes time as there are runs, however deep and wide they stand.
    func turns(atLeast least: Int) -> [[Int]] {
        guard begins.count >= max(least, 2) else { return [] }
        let below = begins.filter { caller($0) >= 0 }
        return stretches(of: below.isEmpty ? [] : begins, atLeast: least, before: caller)
            + rows(atLeast: least)
    }

    private func rows(atLeast least: Int) -> [[Int]] {
        var before = [Int](repeating: -1, count: steps)
        var row: [Int] = []
        for run in begins where caller(run) < 0 {
            if let last = row.last {
                if isSameAgent(last, run) { continue }
                if isOver(last, run) { before[run] = last }
            }
            row.append(run)
        }
        return stretches(of: row, atLeast: least) { before[$0] }
    }

    /// - Parameter before: the run that handed its work to one; -1 is none.
    private func stretches(
        of runs: [Int], atLeast least: Int, before: (Int) -> Int
    ) -> [[Int]] {
        let lengths = lengths(of: runs, before)
        var goesOn = [Bool](repeating: false, count: steps)
        for run in runs where lengths[run] > 2 { goesOn[before(run)] = true }
        let ends = runs.filter { lengths[$0] >= max(least, 2) && !goesOn[$0] }
            .sorted { (lengths[$1], $0) < (lengths[$0], $1) }
        var isTold = [Bool](repeating: false, count: steps)
        var found: [[Int]] = []
        for end in ends {
            var stretch: [Int] = []
            var (at, common) = (end, 0)
            while stretch.count < lengths[end] {
                if isTold[at] { common += 1 }
                if common > 2 { break }
                stretch.append(at)
                at = before(at)
            }
            guard stretch.count >= least else { continue }
            for run in stretch { isTold[run] = true }
            found.append(stretch.reversed())
        }
        return found
    }

    /// How many runs took turns up to each, itself among them.
    private func lengths(of runs: [Int], _ before: (Int) -> Int) -> [Int] {
        var lengths = [Int](repeating: 0, count: steps)
        var path: [Int] = []
        for run in runs {
            // A run may begin before the one that it was begun in, by their clocks.
            var at = run
            while at >= 0, lengths[at] == 0 {
                path.append(at)
                at = before(at)
            }
            while let next = path.popLast() {
                let above = before(next)
                let twoAbove = above >= 0 ? before(above) : -1
                let goesOn = twoAbove >= 0 && isSameAgent(next, twoAbove)
                lengths[next] = above < 0 ? 1 : goesOn ? lengths[above] + 1 : 2
            }
        }
        return lengths
    }
}
