/// A stretch of time in which a step was at work itself.
struct WorkSegment {
    /// Nanoseconds since the first step.
    var start: Int
    var end: Int
    var step: Int32
}

/// What each step did itself: the time in which none of the steps below it ran, on whatever level.
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
        for place in steps.indices
        where steps[place].activity == .humanWait && times.duration(place) > 0 {
            waits.append(
                WorkSegment(
                    start: times.starts[place], end: times.ends[place],
                    step: Int32(truncatingIfNeeded: place)))
        }
        var sweep = WorkSweep(times)
        sweep.walk { part in
            guard steps[Int(part.step)].activity != .humanWait else { return }
            own[Int(part.step)] = own[Int(part.step)] &+ (part.end - part.start)
            work.append(part)
        }
        work.sort { ($0.start, $0.end, $0.step) < ($1.start, $1.end, $1.step) }
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
}

/// Walks along the time of a trace and tells who was at work.
///
/// Steps are numbered so that all below one follow it at once:
///
///         0             running:  0  2  4  5
///       1     4         0 has 2 after it, which stands below it: not at work itself
///      2 3   5 6        2 has 4 after it, which does not: at work
///
/// So only the running one with the next number decides, and who begins or ends changes nothing but
/// the one before it.
private struct WorkSweep {
    private let times: TraceTimes
    /// The number of each step, and the step of each number.
    private var numbers: [Int32]
    private var steps: [Int32]
    /// Of each number, the first behind those that stand below it.
    private var behind: [Int32]
    private var running: PlaceSet
    /// Of each number, since when it has been at work; -1 when it is not.
    private var since: [Int]

    init(_ times: TraceTimes) {
        self.times = times
        let (parents, count) = (times.tree.parents, times.starts.count)
        behind = [Int32](repeating: 1, count: count)
        for node in times.tree.topDown.reversed() where parents[Int(node)] >= 0 {
            behind[Int(parents[Int(node)])] += behind[Int(node)]
        }
        let sizes = behind
        numbers = [Int32](repeating: 0, count: count)
        steps = numbers
        running = PlaceSet(limit: count)
        since = [Int](repeating: -1, count: count)
        /// The next number below each.
        var free = numbers
        var freeAtTop: Int32 = 0
        for node in times.tree.topDown {
            let (place, parent) = (Int(node), Int(parents[Int(node)]))
            let number = parent < 0 ? freeAtTop : free[parent]
            if parent < 0 { freeAtTop += sizes[place] } else { free[parent] += sizes[place] }
            free[place] = number + 1
            numbers[place] = number
            steps[Int(number)] = node
            behind[Int(number)] = number + sizes[place]
        }
    }

    /// Tells of each step when it was at work. What has no length changes nothing.
    mutating func walk(_ tell: (WorkSegment) -> Void) {
        let lasting = times.starts.indices.filter { times.ends[$0] > times.starts[$0] }
        let begins = lasting.sorted { times.starts[$0] < times.starts[$1] }
        let ends = lasting.sorted { times.ends[$0] < times.ends[$1] }
        var next = 0
        for place in ends {
            // What begins as another ends is there first, so that the one above both is not at work
            // in between.
            while next < begins.count, times.starts[begins[next]] <= times.ends[place] {
                begin(Int(numbers[begins[next]]), at: times.starts[begins[next]], tell)
                next += 1
            }
            end(Int(numbers[place]), at: times.ends[place], tell)
        }
    }

    private mutating func begin(_ number: Int, at time: Int, _ tell: (WorkSegment) -> Void) {
        running.insert(number)
        if !hasBelow(number) { since[number] = time }
        let before = running.last(before: number)
        if before >= 0, since[before] >= 0, hasBelow(before) { stop(before, at: time, tell) }
    }

    private mutating func end(_ number: Int, at time: Int, _ tell: (WorkSegment) -> Void) {
        running.remove(number)
        if since[number] >= 0 { stop(number, at: time, tell) }
        let before = running.last(before: number)
        if before >= 0, since[before] < 0, !hasBelow(before) { since[before] = time }
    }

    private mutating func stop(_ number: Int, at time: Int, _ tell: (WorkSegment) -> Void) {
        if time > since[number] {
            tell(WorkSegment(start: since[number], end: time, step: steps[number]))
        }
        since[number] = -1
    }

    private func hasBelow(_ number: Int) -> Bool {
        let next = running.next(after: number)
        return next >= 0 && next < behind[number]
    }
}
