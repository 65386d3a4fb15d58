/// How much of a trace's work ran at the same time.
public struct Concurrency: Sendable, Equatable {
    /// Nanoseconds in which at least one step was at work.
    public var busy = 0
    /// Nanoseconds in which at least two were.
    public var overlap = 0
    /// Nanoseconds in which nobody was at work and a person was asked.
    public var waiting = 0
    /// Nanoseconds in which nothing at all happened.
    public var idle = 0
    /// Nanoseconds of work of all steps together.
    public var work = 0
    /// Most steps at work at the same time.
    public var peak = 0

    /// Nanoseconds without those in which everything waited for people.
    public var working: Int { busy &+ idle }

    /// 0 is one thing after another, 1 never less than two at a time.
    public var ratio: Double { busy > 0 ? Double(overlap) / Double(busy) : 0 }

    /// Times more work than time.
    public var factor: Double { working > 0 ? Double(work) / Double(working) : 0 }
}

/// Walks along the time of a trace.
struct ConcurrencySweep {
    private(set) var total = Concurrency()
    /// Nanoseconds in which a step was the only one at work.
    private(set) var alone: [Int]

    private struct Edge {
        let time: Int
        let step: Int32
        let isBegin: Bool
        let isWait: Bool
    }

    init(_ own: SelfTimes, steps: Int, end: Int) {
        alone = [Int](repeating: 0, count: steps)
        var edges: [Edge] = []
        edges.reserveCapacity((own.work.count + own.waits.count) * 2)
        for (list, isWait) in [(own.work, false), (own.waits, true)] {
            for part in list {
                edges.append(
                    Edge(time: part.start, step: part.step, isBegin: true, isWait: isWait))
                edges.append(
                    Edge(time: part.end, step: part.step, isBegin: false, isWait: isWait))
            }
        }
        edges.sort { $0.time < $1.time }
        walk(edges, end: end)
    }

    private mutating func walk(_ edges: [Edge], end: Int) {
        var (running, waiting, at) = (0, 0, 0)
        /// Of the steps at work; when there is one it is that.
        var together: Int32 = 0
        var next = 0
        while next < edges.count {
            let time = edges[next].time
            pass(time - at, running, waiting, together)
            at = time
            while next < edges.count, edges[next].time == time {
                let edge = edges[next]
                let change = edge.isBegin ? 1 : -1
                if edge.isWait {
                    waiting += change
                } else {
                    running += change
                    together ^= edge.step
                }
                next += 1
            }
            total.peak = max(total.peak, running)
        }
        pass(end - at, 0, 0, 0)
    }

    private mutating func pass(_ time: Int, _ running: Int, _ waiting: Int, _ step: Int32) {
        guard time > 0 else { return }
        total.work = total.work &+ time &* running
        if running > 0 {
            total.busy += time
            if running > 1 { total.overlap += time } else { alone[Int(step)] += time }
        } else if waiting > 0 {
            total.waiting += time
        } else {
            total.idle += time
        }
    }
}
