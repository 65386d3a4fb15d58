/// Waiting for people within one run: waits at the same time are one, and while somebody is at work
/// the run does not wait.
struct RunWaits {
    /// Stretches of time in order, none touching another.
    private(set) var stretches: [Stretch]

    typealias Stretch = (start: UInt64, end: UInt64)

    /// Of stretches in any order.
    init(_ any: [Stretch]) {
        stretches = []
        for next in any.sorted(by: { $0.start < $1.start }) where next.start < next.end {
            if let last = stretches.last, next.start <= last.end {
                stretches[stretches.count - 1].end = max(last.end, next.end)
            } else {
                stretches.append(next)
            }
        }
    }

    /// Nanoseconds.
    var length: UInt64 { stretches.reduce(0) { $0.addingUpTo($1.end &- $1.start) } }

    /// What others leave of it.
    func without(_ other: RunWaits) -> RunWaits {
        var left: [Stretch] = []
        var first = 0
        for stretch in stretches {
            var start = stretch.start
            while first < other.stretches.count, other.stretches[first].end <= start { first += 1 }
            var next = first
            while next < other.stretches.count, other.stretches[next].start < stretch.end {
                let taken = other.stretches[next]
                if taken.start > start { left.append((start, taken.start)) }
                start = max(start, taken.end)
                next += 1
            }
            if start < stretch.end { left.append((start, stretch.end)) }
        }
        return RunWaits(left)
    }
}

extension RunPicture {
    /// When people were waited for and nobody was at work.
    var waits: RunWaits {
        let places = steps.indices.filter { steps[$0].kind == .humanWait && isTold($0) }
        guard !places.isEmpty else { return RunWaits([]) }
        return RunWaits(places.map(stretch)).without(RunWaits(work))
    }

    /// The time of steps that hold no others, and that of tools but for the waits that they hold.
    /// What waits for a person may have been announced as if it were at work.
    private var work: [RunWaits.Stretch] {
        var waitsWithin: [Int: [RunWaits.Stretch]] = [:]
        var holdsMore = Set<Int>()
        var waitingAgents = Set<Int32>()
        for place in steps.indices {
            let isWait = steps[place].kind == .humanWait
            if isWait, steps[place].phase == .announced { waitingAgents.insert(steps[place].agent) }
            guard let parent = parents[place] else { continue }
            if isWait {
                waitsWithin[parent, default: []].append(stretch(place))
            } else {
                holdsMore.insert(parent)
            }
        }
        func isAtWork(_ place: Int) -> Bool {
            isTold(place)
                && !(steps[place].phase == .announced
                    && waitingAgents.contains(steps[place].agent))
        }
        var work = leaves.filter(isAtWork).map(stretch)
        for (place, within) in waitsWithin
        where steps[place].kind == .tool && !holdsMore.contains(place) && isAtWork(place) {
            work += RunWaits([stretch(place)]).without(RunWaits(within)).stretches
        }
        return work
    }

    private func stretch(_ place: Int) -> RunWaits.Stretch {
        (steps[place].start, steps[place].end)
    }

    /// What was announced and given up never told how long it took.
    private func isTold(_ place: Int) -> Bool { steps[place].phase != .lost }
}
