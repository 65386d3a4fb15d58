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
    /// The last segment of each step, and of each segment the one before it of the same step; -1 is
    /// none.
    private var latest: [Int32]
    private var before: [Int32] = []

    /// When a step and everything below it is over, and when the first of them begins.
    private var overAt: [Int]
    private var firstAt: [Int]

    /// Walks back from the end: into the step below that ended last, to where it began, from there
    /// into the one that ended last before that, and so on.
    init(_ times: TraceTimes) {
        let count = times.starts.count
        onPath = [Int](repeating: 0, count: count)
        latest = [Int32](repeating: -1, count: count)
        overAt = times.ends
        firstAt = times.starts
        for node in times.tree.topDown.reversed() {
            let parent = Int(times.tree.parents[Int(node)])
            guard parent >= 0 else { continue }
            overAt[parent] = max(overAt[parent], overAt[Int(node)])
            firstAt[parent] = min(firstAt[parent], firstAt[Int(node)])
        }
        walk(times)
        segments.reverse()
        before = [Int32](repeating: -1, count: segments.count)
        for (number, segment) in segments.enumerated() {
            guard let step = segment.step else { continue }
            onPath[step] += segment.duration
            before[number] = latest[step]
            latest[step] = Int32(truncatingIfNeeded: number)
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

    /// Nanoseconds of a step on the path, without those before an offset.
    func onPath(_ step: Int, from offset: Int) -> Int {
        var (found, next) = (0, latest[step])
        while next >= 0 {
            let segment = segments[Int(next)]
            guard segment.end > offset else { break }
            found += segment.end - max(segment.start, offset)
            next = before[Int(next)]
        }
        return found
    }

    /// A step whose lower ones are being gone through, the last to end first.
    private struct Frame {
        /// -1 stands above the steps that have no parent.
        let node: Int
        var below: [Int32]
        /// Of those above it, when the first begins and the last ends.
        let reach: Range<Int>
    }

    private mutating func walk(_ times: TraceTimes) {
        var at = times.end
        let tops = times.tree.parents.indices.filter { times.tree.parents[$0] < 0 }
        var stack = [frame(-1, tops.map { Int32(truncatingIfNeeded: $0) })]
        while let node = stack.last?.node {
            if let next = nextBelow(&stack[stack.count - 1].below, at) {
                add(stack, from: overAt[next], to: at, times)
                at = overAt[next]
                let reach = reach(node, stack[stack.count - 1].reach, times)
                stack.append(frame(next, Array(times.tree.children(of: next)), reach))
                continue
            }
            let start = node < 0 ? 0 : min(times.starts[node], at)
            add(stack, from: start, to: at, times)
            at = start
            stack.removeLast()
        }
    }

    private func frame(_ node: Int, _ below: [Int32], _ reach: Range<Int> = 0..<0) -> Frame {
        Frame(node: node, below: below.sorted { overAt[Int($0)] < overAt[Int($1)] }, reach: reach)
    }

    /// That of what is above a step, with the step itself.
    private func reach(_ node: Int, _ above: Range<Int>, _ times: TraceTimes) -> Range<Int> {
        guard node >= 0, times.duration(node) > 0 else { return above }
        let own = times.starts[node]..<times.ends[node]
        guard !above.isEmpty else { return own }
        return min(own.lowerBound, above.lowerBound)..<max(own.upperBound, above.upperBound)
    }

    private func nextBelow(_ below: inout [Int32], _ at: Int) -> Int? {
        while let last = below.popLast() {
            let place = Int(last)
            if overAt[place] <= at, firstAt[place] < overAt[place] { return place }
        }
        return nil
    }

    /// Adds a stretch of the step at the end of `stack`: where that did not run it is of the nearest
    /// above it that did, and where none did of nobody known.
    private mutating func add(
        _ stack: [Frame], from start: Int, to end: Int, _ times: TraceTimes
    ) {
        var at = end
        while at > start {
            let part = runningLast(stack, from: start, to: at, times)
            add(part.step, part.start, at)
            at = part.start
        }
    }

    /// Who ran at the end of a stretch, and since when without one nearer to the end of `stack`.
    private func runningLast(
        _ stack: [Frame], from start: Int, to end: Int, _ times: TraceTimes
    ) -> (step: Int?, start: Int) {
        var start = start
        for frame in stack.reversed().prefix(Self.mostAbove) where frame.node >= 0 {
            let (first, last) = (times.starts[frame.node], times.ends[frame.node])
            if first < end, end <= last { return (frame.node, max(start, first)) }
            if first < last, last < end { start = max(start, last) }
            if end <= frame.reach.lowerBound || start >= frame.reach.upperBound { break }
        }
        return (nil, start)
    }

    /// Steps that are asked for a stretch, since many stretches may lie deep down.
    private static let mostAbove = 64

    private mutating func add(_ step: Int?, _ start: Int, _ end: Int) {
        guard end > start else { return }
        if let latest = segments.last, latest.step == step, latest.start == end {
            segments[segments.count - 1].start = start
        } else {
            segments.append(Segment(step: step, start: start, end: end))
        }
    }
}
