/// Waits at the same time are one, and while somebody is at work the run does not wait.
extension RunPicture {
    /// When people were waited for and nobody was at work.
    var waits: TimeStretches {
        let places = steps.indices.filter { steps[$0].kind == .humanWait && isTold($0) }
        guard !places.isEmpty else { return TimeStretches([]) }
        return TimeStretches(places.map(stretch)).without(TimeStretches(work))
    }

    /// The time of steps that hold no others, and that of tools but for the waits that they hold.
    /// What waits for a person may have been announced as if it were at work.
    private var work: [TimeStretches.Stretch] {
        var waitsWithin: [Int: [TimeStretches.Stretch]] = [:]
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
            work += TimeStretches([stretch(place)]).without(TimeStretches(within)).stretches
        }
        return work
    }

    private func stretch(_ place: Int) -> TimeStretches.Stretch {
        (steps[place].start, steps[place].end)
    }

    /// What was announced and given up never told how long it took.
    private func isTold(_ place: Int) -> Bool { steps[place].phase != .lost }
}
