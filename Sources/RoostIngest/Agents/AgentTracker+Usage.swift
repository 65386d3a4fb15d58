/// Usage that metrics tell, of services that tell it in no other way.
extension AgentTracker {
    /// Takes in what the points of a request tell, to be counted when spans and events of the same
    /// time have had `hold` to come; times as in `take`.
    public mutating func take(_ facts: [UsageFact], now: UInt64, unixNow: UInt64) {
        lastTold = now
        var held: [HeldUsage] = []
        for fact in facts {
            guard fact.value >= 0, fact.value <= 1e12 else {
                metrics.events.rejectedValues &+= 1
                continue
            }
            let service = metrics.texts.number(fact.service[...])
            let source = AgentSignals.Source(
                service: service, session: sessionHash(fact.session[...]))
            if fact.tells == .cost { costTellers.insert(service) }
            let isLeftOut = signals.leavesOutMetric(
                AgentSignals.Fact(fact.tells), source, now: now)
            guard let amount = usage.amount(fact, now: now) else {
                metrics.events.rejectedValues &+= 1
                continue
            }
            guard amount > 0 else { continue }
            guard !isLeftOut, usage.held.count + held.count < UsageStreams.mostHeld else {
                metrics.events.disbelieved &+= 1
                continue
            }
            held.append(HeldUsage(fact: fact, source: source, amount: amount, arrived: now))
        }
        usage.held += held
    }

    /// Counts what has been held for long enough and nothing else has told.
    mutating func countUsage(now: UInt64, unixNow: UInt64) {
        let ripe = usage.held.prefix { now &- $0.arrived >= settings.hold }
        guard !ripe.isEmpty else { return }
        usage.held.removeFirst(ripe.count)
        var groups: [AgentSeriesKey: UsageGroup] = [:]
        for one in ripe {
            let (fact, service, amount) = (one.fact, one.source.service, one.amount)
            let told = AgentSignals.Fact(fact.tells)
            if signals.leavesOutMetric(told, one.source, now: now) {
                metrics.events.disbelieved &+= 1
                continue
            }
            let agent = fact.agent.isEmpty ? service : metrics.texts.number(fact.agent[...])
            let provider = metrics.texts.number(fact.provider[...])
            let model = metrics.texts.number(fact.model[...])
            let status = fact.isError ? metrics.error : metrics.ok
            let error = metrics.texts.number(fact.errorType[...])
            switch fact.tells {
            case .tokens:
                let key = AgentSeriesKey(
                    first: agent, second: provider, third: model, fourth: service)
                groups[key, default: UsageGroup(isExclusive: fact.isExclusive)]
                    .tokens[fact.tokenType] += amount
            case .cost:
                metrics.llmCost.add(
                    amount,
                    AgentSeriesKey(
                        first: agent, second: service, third: provider, fourth: model,
                        fifth: metrics.reported), nil, now: unixNow)
            case .calls:
                metrics.llmCalls.add(
                    amount,
                    AgentSeriesKey(
                        first: agent, second: provider, third: model, fourth: status,
                        fifth: error), nil, now: unixNow)
            case .tools:
                metrics.toolCalls.add(
                    amount,
                    AgentSeriesKey(
                        first: agent, second: metrics.texts.number(fact.tool[...]),
                        third: status, fourth: error), nil, now: unixNow)
            }
        }
        for (key, group) in groups { count(group, key, unixNow: unixNow) }
    }

    private mutating func count(_ group: UsageGroup, _ key: AgentSeriesKey, unixNow: UInt64) {
        var tokens = group.tokens
        if !group.isExclusive { tokens[0] -= min(tokens[0], tokens[1] + tokens[2]) }
        for (place, type) in metrics.tokenTypes.enumerated() {
            metrics.llmTokens.add(
                tokens[place],
                AgentSeriesKey(
                    first: key.first, second: key.second, third: key.third, fourth: type),
                nil, now: unixNow)
        }
        guard !costTellers.contains(key.fourth), key.third > 0 else { return }
        var exact = ActivityTokens()
        exact.input = UInt64(tokens[0])
        exact.cacheRead = UInt64(tokens[1])
        exact.cacheWrite = UInt64(tokens[2])
        exact.output = UInt64(tokens[3])
        exact.reasoning = UInt64(tokens[4])
        // Several calls together: how long each was is unknown, so the price is that of short ones.
        guard let cost = cost(of: exact, model: key.third, provider: key.second, unixNow: unixNow)
        else {
            metrics.llmUnpricedCalls.add(
                1, AgentSeriesKey(first: key.second, second: key.third), nil, now: unixNow)
            return
        }
        metrics.llmCost.add(
            cost,
            AgentSeriesKey(
                first: key.first, second: key.fourth, third: key.second, fourth: key.third,
                fifth: metrics.computed), nil, now: unixNow)
    }
}

/// Tokens of one model that the points of one request tell.
private struct UsageGroup {
    let isExclusive: Bool
    var tokens = [Double](repeating: 0, count: 5)
}

extension AgentSignals.Fact {
    init(_ subject: NameMetric.Subject) { self = subject == .tools ? .tools : .calls }
}

/// A fact that waits for better ones.
struct HeldUsage: Sendable {
    let fact: UsageFact
    let source: AgentSignals.Source
    let amount: Double
    /// Monotonic nanoseconds.
    let arrived: UInt64
}

/// What has been counted of sums that go on rising, and what waits to be counted.
struct UsageStreams: Sendable {
    private struct Last: Sendable {
        var start: UInt64
        var time: UInt64
        var value: Double
        /// Monotonic nanoseconds.
        var heard: UInt64
    }

    private var last: [UInt64: Last] = [:]
    var held: [HeldUsage] = []
    static let mostHeld = 20_000
    private static let mostStreams = 50_000
    /// Monotonic nanoseconds after which a silent stream is forgotten when there are too many.
    private static let silence: UInt64 = 600_000_000_000
    /// Unix nanoseconds; what was used before then was used before anybody here counted.
    let began: UInt64

    init(began: UInt64) { self.began = began }

    /// What a point adds; nil when there is no room to know.
    mutating func amount(_ fact: UsageFact, now: UInt64) -> Double? {
        guard fact.isCumulative else { return fact.value }
        guard let known = last[fact.stream] else {
            if last.count >= Self.mostStreams {
                last = last.filter { now &- $0.value.heard < Self.silence }
                guard last.count < Self.mostStreams else { return nil }
            }
            note(fact, now)
            return fact.start >= began ? fact.value : 0
        }
        // Sent again, or overtaken by a later one.
        if fact.start == known.start, fact.time <= known.time { return 0 }
        if fact.start < known.start { return 0 }
        note(fact, now)
        // It began again: at a new start, or below what it was.
        let isAnew = fact.start > known.start || fact.value < known.value
        return isAnew ? fact.value : fact.value - known.value
    }

    private mutating func note(_ fact: UsageFact, _ now: UInt64) {
        last[fact.stream] = Last(
            start: fact.start, time: fact.time, value: fact.value, heard: now)
    }
}
