/// A trace that may be next.
struct Candidate {
    let place: TraceSearch.Place
    /// Where it was found.
    let block: Int
}

/// Candidates, the one that comes first on top; of more than some thousand those that come first.
struct CandidateHeap {
    private var items: [Candidate] = []
    /// Set when others were left out: these come behind it, and all up to it are here or were.
    private(set) var last: TraceSearch.Place?
    /// How many are kept when some are left out, and how many there may be before that.
    private let kept: Int
    private var most: Int

    init(kept: Int) {
        self.kept = kept
        most = 2 * kept
    }

    var first: Candidate? { items.first }

    /// Whether all that are kept have been taken, and others were left out.
    var isSpent: Bool { items.isEmpty && last != nil }

    mutating func insert(_ candidate: Candidate) {
        if let last, last.isBefore(candidate.place) { return }
        if items.count == most { leaveOut() }
        if let last, last.isBefore(candidate.place) { return }
        items.append(candidate)
        var child = items.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard items[child].place.isBefore(items[parent].place) else { return }
            items.swapAt(child, parent)
            child = parent
        }
    }

    /// Two of one place belong together: one of them may be out of date.
    private mutating func leaveOut() {
        items.sort { $0.place.isBefore($1.place) }
        var count = kept
        while count < items.count, items[count].place == items[count - 1].place { count += 1 }
        if count < items.count { last = items[count - 1].place }
        items.removeLast(items.count - count)
        most = max(2 * kept, 2 * items.count)
    }

    mutating func removeFirst() {
        guard let last = items.popLast(), !items.isEmpty else { return }
        items[0] = last
        var parent = 0
        while true {
            var best = parent
            for child in [parent * 2 + 1, parent * 2 + 2]
            where child < items.count && items[child].place.isBefore(items[best].place) {
                best = child
            }
            if best == parent { return }
            items.swapAt(best, parent)
            parent = best
        }
    }
}
