import RoostCore

/// How much of a run's work was done at the same time.
public struct RunConcurrency: Sendable, Equatable {
    /// Nanoseconds of work, each step for itself; steps that hold others do not count.
    public let total: UInt64
    /// Nanoseconds in which at least one step was at work.
    public let busy: UInt64
    /// From 0, one after another, to 1, all within the time of the longest.
    public let ratio: Double
    /// The most that were at work at once.
    public let mostAtOnce: Int
    public let steps: Int

    /// Nanoseconds saved by working at the same time.
    public var overlap: UInt64 { total.less(busy) }
    /// How many were at work on average while any was.
    public var factor: Double { busy == 0 ? 1 : Double(total) / Double(busy) }

    public static let sequentialBelow = 0.3

    /// Of stretches of time from a start to an end.
    public init(_ stretches: [(start: UInt64, end: UInt64)]) {
        var total: UInt64 = 0
        var longest: UInt64 = 0
        var turns: [(time: UInt64, change: Int)] = []
        for stretch in stretches where stretch.end > stretch.start {
            let length = stretch.end &- stretch.start
            total = total.addingUpTo(length)
            longest = max(longest, length)
            turns.append((stretch.start, 1))
            turns.append((stretch.end, -1))
        }
        // At the same moment ends come first, so that what follows at once does not overlap.
        turns.sort { ($0.time, $0.change) < ($1.time, $1.change) }
        var (busy, since, depth, most): (UInt64, UInt64, Int, Int) = (0, 0, 0, 0)
        for turn in turns {
            if depth == 0 { since = turn.time }
            depth += turn.change
            most = max(most, depth)
            if depth == 0 { busy &+= turn.time &- since }
        }
        self.total = total
        self.busy = busy
        mostAtOnce = most
        steps = turns.count / 2
        ratio = total > longest ? Double(total.less(busy)) / Double(total &- longest) : 0
    }

    /// `sequential` below 0.3, `parallel` from 0.7 on, `mixed` between; `single` of fewer than two.
    public var mode: String {
        if steps < 2 { return "single" }
        return ratio < RunConcurrency.sequentialBelow
            ? "sequential" : ratio < 0.7 ? "mixed" : "parallel"
    }

    func write(into json: inout JSONWriter) {
        json.beginObject()
        json.field("mode", mode)
        json.field("ratio", ratio)
        json.field("factor", factor)
        json.field("total_seconds", Double(total) / 1e9)
        json.field("busy_seconds", Double(busy) / 1e9)
        json.field("overlap_seconds", Double(overlap) / 1e9)
        json.field("most_at_once", mostAtOnce)
        json.endObject()
    }
}
