import RoostIngest

extension TraceNodes {
    /// What says most about a trace of which not all can be looked at: its root, what starts it and
    /// what ends it, what failed, then what took longest, each with all that stands above it. In the
    /// order of `order`.
    func kept(_ activities: [Activity], most: Int) -> [Int32] {
        guard order.count > most else { return order }
        var weights = weights(activities)
        // A node weighs what the heaviest below it does, so that no parent comes after its child.
        for node in tree.topDown.reversed() where tree.parents[Int(node)] >= 0 {
            let parent = Int(tree.parents[Int(node)])
            weights[parent] = max(weights[parent], weights[Int(node)])
        }
        let heaviest = order.indices.sorted { one, other in
            let (left, right) = (Int(order[one]), Int(order[other]))
            if weights[left] != weights[right] { return weights[right] < weights[left] }
            return (tree.depths[left], one) < (tree.depths[right], other)
        }
        return heaviest.prefix(max(most, 0)).sorted().map { order[$0] }
    }

    private struct Weight: Comparable {
        enum Rank: Int { case usual, failed, frame }

        var rank = Rank.usual
        /// Nanoseconds.
        var duration: UInt64 = 0

        static func < (one: Weight, other: Weight) -> Bool {
            (one.rank.rawValue, one.duration) < (other.rank.rawValue, other.duration)
        }
    }

    private func weights(_ activities: [Activity]) -> [Weight] {
        let end = nodes.lazy.map { activities[Int($0.activity)].end }.max() ?? 0
        var hasEnd = false
        var weights = nodes.map { node in
            let activity = activities[Int(node.activity)]
            // What was announced lasts as long as the trace does.
            let until = activity.phase == .pending ? end : activity.end
            var weight = Weight()
            if activity.start != 0, until > activity.start {
                weight.duration = min(until - activity.start, Activity.longest)
            }
            if activity.status == .error { weight.rank = .failed }
            if !hasEnd, activity.end == end {
                weight.rank = .frame
                hasEnd = true
            }
            return weight
        }
        for node in [top.node, order.first ?? -1] where node >= 0 {
            weights[Int(node)].rank = .frame
        }
        return weights
    }
}
