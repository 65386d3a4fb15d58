import RoostCore
import RoostIngest

/// When the steps of a trace ran, by one clock, in nanoseconds since the first of them.
///
/// Clocks that disagree are brought together, what was announced and never ended lasts as long as
/// the trace does, and no time is further than a year from the first.
struct TraceTimes {
    let tree: TraceTree
    /// Unix nanoseconds of zero.
    private(set) var base: UInt64 = 0
    private(set) var starts: [Int] = []
    private(set) var ends: [Int] = []
    /// From zero to the end of the last.
    private(set) var end = 0
    private(set) var skews: [ClockSkew] = []
    /// Steps that lie at least partly outside of their parents, clocks brought together.
    private(set) var outside = 0

    init(_ document: TraceDocument) {
        let steps = document.steps
        tree = TraceTree(
            parents: steps.indices.map { place in
                guard let parent = steps[place].parent, steps.indices.contains(parent),
                    parent != place
                else { return -1 }
                return Int32(truncatingIfNeeded: parent)
            })
        guard let first = steps.first else { return }
        base = first.start
        for place in steps.indices { base = min(base, steps[place].start) }
        starts.reserveCapacity(steps.count)
        ends.reserveCapacity(steps.count)
        for place in steps.indices {
            let start = Int(min(steps[place].start &- base, Activity.longest))
            starts.append(start)
            let end = max(steps[place].end, steps[place].start)
            ends.append(max(start, Int(min(end &- base, Activity.longest))))
        }
        bringTogether(steps)
        end = ends.max() ?? 0
        for place in steps.indices where steps[place].isPending { ends[place] = end }
        for place in steps.indices {
            let parent = Int(tree.parents[place])
            guard parent >= 0 else { continue }
            if starts[place] < starts[parent] || ends[place] > ends[parent] { outside += 1 }
        }
    }

    /// Nanoseconds that a step is moved, at most.
    private static let furthest = Int(Activity.longest)

    func duration(_ place: Int) -> Int { ends[place] - starts[place] }

    /// Unix nanoseconds.
    func time(_ offset: Int) -> UInt64 { base &+ UInt64(max(offset, 0)) }

    private mutating func bringTogether(_ steps: [TraceStep]) {
        var numbers: [ExactText: Int32] = [:]
        var names: [String] = []
        var services: [Int32] = []
        services.reserveCapacity(steps.count)
        for place in steps.indices {
            if place > 0, steps[place].service.isExactly(steps[place - 1].service) {
                services.append(services[place - 1])
                continue
            }
            let next = Int32(truncatingIfNeeded: names.count)
            let number = numbers[ExactText(steps[place].service)] ?? next
            if number == next {
                numbers[ExactText(steps[place].service)] = next
                names.append(steps[place].service)
            }
            services.append(number)
        }
        guard names.count > 1 else { return }
        var finder = ClockSkewFinder()
        for place in steps.indices {
            let parent = Int(tree.parents[place])
            guard parent >= 0, services[place] != services[parent],
                isTimed(steps[place]), isTimed(steps[parent])
            else { continue }
            finder.note(
                caller: services[parent], service: services[place],
                parent: starts[parent]...ends[parent], child: starts[place]...ends[place],
                isAnswered: steps[parent].spanKind == 3 && steps[place].spanKind == 2)
        }
        skews = finder.skews(names)
        guard !skews.isEmpty else { return }
        var shifts = [Int](repeating: 0, count: steps.count)
        for node in tree.topDown {
            let place = Int(node)
            let parent = Int(tree.parents[place])
            guard parent >= 0 else { continue }
            shifts[place] = shifts[parent]
            if services[place] != services[parent] {
                let shift = finder.shift(caller: services[parent], service: services[place])
                shifts[place] = min(max(shifts[place] + shift, -Self.furthest), Self.furthest)
            }
        }
        shift(by: shifts)
    }

    private func isTimed(_ step: TraceStep) -> Bool {
        !step.isPending && !step.isMendedTime && !step.isInstant
    }

    /// Moves steps, and zero to where the first of them is then.
    private mutating func shift(by shifts: [Int]) {
        for place in starts.indices {
            starts[place] = starts[place] &+ shifts[place]
            ends[place] = ends[place] &+ shifts[place]
        }
        let first = starts.min() ?? 0
        for place in starts.indices {
            starts[place] = starts[place] &- first
            ends[place] = ends[place] &- first
        }
        base = base &+ UInt64(bitPattern: Int64(first))
    }
}
