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
            let user = users == nil ? TextTable.none : userNumber(fact.user[...])
            held.append(
                HeldUsage(
                    fact, of: source, by: user, toldAs: owner(of: fact), amount, arrived: now,
                    texts: &metrics.texts))
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
            let told = AgentSignals.Fact(one.tells)
            if signals.leavesOutMetric(told, one.source, now: now) {
                metrics.events.disbelieved &+= 1
                continue
            }
            let status = one.isError ? metrics.error : metrics.ok
            let user = users == nil ? TextTable.none : one.user
            switch one.tells {
            case .tokens:
                let key = AgentSeriesKey(
                    first: one.agent, second: one.provider, third: one.model,
                    fourth: one.source.service, fifth: user)
                groups[key, default: UsageGroup(isExclusive: one.isExclusive)].add(one)
            case .cost:
                metrics.llmCost.add(
                    one.amount,
                    AgentSeriesKey(
                        first: one.agent, second: one.source.service, third: one.provider,
                        fourth: one.model, fifth: metrics.reported, sixth: user), nil,
                    now: unixNow)
                tellUsage(one, cost: one.amount)
            case .calls:
                metrics.llmCalls.add(
                    one.amount,
                    AgentSeriesKey(
                        first: one.agent, second: one.provider, third: one.model, fourth: status,
                        fifth: one.errorType, sixth: user), nil, now: unixNow)
                tellUsage(one, .llm, calls: one.amount)
            case .tools:
                metrics.toolCalls.add(
                    one.amount,
                    AgentSeriesKey(
                        first: one.agent, second: one.tool, third: status,
                        fourth: one.errorType), nil, now: unixNow)
                tellUsage(one, .tool, calls: one.amount)
            }
        }
        for (key, group) in groups { count(group, key, unixNow: unixNow) }
    }

    private mutating func count(_ group: UsageGroup, _ key: AgentSeriesKey, unixNow: UInt64) {
        let tokens = group.apart(group.tokens)
        for (place, type) in metrics.tokenTypes.enumerated() {
            metrics.llmTokens.add(
                tokens[place],
                AgentSeriesKey(
                    first: key.first, second: key.second, third: key.third, fourth: type,
                    fifth: key.fifth),
                nil, now: unixNow)
        }
        let cost = cost(of: group.exact(tokens), key, unixNow: unixNow)
        if let cost {
            metrics.llmCost.add(
                cost,
                AgentSeriesKey(
                    first: key.first, second: key.fourth, third: key.second, fourth: key.third,
                    fifth: metrics.computed, sixth: key.fifth), nil, now: unixNow)
        } else if key.third > 0, !costTellers.contains(key.fourth) {
            // As many as facts tell of.
            metrics.llmUnpricedCalls.add(
                Double(group.byOwner.count), AgentSeriesKey(first: key.second, second: key.third),
                nil, now: unixNow)
        }
        guard facts != nil else { return }
        for (owner, told) in group.byOwner {
            let exact = group.exact(group.apart(told))
            tellUsage(key, exact, of: owner, cost: self.cost(of: exact, key, unixNow: unixNow))
        }
    }

    /// What tokens cost whose cost nothing else tells; nil when it is told, or the price is unknown.
    /// Several calls together: how long each was is unknown, so the price is that of short ones.
    private func cost(
        of tokens: ActivityTokens, _ key: AgentSeriesKey, unixNow: UInt64
    ) -> Double? {
        guard !costTellers.contains(key.fourth), key.third > 0 else { return nil }
        return cost(of: tokens, model: key.third, provider: key.second, unixNow: unixNow)
    }

    /// Whose a point is, as facts call them.
    private mutating func owner(of fact: UsageFact) -> UsageOwner {
        guard facts != nil else { return UsageOwner() }
        return UsageOwner(
            session: facts?.identity(fact.session[...]) ?? 0,
            user: facts?.identity(fact.user[...]) ?? 0)
    }
}

/// A session and a user, as facts call them; 0 is none.
struct UsageOwner: Hashable, Sendable {
    var session: UInt64 = 0
    var user: UInt64 = 0
}

/// Tokens of one model that the points of one request tell.
private struct UsageGroup {
    let isExclusive: Bool
    private(set) var tokens = [Double](repeating: 0, count: 5)
    /// Those of each session and user.
    private(set) var byOwner: [UsageOwner: [Double]] = [:]

    init(isExclusive: Bool) { self.isExclusive = isExclusive }

    mutating func add(_ one: HeldUsage) {
        tokens[one.tokenType] += one.amount
        byOwner[one.owner, default: [Double](repeating: 0, count: 5)][one.tokenType] += one.amount
    }

    /// The same, none of them within another.
    func apart(_ tokens: [Double]) -> [Double] {
        var tokens = tokens
        if !isExclusive { tokens[0] -= min(tokens[0], tokens[1] + tokens[2]) }
        return tokens
    }

    func exact(_ tokens: [Double]) -> ActivityTokens {
        var exact = ActivityTokens()
        exact.input = UInt64(tokens[0])
        exact.cacheRead = UInt64(tokens[1])
        exact.cacheWrite = UInt64(tokens[2])
        exact.output = UInt64(tokens[3])
        exact.reasoning = UInt64(tokens[4])
        return exact
    }
}

extension AgentSignals.Fact {
    init(_ subject: NameMetric.Subject) { self = subject == .tools ? .tools : .calls }
}

/// A fact that waits for better ones. Names are numbers of texts.
struct HeldUsage: Sendable {
    let source: AgentSignals.Source
    let tells: NameMetric.Subject
    /// In the order of `ActivityTokens`.
    let tokenType: Int
    let isError: Bool
    let isExclusive: Bool
    let agent: Int32
    /// Of the text that stands for the user.
    let user: Int32
    let owner: UsageOwner
    let provider: Int32
    let model: Int32
    let tool: Int32
    let errorType: Int32
    let amount: Double
    /// Monotonic nanoseconds.
    let arrived: UInt64

    init(
        _ fact: UsageFact, of source: AgentSignals.Source, by user: Int32,
        toldAs owner: UsageOwner, _ amount: Double, arrived: UInt64, texts: inout TextTable
    ) {
        self.source = source
        self.user = user
        self.owner = owner
        tells = fact.tells
        tokenType = fact.tokenType
        isError = fact.isError
        isExclusive = fact.isExclusive
        agent = fact.agent.isEmpty ? source.service : texts.number(fact.agent[...])
        provider = texts.number(fact.provider[...])
        model = texts.number(fact.model[...])
        tool = texts.number(fact.tool[...])
        errorType = texts.number(fact.errorType[...])
        self.amount = amount
        self.arrived = arrived
    }
}

/// What has been counted of sums that go on rising, and what waits to be counted.
///
/// A stream is a series of one process: several that send the same labels have begun at other
/// times, and one that began again is another.
struct UsageStreams: Sendable {
    private struct Last: Sendable {
        /// Unix nanoseconds.
        var time: UInt64
        var value: Double
        /// Monotonic nanoseconds.
        var heard: UInt64
    }

    private var last: [UInt64: Last] = [:]
    /// Deltas counted lately, by stream and time.
    private var deltas = RecentSet(limit: 65_536)
    var held: [HeldUsage] = []
    static let mostHeld = 20_000
    private static let mostStreams = 50_000
    /// Monotonic nanoseconds after which a silent stream is forgotten when there are too many, and
    /// between two looks for such.
    private static let silence: UInt64 = 600_000_000_000
    private static let betweenLooks: UInt64 = 10_000_000_000
    private var lookedAt: UInt64 = 0
    /// Unix nanoseconds; what was used before then was used before anybody here counted.
    let began: UInt64

    init(began: UInt64) { self.began = began }

    /// What a point adds; nil when there is no room to know.
    mutating func amount(_ fact: UsageFact, now: UInt64) -> Double? {
        let stream = IdIndex.mix(fact.stream, fact.start)
        guard fact.isCumulative else {
            // Without a time nothing tells one from the next.
            guard fact.time != 0 else { return fact.value }
            return deltas.insert(IdIndex.mix(stream, fact.time)) ? fact.value : 0
        }
        let latest = Last(time: fact.time, value: fact.value, heard: now)
        guard let known = last[stream] else {
            if last.count >= Self.mostStreams {
                guard lookedAt == 0 || now &- lookedAt >= Self.betweenLooks else { return nil }
                lookedAt = now
                last = last.filter { now &- $0.value.heard < Self.silence }
                guard last.count < Self.mostStreams else { return nil }
            }
            last[stream] = latest
            return fact.start >= began ? fact.value : 0
        }
        // Sent again, or overtaken by a later one.
        if fact.time <= known.time { return 0 }
        last[stream] = latest
        // Below what it was it began again, whatever it says.
        return fact.value < known.value ? fact.value : fact.value - known.value
    }
}
