/// A stretch of time in which a step was at work itself.
struct WorkSegment {
    /// Nanoseconds since the first step.
    var start: Int
    var end: Int
    var step: Int32
}

/// What each step did itself: the time in which none of the steps below it ran.
///
/// Time in which a person was asked is nobody's work.
struct SelfTimes {
    /// Nanoseconds of each step; of steps that wait for people none.
    private(set) var own: [Int]
    /// Nanoseconds of waiting for people at or below each step.
    private(set) var wait: [Int]
    /// In the order of their start.
    private(set) var work: [WorkSegment] = []
    /// In the order of their start.
    private(set) var waits: [WorkSegment] = []

    init(_ steps: [TraceStep], _ times: TraceTimes) {
        own = [Int](repeating: 0, count: steps.count)
        wait = [Int](repeating: 0, count: steps.count)
        work.reserveCapacity(steps.count)
        var below: [Int32] = []
        for place in steps.indices {
            if steps[place].activity == .humanWait {
                if times.duration(place) > 0 {
                    waits.append(
                        WorkSegment(
                            start: times.starts[place], end: times.ends[place],
                            step: Int32(truncatingIfNeeded: place)))
                }
                continue
            }
            below.removeAll(keepingCapacity: true)
            below.append(contentsOf: times.tree.children(of: place))
            addOwn(place, &below, times)
        }
        for node in times.tree.topDown.reversed() {
            let place = Int(node)
            let most = times.duration(place)
            wait[place] = steps[place].activity == .humanWait ? most : min(wait[place], most)
            let parent = Int(times.tree.parents[place])
            if parent >= 0 { wait[parent] = wait[parent] &+ wait[place] }
        }
        work.sort { ($0.start, $0.end) < ($1.start, $1.end) }
        waits.sort { ($0.start, $0.end) < ($1.start, $1.end) }
    }

    private mutating func addOwn(_ place: Int, _ below: inout [Int32], _ times: TraceTimes) {
        below.sort { times.starts[Int($0)] < times.starts[Int($1)] }
        let end = times.ends[place]
        var at = times.starts[place]
        for child in below {
            let from = min(times.starts[Int(child)], end)
            add(place, at, from)
            at = max(at, min(times.ends[Int(child)], end))
        }
        add(place, at, end)
    }

    private mutating func add(_ place: Int, _ start: Int, _ end: Int) {
        guard end > start else { return }
        own[place] = own[place] &+ (end - start)
        work.append(
            WorkSegment(start: start, end: end, step: Int32(truncatingIfNeeded: place)))
    }
}
