/// Stretches of time in order, none touching another; nanoseconds.
struct TimeStretches {
    private(set) var stretches: [Stretch]

    typealias Stretch = (start: UInt64, end: UInt64)

    /// Of stretches in any order; those at the same time become one.
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
    func without(_ other: TimeStretches) -> TimeStretches {
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
        return TimeStretches(left)
    }
}
