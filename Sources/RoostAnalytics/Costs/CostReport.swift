public import RoostIngest

/// The stretch of time that a report of costs is about; days are UTC's.
public enum CostPeriod: String, Sendable, CaseIterable {
    /// This hour and the 23 before.
    case day = "24h"
    /// Today and the 6 days before.
    case week = "7d"
    /// Today and the 29 days before.
    case month = "30d"
    /// Since the first of this month.
    case calendarMonth = "month"
}

/// What something cost.
public struct CostFigures: Sendable, Equatable {
    /// USD; nil when no cost is known.
    public let cost: Double?
    public let tokens: ActivityTokens
    public let calls: UInt64
    public let failedCalls: UInt64
    /// USD that went to failed calls, as far as it is known.
    public let failedCost: Double
    /// Calls with tokens whose price is unknown: what they cost is in no sum.
    public let unpricedCalls: UInt64
    /// Of an agent its own runs, else those of workflows; see `CostDimension.hasRuns`.
    public let runs: UInt64

    init(_ tally: CostTally) {
        cost = tally.priced > 0 ? tally.cost : nil
        tokens = tally.tokens
        calls = UInt64(tally.calls)
        failedCalls = UInt64(tally.failed)
        failedCost = tally.failedCost
        unpricedCalls = UInt64(tally.unpriced)
        runs = UInt64(tally.runs)
    }

    /// USD a run; nil without runs or known costs.
    public var costPerRun: Double? {
        guard let cost, runs > 0 else { return nil }
        return cost / Double(runs)
    }
}

/// One stretch of time against the one before, in USD.
public struct CostTrend: Sendable, Equatable {
    public let current: Double
    public let before: Double
    /// 0.5 is half as much again; nil when nothing was spent before.
    public var change: Double? { before > 0 ? current / before - 1 : nil }
}

/// A spender among others.
public struct CostShare: Sendable {
    public let name: String
    public let figures: CostFigures
    /// Of the whole cost of the period; nil when none is known.
    public let share: Double?
    /// The last 24 hours; nil while less than 48 are known.
    public let trend: CostTrend?
}

/// A model whose calls have no known price.
public struct UnpricedModel: Sendable {
    public let model: String
    public let provider: String
    public let calls: UInt64
    public let tokens: UInt64
}

/// What reading from the provider's cache was good for.
public struct CacheFigures: Sendable, Equatable {
    public let readTokens: UInt64
    /// Of all that models read; nil when they read nothing.
    public let share: Double?
    /// USD, less what writing to the cache cost; nil when no price is known.
    public let savings: Double?
}

/// The answer to a question about costs.
public struct CostReport: Sendable {
    public let period: CostPeriod
    /// Unix nanoseconds.
    public let time: UInt64
    /// When the period began, or what is known of it.
    public let from: UInt64
    public let total: CostFigures
    public let lifetime: CostFigures
    /// Unix nanoseconds of the first start; 0 before.
    public let since: UInt64
    /// Nil while less than 48 hours, or 15 days, are known.
    public var dayTrend: CostTrend?
    public var weekTrend: CostTrend?
    /// The dearest first; names that share no cost by tokens.
    public var groups: [CostDimension: [CostShare]] = [:]
    /// How many there are of each, beyond those listed too.
    public var counts: [CostDimension: Int] = [:]
    public var forecast: CostForecast?
    /// Complete days that are known; fewer than three make no forecast.
    public var completeDays = 0
    public var unpriced: [UnpricedModel] = []
    public var cache: CacheFigures
    public var advice: [CostAdvice] = []
    /// Days of the last month with what they cost, the oldest first.
    public var days: [(day: UInt32, figures: CostFigures)] = []
}
