import Glibc

/// Failures that came close together, closer than chance has it.
public struct FailureCluster: Sendable {
    /// Unix nanoseconds of arrival.
    public let start: UInt64
    public let end: UInt64
    public let count: Int
    /// How many the usual rate would have brought in that time.
    public let expected: Double
    /// One less the chance that any such stretch of the time looked at is that full by accident.
    public let confidence: Double
    public let component: FailureComponent
    /// The most common one, and its share.
    public let errorType: String
    public let share: Double
    public let agents: [String]
    public let failureIDs: [UInt64]
}

extension Failures {
    /// Clusters of the last day, the latest first, at most 20. What comes from another failure does
    /// not count.
    func clusters(_ symbols: Symbols, now: UInt64) -> [FailureCluster] {
        let since = max(began, now.less(24 * FailureRate.hourLength))
        let places = recent(since: since).filter { records[$0].cause == 0 }.reversed() as [Int]
        let time = Double(now.less(since))
        guard places.count >= Self.fewestInCluster, time > 0 else { return [] }
        let gap = UInt64(min(max(time / Double(places.count) / 4, 1e9), 300e9))
        var found: [FailureCluster] = []
        var first = 0
        for next in 1...places.count {
            let goesOn =
                next < places.count
                && records[places[next]].heard.less(records[places[next - 1]].heard) <= gap
            if goesOn { continue }
            let group = places[first..<next]
            first = next
            if let cluster = cluster(group, all: places.count, time: time, symbols) {
                found.append(cluster)
            }
        }
        return found.reversed().prefix(Self.mostClusters).map { $0 }
    }

    private static let fewestInCluster = 5
    private static let mostClusters = 20
    private static let least = 0.95

    private func cluster(
        _ group: ArraySlice<Int>, all: Int, time: Double, _ symbols: Symbols
    ) -> FailureCluster? {
        guard group.count >= Self.fewestInCluster, let first = group.first, let last = group.last
        else { return nil }
        let start = records[first].heard
        let length = max(Double(records[last].heard.less(start)), 1e9)
        guard length < time else { return nil }
        let expected = Double(all) * length / time
        // As many stretches of that length as there are places for could have been the one.
        let chance = Self.poissonTail(group.count, expected) * max(time / length, 1)
        let confidence = 1 - min(chance, 1)
        guard confidence >= Self.least else { return nil }
        var types: [Int32: Int] = [:]
        var agents: [Int32] = []
        for place in group {
            types[records[place].type, default: 0] += 1
            let agent = records[place].agent
            if agent != 0, agents.count < 16, !agents.contains(agent) { agents.append(agent) }
        }
        let top = types.max { ($0.value, $1.key) < ($1.value, $0.key) }
        let type = self.types[Int(top?.key ?? 0)]
        return FailureCluster(
            start: start, end: records[last].heard, count: group.count, expected: expected,
            confidence: confidence, component: type.component,
            errorType: symbols.text(type.errorType),
            share: Double(top?.value ?? 0) / Double(group.count),
            agents: agents.map { symbols.text($0) },
            failureIDs: group.prefix(50).map { records[$0].id })
    }

    /// The chance of at least `count` where `expected` are expected; 1 where that is no crowd.
    static func poissonTail(_ count: Int, _ expected: Double) -> Double {
        guard count > 0 else { return 1 }
        guard expected > 0 else { return 0 }
        guard Double(count) >= expected else { return 1 }
        var term = -expected
        for number in 1...count { term += log(expected / Double(number)) }
        var next = exp(term)
        var sum = 0.0
        var number = Double(count)
        while next > sum * 1e-12, next > 0 {
            sum += next
            number += 1
            next *= expected / number
        }
        return min(sum, 1)
    }

    /// Places of the failures heard of since a time, the latest first.
    func recent(since: UInt64) -> [Int] {
        var found: [Int] = []
        var id = count
        while let place = place(of: id) {
            if records[place].heard >= since, !records[place].isWithdrawn { found.append(place) }
            id -= 1
        }
        return found
    }
}
