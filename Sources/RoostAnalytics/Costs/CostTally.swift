import RoostIngest

/// What was spent, and on how much. A plain value.
struct CostTally: Sendable, Equatable {
    /// USD whose amount is known.
    var cost = 0.0
    /// The part of it that went to calls that failed.
    var failedCost = 0.0
    /// The part of it that went to calls with short outputs.
    var shortCost = 0.0
    var tokens = ActivityTokens()
    var calls: UInt32 = 0
    var failed: UInt32 = 0
    var short: UInt32 = 0
    /// Accounts with a known cost, and with tokens whose price is unknown.
    var priced: UInt32 = 0
    var unpriced: UInt32 = 0
    /// Runs of an agent, in its own tally; everywhere else runs of workflows.
    var runs: UInt32 = 0

    static var run: CostTally {
        var tally = CostTally()
        tally.runs = 1
        return tally
    }

    /// Outputs of at most so many tokens are short.
    static let shortOutput: UInt64 = 64

    var isEmpty: Bool { self == CostTally() }

    @inline(__always)
    init() {}

    @inline(__always)
    init(_ fact: AgentFact) {
        tokens = fact.tokens
        calls = fact.calls
        let isFailed = fact.status == .error && fact.kind == .ended
        if isFailed { failed = 1 }
        let accounts = max(1, fact.calls)
        if fact.cost.isFinite {
            cost = fact.cost
            priced = accounts
            if isFailed { failedCost = cost }
        } else if fact.isUnpriced {
            unpriced = accounts
        }
        let output = fact.tokens.output &+ fact.tokens.reasoning
        if fact.kind == .ended, !isFailed, output > 0, output <= CostTally.shortOutput {
            short = 1
            shortCost = cost
        }
    }

    @inline(__always)
    mutating func add(_ other: CostTally) {
        cost += other.cost
        failedCost += other.failedCost
        shortCost += other.shortCost
        tokens.add(other.tokens)
        calls &+= other.calls
        failed &+= other.failed
        short &+= other.short
        priced &+= other.priced
        unpriced &+= other.unpriced
        runs &+= other.runs
    }

    /// Tokens that were read, wherever from.
    var inputTokens: UInt64 { tokens.input &+ tokens.cacheRead &+ tokens.cacheWrite }
    /// Tokens that were written; none where a model only makes embeddings.
    var outputTokens: UInt64 { tokens.output &+ tokens.reasoning }
}

/// What one key spent, by hour of the last days and by day of the last weeks.
struct CostHistory: Sendable, Equatable {
    /// Hours or days since 1970, in UTC.
    struct Bucket: Sendable, Equatable {
        var index: UInt32
        var tally: CostTally
    }

    /// Ascending.
    private(set) var hours: [Bucket] = []
    private(set) var days: [Bucket] = []

    static let mostHours: UInt32 = 50
    static let mostDays: UInt32 = 63

    var isEmpty: Bool { days.isEmpty }

    mutating func add(_ tally: CostTally, hour: UInt32) {
        CostHistory.add(tally, hour, to: &hours)
        CostHistory.add(tally, hour / 24, to: &days)
    }

    mutating func add(_ other: CostHistory) {
        for bucket in other.hours { CostHistory.add(bucket.tally, bucket.index, to: &hours) }
        for bucket in other.days { CostHistory.add(bucket.tally, bucket.index, to: &days) }
    }

    mutating func setDay(_ index: UInt32, _ tally: CostTally) {
        CostHistory.add(tally, index, to: &days)
    }

    mutating func setHour(_ index: UInt32, _ tally: CostTally) {
        CostHistory.add(tally, index, to: &hours)
    }

    private static func add(_ tally: CostTally, _ index: UInt32, to buckets: inout [Bucket]) {
        var place = buckets.count
        while place > 0, buckets[place - 1].index > index { place -= 1 }
        if place > 0, buckets[place - 1].index == index {
            buckets[place - 1].tally.add(tally)
        } else {
            buckets.insert(Bucket(index: index, tally: tally), at: place)
        }
    }

    /// Forgets what is too old, and what a clock that ran ahead left in the future.
    mutating func prune(hour: UInt32) {
        hours.removeAll { hour > $0.index &+ CostHistory.mostHours || $0.index > hour &+ 1 }
        let day = hour / 24
        days.removeAll { day > $0.index &+ CostHistory.mostDays || $0.index > day &+ 1 }
    }

    func sum(days range: ClosedRange<UInt32>) -> CostTally {
        CostHistory.sum(days, range)
    }

    func sum(hours range: ClosedRange<UInt32>) -> CostTally {
        CostHistory.sum(hours, range)
    }

    private static func sum(_ buckets: [Bucket], _ range: ClosedRange<UInt32>) -> CostTally {
        var sum = CostTally()
        for bucket in buckets where range.contains(bucket.index) { sum.add(bucket.tally) }
        return sum
    }

    /// USD of one hour.
    func cost(hour: UInt32) -> Double {
        hours.last { $0.index == hour }?.tally.cost ?? 0
    }
}
