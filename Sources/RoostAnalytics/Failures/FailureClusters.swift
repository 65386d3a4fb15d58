import Glibc

/// Failures that happened close together, closer than chance has it.
public struct FailureCluster: Sendable {
    /// Unix nanoseconds by the senders' clocks: the stretch that `expected` is for, a second at least.
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

    /// Nanoseconds.
    public var length: UInt64 { end.less(start) }
}

extension Failures {
    /// Clusters of the last day, the latest first, at most 20. What comes from another failure does
    /// not count, nor what happened before anything was heard of: nobody knows what else did.
    func clusters(_ symbols: Symbols, now: UInt64) -> [FailureCluster] {
        let since = max(began, now.less(Self.longestLooked), heldSince)
        let places = recent(since: since).filter { records[$0].cause == 0 }
        let failures = times(of: places, since: since)
            .filter { $0.time >= since }.sorted { ($0.time, $0.place) < ($1.time, $1.place) }
        // Where nothing at all comes, it is not known how often it would have failed.
        let until = max(min(latestEnd, now), failures.last?.time ?? 0)
        let time = Double(until.less(since))
        guard failures.count >= Self.fewestInCluster, time > 0 else { return [] }
        let gap = UInt64(min(max(time / Double(failures.count) / 4, 1e9), 300e9))
        var found: [FailureCluster] = []
        var first = 0
        for next in 1...failures.count {
            let goesOn =
                next < failures.count
                && failures[next].time.less(failures[next - 1].time) <= gap
            if goesOn { continue }
            let group = failures[first..<next]
            first = next
            if let cluster = cluster(group, all: failures.count, time: time, symbols) {
                found.append(cluster)
            }
        }
        return found.reversed().prefix(Self.mostClusters).map { $0 }
    }

    /// Unix nanoseconds of arrival: since when all failures are held.
    private var heldSince: UInt64 {
        let isOverfull = count > UInt64(records.count)
        guard isOverfull, let place = place(of: count - UInt64(records.count) + 1) else { return 0 }
        return records[place].heard
    }

    private typealias Failure = (time: UInt64, place: Int)

    /// When failures happened: what failed ended then, as its sender says.
    ///
    /// What comes together from a service whose clock is ahead, days behind, or so far behind that
    /// nothing of it would be looked at, is told apart by that clock and has ended with its latest
    /// when it came.
    private func times(of places: [Int], since: UInt64) -> [Failure] {
        let timely = Set(
            places.lazy.filter { records[$0].end >= since }.map { records[$0].service })
        func isBehind(_ record: FailureRecord) -> Bool {
            isLongBefore(record.end, record.heard) || !timely.contains(record.service)
        }
        var found: [Failure] = []
        var first = 0
        while first < places.count {
            let heard = records[places[first]].heard
            var next = first
            var latest: [Int32: (ahead: UInt64, behind: UInt64)] = [:]
            while next < places.count, records[places[next]].heard == heard {
                let record = records[places[next]]
                var known = latest[record.service] ?? (ahead: heard, behind: 0)
                known.ahead = max(known.ahead, record.end)
                if isBehind(record) { known.behind = max(known.behind, record.end) }
                latest[record.service] = known
                next += 1
            }
            for place in places[first..<next] {
                let record = records[place]
                let known = latest[record.service] ?? (ahead: heard, behind: 0)
                var time = record.end
                if time > heard { time = heard.less(known.ahead &- record.end) }
                if isBehind(record) { time = heard.less(known.behind &- record.end) }
                found.append((time, place))
            }
            first = next
        }
        return found
    }

    private func isLongBefore(_ end: UInt64, _ heard: UInt64) -> Bool {
        heard.less(end) > Self.longestLooked
    }

    private static let longestLooked = 24 * FailureRate.hourLength
    private static let fewestInCluster = 5
    private static let mostClusters = 20
    private static let least = 0.95
    /// How many times what is expected.
    private static let leastCrowd = 2.0
    private static let shortestStretch: UInt64 = 1_000_000_000

    private func cluster(
        _ group: ArraySlice<Failure>, all: Int, time: Double, _ symbols: Symbols
    ) -> FailureCluster? {
        guard group.count >= Self.fewestInCluster, let first = group.first, let last = group.last
        else { return nil }
        let start = min(first.time, last.time.less(Self.shortestStretch))
        let length = Double(last.time &- start)
        guard length < time else { return nil }
        let expected = Double(all) * length / time
        // As many stretches of that length as there are places for could have been the one.
        let chance = Self.poissonTail(group.count, expected) * max(time / length, 1)
        let confidence = 1 - min(chance, 1)
        // Failures are seldom independent: of many a few more than usual are no cluster.
        guard confidence >= Self.least, Double(group.count) >= expected * Self.leastCrowd
        else { return nil }
        /// As long as a failure is held, so is what its error was called.
        struct Kind: Hashable {
            let component: FailureComponent
            let errorType: Int32
        }
        var types: [Kind: Int] = [:]
        var agents: [Int32] = []
        for (_, place) in group {
            let record = records[place]
            let kind = Kind(
                component: self.types[Int(record.type)].component, errorType: record.errorType)
            types[kind, default: 0] += 1
            let agent = records[place].agent
            if agent != 0, agents.count < 16, !agents.contains(agent) { agents.append(agent) }
        }
        let top = types.max {
            ($0.value, $1.key.component.rawValue, $1.key.errorType)
                < ($1.value, $0.key.component.rawValue, $0.key.errorType)
        }
        guard let top else { return nil }
        return FailureCluster(
            start: start, end: last.time, count: group.count, expected: expected,
            confidence: confidence, component: top.key.component,
            errorType: symbols.text(top.key.errorType),
            share: Double(top.value) / Double(group.count),
            agents: agents.map { symbols.text($0) },
            failureIDs: group.prefix(50).map { records[$0.place].id })
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
