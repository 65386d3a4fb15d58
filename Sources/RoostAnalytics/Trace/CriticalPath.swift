/// What decided how long a trace took: at each moment the step that the end waited for.
public struct CriticalPath: Sendable {
    public struct Segment: Sendable, Equatable {
        /// Index of the step; nil where nothing known ran.
        public var step: Int?
        /// Nanoseconds since the first step.
        public var start: Int
        public var end: Int

        public var duration: Int { end - start }
    }

    /// From the start of the trace to its end, without holes.
    public private(set) var segments: [Segment] = []
    /// Nanoseconds of each step on it.
    private(set) var onPath: [Int]

    /// When a step and everything below it is over.
    private var overAt: [Int]

    /// Walks back from the end: into the step below that ended last, to where it began, from there
    /// into the one that ended last before that, and so on.
    init(_ times: TraceTimes) {
        let count = times.starts.count
        onPath = [Int](repeating: 0, count: count)
        overAt = times.ends
        for node in times.tree.topDown.reversed() {
            let parent = Int(times.tree.parents[Int(node)])
            if parent >= 0 { overAt[parent] = max(overAt[parent], overAt[Int(node)]) }
        }
        walk(times)
        segments.reverse()
        for segment in segments {
            if let step = segment.step { onPath[step] += segment.duration }
        }
    }

    /// Nanoseconds in which each step was on the path and at work itself. A step is also on it while
    /// one below runs that nothing waited for: it might have begun earlier what came then.
    func ownWork(_ own: SelfTimes) -> [Int] {
        var found = [Int](repeating: 0, count: onPath.count)
        var ofStep = [[Segment]](repeating: [], count: found.count)
        for segment in segments { if let step = segment.step { ofStep[step].append(segment) } }
        // Both in the order of time, and neither overlaps within one step.
        var next = [Int](repeating: 0, count: found.count)
        for work in own.work {
            let step = Int(work.step)
            while next[step] < ofStep[step].count {
                let segment = ofStep[step][next[step]]
                found[step] += max(0, min(segment.end, work.end) - max(segment.start, work.start))
                if segment.end > work.end { break }
                next[step] += 1
            }
        }
        return found
    }

    /// A step whose lower ones are being gone through, the last to end first.
    private struct Frame {
        /// -1 stands above the steps that have no parent.
        let node: Int
        var below: [Int32]
    }

    private mutating func walk(_ times: TraceTimes) {
        var at = times.end
        let tops = times.tree.parents.indices.filter { times.tree.parents[$0] < 0 }
        var stack = [frame(-1, tops.map { Int32(truncatingIfNeeded: $0) })]
        while let node = stack.last?.node {
            if let next = nextBelow(&stack[stack.count - 1].below, at, times) {
                add(node, from: overAt[next], to: at, times)
                at = overAt[next]
                stack.append(frame(next, Array(times.tree.children(of: next))))
                continue
            }
            let start = node < 0 ? 0 : min(times.starts[node], at)
            add(node, from: start, to: at, times)
            at = start
            stack.removeLast()
        }
    }

    private func frame(_ node: Int, _ below: [Int32]) -> Frame {
        Frame(node: node, below: below.sorted { overAt[Int($0)] < overAt[Int($1)] })
    }

    private func nextBelow(_ below: inout [Int32], _ at: Int, _ times: TraceTimes) -> Int? {
        while let last = below.popLast() {
            let place = Int(last)
            if overAt[place] <= at, times.starts[place] < overAt[place] { return place }
        }
        return nil
    }

    /// Adds a stretch of a step; of what it did not run in nobody knows.
    private mutating func add(_ node: Int, from start: Int, to end: Int, _ times: TraceTimes) {
        guard node >= 0 else { return add(nil, start, end) }
        let (first, last) = (times.starts[node], times.ends[node])
        add(nil, max(start, last), end)
        add(node, max(start, first), min(end, last))
        add(nil, start, min(end, first))
    }

    private mutating func add(_ step: Int?, _ start: Int, _ end: Int) {
        guard end > start else { return }
        if let latest = segments.last, latest.step == step, latest.start == end {
            segments[segments.count - 1].start = start
        } else {
            segments.append(Segment(step: step, start: start, end: end))
        }
    }
}
