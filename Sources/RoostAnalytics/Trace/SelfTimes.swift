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
        work.sort { ($0.start, $0.end) < ($1.start, $1.end) }
        waits.sort { ($0.start, $0.end) < ($1.start, $1.end) }
        tellWaits(times)
    }

    /// Adds each wait to all above it; waits at the same time are one.
    private mutating func tellWaits(_ times: TraceTimes) {
        var until = [Int](repeating: 0, count: waits.isEmpty ? 0 : wait.count)
        for part in waits {
            var place = Int(part.step)
            var level = 0
            while place >= 0, level < Self.deepest {
                let end = min(part.end, times.ends[place])
                let start = max(part.start, until[place], times.starts[place])
                if end > start {
                    wait[place] += end - start
                    until[place] = end
                }
                place = Int(times.tree.parents[place])
                level += 1
            }
        }
    }

    /// Levels that a wait is told to above it, since many waits may stand deep down.
    private static let deepest = 256

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
